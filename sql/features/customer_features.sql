-- What each customer had done before a date: the facts the value model learns from and scores with.
-- grain: one row per customer with a purchase before $as_of
-- parameters: $as_of date, first day that is not known; $horizon_days length H of the period that
-- is forecast, which is also the unit of the look-back windows; $bucket
-- layout: bucketed
with
    -- Lines, not orders: an order's later lines and returns may be dated on or after $as_of.
    lines as (
        select
            customer_id,
            order_id,
            order_date,
            date_diff('day', order_date, $as_of) as age_days,
            amount,
            is_purchase,
            gap_days,
            category,
            case when is_purchase then amount else 0e0 end as gross_amount,
            case when is_purchase then 0e0 else amount end as return_amount,
            case when is_purchase then coalesce(quantity, 0e0) else 0e0 end as quantity,
            case when is_purchase and quantity > 0e0 then amount else 0e0 end as counted_amount,
            case when is_purchase then abs(coalesce(discount, 0e0)) else 0e0 end as discount,
            cast(extract(hour from order_ts) as double) as hour_of_day,
        from core.order_lines
        where bucket = $bucket and order_ts < cast($as_of as timestamp)
    ),

    -- Orders of one day are one purchase; what came back the same day never was sold.
    days as (
        select
            customer_id,
            order_date,
            age_days,
            sum(amount) as amount,
            sum(gross_amount) as gross_amount,
            sum(return_amount) as return_amount,
            sum(quantity) as quantity,
            sum(counted_amount) as counted_amount,
            sum(discount) as discount,
            max(gap_days) as gap_days,
            max(case when is_purchase then 1 else 0 end) as is_purchase_day,
            sum(case when is_purchase then 1 else 0 end) as n_lines,
            sum(case when is_purchase then 0 else 1 end) as n_returns,
            count(distinct case when is_purchase then order_id end) as n_orders,
            count(distinct case when is_purchase then category end) as n_categories,
            avg(case when is_purchase then hour_of_day end) as hour_of_day,
        from lines
        group by all
    ),

    -- rank 1 is the newest purchase day; days with nothing but returns rank among themselves
    ranked as (
        select
            *,
            case when is_purchase_day = 1 then amount end as day_amount,
            exp(- age_days / nullif(0.33e0 * $horizon_days, 0e0)) as weight_third_h,
            exp(- age_days / nullif(1e0 * $horizon_days, 0e0)) as weight_1h,
            exp(- age_days / nullif(3e0 * $horizon_days, 0e0)) as weight_3h,
            case when is_purchase_day = 1 and amount > 0e0 then amount end as paid_amount,
            case
                when
                    is_purchase_day = 1
                    and (
                        gap_days is null
                        or floor((age_days - 1) / 28e0) < floor((age_days + gap_days - 1) / 28e0)
                    )
                then 1
                else 0
            end as is_new_period,
            row_number() over (
                partition by customer_id, is_purchase_day order by order_date desc
            ) as newness,
        from days
    ),

    sums as (
        select
            customer_id,
            min(case when is_purchase_day = 1 then order_date end) as first_purchase_date,
            max(case when is_purchase_day = 1 then order_date end) as last_purchase_date,
            max(case when is_purchase_day = 1 then age_days end) as tenure_days,
            min(case when is_purchase_day = 1 then age_days end) as recency_days,
            cast(sum(is_purchase_day) as bigint) as n_purchase_days,
            count(paid_amount) as n_paid_days,
            cast(sum(n_orders) as bigint) as n_orders,
            cast(sum(n_lines) as bigint) as n_lines,
            cast(sum(n_returns) as bigint) as n_returns,
            cast(sum(is_new_period) as bigint) as n_months_active,

            sum(amount) as net_revenue,
            sum(gross_amount) as gross_revenue,
            sum(return_amount) as return_amount,
            avg(paid_amount) as mean_day_amount,
            median(paid_amount) as median_day_amount,
            max(paid_amount) as max_day_amount,
            min(paid_amount) as min_day_amount,
            stddev_pop(paid_amount) as std_day_amount,
            max(case when newness = 1 then day_amount end) as last_day_amount,
            max(case when gap_days is null then day_amount end) as first_day_amount,
            avg(case when newness <= 3 then day_amount end) as last3_day_amount,
            covar_pop(day_amount, cast(- age_days as double)) as amount_time_covariance,
            var_pop(
                case when day_amount is not null then cast(- age_days as double) end
            ) as time_variance,

            avg(cast(gap_days as double)) as gap_mean_days,
            stddev_pop(cast(gap_days as double)) as gap_std_days,
            median(cast(gap_days as double)) as gap_median_days,
            max(gap_days) as gap_max_days,
            max(case when newness = 1 then gap_days end) as gap_last_days,
            avg(case when newness <= 3 then cast(gap_days as double) end) as gap_last3_days,

            sum(
                case when age_days <= 0.25e0 * $horizon_days then amount else 0e0 end
            ) as revenue_quarter_h,
            sum(
                case when age_days <= 0.5e0 * $horizon_days then amount else 0e0 end
            ) as revenue_half_h,
            sum(case when age_days <= $horizon_days then amount else 0e0 end) as revenue_1h,
            sum(case when age_days <= 2 * $horizon_days then amount else 0e0 end) as revenue_2h,
            sum(case when age_days <= 4 * $horizon_days then amount else 0e0 end) as revenue_4h,
            cast(
                sum(
                    case when age_days <= 0.25e0 * $horizon_days then is_purchase_day else 0 end
                ) as bigint
            ) as n_days_quarter_h,
            cast(
                sum(
                    case when age_days <= 0.5e0 * $horizon_days then is_purchase_day else 0 end
                ) as bigint
            ) as n_days_half_h,
            cast(
                sum(case when age_days <= $horizon_days then is_purchase_day else 0 end) as bigint
            ) as n_days_1h,
            cast(
                sum(
                    case when age_days <= 2 * $horizon_days then is_purchase_day else 0 end
                ) as bigint
            ) as n_days_2h,
            cast(
                sum(
                    case when age_days <= 4 * $horizon_days then is_purchase_day else 0 end
                ) as bigint
            ) as n_days_4h,

            sum(amount * weight_third_h) as revenue_decay_third_h,
            sum(amount * weight_1h) as revenue_decay_1h,
            sum(amount * weight_3h) as revenue_decay_3h,
            sum(is_purchase_day * weight_third_h) as n_days_decay_third_h,
            sum(is_purchase_day * weight_1h) as n_days_decay_1h,
            sum(is_purchase_day * weight_3h) as n_days_decay_3h,

            -- the forecast period, whole years earlier
            sum(
                case
                    when
                        age_days <= 365 * ceil($horizon_days / 365e0)
                        and age_days > 365 * ceil($horizon_days / 365e0) - $horizon_days
                    then amount
                    else 0e0
                end
            ) as revenue_year_ago,
            cast(
                sum(
                    case
                        when
                            age_days <= 365 * ceil($horizon_days / 365e0)
                            and age_days > 365 * ceil($horizon_days / 365e0) - $horizon_days
                        then is_purchase_day
                        else 0
                    end
                ) as bigint
            ) as n_days_year_ago,

            sum(quantity) as quantity,
            sum(counted_amount) as counted_amount,
            sum(discount) as discount,
            avg(
                case when is_purchase_day = 1 then cast(n_categories as double) end
            ) as categories_per_day,
            max(n_categories) as max_categories,
            avg(hour_of_day) as mean_hour,
            avg(
                case
                    when is_purchase_day = 1
                    then
                        case
                            when date_diff('day', date '1970-01-05', order_date) % 7 >= 5
                            then 1e0
                            else 0e0
                        end
                end
            ) as weekend_share,
        from ranked
        group by customer_id
    )
select
    customer_id,
    first_purchase_date,
    last_purchase_date,
    n_purchase_days - 1 as x,  -- repeat purchase days
    tenure_days - recency_days as t_x,  -- days from the first purchase to the last
    tenure_days as "T",  -- days from the first purchase to $as_of
    n_orders,
    n_purchase_days,
    n_paid_days,
    recency_days,  -- days since the last purchase

    net_revenue,  -- revenue so far, returns taken off
    gross_revenue,  -- revenue so far, before returns
    mean_day_amount,  -- of the paid purchase days, the first one included; NULL when none was paid
    median_day_amount,  -- median amount of a purchase
    max_day_amount,  -- largest purchase
    min_day_amount,  -- smallest purchase
    std_day_amount,  -- spread of the amounts
    std_day_amount / nullif(mean_day_amount, 0e0) as cv_day_amount,  -- spread of the amounts, as a share of the mean
    first_day_amount,  -- first purchase
    last_day_amount,  -- last purchase
    last3_day_amount,  -- mean of the last three purchases
    last3_day_amount / nullif(mean_day_amount, 0e0) as last3_over_mean,  -- last three purchases against the mean
    amount_time_covariance
    * $horizon_days
    / nullif(time_variance, 0e0)
    / nullif(mean_day_amount, 0e0) as amount_slope,  -- share of the mean per H days

    revenue_quarter_h,  -- revenue in the last quarter of a period
    revenue_half_h,  -- revenue in the last half period
    revenue_1h,  -- revenue in the last period
    revenue_2h,  -- revenue in the last two periods
    revenue_4h,  -- revenue in the last four periods
    n_days_quarter_h,  -- purchase days in the last quarter of a period
    n_days_half_h,  -- purchase days in the last half period
    n_days_1h,  -- purchase days in the last period
    n_days_2h,  -- purchase days in the last two periods
    n_days_4h,  -- purchase days in the last four periods
    revenue_2h - revenue_1h as revenue_previous_h,  -- revenue in the period before the last
    n_days_2h - n_days_1h as n_days_previous_h,  -- purchase days in the period before the last
    -- a share of the mean purchase keeps the ratio finite and the same in every currency
    (greatest(revenue_1h, 0e0) + 0.25e0 * mean_day_amount) / nullif(
        greatest(revenue_2h - revenue_1h, 0e0) + 0.25e0 * mean_day_amount, 0e0
    ) as revenue_trend,  -- revenue of the last period against the one before
    (n_days_1h + 0.25e0) / nullif(n_days_2h - n_days_1h + 0.25e0, 0e0) as n_days_trend,
    (2e0 * n_days_half_h + 0.25e0) / nullif(n_days_1h + 0.25e0, 0e0) as n_days_half_trend,
    revenue_decay_third_h,  -- very recent revenue
    revenue_decay_1h,  -- recent revenue
    revenue_decay_3h,  -- revenue, the recent weighing more
    n_days_decay_third_h,  -- very recent purchase days
    n_days_decay_1h,  -- recent purchase days
    n_days_decay_3h,  -- purchase days, the recent weighing more

    gap_mean_days,  -- mean days between purchases
    gap_std_days,  -- spread of the days between purchases
    gap_median_days,  -- median days between purchases
    gap_max_days,  -- longest pause between purchases, in days
    gap_last_days,  -- last pause between purchases, in days
    gap_last3_days,  -- mean of the last three pauses, in days
    recency_days / nullif(gap_mean_days, 0e0) as recency_over_gap_mean,  -- silence against the usual pause
    recency_days / nullif(gap_median_days, 0e0) as recency_over_gap_median,  -- silence against the median pause
    recency_days / nullif(cast(gap_max_days as double), 0e0) as recency_over_gap_max,
    gap_std_days / nullif(gap_mean_days, 0e0) as gap_cv,  -- regularity of the purchases
    cast(tenure_days - recency_days as double)
    / nullif(cast(tenure_days as double), 0e0) as t_x_share,  -- share of the time as customer until the last purchase
    cast(n_purchase_days as double)
    * $horizon_days
    / nullif(cast(tenure_days as double), 0e0) as n_days_per_h,  -- purchase days per period
    net_revenue * $horizon_days / nullif(cast(tenure_days as double), 0e0) as revenue_per_h,  -- revenue per period
    case
        when tenure_days >= 365 * ceil($horizon_days / 365e0) then revenue_year_ago
    end as revenue_year_ago,  -- revenue in the same season a year ago
    case
        when tenure_days >= 365 * ceil($horizon_days / 365e0) then n_days_year_ago
    end as n_days_year_ago,  -- purchase days in the same season a year ago

    n_returns,  -- returned lines
    0e0 - return_amount as returned_amount,  -- amount returned
    (0e0 - return_amount) / nullif(gross_revenue, 0e0) as return_share,  -- share of revenue returned
    quantity / nullif(cast(n_purchase_days as double), 0e0) as quantity_per_day,  -- items per purchase
    cast(n_lines as double) / nullif(cast(n_purchase_days as double), 0e0) as lines_per_day,  -- lines per purchase
    cast(n_orders as double) / nullif(cast(n_purchase_days as double), 0e0) as orders_per_day,
    counted_amount / nullif(quantity, 0e0) as mean_unit_price,  -- mean price of an item
    discount / nullif(gross_revenue + discount, 0e0) as discount_share,  -- share bought at a discount
    categories_per_day,  -- categories per purchase
    max_categories,  -- most categories in one purchase
    mean_hour,  -- 0-24, of the purchase lines
    weekend_share,  -- share of purchases at the weekend
    n_months_active,  -- of 28 days, counted back from $as_of
    cast(n_months_active as double) / nullif(ceil(tenure_days / 28e0), 0e0) as months_active_share,
from sums
where n_purchase_days > 0
order by customer_id
