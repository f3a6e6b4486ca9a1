-- Do newer customers come back as often as older ones did? The newest six cohorts that have
-- completed the month, and the six before them.
-- grain: one row per month number 1, 2, 3, 6 that more than one cohort has completed
-- parameters: $channel channel of the first order, or NULL for all
with
    cells as (
        select cohort_month, month_number, n_cohort, buyers,
        from marts.cohort_retention
        where cast($channel as varchar) is null and not is_running and month_number in (1, 2, 3, 6)
        union all
        select cohort_month, month_number, n_cohort, buyers,
        from marts.cohort_channels
        where channel = $channel and not is_running and month_number in (1, 2, 3, 6)
    ),

    places as (
        select
            month_number,
            n_cohort,
            buyers,
            row_number() over (partition by month_number order by cohort_month desc) as place,
        from cells
    ),

    sums as (
        select
            month_number,
            count(case when place <= 6 then 1 end) as n_newer_cohorts,
            count(case when place > 6 then 1 end) as n_older_cohorts,
            sum(case when place <= 6 then n_cohort end) as n_newer,
            sum(case when place <= 6 then buyers end) as newer_buyers,
            sum(case when place > 6 then n_cohort end) as n_older,
            sum(case when place > 6 then buyers end) as older_buyers,
        from places
        where place <= 12
        group by month_number
    )
select
    month_number,
    n_newer_cohorts,
    n_older_cohorts,
    cast(newer_buyers as bigint) as newer_buyers,  -- of the newest cohorts, in the month
    cast(newer_buyers as double) / nullif(cast(n_newer as double), 0e0) as newer_share,
    cast(older_buyers as double) / nullif(cast(n_older as double), 0e0) as older_share,  -- NULL: none is so old
    cast(newer_buyers as double) / nullif(cast(n_newer as double), 0e0)
    - cast(older_buyers as double) / nullif(cast(n_older as double), 0e0) as difference,
from sums
where n_newer > 0
order by month_number
