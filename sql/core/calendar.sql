-- All days, weeks and months from the first order line to the as-of date, so that a period
-- without orders is a zero and not a gap.
-- grain: one row per grain (day, week, month) and period
-- parameters: $as_of date, first day that is not known
with
    bounds as (
        select min(period_start) as first_day, cast($as_of - interval 1 day as date) as last_day,
        from core.activity
        where grain = 'day'
    ),

    days as (
        select cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as day,
        from bounds
    ),

    periods as (
        select
            'day' as grain, day as period_start, cast(day + interval 1 day as date) as period_end,
        from days
        union
        select
            'week' as grain,
            cast(date_trunc('week', day) as date) as period_start,
            cast(date_trunc('week', day) + interval 7 day as date) as period_end,
        from days
        union
        select
            'month' as grain,
            cast(date_trunc('month', day) as date) as period_start,
            cast(date_trunc('month', day) + interval 1 month as date) as period_end,
        from days
    )
select
    grain,  -- day, week or month
    period_start,  -- its first day
    period_end,  -- first day after the period
    period_end > $as_of as is_running,  -- not over yet at the as-of date
from periods
order by grain, period_start
