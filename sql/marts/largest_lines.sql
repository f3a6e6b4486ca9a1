-- The transaction lines with most money on them, whichever way it went: where a slip of the pen
-- would show.
-- grain: one row per line, at most 20
-- parameters: none
select
    row_number() over (
        order by abs(amount) desc, order_ts, customer_id, order_id, line_id, amount, product
    ) as place,  -- 1 is the largest
    customer_id,
    order_id,
    order_ts,
    amount,  -- net: returns are negative
    quantity,
    product,
    is_return,
from core.order_lines
qualify place <= 20
order by place
