-- A customer's purchases and returns over time, with what they have spent so far.
-- grain: one row per day with an order line
-- parameters: $customer_id and its $customer_bucket, which customer/profile gives
with
    days as (
        select
            order_date,
            count(purchase_number) as n_orders,
            round(sum(gross_amount), 4) as gross_amount,
            round(sum(return_amount), 4) as return_amount,
            round(sum(amount), 4) as amount,
            round(sum(margin), 4) as margin,
            max(gap_days) as gap_days,
        from core.orders
        where bucket = $customer_bucket and customer_id = $customer_id
        group by order_date
    )
select
    order_date,
    n_orders,
    gross_amount,
    return_amount,  -- zero or negative
    amount,  -- net
    gap_days,  -- since the purchase day before
    round(
        sum(amount) over (order by order_date rows between unbounded preceding and current row), 4
    ) as cumulative_revenue,
    round(
        sum(margin) over (order by order_date rows between unbounded preceding and current row), 4
    ) as cumulative_margin,
from days
order by order_date
