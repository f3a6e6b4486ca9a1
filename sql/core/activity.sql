-- How much happened in each day, week and month, as parts that add up over the buckets: a
-- customer is in one bucket only.
-- grain: one row per bucket, grain (day, week, month) and period with an order line
-- parameters: $as_of date, first day that is not known; $bucket
-- layout: bucketed
with
    orders as (
        select *, date_diff('day', date '1970-01-05', order_date) % 7 as days_into_week,  -- 0 is Monday
        from core.orders
        where bucket = $bucket
    ),

    -- A customer's first purchase day in a period is known from the gap before it: no distinct
    -- count is needed.
    periods as (
        select
            *,
            'day' as grain,
            order_date as period_start,
            date_diff('day', first_order_date, order_date) + 1 as tenure_days,
            is_new_day as is_new_period,
        from orders
        union all
        select
            *,
            'week' as grain,
            cast(date_trunc('week', order_date) as date) as period_start,
            least(
                date_diff('day', first_order_date, order_date) - days_into_week + 7,
                date_diff('day', first_order_date, $as_of)
            ) as tenure_days,
            is_new_day and (gap_days is null or gap_days > days_into_week) as is_new_period,
        from orders
        union all
        select
            *,
            'month' as grain,
            cast(date_trunc('month', order_date) as date) as period_start,
            least(
                date_diff(
                    'day',
                    first_order_date,
                    cast(date_trunc('month', order_date) + interval 1 month as date)
                ),
                date_diff('day', first_order_date, $as_of)
            ) as tenure_days,
            is_new_month as is_new_period,
        from orders
    )
select
    $bucket as bucket,
    grain,  -- day, week or month
    period_start,  -- its first day
    round(sum(amount), 4) as revenue,
    round(sum(gross_amount), 4) as gross_revenue,
    round(sum(return_amount), 4) as return_revenue,
    round(sum(margin), 4) as margin,
    count(purchase_number) as n_orders,
    count(case when is_new_period then 1 end) as n_customers,  -- who bought in the period
    count(case when is_new_day and gap_days is null then 1 end) as n_new_customers,  -- whose first purchase is in the period
    -- of the customers, those with two orders or more by the end of the period: they had them at
    -- their first purchase in the period, or placed the second one later in it
    count(case when is_new_period and n_orders_so_far >= 2 then 1 end)
    + count(case when purchase_number = 2 and not is_new_period then 1 end) as n_repeat_customers,
    cast(sum(case when is_new_period then tenure_days else 0 end) as bigint) as tenure_days,  -- from first order to the period's end, added up over the customers
from periods
group by grain, period_start
order by grain, period_start
