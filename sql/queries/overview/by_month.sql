-- Net revenue of the period by calendar month; the months add up to the headline.
-- grain: one row per month that touches the period
-- parameters: $from_date first day, $to_date first day after the period
select
    cast(date_trunc('month', period_start) as date) as order_month,
    min(period_start) as from_date,  -- first and last day of the month that are in the period
    max(period_start) as last_date,
    max(period_end) as to_date,
    round(sum(revenue), 4) as revenue,
    round(sum(margin), 4) as margin,
    cast(sum(n_orders) as bigint) as n_orders,
    max(period_end) < date_trunc('month', max(period_start)) + interval 1 month
    or min(period_start) > date_trunc('month', min(period_start)) as is_partial,  -- not the whole month
from marts.activity
where
    grain = 'day'
    and period_start >= cast($from_date as date)
    and period_start < cast($to_date as date)
group by date_trunc('month', period_start)
order by order_month
