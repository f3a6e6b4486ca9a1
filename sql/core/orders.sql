-- Orders with their net money. What is dated on another day, as a late return, is a row of its own.
-- grain: one row per customer, order and day: a row never changes once its day is over
-- parameters: $bucket, part of the customers
-- layout: bucketed
with
    lines as (
        select
            bucket,
            customer_id,
            order_id,
            order_ts,
            order_date,
            amount,
            margin,
            quantity,
            discount,
            category,
            channel,
            country,
            is_purchase,
            is_new_day,
            is_new_month,
            gap_days,
            first_order_date,
        from core.order_lines
        where bucket = $bucket
    ),

    order_days as (
        select
            bucket,
            customer_id,
            order_id,
            order_date,
            -- the first purchase line; a return on the same order does not make it earlier
            coalesce(min(case when is_purchase then order_ts end), min(order_ts)) as order_ts,
            round(sum(amount), 4) as amount,
            round(sum(case when is_purchase then amount else 0e0 end), 4) as gross_amount,
            round(sum(case when is_purchase then 0e0 else amount end), 4) as return_amount,
            round(sum(margin), 4) as margin,
            sum(quantity) as quantity,
            round(sum(discount), 4) as discount,
            count(*) as n_lines,
            min(category) as first_category,
            max(category) as last_category,
            min(channel) as channel,
            min(country) as country,
            max(is_purchase) as is_purchase,
            max(is_new_day) as is_new_day,
            max(is_new_month) as is_new_month,
            max(gap_days) as gap_days,
            max(first_order_date) as first_order_date,
        from lines
        group by bucket, customer_id, order_id, order_date
    ),

    -- only orders with several categories need a look at each of them
    mixed_categories as (
        select
            lines.customer_id,
            lines.order_id,
            lines.order_date,
            lines.category,
            round(
                sum(case when lines.is_purchase then lines.amount else 0e0 end), 4
            ) as gross_amount,
            round(sum(lines.amount), 4) as amount,
        from lines
        inner join
            order_days
            on order_days.customer_id = lines.customer_id
            and order_days.order_id = lines.order_id
            and order_days.order_date = lines.order_date
            and order_days.first_category < order_days.last_category
        where lines.category is not null
        group by lines.customer_id, lines.order_id, lines.order_date, lines.category
    ),

    main_categories as (
        select
            customer_id,
            order_id,
            order_date,
            category,
            count(*) over (partition by customer_id, order_id, order_date) as n_categories,
        from mixed_categories
        qualify
            row_number() over (
                partition by customer_id, order_id, order_date
                order by gross_amount desc, amount desc, category
            )
            = 1
    ),

    -- an order that is continued on a second day is still one order
    continued as (
        select customer_id, order_id, min(order_date) as first_date,
        from order_days
        where is_purchase
        group by customer_id, order_id
        having count(*) > 1
    ),

    started as (
        select
            order_days.bucket,
            order_days.customer_id,
            order_days.order_id,
            order_days.order_ts,
            order_days.order_date,
            order_days.amount,
            order_days.gross_amount,
            order_days.return_amount,
            order_days.margin,
            order_days.quantity,
            order_days.n_lines,
            case
                when order_days.first_category < order_days.last_category
                then main_categories.n_categories
                when order_days.first_category is null
                then 0
                else 1
            end as n_categories,
            order_days.discount,
            case
                when order_days.first_category < order_days.last_category
                then main_categories.category
                else order_days.first_category
            end as category,
            order_days.channel,
            order_days.country,
            order_days.is_purchase,
            order_days.is_purchase
            and order_days.order_date
            = coalesce(continued.first_date, order_days.order_date) as is_new_order,
            order_days.gap_days,
            order_days.is_new_day,
            order_days.is_new_month,
            order_days.first_order_date,
        from order_days
        left join
            main_categories
            on main_categories.customer_id = order_days.customer_id
            and main_categories.order_id = order_days.order_id
            and main_categories.order_date = order_days.order_date
        left join
            continued
            on continued.customer_id = order_days.customer_id
            and continued.order_id = order_days.order_id
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
    n_lines,  -- order lines
    n_categories,  -- different ones in it
    discount,
    category,  -- the one with most gross amount
    channel,
    country,
    is_purchase,  -- has a purchase line
    -- counting it counts orders; NULL for pure returns and an order's second day
    case when is_new_order then n_orders_so_far end as purchase_number,  -- 1 is the first; NULL for what is only a return
    n_orders_so_far,  -- of the customer, this row included
    gap_days,
    is_new_day,  -- opens a purchase day of the customer: counting it counts purchase days
    is_new_month,
    coalesce(order_date = first_order_date, false) as is_first_day,  -- the day of the first purchase
    first_order_date,
    cast(date_trunc('month', first_order_date) as date) as cohort_month,
from numbered
order by customer_id, order_ts, order_id, order_date
