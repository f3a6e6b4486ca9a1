-- Which customers are behind a bar, a tenth or a share of the expected value.
-- grain: one row per customer
-- parameters: $horizon_days days ahead; $measure revenue or margin; $is_discounted true for the
-- present value; NULL for all: $value_from and $value_to money, $decile of expected value (10 is
-- best), $best_percent of the customers
with
    valued as (
        select
            customer_id,
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
            customer_id,
            expected_value,
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
            cast(
                ceil(
                    100e0
                    * cast(row_number() over (order by expected_value desc, customer_id) as double)
                    / nullif(cast(count(*) over () as double), 0e0)
                ) as integer
            ) as customer_percent,
        from valued
    )
select ranked.customer_id, customers.name, customers.segment, ranked.expected_value,  -- money
from ranked
inner join marts.customers as customers on customers.customer_id = ranked.customer_id
where
    (cast($value_from as double) is null or ranked.expected_value >= $value_from)
    and (cast($value_to as double) is null or ranked.expected_value < $value_to)
    and (cast($decile as integer) is null or ranked.decile = $decile)
    and (cast($best_percent as integer) is null or ranked.customer_percent <= $best_percent)
order by ranked.expected_value desc, ranked.customer_id
