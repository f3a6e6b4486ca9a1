-- How far the single forecasts were off: happened less predicted, in steps by factors of ten.
-- grain: one row per step, from the most over-forecast to the most under-forecast
-- parameters: $horizon_days days ahead
with
    edges as (
        select edge,
        from
            (
                values
                    (1e0),
                    (3e0),
                    (10e0),
                    (30e0),
                    (100e0),
                    (300e0),
                    (1000e0),
                    (3000e0),
                    (10000e0),
                    (30000e0),
                    (100000e0)
            ) as t(edge)
    ),

    steps as (
        select -1e15 as error_from, -100000e0 as error_to,
        union all
        select - edge as error_from, coalesce(- lag(edge) over (order by edge), -1e0) as error_to,
        from edges
        where edge > 1e0
        union all
        select -1e0 as error_from, 1e0 as error_to,
        union all
        select coalesce(lag(edge) over (order by edge), 1e0) as error_from, edge as error_to,
        from edges
        where edge > 1e0
        union all
        select 100000e0 as error_from, 1e15 as error_to,
    ),

    errors as (
        select residuals.actual - residuals.predicted as error,
        from outputs.residuals as residuals
        inner join marts.customers as customers on customers.customer_id = residuals.customer_id
        where residuals.horizon_days = $horizon_days
    ),

    counted as (
        select
            steps.error_from, steps.error_to, count(*) as n_customers, sum(errors.error) as total,
        from errors
        inner join steps on errors.error >= steps.error_from and errors.error < steps.error_to
        group by steps.error_from, steps.error_to
    ),

    ends as (select min(error_from) as first_from, max(error_to) as last_to, from counted)
select
    steps.error_from,  -- money; included
    steps.error_to,  -- not included
    coalesce(counted.n_customers, 0) as n_customers,
    coalesce(counted.total, 0e0) as total,  -- happened less predicted, of them all
from steps
inner join ends on steps.error_from >= ends.first_from and steps.error_to <= ends.last_to
left join counted on counted.error_from = steps.error_from and counted.error_to = steps.error_to
order by steps.error_from
