-- A customer's orders are numbered 1 to n, and the first of them is on the first purchase day.
-- grain: one row per customer for whom that is not so
-- parameters: none
select
    customer_id,
    count(purchase_number) as n_orders,
    max(purchase_number) as last_number,
    min(case when purchase_number = 1 then order_date end) as first_date,
    max(first_order_date) as first_order_date,
from core.orders
group by customer_id
having
    count(purchase_number) <> coalesce(max(purchase_number), 0)
    or count(case when is_new_day and gap_days is null then 1 end)
    <> case when count(purchase_number) > 0 then 1 else 0 end
    or coalesce(
        min(case when purchase_number = 1 then order_date end) <> max(first_order_date), false
    )
order by customer_id
