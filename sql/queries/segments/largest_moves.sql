-- Which movements between segments took the most money with them, since one primary horizon ago.
-- grain: one row per segment then and another segment now, at most $max_rows
-- parameters: $max_rows number of rows
select
    segment_before,
    segment,
    n_customers,
    monetary_before,  -- net revenue in the RFM window, then
    next_revenue,  -- net, since then
    expected_revenue,  -- NULL while there is no model
from marts.segment_moves
where segment_before <> segment
order by monetary_before desc, segment_before, segment
limit $max_rows
