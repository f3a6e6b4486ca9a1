-- What each customer did in the period that was to be forecast: for training and evaluation only.
-- grain: one row per customer with a purchase before $as_of
-- parameters: $as_of date, first day of the period; $horizon_days its length; $bucket
-- layout: bucketed
with
    lines as (
        select
            customer_id, order_date, is_purchase, amount, margin, order_date >= $as_of as is_inside,
        from core.order_lines
        where bucket = $bucket and date_diff('day', $as_of, order_date) < $horizon_days
    ),

    days as (
        select
            customer_id,
            order_date,
            is_inside,
            max(case when is_purchase then 1 else 0 end) as is_purchase_day,
            sum(amount) as amount,
            sum(margin) as margin,
        from lines
        group by all
    )
select
    customer_id,
    coalesce(sum(case when is_inside then amount end), 0e0) as revenue,  -- net: returns are negative
    coalesce(sum(case when is_inside then margin end), 0e0) as margin,
    cast(sum(case when is_inside then is_purchase_day else 0 end) as bigint) as n_orders,  -- purchase days
    max(case when is_inside then is_purchase_day else 0 end) = 1 as bought,  -- whether they bought in the horizon
from days
group by customer_id
having max(case when is_inside then 0 else is_purchase_day end) = 1
order by customer_id
