-- The segments: how many customers, how much money so far, how much is expected.
-- grain: one row per segment with a customer
-- parameters: none
select
    segment,
    description,
    n_customers,
    cast(n_customers as double)
    / nullif(sum(cast(n_customers as double)) over (), 0e0) as customer_share,
    n_orders,
    cast(n_orders as double) / nullif(cast(n_customers as double), 0e0) as orders_per_customer,
    revenue,  -- net, to date
    greatest(revenue, 0e0) / nullif(sum(greatest(revenue, 0e0)) over (), 0e0) as revenue_share,
    revenue / nullif(cast(n_customers as double), 0e0) as revenue_per_customer,
    revenue_365d,
    margin,
    revenue / nullif(cast(n_orders as double), 0e0) as avg_order_value,
    avg_recency_days,
    avg_tenure_days,
    horizon_days,
    expected_revenue,  -- over horizon_days; NULL while there is no model
    expected_revenue / nullif(sum(expected_revenue) over (), 0e0) as expected_share,
    expected_revenue / nullif(cast(n_predicted as double), 0e0) as expected_per_customer,
    expected_margin,
    avg_p_alive,
    avg_p_buys,
    place,
from marts.segments
order by place, segment
