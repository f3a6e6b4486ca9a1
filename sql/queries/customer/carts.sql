-- A customer's carts, the newest first.
-- grain: one row per cart event, at most 50
-- parameters: $customer_id
select event_id, event_ts, cart_value, category, channel, is_converted,
from core.cart_events
where customer_id = $customer_id
order by event_ts desc, event_id, cart_value desc, category, channel, is_converted
limit 50
