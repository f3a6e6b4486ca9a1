-- Which facts move the forecasts most, among the kept reasons of the customers who were explained.
-- grain: one row per fact, at most $max_rows
-- parameters: $horizon_days days ahead; $max_rows number of rows
with
    -- what is no fact about the customer: the purchase model's own forecast, the level of the shop,
    -- and what is left over
    facts as (
        select customer_id, feature, contribution,
        from outputs.contributions
        where horizon_days = $horizon_days and feature not in ('baseline', 'shop_level', 'rest')
    ),

    explained as (select count(distinct customer_id) as n_explained, from facts)
select
    facts.feature,
    count(*) as n_customers,  -- for whom it is among the kept reasons
    sum(abs(facts.contribution)) as total_effect,  -- money, whichever way
    sum(facts.contribution) as net_effect,  -- money
    max(explained.n_explained) as n_explained,  -- customers with reasons, in all
from facts
cross join explained
group by facts.feature
order by total_effect desc, facts.feature
limit $max_rows
