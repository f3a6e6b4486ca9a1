-- Where the money comes from: the segment with most net revenue to date; and the movement between
-- segments that took most money with it since one primary horizon ago.
-- grain: one row; none where all customers are of one segment
-- parameters: none
with
    shares as (
        select
            segment,
            place,
            n_customers,
            cast(n_customers as double)
            / nullif(sum(cast(n_customers as double)) over (), 0e0) as customer_share,
            revenue,  -- net, to date
            greatest(revenue, 0e0)
            / nullif(sum(greatest(revenue, 0e0)) over (), 0e0) as revenue_share,
            horizon_days,
            expected_revenue / nullif(sum(expected_revenue) over (), 0e0) as expected_share,
        from marts.segments
    ),

    best as (
        select
            segment,
            n_customers,
            customer_share,
            revenue,
            revenue_share,
            horizon_days,
            expected_share,
        from shares
        where customer_share < 1e0 and revenue > 0e0
        order by revenue desc, place, segment
        limit 1
    ),

    moved as (
        select before_date, segment_before, segment, n_customers, monetary_before, next_revenue,
        from marts.segment_moves
        where segment_before <> segment
        order by monetary_before desc, segment_before, segment
        limit 1
    )
select
    best.segment,
    best.n_customers,
    best.customer_share,
    best.revenue,  -- net, to date
    best.revenue_share,
    best.horizon_days,
    best.expected_share,  -- of the expected revenue over horizon_days; NULL while there is no model
    moved.before_date,  -- NULL while nobody has moved
    moved.segment_before as moved_from,
    moved.segment as moved_to,
    moved.n_customers as n_moved,
    moved.monetary_before,  -- net revenue of those who moved in the RFM window, then
    moved.next_revenue,  -- and since then
from best
left join moved on true
