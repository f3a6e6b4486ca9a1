-- How the given personas are spread over the segments.
-- grain: one row per persona and segment with a customer
-- parameters: none
select
    customers.persona,
    customers.segment,
    count(*) as n_customers,
    round(sum(customers.revenue), 4) as revenue,  -- net, to date
    coalesce(max(rules.priority), 99) as place,
from marts.customers as customers
left join features.segment_rules as rules on rules.segment = customers.segment
where customers.persona is not null
group by customers.persona, customers.segment
order by customers.persona, place, customers.segment
