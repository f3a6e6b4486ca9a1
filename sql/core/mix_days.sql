-- Revenue by channel and by category for each day, as parts that add up over the buckets.
-- grain: one row per bucket, day, dimension (channel, category) and member
-- parameters: $bucket, part of the customers
-- layout: bucketed
with
    members as (
        select
            customer_id,
            order_id,
            order_date,
            'channel' as dimension,
            coalesce(channel, 'Unknown') as member,
            sum(amount) as amount,
            sum(margin) as margin,
            max(is_purchase) as is_purchase,
        from core.order_lines
        where bucket = $bucket
        group by all
        union all
        select
            customer_id,
            order_id,
            order_date,
            'category' as dimension,
            coalesce(category, 'Unknown') as member,
            sum(amount) as amount,
            sum(margin) as margin,
            max(is_purchase) as is_purchase,
        from core.order_lines
        where bucket = $bucket
        group by all
    )
select
    $bucket as bucket,
    order_date as day,
    dimension,  -- channel or category
    member,  -- which one
    round(sum(amount), 4) as revenue,
    round(sum(margin), 4) as margin,
    count(case when is_purchase then 1 end) as n_orders,  -- with a line of this member
from members
group by order_date, dimension, member
order by order_date, dimension, member
