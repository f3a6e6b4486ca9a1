-- Which facts move the forecasts most, over a random sample of all customers.
-- grain: one row per fact, the strongest first, at most $max_rows
-- parameters: $horizon_days days ahead; $max_rows number of rows
with
    -- what is no fact about the customer: the purchase model's own forecast, the level of the shop,
    -- and what is left over
    facts as (
        select customer_id, feature, contribution,
        from outputs.explanation_sample
        where horizon_days = $horizon_days and feature not in ('baseline', 'shop_level', 'rest')
    ),

    totals as (
        select count(distinct customer_id) as n_explained, sum(abs(contribution)) as total_effect,
        from facts
    )
select
    facts.feature,
    avg(abs(facts.contribution)) as mean_effect,  -- money per customer, whichever way
    avg(facts.contribution) as mean_net_effect,  -- money per customer
    sum(abs(facts.contribution)) / nullif(max(totals.total_effect), 0e0) as effect_share,  -- of what all facts move
    avg(case when facts.contribution > 0e0 then 1e0 else 0e0 end) as up_share,  -- of the customers
    max(totals.n_explained) as n_explained,  -- customers in the sample
from facts
cross join totals
group by facts.feature
order by mean_effect desc, facts.feature
limit $max_rows
