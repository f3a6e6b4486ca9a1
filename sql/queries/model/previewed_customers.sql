-- Which customers would be worth more, or less, if another version became champion.
-- grain: one row per customer
-- parameters: $horizon_days days ahead; $way up or down, NULL for all; $segment of today, NULL
-- for all
select preview.customer_id, customers.name, preview.expected_now, preview.expected_then,
from outputs.promotion_preview as preview
inner join marts.customers as customers on customers.customer_id = preview.customer_id
where
    preview.horizon_days = $horizon_days
    and (cast($segment as varchar) is null or customers.segment = $segment)
    and (
        cast($way as varchar) is null
        or (
            $way = 'up'
            and preview.expected_then - preview.expected_now > 1e-2 * preview.expected_now
        )
        or (
            $way = 'down'
            and preview.expected_now - preview.expected_then > 1e-2 * preview.expected_now
        )
    )
order by abs(preview.expected_then - preview.expected_now) desc, preview.customer_id
