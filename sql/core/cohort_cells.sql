-- What each cohort did in each month of its life, as parts that add up over the buckets.
-- grain: one row per bucket, cohort month, channel of the first order and month number with an
-- order
-- parameters: $bucket, part of the customers
-- layout: bucketed
with
    months as (
        select
            customer_id,
            cohort_month,
            date_diff(
                'month', cohort_month, cast(date_trunc('month', order_date) as date)
            ) as month_number,
            max(is_new_month) as is_buyer,
            round(sum(amount), 4) as revenue,
            round(sum(margin), 4) as margin,
        from core.orders
        where bucket = $bucket and cohort_month is not null
        group by all
    ),

    starts as (
        select
            customer_id,
            max(
                case when month_number = 0 then greatest(revenue, 0e0) else 0e0 end
            ) as base_revenue,
            max(case when is_buyer then month_number end) as last_month_number,
        from months
        group by customer_id
    )
select
    $bucket as bucket,
    months.cohort_month,
    coalesce(customers.first_channel, 'Unknown') as channel,
    months.month_number,  -- months since the month of the first order
    count(case when months.is_buyer then 1 end) as n_buyers,  -- who bought in the month
    count(
        case when starts.last_month_number = months.month_number and months.is_buyer then 1 end
    ) as n_last_buyers,  -- whose last purchase so far is in this month
    round(sum(months.revenue), 4) as revenue,
    round(sum(months.margin), 4) as margin,
    -- each customer at most at what they spent in month 0
    round(sum(least(greatest(months.revenue, 0e0), starts.base_revenue)), 4) as capped_revenue,
from months
inner join starts on starts.customer_id = months.customer_id
inner join
    core.customer_totals as customers
    on customers.customer_id = months.customer_id
    and customers.bucket = $bucket
group by months.cohort_month, coalesce(customers.first_channel, 'Unknown'), months.month_number
order by months.cohort_month, channel, months.month_number
