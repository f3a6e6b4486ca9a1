-- The personas that the shop has given its customers.
-- grain: one row per persona; no row when none is given
-- parameters: none
select
    persona,
    n_customers,
    cast(n_customers as double)
    / nullif(sum(cast(n_customers as double)) over (), 0e0) as customer_share,
    cast(n_orders as double) / nullif(cast(n_customers as double), 0e0) as orders_per_customer,
    revenue,  -- net, to date
    revenue / nullif(cast(n_customers as double), 0e0) as revenue_per_customer,
    revenue / nullif(cast(n_orders as double), 0e0) as avg_order_value,
    avg_recency_days,
    expected_revenue,  -- over the primary horizon; NULL while there is no model
    avg_p_alive,
from marts.personas
where is_given
order by revenue desc, persona
