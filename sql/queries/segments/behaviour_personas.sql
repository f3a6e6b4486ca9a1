-- The personas that were derived from how customers buy: size, money, and how surely each is found.
-- grain: one row per derived persona
-- parameters: none
select
    profiles.persona_id,
    profiles.persona,
    profiles.place,  -- 1 has most revenue per customer
    members.n_customers,
    cast(members.n_customers as double)
    / nullif(sum(cast(members.n_customers as double)) over (), 0e0) as customer_share,
    cast(members.n_orders as double)
    / nullif(cast(members.n_customers as double), 0e0) as orders_per_customer,
    members.revenue,  -- net, to date
    members.revenue / nullif(cast(members.n_customers as double), 0e0) as revenue_per_customer,
    members.expected_revenue,  -- over the primary horizon; NULL while there is no model
    members.avg_p_alive,
    profiles.stability,  -- mean overlap with its nearest group when customers are drawn again
    profiles.stability_lo,
    profiles.stability_hi,
    profiles.is_new,
    profiles.n_personas,
    profiles.agreement,  -- of all personas together: adjusted Rand index
    profiles.agreement_lo,
    profiles.agreement_hi,
    profiles.as_of,
from outputs.persona_profiles as profiles
inner join marts.personas as members on members.persona = profiles.persona and not members.is_given
order by profiles.place
