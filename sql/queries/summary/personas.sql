-- The personas by what is expected of them, or by what they brought while there is no model: those
-- derived from how customers buy, or the given ones while none are derived.
-- grain: one row per persona; no row when there is none of either kind
-- parameters: none
with
    named as (
        select
            case
                when (select count(*) from outputs.persona_profiles) > 0
                then behaviour_persona
                else persona
            end as persona,
            (select count(*) from outputs.persona_profiles) = 0 as is_given,
            revenue,
            revenue_365d,
            expected_revenue,
        from marts.customers
    )
select
    persona,
    is_given,  -- by the shop, in its customer file
    count(*) as n_customers,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(revenue_365d), 4) as revenue_365d,
    round(sum(expected_revenue), 4) as expected_revenue,  -- NULL while there is no model
from named
where persona is not null
group by persona, is_given
order by coalesce(sum(expected_revenue), sum(revenue_365d)) desc, persona
