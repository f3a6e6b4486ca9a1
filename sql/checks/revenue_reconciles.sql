-- Net revenue is the same, to the cent, in the landed rows, the order lines, the orders and every
-- mart.
-- grain: one row per table whose revenue differs from that of the landed rows
-- parameters: $as_of date, first day that is not known
with
    landed as (
        select
            coalesce(
                sum(case when is_return and amount > 0e0 then - amount else amount end), 0e0
            ) as revenue,
            coalesce(sum(abs(amount)), 0e0) as size,
        from landing.transactions
        where order_ts < cast($as_of as timestamp)
    ),

    totals as (
        select 'core.order_lines' as table_name, coalesce(sum(amount), 0e0) as revenue,
        from core.order_lines
        union all
        select 'core.orders' as table_name, coalesce(sum(amount), 0e0) as revenue,
        from core.orders
        union all
        select 'marts.customers' as table_name, coalesce(sum(revenue), 0e0) as revenue,
        from marts.customers
        union all
        select 'marts.segments' as table_name, coalesce(sum(revenue), 0e0) as revenue,
        from marts.segments
        union all
        select
            concat('marts.activity by ', grain) as table_name,
            coalesce(sum(revenue), 0e0) as revenue,
        from marts.activity
        group by grain
        union all
        select
            concat('marts.revenue_mix by ', dimension) as table_name,
            coalesce(sum(revenue), 0e0) as revenue,
        from marts.revenue_mix
        group by dimension
        union all
        select 'marts.revenue_monthly' as table_name, coalesce(sum(revenue), 0e0) as revenue,
        from marts.revenue_monthly
    )
select totals.table_name, totals.revenue, landed.revenue as landed_revenue,
from totals
cross join landed
-- sums of binary fractions differ by the order of adding
where abs(totals.revenue - landed.revenue) > 0.005e0 + 1e-9 * landed.size
order by totals.table_name
