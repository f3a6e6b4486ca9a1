-- Carts that customers filled, whether they bought or not.
-- grain: one row per accepted cart event
-- parameters: none
select
    customer_id,
    event_id,
    event_ts,
    cast(event_ts as date) as event_date,
    cart_value,
    nullif(trim(category), '') as category,
    nullif(trim(channel), '') as channel,
    coalesce(converted, false) as is_converted,
    file_id,
    line_no,
from landing.cart_events
order by customer_id, event_ts, event_id, file_id, line_no
