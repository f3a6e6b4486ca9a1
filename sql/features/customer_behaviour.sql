-- How each customer buys: what personas are derived from.
-- grain: one row per customer with a purchase before $as_of
-- parameters: $as_of date, first day that is not known; $bucket
-- layout: bucketed
with
    known as (
        select
            customer_id,
            order_date,
            amount,
            discount,
            coalesce(category, 'Unknown') as category,
            coalesce(channel, 'Unknown') as channel,
            gap_days,
            is_new_day,
            purchase_number,
        from core.orders
        where bucket = $bucket and order_ts < cast($as_of as timestamp)
    ),

    totals as (
        select
            customer_id,
            date_diff(
                'day', min(case when purchase_number is not null then order_date end), $as_of
            ) as tenure_days,
            date_diff(
                'day', max(case when purchase_number is not null then order_date end), $as_of
            ) as recency_days,
            count(purchase_number) as n_orders,
            sum(amount) as revenue,
            count(
                case when purchase_number is not null and discount > 0e0 then 1 end
            ) as n_discounted,
            count(case when is_new_day then gap_days end) as n_gaps,
            avg(case when is_new_day then cast(gap_days as double) end) as gap_mean_days,
            stddev_pop(case when is_new_day then cast(gap_days as double) end) as gap_std_days,
        from known
        group by customer_id
        having count(purchase_number) > 0
    ),

    by_category as (
        select customer_id, category, count(purchase_number) as n_orders,
        from known
        where purchase_number is not null
        group by customer_id, category
    ),

    categories as (
        select customer_id, max(n_orders) as n_in_main_category, count(*) as n_categories,
        from by_category
        group by customer_id
    ),

    by_channel as (
        select customer_id, channel, count(purchase_number) as n_orders,
        from known
        where purchase_number is not null
        group by customer_id, channel
    ),

    channels as (
        select customer_id, channel as main_channel, n_orders as n_in_main_channel,
        from by_channel
        qualify row_number() over (partition by customer_id order by n_orders desc, channel) = 1
    )
select
    totals.customer_id,
    totals.tenure_days,  -- since the first purchase
    totals.recency_days,  -- since the last purchase
    totals.n_orders,
    round(totals.revenue, 4) as revenue,  -- net, to date
    totals.n_discounted,  -- orders with a discount
    totals.n_gaps,  -- pauses between purchase days
    totals.gap_mean_days,
    totals.gap_std_days,
    categories.n_categories,  -- main categories of the orders
    totals.n_orders - categories.n_in_main_category as n_other_category,  -- orders outside the favourite one
    channels.main_channel,
    totals.n_orders - channels.n_in_main_channel as n_other_channel,  -- orders outside the main channel
from totals
inner join categories on categories.customer_id = totals.customer_id
inner join channels on channels.customer_id = totals.customer_id
order by totals.customer_id
