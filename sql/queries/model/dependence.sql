-- What a fact is and how it moves the forecast, customer by customer, in a random sample.
-- grain: one row per customer who has the fact, at most $max_rows
-- parameters: $horizon_days days ahead; $feature; $max_rows number of customers
select sample.customer_id, customers.name, sample.value, sample.contribution,  -- money
from outputs.explanation_sample as sample
inner join marts.customers as customers on customers.customer_id = sample.customer_id
where sample.horizon_days = $horizon_days and sample.feature = $feature and sample.value is not null
order by sample.lot
limit $max_rows
