-- Cart events known at the as-of date.
-- grain: one row per accepted cart event dated before $as_of
-- parameters: $as_of date, first day that is not known
select customer_id, event_id, event_ts, event_date, cart_value, category, channel, is_converted,
from staging.cart_events
where event_ts < cast($as_of as timestamp)
order by customer_id, event_ts, event_id, cart_value, category, channel, is_converted
