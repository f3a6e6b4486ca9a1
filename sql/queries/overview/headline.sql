-- The headline numbers of a period, each beside the equally long period before it.
-- grain: one row per metric
-- parameters: $from_date first day, $to_date first day after the period
with
    bounds as (
        select
            cast($from_date as date) as from_date,
            cast($to_date as date) as to_date,
            date_diff('day', cast($from_date as date), cast($to_date as date)) as n_days,
    ),

    spans as (
        select from_date, to_date, from_date - cast(n_days as integer) as previous_from_date,
        from bounds
    ),

    -- a comparison with days before the first order would flatter
    comparison as (
        select coalesce(max(spans.previous_from_date) >= min(revenue_daily.day), false) as is_known,
        from spans
        left join marts.revenue_daily as revenue_daily on true
    ),

    money as (
        select
            revenue_daily.day >= spans.from_date as is_current,
            round(sum(revenue_daily.revenue), 4) as revenue,  -- what cancels out is nothing
            cast(sum(revenue_daily.n_orders) as double) as n_orders,
        from marts.revenue_daily as revenue_daily
        cross join spans
        where revenue_daily.day >= spans.previous_from_date and revenue_daily.day < spans.to_date
        group by revenue_daily.day >= spans.from_date
    ),

    -- a customer counts on their first purchase day in the period
    purchases as (
        select
            days.day >= spans.from_date as is_current,
            date_diff(
                'day',
                date '1970-01-01',
                case when days.day >= spans.from_date then spans.to_date else spans.from_date end
            ) as period_end_day,
            days.previous_day is null
            or days.previous_day < case
                when days.day >= spans.from_date then spans.from_date else spans.previous_from_date
            end as is_first_in_period,
            days.n_customers,
            days.n_repeat_customers,
            days.n_second_orders,
            days.n_second_orders_same_day,
            days.first_days,
        from marts.purchase_spans as days
        cross join spans
        where days.day >= spans.previous_from_date and days.day < spans.to_date
    ),

    customers as (
        select
            is_current,
            cast(
                sum(case when is_first_in_period then n_customers else 0 end) as double
            ) as n_customers,
            -- two orders at the first purchase in the period, or the second one later in it
            cast(
                sum(
                    n_second_orders_same_day
                    + case when is_first_in_period then n_repeat_customers else n_second_orders end
                ) as double
            ) as n_repeat_customers,
            cast(
                sum(
                    case
                        when is_first_in_period
                        then n_customers * period_end_day - first_days
                        else 0
                    end
                ) as double
            ) as tenure_days,
        from purchases
        group by is_current
    ),

    totals as (
        select
            money.is_current,
            money.revenue,
            money.n_orders,
            customers.n_customers,
            customers.n_repeat_customers,
            customers.tenure_days,
        from money
        left join customers on customers.is_current = money.is_current
    ),

    wide as (
        select
            coalesce(max(case when is_current then n_customers end), 0e0) as n_customers,
            coalesce(max(case when is_current then revenue end), 0e0) as revenue,
            coalesce(max(case when is_current then n_orders end), 0e0) as n_orders,
            coalesce(
                max(case when is_current then n_repeat_customers end), 0e0
            ) as n_repeat_customers,
            coalesce(max(case when is_current then tenure_days end), 0e0) as tenure_days,
            coalesce(max(case when not is_current then n_customers end), 0e0) as n_customers_before,
            coalesce(max(case when not is_current then revenue end), 0e0) as revenue_before,
            coalesce(max(case when not is_current then n_orders end), 0e0) as n_orders_before,
            coalesce(
                max(case when not is_current then n_repeat_customers end), 0e0
            ) as n_repeat_customers_before,
            coalesce(max(case when not is_current then tenure_days end), 0e0) as tenure_days_before,
        from totals
    ),

    metrics as (
        select
            1 as place,
            'n_customers' as metric,
            'count' as unit,
            n_customers as value,
            n_customers_before as previous_value,
        from wide
        union all
        select 2, 'revenue', 'money', revenue, revenue_before,
        from wide
        union all
        select 3, 'n_orders', 'count', n_orders, n_orders_before,
        from wide
        union all
        select
            4,
            'avg_order_value',
            'money',
            revenue / nullif(n_orders, 0e0),
            revenue_before / nullif(n_orders_before, 0e0),
        from wide
        union all
        select
            5,
            'repeat_rate',
            'share',
            n_repeat_customers / nullif(n_customers, 0e0),
            n_repeat_customers_before / nullif(n_customers_before, 0e0),
        from wide
        union all
        select
            6,
            'avg_tenure_days',
            'days',
            tenure_days / nullif(n_customers, 0e0),
            tenure_days_before / nullif(n_customers_before, 0e0),
        from wide
        union all
        select
            7,
            'orders_per_customer',
            'ratio',
            n_orders / nullif(n_customers, 0e0),
            n_orders_before / nullif(n_customers_before, 0e0),
        from wide
    )
select
    metrics.metric,
    metrics.unit,  -- count, money, share (0-1), days, ratio
    metrics.value,
    case when comparison.is_known then metrics.previous_value end as previous_value,  -- NULL where the period before is not wholly known
    case
        when not comparison.is_known
        then null
        when metrics.unit = 'share'
        then metrics.value - metrics.previous_value
        when metrics.previous_value > 0e0
        then metrics.value / metrics.previous_value - 1e0
    end as change,  -- relative; for a share, the difference
    metrics.place,
from metrics
cross join comparison
order by metrics.place
