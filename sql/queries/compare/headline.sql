-- What two builds say about the shop, side by side.
-- grain: one row per metric
-- parameters: $horizon_days, the primary horizon
with
    sides as (
        select
            'before' as side,
            cast(count(first_order_date) as double) as n_customers,
            cast(count(case when n_orders >= 2 then 1 end) as double) as n_repeat_customers,
            cast(coalesce(sum(n_orders), 0) as double) as n_orders,
            round(coalesce(sum(revenue), 0e0), 4) as revenue,
            round(coalesce(sum(margin), 0e0), 4) as margin,
            round(coalesce(sum(revenue_365d), 0e0), 4) as revenue_365d,
            round(
                sum(case when horizon_days = $horizon_days then expected_revenue end), 4
            ) as expected_revenue,
            avg(
                case when horizon_days = $horizon_days then expected_revenue end
            ) as expected_per_customer,
            sum(p_alive) as expected_alive,
            cast(count(case when r <= 2 and (f >= 3 or r = 2) then 1 end) as double) as n_slipping,
        from earlier.marts.customers
        union all
        select
            'present' as side,
            cast(count(first_order_date) as double) as n_customers,
            cast(count(case when n_orders >= 2 then 1 end) as double) as n_repeat_customers,
            cast(coalesce(sum(n_orders), 0) as double) as n_orders,
            round(coalesce(sum(revenue), 0e0), 4) as revenue,
            round(coalesce(sum(margin), 0e0), 4) as margin,
            round(coalesce(sum(revenue_365d), 0e0), 4) as revenue_365d,
            round(
                sum(case when horizon_days = $horizon_days then expected_revenue end), 4
            ) as expected_revenue,
            avg(
                case when horizon_days = $horizon_days then expected_revenue end
            ) as expected_per_customer,
            sum(p_alive) as expected_alive,
            cast(count(case when r <= 2 and (f >= 3 or r = 2) then 1 end) as double) as n_slipping,
        from marts.customers
    ),

    metrics as (
        select 1 as place, 'n_customers' as metric, 'count' as unit, side, n_customers as value,
        from sides
        union all
        select 2, 'n_repeat_customers', 'count', side, n_repeat_customers,
        from sides
        union all
        select 3, 'n_orders', 'count', side, n_orders,
        from sides
        union all
        select 4, 'revenue', 'money', side, revenue,
        from sides
        union all
        select 5, 'margin', 'money', side, margin,
        from sides
        union all
        select 6, 'revenue_365d', 'money', side, revenue_365d,
        from sides
        union all
        select 7, 'expected_revenue', 'money', side, expected_revenue,
        from sides
        union all
        select 8, 'expected_per_customer', 'money', side, expected_per_customer,
        from sides
        union all
        select 9, 'expected_alive', 'count', side, expected_alive,
        from sides
        union all
        select 10, 'n_slipping', 'count', side, n_slipping,
        from sides
    ),

    beside as (
        select
            place,
            metric,
            max(unit) as unit,
            max(case when side = 'before' then value end) as before_value,
            max(case when side = 'present' then value end) as present_value,
        from metrics
        group by place, metric
    )
select
    metric,
    unit,  -- count, money
    before_value,  -- NULL: that build has no predictions, or none over this horizon
    present_value,
    present_value - before_value as difference,
    case when before_value > 0e0 then present_value / nullif(before_value, 0e0) - 1e0 end as change,  -- relative
    place,
from beside
order by place
