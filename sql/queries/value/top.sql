-- Who is expected to bring the most.
-- grain: one row per customer, at most $max_rows
-- parameters: $horizon_days days ahead; $measure revenue or margin; $is_discounted true for the
-- present value; $max_rows number of rows
with
    valued as (
        select
            customer_id,
            expected_revenue,
            revenue_lo,
            revenue_hi,
            p_alive,
            case
                when $is_discounted
                then expected_revenue_discounted
                else expected_revenue
            end * case
                when $measure = 'margin'
                then coalesce(expected_margin / nullif(expected_revenue, 0e0), 0e0)
                else 1e0
            end as expected_value,
        from outputs.predictions
        where horizon_days = $horizon_days and expected_revenue is not null
    ),

    best as (
        select
            customer_id,
            expected_value,
            revenue_lo * expected_value / nullif(expected_revenue, 0e0) as value_lo,
            revenue_hi * expected_value / nullif(expected_revenue, 0e0) as value_hi,
            p_alive,
        from valued
        order by expected_value desc, customer_id
        limit $max_rows
    )
select
    best.customer_id,
    customers.name,
    customers.segment,
    customers.last_order_date,
    customers.n_orders,
    customers.revenue,  -- net, to date
    best.expected_value,
    best.value_lo,  -- 80 % interval
    best.value_hi,
    best.p_alive,
from best
inner join marts.customers as customers on customers.customer_id = best.customer_id
order by best.expected_value desc, best.customer_id
