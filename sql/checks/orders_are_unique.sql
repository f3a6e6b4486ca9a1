-- An order of a customer is one row for each day.
-- grain: one row per repeated key
-- parameters: none
with
    marked as (
        select
            customer_id,
            order_id,
            order_date,
            lead(order_id) over (
                partition by customer_id order by order_ts, order_id, order_date
            ) as next_order_id,
            lead(order_date) over (
                partition by customer_id order by order_ts, order_id, order_date
            ) as next_order_date,
        from core.orders
    )
select customer_id, order_id, order_date,
from marked
where next_order_id = order_id and next_order_date = order_date
order by customer_id, order_id, order_date
