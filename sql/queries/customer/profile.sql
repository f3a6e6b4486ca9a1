-- Who a customer is, what they did, how they score and what is expected of them.
-- grain: one row when the customer exists
-- parameters: $customer_id
select
    customers.customer_id,
    customers.bucket,  -- part of the bucketed tables that holds the customer; with it a query reads one file
    customers.name,
    customers.email,
    customers.country,
    customers.channel,
    customers.category,
    customers.behaviour_persona,  -- derived from how they buy
    customers.persona,  -- as given by the shop
    customers.is_subscriber,
    customers.subscription_plan,
    customers.acquisition_channel,
    customers.acquisition_cost,
    customers.signup_date,
    customers.email_consent,
    customers.is_churned_given,
    customers.first_order_date,
    customers.last_order_date,
    customers.cohort_month,
    customers.recency_days,
    customers.tenure_days,
    customers.n_orders,
    customers.n_purchase_days,
    customers.n_returns,
    customers.revenue,
    customers.gross_revenue,
    customers.return_revenue,  -- zero or negative
    - customers.return_revenue as returned_revenue,
    customers.revenue_90d,
    customers.revenue_365d,
    customers.margin,
    customers.discount,
    customers.avg_order_value,
    -- mean days between purchase days
    cast(date_diff('day', customers.first_order_date, customers.last_order_date) as double)
    / nullif(cast(customers.n_purchase_days - 1 as double), 0e0) as mean_gap_days,
    customers.frequency,
    customers.monetary,
    customers.r,
    customers.f,
    customers.m,
    customers.rfm_score,
    customers.segment,
    rules.description as segment_description,
    customers.horizon_days,
    customers.expected_revenue,
    customers.expected_margin,
    customers.expected_revenue_discounted,
    customers.revenue_lo,
    customers.revenue_hi,
    customers.expected_orders,
    customers.p_buys,
    customers.p_alive,
    customers.next_order_from,
    customers.next_order_to,
    customers.overdue_index,
    customers.prediction_as_of,
    customers.model_version,
    customers.value_percentile,
    moves.segment_before,  -- one primary horizon ago
    moves.before_date,
from marts.customers as customers
left join features.segment_rules as rules on rules.segment = customers.segment
left join marts.customer_moves as moves on moves.customer_id = customers.customer_id
where customers.customer_id = $customer_id
