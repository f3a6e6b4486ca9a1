-- What the customers known today are expected to bring in the coming months: the total of the
-- predictions, of which what is added between two horizons arrives evenly. Revenue of customers
-- yet to come is not in it.
-- grain: one row per month that is not over and ends within the longest horizon, at most
-- $max_months; no row while there is no model
-- parameters: $as_of date, first day that is not known; $max_months number of months
with
    totals as (
        select
            horizon_days,
            max(as_of) as as_of,
            max(model_version) as model_version,
            sum(expected_revenue) as total,
        from outputs.predictions
        where expected_revenue is not null
        group by horizon_days
    ),

    -- how far totals over this horizon were off at past cut-offs, as logarithms
    spreads as (
        select model_version, horizon_days, max(value) as total_log_sd,
        from outputs.evaluations
        where metric = 'total_log_sd'
        group by model_version, horizon_days
    ),

    pieces as (
        select
            totals.as_of,
            totals.horizon_days as to_day,
            coalesce(lag(totals.horizon_days) over (order by totals.horizon_days), 0) as from_day,
            totals.total
            - coalesce(lag(totals.total) over (order by totals.horizon_days), 0e0) as added,
            spreads.total_log_sd,
        from totals
        left join
            spreads
            on spreads.model_version = totals.model_version
            and spreads.horizon_days = totals.horizon_days
    ),

    bounds as (
        select
            cast($as_of as date) as first_day,
            cast(date_trunc('month', cast($as_of as date)) as date) as first_month,
            cast(max(as_of) + cast(max(to_day) as integer) as date) as end_day,
            max(as_of) as prediction_as_of,
        from pieces
    ),

    months as (
        select
            cast(unnest(generate_series(first_month, end_day, interval 1 month)) as date) as month,
        from bounds
    ),

    -- days from the as-of date of the predictions on, as the pieces count them
    spans as (
        select
            months.month,
            date_diff(
                'day', bounds.prediction_as_of, greatest(months.month, bounds.first_day)
            ) as start_day,
            date_diff(
                'day', bounds.prediction_as_of, cast(months.month + interval 1 month as date)
            ) as end_day,
            months.month < bounds.first_day as is_running,
        from months
        cross join bounds
        where cast(months.month + interval 1 month as date) <= bounds.end_day
    ),

    expected as (
        select
            spans.month,
            spans.is_running,
            sum(
                pieces.added * cast(
                    greatest(
                        0,
                        least(spans.end_day, pieces.to_day)
                        - greatest(spans.start_day, pieces.from_day)
                    ) as double
                )
                / nullif(cast(pieces.to_day - pieces.from_day as double), 0e0)
            ) as expected_revenue,
            max(
                case
                    when spans.end_day > pieces.from_day and spans.end_day <= pieces.to_day
                    then pieces.total_log_sd
                end
            ) as total_log_sd,
        from spans
        cross join pieces
        group by spans.month, spans.is_running
    ),

    to_date as (select period_start as month, revenue, from marts.activity where grain = 'month')
select
    expected.month as order_month,
    expected.is_running,
    round(coalesce(to_date.revenue, 0e0), 4) as revenue_to_date,  -- of the running month; 0 in months to come
    round(expected.expected_revenue, 4) as expected_revenue,  -- of the rest of the month
    round(coalesce(to_date.revenue, 0e0) + expected.expected_revenue, 4) as month_revenue,
    -- 80 %, by the total over the horizon in which the month ends; NULL while past totals have not
    -- been judged
    round(
        coalesce(to_date.revenue, 0e0)
        + expected.expected_revenue * exp(-1.2816e0 * expected.total_log_sd),
        4
    ) as month_revenue_lo,
    round(
        coalesce(to_date.revenue, 0e0)
        + expected.expected_revenue * exp(1.2816e0 * expected.total_log_sd),
        4
    ) as month_revenue_hi,
from expected
left join to_date on to_date.month = expected.month
order by expected.month
limit $max_months
