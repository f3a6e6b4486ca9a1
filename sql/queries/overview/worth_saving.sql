-- Whom it would hurt most to lose: customers of the segments that are slipping away, and regular
-- ones who are later than their own rhythm with a churn risk of a fifth or more; by expected
-- revenue, or by the revenue of the last year while there is no model.
-- grain: one row per customer, at most $max_rows
-- parameters: $max_rows number of rows, or NULL for all
select
    customer_id,
    name,
    segment,
    country,
    channel,  -- of the first order
    last_order_date,
    n_orders,
    revenue,  -- net, to date
    revenue_365d,  -- net, last 365 days
    expected_revenue,  -- over the primary horizon; NULL while there is no model
    1e0 - p_alive as churn_risk,  -- 0-1; NULL while there is no model
    count(*) over () as n_customers,  -- of all who are worth saving
from marts.customers
where
    standing in ('best, silent', 'regular, silent', 'silent')
    or (overdue_index > 1e0 and n_orders >= 2 and p_alive <= 0.8e0)
order by expected_revenue desc nulls last, revenue_365d desc, customer_id
limit $max_rows
