-- How many customers are expected to bring how much, on a scale of equal factors (1, 2, 5, 10, …).
-- grain: one row per step between the least and the most, those without a customer included
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

    exponents as (
        select exponent,
        from (values (-2), (-1), (0), (1), (2), (3), (4), (5), (6), (7), (8)) as t(exponent)
    ),

    mantissas as (
        select mantissa, next_mantissa,
        from (values (1e0, 2e0), (2e0, 5e0), (5e0, 10e0)) as t(mantissa, next_mantissa)
    ),

    steps as (
        select
            mantissas.mantissa * power(10e0, exponents.exponent) as value_from,
            mantissas.next_mantissa * power(10e0, exponents.exponent) as value_to,
        from exponents
        cross join mantissas
    ),

    -- who is expected to bring less than a thousandth of the mean brings nothing that matters
    floors as (
        select avg(expected_value) / 1000e0 as least, max(expected_value) as most, from valued
    ),

    shown as (
        select steps.value_from, steps.value_to,
        from steps
        cross join floors
        where steps.value_to > floors.least and steps.value_from <= floors.most
    ),

    first_step as (select min(value_from) as least_from, from shown),

    counted as (
        select
            shown.value_from,
            count(*) as n_customers,
            sum(valued.expected_value) as total,
            avg(
                valued.revenue_lo * valued.expected_value / nullif(valued.expected_revenue, 0e0)
            ) as value_lo,
            avg(
                valued.revenue_hi * valued.expected_value / nullif(valued.expected_revenue, 0e0)
            ) as value_hi,
        from valued
        cross join first_step
        inner join
            shown
            on greatest(valued.expected_value, first_step.least_from) >= shown.value_from
            and greatest(valued.expected_value, first_step.least_from) < shown.value_to
        group by shown.value_from
    )
select
    shown.value_from,
    shown.value_to,  -- not included
    shown.value_from = first_step.least_from as is_lowest,  -- holds all below it, too
    coalesce(counted.n_customers, 0) as n_customers,
    coalesce(counted.total, 0e0) as total,
    counted.value_lo,  -- mean ends of the customers' own 80 % intervals
    counted.value_hi,
from shown
cross join first_step
left join counted on counted.value_from = shown.value_from
order by shown.value_from
