-- How the derived personas are spread over the segments.
-- grain: one row per derived persona and segment with a customer
-- parameters: none
select
    customers.behaviour_persona as persona,
    customers.segment,
    count(*) as n_customers,
    round(sum(customers.revenue), 4) as revenue,  -- net, to date
    min(profiles.place) as persona_place,
    coalesce(max(rules.priority), 99) as place,
from marts.customers as customers
inner join outputs.persona_profiles as profiles on profiles.persona = customers.behaviour_persona
left join features.segment_rules as rules on rules.segment = customers.segment
group by customers.behaviour_persona, customers.segment
order by persona_place, place, customers.segment
