-- Every order belongs to a known customer.
-- grain: one row per order without one
-- parameters: none
select orders.customer_id, orders.order_id, orders.order_date,
from core.orders as orders
left join core.customers as customers on customers.customer_id = orders.customer_id
where customers.customer_id is null
order by orders.customer_id, orders.order_id, orders.order_date
