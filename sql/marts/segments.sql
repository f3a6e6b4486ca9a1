-- The segments with their size, money and expected money; derived from marts.customers, so it
-- adds up to it.
-- grain: one row per segment with a customer
-- parameters: none
select
    customers.segment,
    coalesce(max(rules.priority), 99) as place,  -- order of the rules
    coalesce(max(rules.description), 'no purchase, or no rule that fits') as description,
    max(rules.standing) as standing,  -- what the bounds of the rule say
    max(rules.max_age_days) as max_age_days,  -- since the first order; NULL is any
    count(*) as n_customers,
    cast(sum(customers.n_orders) as bigint) as n_orders,
    round(sum(customers.revenue), 4) as revenue,  -- net, to date
    round(sum(customers.revenue_365d), 4) as revenue_365d,
    round(sum(customers.margin), 4) as margin,
    avg(cast(customers.recency_days as double)) as avg_recency_days,
    avg(cast(customers.tenure_days as double)) as avg_tenure_days,
    max(customers.horizon_days) as horizon_days,
    round(sum(customers.expected_revenue), 4) as expected_revenue,  -- over horizon_days; NULL while there is no model
    round(sum(customers.expected_margin), 4) as expected_margin,
    avg(customers.p_alive) as avg_p_alive,
    avg(customers.p_buys) as avg_p_buys,
    count(customers.expected_revenue) as n_predicted,
from marts.customers as customers
left join features.segment_rules as rules on rules.segment = customers.segment
group by customers.segment
order by place, customers.segment
