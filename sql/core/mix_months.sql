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

    -- an order that is continued in a second month is still one order
    continued as (
        select distinct customer_id, order_id,
        from core.orders
        where bucket = $bucket and is_purchase and purchase_number is null
    ),

    starts as (
        select
            orders.customer_id,
            orders.order_id,
            orders.channel,
            orders.category,
            min(orders.order_month) as first_month,
        from orders
        inner join
            continued
            on continued.customer_id = orders.customer_id
            and continued.order_id = orders.order_id
        where orders.is_purchase
        group by all
    ),

    customers as (
        select
            orders.customer_id,
            orders.order_month,
            orders.channel,
            orders.category,
            sum(orders.amount) as amount,
            sum(orders.margin) as margin,
            max(orders.is_purchase) as is_buyer,
            count(
                case
                    when
                        orders.is_purchase
                        and orders.order_month = coalesce(starts.first_month, orders.order_month)
                    then 1
                end
            ) as n_orders,
        from orders
        left join
            starts
            on starts.customer_id = orders.customer_id
            and starts.order_id = orders.order_id
            and starts.channel = orders.channel
            and starts.category = orders.category
        group by orders.customer_id, orders.order_month, orders.channel, orders.category
    )
select
    $bucket as bucket,
    order_month,
    channel,
    category,
    round(sum(amount), 4) as revenue,
    round(sum(margin), 4) as margin,
    cast(sum(n_orders) as bigint) as n_orders,  -- with a line of both, in the first month that has one
    count(case when is_buyer then 1 end) as n_customers,
from customers
group by order_month, channel, category
order by order_month, channel, category
