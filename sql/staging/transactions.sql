-- Transaction lines with one spelling of names and one sign: what goes back to the customer is
-- negative.
-- grain: one row per accepted transaction line
-- parameters: $bucket, part of the customers
-- layout: bucketed
select
    bucket,
    customer_id,
    order_id,
    line_id,
    order_ts,
    cast(order_ts as date) as order_date,
    -- some shops flag returns and write them as positive numbers
    case
        when amount = 0e0
        then 0e0
        when coalesce(is_return, false) and amount > 0e0
        then - amount
        else amount
    end as amount,
    case
        when coalesce(is_return, false) and quantity > 0e0 then - quantity else quantity
    end as quantity,
    unit_price,
    discount,
    case when coalesce(is_return, false) and cost > 0e0 then - cost else cost end as cost,
    nullif(trim(category), '') as category,
    nullif(trim(product), '') as product,
    nullif(trim(channel), '') as channel,
    nullif(trim(country), '') as country,
    coalesce(is_return, false) as is_return,
    file_id,
    line_no,
from landing.transactions
where bucket = $bucket
order by customer_id, order_ts, order_id, file_id, line_no
