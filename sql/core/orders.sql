-- Orders with their net money. What is dated on another day than the order, as a late return is,
-- stands on its own row, so that a row never changes once its day is over.
-- grain: one row per customer, order and day
-- parameters: $bucket, part of the customers
-- layout: bucketed
with
    by_category as (
        select
            bucket,
            customer_id,
            order_id,
            order_date,
            category,
            min(order_ts) as first_ts,
            min(case when is_purchase then order_ts end) as purchase_ts,
            sum(amount) as amount,
            sum(case when is_purchase then amount else 0e0 end) as gross_amount,
            sum(case when is_return then amount else 0e0 end) as return_amount,
            sum(margin) as margin,
            sum(quantity) as quantity,
            sum(discount) as discount,
            count(*) as n_lines,
            min(channel) as channel,
            min(country) as country,
            max(is_purchase) as is_purchase,
            max(is_new_day) as is_new_day,
            max(is_new_month) as is_new_month,
            max(gap_days) as gap_days,
            max(first_order_date) as first_order_date,
        from core.order_lines
        where bucket = $bucket
        group by all
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by customer_id, order_id, order_date
                order by
                    category is null, round(gross_amount, 4) desc, round(amount, 4) desc, category
            ) as category_rank,
        from by_category
    ),

    order_days as (
        select
            bucket,
            customer_id,
            order_id,
            order_date,
            -- the first purchase line; a return on the same order does not make it earlier
            coalesce(min(purchase_ts), min(first_ts)) as order_ts,
            round(sum(amount), 4) as amount,
            round(sum(gross_amount), 4) as gross_amount,
            round(sum(return_amount), 4) as return_amount,
            round(sum(margin), 4) as margin,
            sum(quantity) as quantity,
            round(sum(discount), 4) as discount,
            cast(sum(n_lines) as bigint) as n_lines,
            count(category) as n_categories,
            max(case when category_rank = 1 then category end) as category,
            min(channel) as channel,
            min(country) as country,
            max(is_purchase) as is_purchase,
            max(is_new_day) as is_new_day,
            max(is_new_month) as is_new_month,
            max(gap_days) as gap_days,
            max(first_order_date) as first_order_date,
        from ranked
        group by bucket, customer_id, order_id, order_date
    ),

    -- an order that is continued on a second day is still one order
    started as (
        select
            *,
            is_purchase
            and order_date = min(case when is_purchase then order_date end) over (
                partition by customer_id, order_id
            ) as is_new_order,
        from order_days
    ),

    numbered as (
        select
            *,
            cast(
                sum(case when is_new_order then 1 else 0 end) over (
                    partition by customer_id
                    order by order_ts, order_id, order_date
                    rows between unbounded preceding and current row
                ) as bigint
            ) as n_orders_so_far,
        from started
    )
select
    bucket,
    customer_id,
    order_id,
    order_ts,
    order_date,
    amount,  -- net: gross amount plus return amount
    gross_amount,  -- purchase lines only
    return_amount,  -- zero or negative
    margin,
    quantity,
    n_lines,
    n_categories,
    discount,
    category,  -- the one with most gross amount
    channel,
    country,
    is_purchase,  -- has a purchase line
    case when is_new_order then n_orders_so_far end as purchase_number,  -- counting it counts orders; NULL for pure returns and an order's second day
    n_orders_so_far,  -- of the customer, this row included
    gap_days,
    is_new_day,  -- opens a purchase day of the customer: counting it counts purchase days
    is_new_month,
    coalesce(order_date = first_order_date, false) as is_first_day,
    first_order_date,
    cast(date_trunc('month', first_order_date) as date) as cohort_month,
from numbered
order by customer_id, order_ts, order_id, order_date
