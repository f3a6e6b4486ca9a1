-- Which facts move the forecasts most.
-- grain: one row per fact, at most $max_rows
-- parameters: $horizon_days days ahead; $max_rows number of rows
select
    feature,
    count(*) as n_customers,  -- for whom it is among the kept contributions
    sum(abs(contribution)) as total_effect,  -- money, whichever way
    sum(contribution) as net_effect,  -- money
from outputs.contributions
where
    horizon_days = $horizon_days and feature not in ('baseline', 'shop_level', 'rest')
group by feature
order by total_effect desc, feature
limit $max_rows
