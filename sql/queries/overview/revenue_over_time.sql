-- Net revenue over the period and over the equally long period before it, laid over each other:
-- by day up to 92 days, by week up to two years, else by month. The points add up to the
-- headline.
-- grain: one row per day, week or month of the period
-- parameters: $from_date first day, $to_date first day after the period
with
    bounds as (
        select
            cast($from_date as date) as from_date,
            cast($to_date as date) as to_date,
            date_diff('day', cast($from_date as date), cast($to_date as date)) as n_days,
    ),

    spans as (
        select
            from_date,
            to_date,
            n_days,
            from_date - cast(n_days as integer) as previous_from_date,
            case
                when n_days <= 92 then 'day' when n_days <= 731 then 'week' else 'month'
            end as grain,
        from bounds
    ),

    first_days as (select min(period_start) as first_day, from marts.activity where grain = 'day'),

    -- days of the period before are moved onto the days of this one
    days as (
        select
            activity.period_start >= spans.from_date as is_current,
            case
                when activity.period_start >= spans.from_date
                then activity.period_start
                else activity.period_start + cast(spans.n_days as integer)
            end as day,
            spans.grain,
            spans.from_date,
            spans.previous_from_date,
            activity.revenue,
            activity.margin,
            activity.n_orders,
        from marts.activity as activity
        cross join spans
        where
            activity.grain = 'day'
            and activity.period_start >= spans.previous_from_date
            and activity.period_start < spans.to_date
    ),

    periods as (
        select
            *,
            greatest(
                from_date,
                case
                    when grain = 'day'
                    then day
                    when grain = 'week'
                    then cast(date_trunc('week', day) as date)
                    else cast(date_trunc('month', day) as date)
                end
            ) as period_start,
        from days
    )
select
    max(periods.grain) as grain,
    periods.period_start,
    max(periods.day) as last_day,  -- last known day in the point; the first and last point can be shorter than the others
    round(sum(case when periods.is_current then periods.revenue else 0e0 end), 4) as revenue,
    round(sum(case when periods.is_current then periods.margin else 0e0 end), 4) as margin,
    cast(sum(case when periods.is_current then periods.n_orders else 0 end) as bigint) as n_orders,
    case
        when max(periods.previous_from_date) >= max(first_days.first_day)
        then round(sum(case when periods.is_current then 0e0 else periods.revenue end), 4)
    end as previous_revenue,  -- NULL where the period before is not wholly known
from periods
cross join first_days
group by periods.period_start
order by periods.period_start
