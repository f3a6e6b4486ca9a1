-- How many customers there are, what they brought, and what they are expected to bring.
-- grain: one row
-- parameters: none
select
    count(*) as n_listed,  -- with a transaction line, if only a return
    count(first_order_date) as n_customers,  -- with a purchase
    count(case when n_orders >= 2 then 1 end) as n_repeat_customers,  -- with two orders or more
    count(case when recency_days <= 90 then 1 end) as n_active_90d,  -- bought in the last 90 days
    count(case when tenure_days <= 90 then 1 end) as n_new_90d,  -- first bought in the last 90 days
    round(coalesce(sum(revenue), 0e0), 4) as revenue,  -- net, to date
    round(coalesce(sum(margin), 0e0), 4) as margin,
    round(coalesce(sum(revenue_365d), 0e0), 4) as revenue_365d,
    round(coalesce(sum(revenue_90d), 0e0), 4) as revenue_90d,
    max(horizon_days) as horizon_days,
    round(sum(expected_revenue), 4) as expected_revenue,  -- over horizon_days; NULL while there is no model
    round(sum(expected_margin), 4) as expected_margin,
    round(sum(expected_revenue_discounted), 4) as expected_revenue_discounted,
    round(sum(p_alive), 6) as expected_alive,  -- sum of P(alive)
    count(expected_revenue) as n_predicted,
    max(prediction_as_of) as prediction_as_of,
    max(model_version) as model_version,
from marts.customers
order by n_listed
