-- Which customers are behind a cell of the heat map, or behind a point of a curve.
-- grain: one row per customer
-- parameters: $cohort_month first day of the month, or NULL for all cohorts whose month
-- $month_number
-- is over, as averages count them; $month_number; $mode 'cohort', 'bought' or 'bought_or_later';
-- $channel of the first order, or NULL for all
with
    cohorts as (
        select cohort_month,
        from marts.cohort_retention
        where
            month_number = $month_number
            and (
                cohort_month = cast($cohort_month as date)
                or (cast($cohort_month as date) is null and not is_running)
            )
    ),

    chosen as (
        select customer_id,
        from marts.customers
        where $mode = 'cohort'
        union all
        select customer_id,
        from marts.purchase_months
        where $mode = 'bought' and month_number = $month_number
        union all
        select customer_id,
        from marts.customers
        where
            $mode = 'bought_or_later'
            and date_diff('month', cohort_month, cast(date_trunc('month', last_order_date) as date))
            >= $month_number
    )
select
    customers.customer_id,
    customers.name,
    customers.segment,
    customers.cohort_month,
    customers.revenue as revenue_to_date,  -- net
    customers.last_order_date,
from chosen
inner join marts.customers as customers on customers.customer_id = chosen.customer_id
inner join cohorts on cohorts.cohort_month = customers.cohort_month
where cast($channel as varchar) is null or customers.channel = $channel
order by customers.cohort_month, customers.revenue desc, customers.customer_id
