-- How each of the strongest facts moves the forecast of single customers, in a random sample.
-- grain: one row per fact and customer, the strongest fact first
-- parameters: $horizon_days days ahead; $max_facts number of facts; $max_customers of the sample
with
    facts as (
        select customer_id, feature, value, contribution, lot,
        from outputs.explanation_sample
        where horizon_days = $horizon_days and feature not in ('baseline', 'shop_level', 'rest')
    ),

    strongest as (
        select feature, row_number() over (order by avg(abs(contribution)) desc, feature) as place,
        from facts
        group by feature
    ),

    shown as (
        select
            facts.customer_id,
            facts.feature,
            strongest.place,
            facts.value,
            facts.contribution,
            facts.lot,
        from facts
        inner join strongest on strongest.feature = facts.feature
        where strongest.place <= $max_facts and facts.lot < $max_customers
    )
select
    shown.feature,
    shown.place,  -- 1 moves most
    shown.customer_id,
    customers.name,
    shown.value,  -- what the fact is; NULL is not known
    -- 0 for the smallest value of the fact, 1 for the largest
    case
        when shown.value is not null
        then
            percent_rank() over (
                partition by shown.feature, shown.value is null order by shown.value
            )
    end as value_rank,
    shown.contribution,  -- money
from shown
inner join marts.customers as customers on customers.customer_id = shown.customer_id
order by shown.place, shown.lot
