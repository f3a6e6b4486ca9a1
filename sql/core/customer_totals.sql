-- What each customer has done up to the as-of date.
-- grain: one row per customer with a transaction line
-- parameters: $as_of date, first day that is not known; $bucket
-- layout: bucketed
with
    totals as (
        select
            bucket,
            customer_id,
            min(case when is_purchase then order_date end) as first_order_date,
            max(case when is_purchase then order_date end) as last_order_date,
            max(order_date) as last_line_date,
            count(purchase_number) as n_orders,
            count(case when is_new_day then 1 end) as n_purchase_days,
            count(case when return_amount < 0e0 or not is_purchase then 1 end) as n_returns,
            round(sum(amount), 4) as revenue,
            round(sum(gross_amount), 4) as gross_revenue,
            round(sum(return_amount), 4) as return_revenue,
            round(sum(margin), 4) as margin,
            round(sum(discount), 4) as discount,
            round(
                sum(case when date_diff('day', order_date, $as_of) <= 90 then amount else 0e0 end),
                4
            ) as revenue_90d,
            round(
                sum(case when date_diff('day', order_date, $as_of) <= 365 then amount else 0e0 end),
                4
            ) as revenue_365d,
            max(case when purchase_number = 1 then channel end) as first_channel,
            max(case when purchase_number = 1 then category end) as first_category,
            max(case when purchase_number = 1 then country end) as first_country,
            max(country) as any_country,
            max(channel) as any_channel,
        from core.orders
        where bucket = $bucket
        group by bucket, customer_id
    ),

    by_category as (
        select customer_id, category, round(sum(amount), 4) as amount,
        from core.order_lines
        where bucket = $bucket and category is not null
        group by customer_id, category
    ),

    main_categories as (
        select customer_id, category,
        from by_category
        qualify row_number() over (partition by customer_id order by amount desc, category) = 1
    )
select
    totals.bucket,
    totals.customer_id,
    totals.first_order_date,  -- of the first purchase
    totals.last_order_date,  -- of the last purchase
    totals.last_line_date,  -- of a purchase or a return
    totals.n_orders,
    totals.n_purchase_days,
    totals.n_returns,  -- order days with something returned
    totals.revenue,
    totals.gross_revenue,  -- before returns
    totals.return_revenue,  -- zero or negative
    totals.margin,
    totals.discount,
    totals.revenue_90d,
    totals.revenue_365d,
    -- who only ever returned has no first purchase to take these from
    case
        when totals.n_orders > 0 then totals.first_channel else totals.any_channel
    end as first_channel,
    totals.first_category,
    case
        when totals.n_orders > 0 then totals.first_country else totals.any_country
    end as first_country,
    main_categories.category as main_category,  -- the one with most net revenue
from totals
left join main_categories on main_categories.customer_id = totals.customer_id
order by totals.customer_id
