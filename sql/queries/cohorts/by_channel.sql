-- Do customers of some channels come back more often? Averages over cohorts, weighted by their
-- size; only cohorts whose month is over count.
-- grain: one row per channel of the first order and month number
-- parameters: none
select
    channel,
    month_number,
    count(*) as n_cohorts,
    cast(sum(n_cohort) as bigint) as n_customers,  -- of these cohorts
    cast(sum(buyers) as bigint) as buyers,  -- of them, in the month
    cast(sum(buyers_or_later) as bigint) as buyers_or_later,  -- of them, in the month or later
    cast(sum(buyers) as double) / nullif(cast(sum(n_cohort) as double), 0e0) as bought_share,
    cast(sum(buyers_or_later) as double)
    / nullif(cast(sum(n_cohort) as double), 0e0) as bought_or_later_share,
    sum(margin) / nullif(cast(sum(n_cohort) as double), 0e0) as margin_per_customer,  -- of the month
    sum(revenue) / nullif(round(sum(base_revenue), 4), 0e0) as net_revenue_retention,
    sum(capped_revenue)
    / nullif(round(sum(capped_base_revenue), 4), 0e0) as gross_revenue_retention,
    sum(cumulative_revenue)
    / nullif(cast(sum(n_cohort) as double), 0e0) as cumulative_revenue_per_customer,
    sum(cumulative_margin)
    / nullif(cast(sum(n_cohort) as double), 0e0) as cumulative_margin_per_customer,
from marts.cohort_channels
where not is_running
group by channel, month_number
order by channel, month_number
