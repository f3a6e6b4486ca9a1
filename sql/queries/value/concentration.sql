-- How much of the expected value the best customers bring.
-- grain: one row per hundredth of the customers, the best first
-- parameters: $horizon_days days ahead; $measure revenue or margin; $is_discounted true for the
-- present value
with
    valued as (
        select
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

    -- what they bring does not depend on who stands first among equals
    ranked as (
        select
            expected_value,
            cast(
                ceil(
                    100e0
                    * cast(row_number() over (order by expected_value desc) as double)
                    / nullif(cast(count(*) over () as double), 0e0)
                ) as integer
            ) as customer_percent,
        from valued
    ),

    parts as (
        select customer_percent, count(*) as n_customers, sum(expected_value) as part_value,
        from ranked
        group by customer_percent
    )
select
    customer_percent,  -- best customers, in per cent of all
    cast(sum(n_customers) over (order by customer_percent) as bigint) as n_customers,  -- so far
    sum(part_value) over (order by customer_percent)
    / nullif(sum(part_value) over (), 0e0) as value_share,
from parts
order by customer_percent
