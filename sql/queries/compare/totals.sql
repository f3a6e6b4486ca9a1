-- How many customers are new, gone, in another segment or in the same as in another build.
-- grain: one row
-- parameters: none
select
    count(case when before.customer_id is null then 1 end) as n_new,
    count(case when customers.customer_id is null then 1 end) as n_gone,
    count(case when before.segment <> customers.segment then 1 end) as n_moved,
    count(case when before.segment = customers.segment then 1 end) as n_stayed,
from marts.customers as customers
full join earlier.marts.customers as before on before.customer_id = customers.customer_id
