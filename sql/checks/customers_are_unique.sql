-- Each customer is one row of the customer mart, and none is missing.
-- grain: one row per customer that is there twice or not at all
-- parameters: none
with n_rows as (select customer_id, count(*) as n_rows, from marts.customers group by customer_id)
select
    coalesce(n_rows.customer_id, totals.customer_id) as customer_id,
    coalesce(n_rows.n_rows, 0) as n_rows,
from n_rows
full join core.customer_totals as totals on totals.customer_id = n_rows.customer_id
where coalesce(n_rows.n_rows, 0) <> 1 or totals.customer_id is null
order by customer_id
