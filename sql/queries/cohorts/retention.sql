-- Do newer customers come back as often, and spend as much, as older ones did? All modes of the
-- heat map.
-- grain: one row per cohort month and month number that has begun; one that has not has no row
-- parameters: $channel channel of the first order, or NULL for all
with
    cells as (
        select
            cohort_month,
            month_number,
            activity_month,
            is_running,
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
        where cast($channel as varchar) is null
        union all
        select
            cohort_month,
            month_number,
            activity_month,
            is_running,
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
        where channel = $channel
    )
select
    cohort_month,
    month_number,  -- 0 is the month of the first purchase
    activity_month,
    is_running,  -- the month is not over: the cell will still grow
    n_cohort,
    buyers,
    cast(buyers as double) / nullif(cast(n_cohort as double), 0e0) as bought_share,  -- in the month
    buyers_or_later,
    cast(buyers_or_later as double)
    / nullif(cast(n_cohort as double), 0e0) as bought_or_later_share,  -- in the month or later
    revenue,  -- net, in the month
    margin,
    margin / nullif(cast(n_cohort as double), 0e0) as margin_per_customer,  -- of the month, per customer of the cohort
    revenue / nullif(base_revenue, 0e0) as net_revenue_retention,  -- of the revenue of month 0
    capped_revenue / nullif(capped_base_revenue, 0e0) as gross_revenue_retention,  -- each customer at most at their month 0
    cumulative_revenue,
    cumulative_revenue / nullif(cast(n_cohort as double), 0e0) as cumulative_revenue_per_customer,
    cumulative_margin / nullif(cast(n_cohort as double), 0e0) as cumulative_margin_per_customer,
from cells
order by cohort_month, month_number
