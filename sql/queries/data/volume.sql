-- Is as much coming in as usual? Orders of each week beside the median of the eight weeks before
-- it.
-- grain: one row per week
-- parameters: none
with
    weeks as (
        select
            period_start,
            period_end,
            is_running,
            n_orders,
            n_customers,
            revenue,
            median(n_orders) over (
                order by period_start rows between 8 preceding and 1 preceding
            ) as usual_orders,
            count(*) over (
                order by period_start rows between 8 preceding and 1 preceding
            ) as n_weeks_before,
        from marts.activity
        where grain = 'week'
    )
select
    period_start,
    period_end,  -- first day after it
    is_running,
    n_orders,
    n_customers,
    revenue,
    case when n_weeks_before >= 4 then usual_orders end as usual_orders,  -- NULL in the first four weeks
    case
        when n_weeks_before >= 4 and not is_running
        then n_orders < 0.5e0 * usual_orders or n_orders > 2e0 * usual_orders
        else false
    end as is_unusual,  -- less than half or more than twice the usual
from weeks
order by period_start
