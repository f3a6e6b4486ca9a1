-- In which months of their life customers bought: who is behind a cell, a curve or a month.
-- grain: one row per customer and month with a purchase
-- parameters: none
select
    date_diff(
        'month', orders.cohort_month, cast(date_trunc('month', orders.order_date) as date)
    ) as month_number,  -- 0 is the month of the first purchase
    orders.cohort_month,
    cast(date_trunc('month', orders.order_date) as date) as activity_month,  -- the month itself
    coalesce(customers.first_channel, 'Unknown') as channel,  -- of the first order
    orders.customer_id,
from core.orders as orders
inner join core.customers as customers on customers.customer_id = orders.customer_id
where orders.is_new_month and orders.cohort_month is not null
order by month_number, orders.cohort_month, orders.customer_id
