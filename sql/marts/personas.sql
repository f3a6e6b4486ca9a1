-- The personas, derived from how customers buy or given by the shop: how many customers, how much
-- money so far, how much is expected.
-- grain: one row per kind and persona with a customer
-- parameters: none
with
    members as (
        select
            false as is_given,
            behaviour_persona as persona,
            n_orders,
            recency_days,
            revenue,
            revenue_365d,
            expected_revenue,
            p_alive,
        from marts.customers
        where behaviour_persona is not null
        union all
        select
            true as is_given,
            persona,
            n_orders,
            recency_days,
            revenue,
            revenue_365d,
            expected_revenue,
            p_alive,
        from marts.customers
        where persona is not null
    )
select
    is_given,  -- by the shop, in its customer file; else derived
    persona,
    count(*) as n_customers,
    cast(sum(n_orders) as bigint) as n_orders,
    avg(cast(recency_days as double)) as avg_recency_days,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(revenue_365d), 4) as revenue_365d,
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
    round(avg(p_alive), 8) as avg_p_alive,
from members
group by is_given, persona
order by is_given, persona
