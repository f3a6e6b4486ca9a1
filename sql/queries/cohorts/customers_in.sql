-- Which customers are behind a cell of the heat map.
-- grain: one row per customer
-- parameters: $cohort_month first day of the month; $month_number; $mode 'cohort', 'bought' or
-- 'bought_or_later'; $channel of the first order, or NULL for all
with
    activity as (
        select
            orders.customer_id,
            max(
                case
                    when
                        date_diff(
                            'month',
                            orders.cohort_month,
                            cast(date_trunc('month', orders.order_date) as date)
                        )
                        = $month_number
                    then 1
                    else 0
                end
            ) as has_bought,
            round(
                sum(
                    case
                        when
                            date_diff(
                                'month',
                                orders.cohort_month,
                                cast(date_trunc('month', orders.order_date) as date)
                            )
                            = $month_number
                        then orders.amount
                        else 0e0
                    end
                ),
                4
            ) as revenue,
        from core.orders as orders
        where orders.cohort_month = cast($cohort_month as date) and orders.is_purchase
        group by orders.customer_id
    )
select
    customers.customer_id,
    customers.name,
    customers.segment,
    activity.revenue,  -- net amount of the orders in that month
    customers.revenue as revenue_to_date,
    customers.last_order_date,
from marts.customers as customers
inner join activity on activity.customer_id = customers.customer_id
where
    customers.cohort_month = cast($cohort_month as date)
    and (cast($channel as varchar) is null or customers.channel = $channel)
    and (
        $mode = 'cohort'
        or ($mode = 'bought' and activity.has_bought = 1)
        or (
            $mode = 'bought_or_later'
            and date_diff(
                'month',
                customers.cohort_month,
                cast(date_trunc('month', customers.last_order_date) as date)
            )
            >= $month_number
        )
    )
order by activity.revenue desc, customers.customer_id
