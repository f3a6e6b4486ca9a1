-- An order id is used by one customer only; where not, each customer's part counts as an order.
-- grain: one row per shared order id
-- parameters: none
-- severity: warning
select order_id, min(customer_id) as customer_id, max(customer_id) as other_customer_id,
from core.orders
-- ids that were made up because the file has none, day and number, say nothing
where order_id not like '____-__-__#%'
group by order_id
having min(customer_id) <> max(customer_id)
order by order_id
