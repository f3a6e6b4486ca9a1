-- How the customers are doing and what they are expected to bring.
-- grain: one row
-- parameters: $as_of date, first day that is not known
with
    -- totals have an interval of their own: the spread of their errors at past cut-offs, as
    -- logarithms
    spread as (
        select max(evaluations.value) as total_log_sd,
        from outputs.evaluations as evaluations
        inner join
            marts.totals as totals
            on evaluations.model_version = totals.model_version
            and evaluations.horizon_days = totals.horizon_days
        where evaluations.metric = 'total_log_sd'
    ),

    year_before as (
        select
            min(period_start) as first_day,
            round(
                sum(
                    case
                        when
                            date_diff('day', period_start, $as_of) > 365
                            and date_diff('day', period_start, $as_of) <= 730
                        then revenue
                        else 0e0
                    end
                ),
                4
            ) as revenue,
        from marts.activity
        where grain = 'day'
    )
select
    totals.n_customers,  -- with a purchase
    totals.n_repeat_customers,  -- with two orders or more
    cast(totals.n_repeat_customers as double)
    / nullif(cast(totals.n_customers as double), 0e0) as repeat_rate,
    totals.n_active_90d,  -- bought in the last 90 days
    totals.n_new_90d,  -- first bought in the last 90 days
    totals.revenue,  -- net, to date
    totals.margin,
    totals.revenue_365d,
    totals.revenue_90d,
    case
        when date_diff('day', year_before.first_day, $as_of) >= 730 then year_before.revenue
    end as revenue_previous_365d,  -- NULL with less than two years of history
    totals.horizon_days,
    totals.expected_revenue,  -- customer equity: all customers, over horizon_days; NULL while there is no model
    -- 80 % interval of the sum; NULL while the model's past totals have not been judged
    totals.expected_revenue * exp(-1.2816e0 * spread.total_log_sd) as expected_revenue_lo,
    totals.expected_revenue * exp(1.2816e0 * spread.total_log_sd) as expected_revenue_hi,
    totals.expected_margin,
    totals.expected_revenue_discounted,
    totals.expected_alive,  -- sum of P(alive)
    totals.n_predicted,
    totals.prediction_as_of,
    totals.model_version,
from marts.totals as totals
cross join year_before
cross join spread
