-- What goes back to a customer is never positive, and an order's net amount is gross plus returns.
-- grain: one row per order and day for which that is not so
-- parameters: none
select customer_id, order_id, order_date, amount, gross_amount, return_amount,
from core.orders
where
    return_amount > 0e0
    or abs(amount - gross_amount - return_amount)
    > 0.005e0 + 1e-9 * (abs(gross_amount) + abs(return_amount))
order by customer_id, order_id, order_date
