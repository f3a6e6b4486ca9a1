-- When there are predictions, every customer with a purchase has one; score again when not.
-- grain: one row per customer without
-- parameters: none
-- severity: warning
select customer_id, first_order_date,
from marts.customers
where n_orders > 0 and expected_revenue is null and (select count(*) from outputs.predictions) > 0
order by customer_id
