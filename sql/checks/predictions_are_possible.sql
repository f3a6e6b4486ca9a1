-- Predictions are not negative, probabilities are between 0 and 1, and each interval is in order
-- with the narrow one inside the wide one.
-- grain: one row per prediction for which that is not so
-- parameters: none
select
    customer_id,
    horizon_days,
    expected_revenue,
    revenue_lo_90,
    revenue_lo,
    revenue_hi,
    revenue_hi_90,
    expected_orders,
    p_buys,
    p_alive,
from outputs.predictions
where
    expected_revenue is null
    or isnan(expected_revenue)
    or expected_revenue < 0e0
    or expected_orders < 0e0
    or p_buys not between 0e0
    and 1e0
    or p_alive not between 0e0
    and 1e0
    or revenue_lo < 0e0
    or revenue_lo > revenue_hi
    or revenue_lo_90 > revenue_lo
    or revenue_hi_90 < revenue_hi
order by customer_id, horizon_days
