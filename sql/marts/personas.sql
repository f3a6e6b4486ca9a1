-- The personas, derived from how customers buy or given by the shop: how many customers, how much
-- money so far, how much is expected.
-- grain: one row per kind and persona with a customer
-- parameters: none
select
    grouping(persona) = 0 as is_given,  -- by the shop, in its customer file; else derived
    case when grouping(persona) = 0 then persona else behaviour_persona end as persona,
    count(*) as n_customers,
    cast(sum(n_orders) as bigint) as n_orders,
    avg(cast(recency_days as double)) as avg_recency_days,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(revenue_365d), 4) as revenue_365d,
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
    round(avg(p_alive), 8) as avg_p_alive,
from marts.customers
group by grouping sets ((persona), (behaviour_persona))
-- who has none of a kind is in no group of it
having coalesce(persona, behaviour_persona) is not null
order by is_given, persona
