-- In which months of their life customers bought: who is behind a cell, a curve or a month.
-- grain: one row per customer and month with a purchase
-- parameters: none
select
    date_diff('month', cohort_month, cast(date_trunc('month', order_date) as date)) as month_number,  -- 0 is the month of the first purchase
    cohort_month,
    cast(date_trunc('month', order_date) as date) as activity_month,  -- the month itself
    customer_id,
from core.orders
where is_new_month and cohort_month is not null
order by month_number, cohort_month, customer_id
