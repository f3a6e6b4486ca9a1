-- Which movements between segments took the most money with them, since one primary horizon ago.
-- grain: one row per segment then and another segment now, at most $max_rows
-- parameters: $max_rows number of rows
select
    moves.segment_before,
    moves.segment,
    count(*) as n_customers,
    round(sum(moves.monetary_before), 4) as monetary_before,  -- net revenue in the RFM window, then
    round(sum(moves.next_revenue), 4) as next_revenue,  -- net, since then
    round(sum(customers.expected_revenue), 4) as expected_revenue,  -- NULL while there is no model
from marts.customer_moves as moves
inner join marts.customers as customers on customers.customer_id = moves.customer_id
where moves.segment_before <> moves.segment
group by moves.segment_before, moves.segment
order by monetary_before desc, moves.segment_before, moves.segment
limit $max_rows
