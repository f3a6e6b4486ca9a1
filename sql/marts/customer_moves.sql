-- How customers stood one primary horizon ago, what they went on to spend, and how they stand now.
-- grain: one row per customer with a purchase before then
-- parameters: $as_of date, first day that is not known; $horizon_days before it is then
with
    outcomes as (
        select
            customer_id,
            round(sum(amount), 4) as next_revenue,
            round(sum(margin), 4) as next_margin,
            count(purchase_number) as next_orders,
        from core.orders
        where order_date >= cast($as_of as date) - cast($horizon_days as integer)
        group by customer_id
    )
select
    past.customer_id,
    cast($as_of as date) - cast($horizon_days as integer) as before_date,  -- one horizon before the as-of date
    past.recency_days as recency_days_before,  -- then
    past.frequency as frequency_before,  -- then
    past.monetary as monetary_before,  -- then
    ln(1e0 + past.recency_days) as log_recency_before,  -- of 1 + days; look-alikes are found by these three
    ln(1e0 + past.frequency) as log_frequency_before,  -- of 1 + orders
    ln(1e0 + greatest(past.monetary, 0e0)) as log_monetary_before,  -- of 1 + revenue, at least 0
    past.r as r_before,  -- score then
    past.f as f_before,  -- score then
    past.m as m_before,  -- score then
    past.segment as segment_before,  -- then
    present.segment as segment,
    coalesce(outcomes.next_revenue, 0e0) as next_revenue,  -- net, from then to the as-of date
    coalesce(outcomes.next_margin, 0e0) as next_margin,  -- from then to the as-of date
    coalesce(outcomes.next_orders, 0) as next_orders,  -- from then to the as-of date
from features.customer_rfm_before as past
inner join features.customer_rfm as present on present.customer_id = past.customer_id
left join outcomes on outcomes.customer_id = past.customer_id
order by past.customer_id
