-- Nothing dated on or after the as-of date is in the tables.
-- grain: one row per table with such rows
-- parameters: $as_of date, first day that is not known
with
    newest as (
        select 'core.order_lines' as table_name, max(order_ts) as newest_ts,
        from core.order_lines
        union all
        select 'core.orders' as table_name, max(order_ts) as newest_ts,
        from core.orders
        union all
        select 'core.cart_events' as table_name, max(event_ts) as newest_ts,
        from core.cart_events
        union all
        select 'core.campaigns' as table_name, max(sent_ts) as newest_ts,
        from core.campaigns
        union all
        select
            'marts.customers' as table_name, cast(max(last_order_date) as timestamp) as newest_ts,
        from marts.customers
        union all
        select 'marts.revenue_daily' as table_name, cast(max(day) as timestamp) as newest_ts,
        from marts.revenue_daily
    )
select table_name, newest_ts,
from newest
where newest_ts >= cast($as_of as timestamp)
order by table_name
