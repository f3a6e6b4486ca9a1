-- From which segment to which customers have moved since one primary horizon ago, and the money
-- that moved with them.
-- grain: one row per segment then and segment now, stayers included
-- parameters: none
select
    moves.segment_before,
    moves.segment,
    max(moves.before_date) as before_date,
    count(*) as n_customers,
    round(sum(moves.monetary_before), 4) as monetary_before,  -- net revenue in the RFM window, then
    round(sum(moves.next_revenue), 4) as next_revenue,  -- net, since then
    round(sum(customers.expected_revenue), 4) as expected_revenue,  -- NULL while there is no model
    coalesce(max(rules_before.priority), 99) as place_before,
    coalesce(max(rules.priority), 99) as place,
    moves.segment_before = moves.segment as is_stayer,
from marts.customer_moves as moves
inner join marts.customers as customers on customers.customer_id = moves.customer_id
left join features.segment_rules as rules_before on rules_before.segment = moves.segment_before
left join features.segment_rules as rules on rules.segment = moves.segment
group by moves.segment_before, moves.segment
order by place_before, place, moves.segment_before, moves.segment
