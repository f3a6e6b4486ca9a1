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
            as_of,
            model_version,
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
    )
select
    valued.customer_id,
    customers.name,
    customers.segment,
    customers.last_order_date,
    customers.n_orders,
    customers.revenue,  -- net, to date
    valued.expected_value,
    valued.revenue_lo * valued.expected_value / nullif(valued.expected_revenue, 0e0) as value_lo,  -- 80 % interval
    valued.revenue_hi * valued.expected_value / nullif(valued.expected_revenue, 0e0) as value_hi,
    valued.p_alive,
from valued
inner join marts.customers as customers on customers.customer_id = valued.customer_id
order by valued.expected_value desc, valued.customer_id
limit $max_rows
