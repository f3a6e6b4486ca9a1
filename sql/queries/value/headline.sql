-- What the customers are expected to bring, in all and each, and how much of it the best bring.
-- grain: one row
-- parameters: $horizon_days days ahead; $measure revenue or margin; $is_discounted true for the
-- present value
with
    valued as (
        select
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

    totals as (
        select
            count(*) as n_customers,
            sum(expected_value) as total,
            avg(expected_value) as mean_value,
            median(expected_value) as median_value,
            cast(ceil(cast(count(*) as double) / 20e0) as bigint) as n_top5,
            max(model_version) as model_version,
            max(as_of) as as_of,
        from valued
    ),

    -- what the best bring does not depend on who stands first among equals
    best as (
        select expected_value,
        from valued
        order by expected_value desc
        limit (select n_top5 from totals)
    ),

    top5 as (select sum(expected_value) as top5_value, from best),

    -- totals have an interval of their own: the spread of their errors at past cut-offs, as
    -- logarithms
    spread as (
        select max(evaluations.value) as total_log_sd,
        from outputs.evaluations as evaluations
        inner join totals on evaluations.model_version = totals.model_version
        where evaluations.metric = 'total_log_sd' and evaluations.horizon_days = $horizon_days
    )
select
    totals.n_customers,  -- with a prediction
    round(totals.total, 4) as total,
    -- 80 % interval of the sum; NULL while the model's past totals have not been judged
    totals.total * exp(-1.2816e0 * spread.total_log_sd) as total_lo,
    totals.total * exp(1.2816e0 * spread.total_log_sd) as total_hi,
    totals.mean_value,
    totals.median_value,
    top5.top5_value / nullif(totals.total, 0e0) as top5_share,
    totals.n_top5,  -- the best 5 %, rounded up
    totals.as_of,  -- first day of the horizon
    totals.model_version,
from totals
cross join top5
cross join spread
