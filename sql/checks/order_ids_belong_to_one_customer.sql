-- An order id is used by one customer only; where not, each customer's part counts as an order.
-- grain: one row per shared order id
-- parameters: none
-- severity: warning
select order_id, min(customer_id) as customer_id, max(customer_id) as other_customer_id,
from core.orders
group by order_id
having min(customer_id) <> max(customer_id)
order by order_id
