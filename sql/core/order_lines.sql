-- Every transaction line known at the as-of date, with the facts of its customer's past that make
-- any later cut-off cheap.
-- grain: one row per accepted transaction line dated before $as_of
-- parameters: $as_of date, first day that is not known; $gross_margin share 0-1, where no cost is
-- given; $bucket
-- layout: bucketed
with
    lines as (
        select
            bucket,
            customer_id,
            order_id,
            line_id,
            order_ts,
            order_date,
            amount,
            quantity,
            unit_price,
            discount,
            cost,
            case when cost is null then amount * $gross_margin else amount - cost end as margin,
            category,
            product,
            channel,
            country,
            is_return,
            not is_return as is_purchase,
        from staging.transactions
        where bucket = $bucket and order_ts < cast($as_of as timestamp)
    ),

    -- The ties are broken by everything that a line says, so that the order of the input rows
    -- never shows.
    -- Both frames end at the line itself: nothing here depends on what the customer does later.
    histories as (
        select
            *,
            max(case when is_purchase then order_date end) over (
                partition by customer_id
                order by
                    order_ts,
                    order_id,
                    line_id,
                    amount,
                    is_return,
                    category,
                    product,
                    quantity,
                    unit_price,
                    discount,
                    cost,
                    channel,
                    country
                rows between unbounded preceding and 1 preceding
            ) as previous_order_date,
            min(case when is_purchase then order_date end) over (
                partition by customer_id
                order by
                    order_ts,
                    order_id,
                    line_id,
                    amount,
                    is_return,
                    category,
                    product,
                    quantity,
                    unit_price,
                    discount,
                    cost,
                    channel,
                    country
                rows between unbounded preceding and current row
            ) as first_order_date,
        from lines
    )
select
    bucket,
    customer_id,
    order_id,
    line_id,
    order_ts,
    order_date,
    amount,  -- net: returns are negative
    quantity,
    unit_price,
    discount,
    cost,
    margin,  -- amount less cost, or amount times the gross margin where no cost is given
    category,
    product,
    channel,
    country,
    is_return,
    is_purchase,  -- not a return
    case
        when is_purchase and previous_order_date < order_date
        then date_diff('day', previous_order_date, order_date)
    end as gap_days,  -- since the purchase day before; only on the first line of a repeat purchase day
    is_purchase and (previous_order_date is null or previous_order_date < order_date) as is_new_day,  -- first line of a purchase day
    is_purchase
    and (
        previous_order_date is null
        or date_trunc('month', previous_order_date) < date_trunc('month', order_date)
    ) as is_new_month,  -- first line of a month with a purchase
    coalesce(order_date = first_order_date, false) as is_first_day,  -- dated on the first purchase day
    first_order_date,  -- first purchase day as known at this line; NULL while there is none
    cast(date_trunc('month', first_order_date) as date) as cohort_month,  -- month of the first order
from histories
order by
    customer_id,
    order_ts,
    order_id,
    line_id,
    amount,
    is_return,
    category,
    product,
    quantity,
    unit_price,
    discount,
    cost,
    channel,
    country
