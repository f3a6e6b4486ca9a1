-- Revenue, orders and customers by month, channel and category, as parts that add up over the
-- buckets.
-- grain: one row per bucket, month, channel and category
-- parameters: $bucket, part of the customers
-- layout: bucketed
with
    orders as (
        select
            customer_id,
            order_id,
            cast(date_trunc('month', order_date) as date) as order_month,
            coalesce(channel, 'Unknown') as channel,
            coalesce(category, 'Unknown') as category,
            sum(amount) as amount,
            sum(margin) as margin,
            max(is_purchase) as is_purchase,
        from core.order_lines
        where bucket = $bucket
        group by all
    ),

    customers as (
        select
            customer_id,
            order_month,
            channel,
            category,
            sum(amount) as amount,
            sum(margin) as margin,
            count(case when is_purchase then 1 end) as n_orders,
        from orders
        group by customer_id, order_month, channel, category
    )
select
    $bucket as bucket,
    order_month,
    channel,
    category,
    round(sum(amount), 4) as revenue,
    round(sum(margin), 4) as margin,
    cast(sum(n_orders) as bigint) as n_orders,
    count(case when n_orders > 0 then 1 end) as n_customers,
from customers
group by order_month, channel, category
order by order_month, channel, category
