-- The channels through which customers first came, for the picker.
-- grain: one row per channel of the first order
-- parameters: none
select channel, cast(sum(n_cohort) as bigint) as n_customers,
from marts.cohort_channels
where month_number = 0
group by channel
order by n_customers desc, channel
