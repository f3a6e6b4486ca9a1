-- What share of the customers won in earlier months bought again in each month.
-- grain: one row per calendar month, from the second on
-- parameters: none
select
    activity_month,
    max(is_running) as is_running,  -- the month is not over
    cast(sum(n_cohort) as bigint) as n_earlier_customers,
    cast(sum(buyers) as bigint) as n_returning,
    cast(sum(buyers) as double) / nullif(cast(sum(n_cohort) as double), 0e0) as returning_share,
    round(sum(revenue), 4) as returning_revenue,  -- net
from marts.cohort_retention
where month_number >= 1
group by activity_month
order by activity_month
