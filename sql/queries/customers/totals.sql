-- How many customers there are and what they are worth, above the list.
-- grain: one row
-- parameters: none
select
    count(*) as n_customers,
    count(first_order_date) as n_buyers,
    count(case when n_orders >= 2 then 1 end) as n_repeat_buyers,
    round(coalesce(sum(revenue), 0e0), 4) as revenue,  -- net, to date
    round(sum(expected_revenue), 4) as expected_revenue,  -- over horizon_days; NULL while there is no model
    max(horizon_days) as horizon_days,
    max(prediction_as_of) as prediction_as_of,
    max(model_version) as model_version,
from marts.customers
