-- How cohorts come back on average, weighted by their size. Only cohorts whose month is over count.
-- grain: one row per month number that at least one cohort has completed
-- parameters: $channel channel of the first order, or NULL for all
with
    cells as (
        select
            month_number,
            n_cohort,
            buyers,
            buyers_or_later,
            revenue,
            margin,
            capped_revenue,
            base_revenue,
            capped_base_revenue,
            cumulative_revenue,
            cumulative_margin,
        from marts.cohort_retention
        where cast($channel as varchar) is null and not is_running
        union all
        select
            month_number,
            n_cohort,
            buyers,
            buyers_or_later,
            revenue,
            margin,
            capped_revenue,
            base_revenue,
            capped_base_revenue,
            cumulative_revenue,
            cumulative_margin,
        from marts.cohort_channels
        where channel = $channel and not is_running
    )
select
    month_number,
    count(*) as n_cohorts,  -- that have completed the month
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
from cells
group by month_number
order by month_number
