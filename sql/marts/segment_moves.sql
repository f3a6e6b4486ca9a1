-- From which segment to which customers have moved since one primary horizon ago, and the money
-- that moved with them.
-- grain: one row per segment then and segment now, stayers included
-- parameters: none
select
    moves.segment_before,  -- one primary horizon ago
    moves.segment,
    max(moves.before_date) as before_date,
    count(*) as n_customers,
    round(sum(moves.monetary_before), 4) as monetary_before,  -- net revenue in the RFM window, then
    round(sum(moves.next_revenue), 4) as next_revenue,  -- net, since then
    round(sum(customers.expected_revenue), 4) as expected_revenue,  -- NULL while there is no model
from marts.customer_moves as moves
inner join marts.customers as customers on customers.customer_id = moves.customer_id
group by moves.segment_before, moves.segment
order by moves.segment_before, moves.segment
