-- The headline numbers over the period: by day up to 92 days, by week up to two years, else by
-- month.
-- grain: one row per day, week or month that touches the period
-- parameters: $from_date first day, $to_date first day after the period
with
    chosen as (
        select
            case
                when date_diff('day', cast($from_date as date), cast($to_date as date)) <= 92
                then 'day'
                when date_diff('day', cast($from_date as date), cast($to_date as date)) <= 731
                then 'week'
                else 'month'
            end as grain,
    )
select
    activity.grain,
    activity.period_start,
    activity.is_running,
    activity.n_customers,
    activity.revenue,
    activity.n_orders,
    activity.revenue / nullif(cast(activity.n_orders as double), 0e0) as avg_order_value,
    cast(activity.n_repeat_customers as double)
    / nullif(cast(activity.n_customers as double), 0e0) as repeat_rate,
    cast(activity.tenure_days as double)
    / nullif(cast(activity.n_customers as double), 0e0) as avg_tenure_days,
    cast(activity.n_orders as double)
    / nullif(cast(activity.n_customers as double), 0e0) as orders_per_customer,
from marts.activity as activity
inner join chosen on chosen.grain = activity.grain
where
    activity.period_end > cast($from_date as date)
    and activity.period_start < cast($to_date as date)
order by activity.period_start
