-- What was in one order of a customer.
-- grain: one row per line
-- parameters: $customer_id, $order_id
select
    line_id,
    order_ts,
    product,
    category,
    quantity,
    unit_price,
    discount,
    amount,  -- returns are negative
    margin,
    is_return,
from core.order_lines
where customer_id = $customer_id and order_id = $order_id
order by
    order_ts, line_id, product, category, amount, quantity, unit_price, discount, margin, is_return
