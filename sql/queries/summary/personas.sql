-- The personas by what is expected of them, or by what they brought while there is no model: those
-- derived from how customers buy, or the given ones while none are derived.
-- grain: one row per persona; no row when there is none of either kind
-- parameters: none
select
    persona,
    is_given,  -- by the shop, in its customer file
    n_customers,
    revenue,  -- net, to date
    revenue_365d,
    expected_revenue,  -- NULL while there is no model
from marts.personas
where is_given = ((select count(*) from outputs.persona_profiles) = 0)
order by coalesce(expected_revenue, revenue_365d) desc, persona
