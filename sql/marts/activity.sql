-- How much happened in each day, week and month; periods without orders are zeros.
-- grain: one row per grain (day, week, month) and period
-- parameters: none
with
    summed as (
        select
            grain,
            period_start,
            sum(revenue) as revenue,
            sum(gross_revenue) as gross_revenue,
            sum(return_revenue) as return_revenue,
            sum(margin) as margin,
            sum(n_orders) as n_orders,
            sum(n_customers) as n_customers,
            sum(n_new_customers) as n_new_customers,
            sum(n_repeat_customers) as n_repeat_customers,
            sum(tenure_days) as tenure_days,
        from core.activity
        group by grain, period_start
    )
select
    calendar.grain,  -- day, week or month
    calendar.period_start,  -- its first day
    calendar.period_end,
    calendar.is_running,
    round(coalesce(summed.revenue, 0e0), 4) as revenue,  -- net of returns
    round(coalesce(summed.gross_revenue, 0e0), 4) as gross_revenue,  -- before returns
    round(coalesce(summed.return_revenue, 0e0), 4) as return_revenue,  -- zero or negative
    round(coalesce(summed.margin, 0e0), 4) as margin,
    cast(coalesce(summed.n_orders, 0) as bigint) as n_orders,
    cast(coalesce(summed.n_customers, 0) as bigint) as n_customers,  -- who bought in the period
    cast(coalesce(summed.n_new_customers, 0) as bigint) as n_new_customers,  -- whose first purchase is in the period
    cast(coalesce(summed.n_repeat_customers, 0) as bigint) as n_repeat_customers,  -- with two orders or more by the end of the period
    cast(coalesce(summed.tenure_days, 0) as bigint) as tenure_days,  -- added up over the customers
from core.calendar as calendar
left join summed on summed.grain = calendar.grain and summed.period_start = calendar.period_start
order by calendar.grain, calendar.period_start
