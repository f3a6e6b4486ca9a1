-- The given personas by what is expected of them, or by what they brought while there is no model.
-- grain: one row per persona; no row when none is given
-- parameters: none
select
    persona,
    count(*) as n_customers,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(revenue_365d), 4) as revenue_365d,
    round(sum(expected_revenue), 4) as expected_revenue,  -- NULL while there is no model
from marts.customers
where persona is not null
group by persona
order by coalesce(sum(expected_revenue), sum(revenue_365d)) desc, persona
