-- How the customers are spread over the segments.
-- grain: one row per segment with a customer
-- parameters: none
select
    customers.segment,
    count(*) as n_customers,
    cast(sum(count(*)) over () as bigint) as n_all,  -- customers of all segments
    cast(count(*) as double) / nullif(sum(cast(count(*) as double)) over (), 0e0) as customer_share,
    round(sum(customers.revenue), 4) as revenue,  -- net, to date
    sum(customers.expected_revenue) as expected_revenue,  -- over the primary horizon; NULL while there is no model
    coalesce(max(rules.priority), 99) as place,
from marts.customers as customers
left join features.segment_rules as rules on rules.segment = customers.segment
group by customers.segment
order by place, customers.segment
