-- The personas that the shop has given, against those derived from how customers buy.
-- grain: one row per given and derived persona with a customer
-- parameters: none
select
    customers.persona,
    customers.behaviour_persona,
    count(*) as n_customers,
    round(sum(customers.revenue), 4) as revenue,  -- net, to date
    min(profiles.place) as place,
from marts.customers as customers
inner join outputs.persona_profiles as profiles on profiles.persona = customers.behaviour_persona
where customers.persona is not null
group by customers.persona, customers.behaviour_persona
order by customers.persona, place
