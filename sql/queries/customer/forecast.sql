-- What is expected of a customer over each horizon, with intervals.
-- grain: one row per horizon
-- parameters: $customer_id
select
    horizon_days,
    expected_revenue,
    revenue_lo,  -- 80 % interval
    revenue_hi,
    revenue_lo_90,
    revenue_hi_90,
    expected_margin,
    expected_revenue_discounted,
    expected_orders,
    p_buys,
    p_alive,
    as_of,
    model_version,
from outputs.predictions
where customer_id = $customer_id
order by horizon_days
