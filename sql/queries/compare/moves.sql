-- Who is new, gone, or in another segment than in another build, with the money they are expected
-- to bring.
-- grain: one row per segment before and segment now with a customer who is not in the same, at
-- most $max_rows
-- parameters: $max_rows number of rows; $horizon_days, the primary horizon
select
    before.segment as segment_before,  -- NULL: not there before
    customers.segment,  -- NULL: gone
    case
        when before.customer_id is null
        then 'new'
        when customers.customer_id is null
        then 'gone'
        else 'moved'
    end as step,
    count(*) as n_customers,
    round(sum(coalesce(customers.revenue_365d, before.revenue_365d)), 4) as money_365d,  -- net, last 365 days of this build, or of the other for who is gone
    round(
        sum(case when before.horizon_days = $horizon_days then before.expected_revenue end), 4
    ) as expected_before,  -- NULL while there was no model, or none of this horizon
    round(sum(customers.expected_revenue), 4) as expected_revenue,
from marts.customers as customers
full join earlier.marts.customers as before on before.customer_id = customers.customer_id
where before.segment is null or customers.segment is null or before.segment <> customers.segment
group by before.segment, customers.segment, step
order by n_customers desc, segment_before nulls first, segment nulls last
limit $max_rows
