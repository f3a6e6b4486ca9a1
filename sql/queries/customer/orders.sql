-- A customer's orders and returns, the newest first.
-- grain: one row per order and day
-- parameters: $customer_id
select
    order_id,
    order_ts,
    order_date,
    case when is_purchase then 'order' else 'return' end as kind,
    purchase_number,
    gap_days,  -- since the purchase day before
    amount,  -- net
    gross_amount,
    return_amount,  -- zero or negative
    margin,
    discount,
    quantity,
    n_lines,
    category,
    channel,
    country,
from core.orders
where customer_id = $customer_id
order by order_ts desc, order_id desc, order_date desc
