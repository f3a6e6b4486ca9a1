-- Whose expected revenue differs most from that in another build.
-- grain: one row per customer with a prediction over the same horizon in both, at most $max_rows
-- parameters: $max_rows number of rows
select
    customers.customer_id,
    customers.name,
    before.segment as segment_before,
    customers.segment,
    before.expected_revenue as expected_before,  -- over the primary horizon
    customers.expected_revenue,
    customers.expected_revenue - before.expected_revenue as difference,
    customers.revenue - before.revenue as revenue_between,  -- net, known to this build and not to the other
from marts.customers as customers
inner join earlier.marts.customers as before on before.customer_id = customers.customer_id
where
    customers.expected_revenue <> before.expected_revenue
    and customers.horizon_days = before.horizon_days
order by abs(customers.expected_revenue - before.expected_revenue) desc, customers.customer_id
limit $max_rows
