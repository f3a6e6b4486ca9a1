-- The personas that the shop has given its customers.
-- grain: one row per persona; no row when none is given
-- parameters: none
select
    persona,
    count(*) as n_customers,
    cast(count(*) as double) / nullif(sum(cast(count(*) as double)) over (), 0e0) as customer_share,
    cast(sum(n_orders) as double) / nullif(cast(count(*) as double), 0e0) as orders_per_customer,
    round(sum(revenue), 4) as revenue,  -- net, to date
    sum(revenue) / nullif(cast(count(*) as double), 0e0) as revenue_per_customer,
    sum(revenue) / nullif(cast(sum(n_orders) as double), 0e0) as avg_order_value,
    avg(cast(recency_days as double)) as avg_recency_days,
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
    avg(p_alive) as avg_p_alive,
from marts.customers
where persona is not null
group by persona
order by revenue desc, persona
