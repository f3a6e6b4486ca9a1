-- Whose value would change most if another version became champion.
-- grain: one row per customer, at most $max_rows
-- parameters: $horizon_days days ahead; $max_rows number of rows
select
    preview.customer_id,
    customers.name,
    customers.segment,
    preview.expected_now,
    preview.expected_then,
    preview.expected_then - preview.expected_now as change,
from outputs.promotion_preview as preview
inner join marts.customers as customers on customers.customer_id = preview.customer_id
where preview.horizon_days = $horizon_days
order by abs(preview.expected_then - preview.expected_now) desc, preview.customer_id
limit $max_rows
