-- From which segment to which customers have moved since one primary horizon ago, and the money
-- that moved with them.
-- grain: one row per segment then and segment now, stayers included
-- parameters: none
select
    moves.segment_before,
    moves.segment,
    moves.before_date,
    moves.n_customers,
    moves.monetary_before,  -- net revenue in the RFM window, then
    moves.next_revenue,  -- net, since then
    moves.expected_revenue,  -- NULL while there is no model
    coalesce(rules_before.priority, 99) as place_before,
    coalesce(rules.priority, 99) as place,
    moves.segment_before = moves.segment as is_stayer,
from marts.segment_moves as moves
left join features.segment_rules as rules_before on rules_before.segment = moves.segment_before
left join features.segment_rules as rules on rules.segment = moves.segment
order by place_before, place, moves.segment_before, moves.segment
