-- How sure the single forecasts are, from the least to the most valuable customers.
-- grain: one row per tenth of the customers by expected value; 10 is best
-- parameters: $horizon_days days ahead; $measure revenue or margin; $is_discounted true for the
-- present value
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
    ),

    -- by the middle of the places of all with the same value: equals share a tenth
    ranked as (
        select
            expected_value,
            revenue_lo * expected_value / nullif(expected_revenue, 0e0) as value_lo,
            revenue_hi * expected_value / nullif(expected_revenue, 0e0) as value_hi,
            cast(
                least(
                    9e0,
                    floor(
                        5e0 * cast(
                            rank() over (order by expected_value)
                            - 1
                            + count(*) over (order by expected_value) as double
                        )
                        / nullif(cast(count(*) over () as double), 0e0)
                    )
                )
                + 1e0 as integer
            ) as decile,
        from valued
    )
select
    decile,
    count(*) as n_customers,
    avg(expected_value) as mean_value,
    avg(value_lo) as mean_lo,  -- of the customers' own 80 % intervals
    avg(value_hi) as mean_hi,
from ranked
group by decile
order by decile
