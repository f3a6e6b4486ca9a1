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
    ),

    -- an order that is continued on a second day is still one order
    continued as (
        select distinct customer_id, order_id,
        from core.orders
        where bucket = $bucket and is_purchase and purchase_number is null
    ),

    starts as (
        select
            members.customer_id,
            members.order_id,
            members.dimension,
            members.member,
            min(members.order_date) as first_date,
        from members
        inner join
            continued
            on continued.customer_id = members.customer_id
            and continued.order_id = members.order_id
        where members.is_purchase
        group by all
    )
select
    $bucket as bucket,
    members.order_date as day,
    members.dimension,  -- channel or category
    members.member,  -- which one
    round(sum(members.amount), 4) as revenue,
    round(sum(members.margin), 4) as margin,
    count(
        case
            when
                members.is_purchase
                and members.order_date = coalesce(starts.first_date, members.order_date)
            then 1
        end
    ) as n_orders,  -- with a line of this member, on the first day that has one
from members
left join
    starts
    on starts.customer_id = members.customer_id
    and starts.order_id = members.order_id
    and starts.dimension = members.dimension
    and starts.member = members.member
group by members.order_date, members.dimension, members.member
order by members.order_date, members.dimension, members.member
