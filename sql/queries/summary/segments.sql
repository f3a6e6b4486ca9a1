-- The segments by what is expected of them, or by what they brought while there is no model.
-- grain: one row per segment with a customer
-- parameters: none
select
    segment,
    description,
    n_customers,
    cast(n_customers as double)
    / nullif(sum(cast(n_customers as double)) over (), 0e0) as customer_share,
    revenue,  -- net, to date
    revenue_365d,
    horizon_days,
    expected_revenue,  -- NULL while there is no model
    avg_p_alive,
from marts.segments
order by coalesce(expected_revenue, revenue_365d) desc, place, segment
