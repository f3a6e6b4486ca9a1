-- Which customers moved from one segment to another since one primary horizon ago.
-- grain: one row per customer
-- parameters: $segment_before, $segment
select
    moves.customer_id,
    customers.name,
    moves.monetary_before,
    moves.next_revenue,  -- net, since then
    customers.expected_revenue,
from marts.customer_moves as moves
inner join marts.customers as customers on customers.customer_id = moves.customer_id
where moves.segment_before = $segment_before and moves.segment = $segment
order by moves.next_revenue desc, moves.customer_id
