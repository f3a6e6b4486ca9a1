-- Everything a page or a filter asks about one customer: who, what they did, how they score, what
-- is expected of them.
-- grain: one row per customer with a transaction line
-- parameters: $as_of date, first day that is not known; $horizon_days, the primary horizon
with
    -- one row per customer and horizon becomes one row per customer
    predictions as (
        select
            customer_id,
            max(case when horizon_days = 30 then expected_revenue end) as expected_revenue_30d,
            max(case when horizon_days = 90 then expected_revenue end) as expected_revenue_90d,
            max(case when horizon_days = 180 then expected_revenue end) as expected_revenue_180d,
            max(case when horizon_days = 365 then expected_revenue end) as expected_revenue_365d,
            max(case when horizon_days = 30 then expected_orders end) as expected_orders_30d,
            max(case when horizon_days = 90 then expected_orders end) as expected_orders_90d,
            max(case when horizon_days = 180 then expected_orders end) as expected_orders_180d,
            max(case when horizon_days = 365 then expected_orders end) as expected_orders_365d,
            max(case when horizon_days = 30 then p_buys end) as p_buys_30d,
            max(case when horizon_days = 90 then p_buys end) as p_buys_90d,
            max(case when horizon_days = 180 then p_buys end) as p_buys_180d,
            max(case when horizon_days = 365 then p_buys end) as p_buys_365d,
            max(
                case when horizon_days = $horizon_days then expected_revenue end
            ) as expected_revenue,
            max(case when horizon_days = $horizon_days then expected_margin end) as expected_margin,
            max(
                case when horizon_days = $horizon_days then expected_revenue_discounted end
            ) as expected_revenue_discounted,
            max(case when horizon_days = $horizon_days then revenue_lo end) as revenue_lo,
            max(case when horizon_days = $horizon_days then revenue_hi end) as revenue_hi,
            max(case when horizon_days = $horizon_days then expected_orders end) as expected_orders,
            max(case when horizon_days = $horizon_days then p_buys end) as p_buys,
            max(case when horizon_days = $horizon_days then p_alive end) as p_alive,
            max(case when horizon_days = $horizon_days then next_order_from end) as next_order_from,
            max(case when horizon_days = $horizon_days then next_order_to end) as next_order_to,
            max(case when horizon_days = $horizon_days then overdue_index end) as overdue_index,
            max(as_of) as prediction_as_of,
            max(model_version) as model_version,
        from outputs.predictions
        group by customer_id
    ),

    -- whole numbers are divided once: 100 times a rounded share would be just below 29, 57 and 58
    ranked as (
        select
            customer_id,
            cast(
                least(
                    100e0,
                    floor(
                        100e0
                        * cast(rank() over (order by expected_revenue) - 1 as double)
                        / greatest(cast(count(*) over () - 1 as double), 1e0)
                    )
                    + 1e0
                ) as integer
            ) as value_percentile,
        from predictions
        where expected_revenue is not null
    )
select
    customers.customer_id,
    totals.bucket,  -- part of the bucketed tables that holds the customer
    customers.name,
    customers.email,
    coalesce(customers.country, 'Unknown') as country,
    coalesce(customers.first_channel, 'Unknown') as channel,  -- of the first order
    coalesce(totals.main_category, 'Unknown') as category,  -- the one with most net revenue
    customers.persona as persona,  -- as given by the shop
    behaviour.persona as behaviour_persona,  -- derived from how they buy
    customers.is_subscriber,
    customers.subscription_plan,
    coalesce(
        customers.acquisition_channel, customers.first_channel, 'Unknown'
    ) as acquisition_channel,  -- as given, else the channel of the first order
    customers.acquisition_cost,
    customers.signup_date,
    customers.email_consent,
    customers.status_is_churned as is_churned_given,  -- somebody's label: shown, never used
    customers.first_order_date,
    customers.last_order_date,
    customers.cohort_month,
    date_diff('day', customers.last_order_date, $as_of) as recency_days,  -- since the last purchase
    date_diff('day', customers.first_order_date, $as_of) as tenure_days,  -- since the first purchase
    totals.n_orders,
    totals.n_purchase_days,
    totals.n_returns,
    totals.revenue,  -- net, to date
    totals.gross_revenue,
    totals.return_revenue,  -- zero or negative
    totals.revenue_90d,
    totals.revenue_365d,
    totals.margin,
    totals.discount,
    totals.revenue / nullif(cast(totals.n_orders as double), 0e0) as avg_order_value,
    rfm.frequency,  -- orders in the RFM window
    rfm.monetary,  -- net revenue in the RFM window
    rfm.r,
    rfm.f,
    rfm.m,
    rfm.rfm_score,
    coalesce(rfm.segment, 'No purchase') as segment,  -- No purchase: only ever returned
    rules.standing,  -- what the bounds of the segment's rule say, whatever its name
    predictions.expected_revenue_30d,
    predictions.expected_revenue_90d,
    predictions.expected_revenue_180d,
    predictions.expected_revenue_365d,
    predictions.expected_orders_30d,
    predictions.expected_orders_90d,
    predictions.expected_orders_180d,
    predictions.expected_orders_365d,
    predictions.p_buys_30d,
    predictions.p_buys_90d,
    predictions.p_buys_180d,
    predictions.p_buys_365d,
    case when predictions.customer_id is not null then $horizon_days end as horizon_days,  -- of the columns that follow
    predictions.expected_revenue,
    predictions.expected_margin,
    predictions.expected_revenue_discounted,
    predictions.revenue_lo,  -- 80 % interval
    predictions.revenue_hi,
    predictions.expected_orders,
    predictions.p_buys,
    predictions.p_alive,
    predictions.next_order_from,
    predictions.next_order_to,
    predictions.overdue_index,
    predictions.prediction_as_of,
    predictions.model_version,
    ranked.value_percentile,  -- by expected revenue over the primary horizon; 100 is best, ties share the low end
from core.customers as customers
inner join core.customer_totals as totals on totals.customer_id = customers.customer_id
left join features.customer_rfm as rfm on rfm.customer_id = customers.customer_id
left join features.segment_rules as rules on rules.segment = rfm.segment
left join outputs.personas as behaviour on behaviour.customer_id = customers.customer_id
left join predictions on predictions.customer_id = customers.customer_id
left join ranked on ranked.customer_id = customers.customer_id
order by customers.customer_id
