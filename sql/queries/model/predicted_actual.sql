-- What was forecast for single customers and what came, in a random sample of those who were
-- judged.
-- grain: one row per customer, at most $max_rows
-- parameters: $horizon_days days ahead; $max_rows number of customers
select
    residuals.customer_id,
    customers.name,
    residuals.predicted,
    residuals.actual,
    residuals.actual - residuals.predicted as error,
    -- whether it fell into the 80 % interval; NULL where there was none
    residuals.actual >= residuals.revenue_lo
    and residuals.actual <= residuals.revenue_hi as is_inside,
    residuals.decile,
from outputs.residuals as residuals
inner join marts.customers as customers on customers.customer_id = residuals.customer_id
where residuals.horizon_days = $horizon_days
order by residuals.lot
limit $max_rows
