-- All lines of a customer's orders and returns, the newest first.
-- grain: one row per line, at most $max_rows
-- parameters: $customer_id and its $customer_bucket, which customer/profile gives, $max_rows
-- number of rows
select
    order_ts,
    order_id,
    line_id,
    case when is_return then 'return' else 'order' end as kind,
    product,
    category,
    channel,
    country,
    quantity,
    unit_price,
    discount,
    amount,  -- returns are negative
    margin,
    count(*) over () as n_lines,  -- of all, not only of those given here
from core.order_lines
where bucket = $customer_bucket and customer_id = $customer_id
order by
    order_ts desc,
    order_id desc,
    line_id,
    product,
    category,
    amount,
    quantity,
    unit_price,
    discount,
    margin,
    is_return
limit $max_rows
