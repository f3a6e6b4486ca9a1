-- The lines with most money on them, whichever way it went.
-- grain: one row per line, at most $max_rows
-- parameters: $max_rows number of rows, at most 20
select
    lines.place,
    lines.customer_id,
    customers.name,
    lines.order_id,
    lines.order_ts,
    lines.amount,
    lines.quantity,
    lines.product,
    lines.is_return,
from marts.largest_lines as lines
inner join marts.customers as customers on customers.customer_id = lines.customer_id
where lines.place <= $max_rows
order by lines.place
