-- The values that the customer list can be filtered by, with how many customers have each.
-- grain: one row per column and value
-- parameters: none
with
    facets as (
        select 'segment' as column_name, segment as value, count(*) as n_customers,
        from marts.customers
        group by segment
        union all
        select 'channel' as column_name, channel as value, count(*) as n_customers,
        from marts.customers
        group by channel
        union all
        select 'category' as column_name, category as value, count(*) as n_customers,
        from marts.customers
        group by category
        union all
        select 'country' as column_name, country as value, count(*) as n_customers,
        from marts.customers
        group by country
        union all
        select
            'acquisition_channel' as column_name,
            acquisition_channel as value,
            count(*) as n_customers,
        from marts.customers
        group by acquisition_channel
        union all
        select 'persona' as column_name, persona as value, count(*) as n_customers,
        from marts.customers
        where persona is not null
        group by persona
        union all
        select
            'behaviour_persona' as column_name, behaviour_persona as value, count(*) as n_customers,
        from marts.customers
        where behaviour_persona is not null
        group by behaviour_persona
        union all
        select
            'subscription_plan' as column_name, subscription_plan as value, count(*) as n_customers,
        from marts.customers
        where subscription_plan is not null
        group by subscription_plan
    )
select facets.column_name, facets.value, facets.n_customers, coalesce(rules.priority, 99) as place,
from facets
left join
    features.segment_rules as rules
    on facets.column_name = 'segment'
    and rules.segment = facets.value
order by facets.column_name, place, facets.n_customers desc, facets.value
