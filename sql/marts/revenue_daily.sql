-- Revenue, orders and customers of each day.
-- grain: one row per day from the first order line to the as-of date
-- parameters: none
select
    period_start as day,
    revenue,  -- net of returns
    gross_revenue,  -- before returns
    return_revenue,  -- zero or negative
    margin,
    n_orders,
    n_customers,  -- who bought on the day
    n_new_customers,  -- whose first purchase is on the day
from marts.activity
where grain = 'day'
order by period_start
