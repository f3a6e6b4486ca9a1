-- What a customer of each cohort has brought month by month, and is expected to have brought by the
-- end of the months to come. What is added between two horizons arrives evenly.
-- grain: one row per cohort month and month number, up to the last month that ends within the
-- longest horizon; no row while there is no model
-- parameters: $channel channel of the first order, or NULL for all; $as_of date, first day not
-- known
with
    members as (
        select customer_id, cohort_month,
        from marts.customers
        where cohort_month is not null and (cast($channel as varchar) is null or channel = $channel)
    ),

    totals as (
        select
            members.cohort_month,
            predictions.horizon_days,
            max(predictions.as_of) as as_of,
            max(predictions.model_version) as model_version,
            sum(predictions.expected_revenue) as revenue,
            sum(coalesce(predictions.expected_margin, 0e0)) as margin,
            -- a customer's own spread, read off the 80 % interval
            sum(
                power(coalesce(predictions.revenue_hi - predictions.revenue_lo, 0e0) / 2.5632e0, 2)
            ) as variance,
        from outputs.predictions as predictions
        inner join members on members.customer_id = predictions.customer_id
        where predictions.expected_revenue is not null
        group by members.cohort_month, predictions.horizon_days
    ),

    -- how far totals over this horizon were off at past cut-offs, as logarithms
    spreads as (
        select model_version, horizon_days, max(value) as total_log_sd,
        from outputs.evaluations
        where metric = 'total_log_sd'
        group by model_version, horizon_days
    ),

    -- the shop's error moves all cohorts together; that of the customers is their own, and weighs
    -- less the more there are
    pieces as (
        select
            totals.cohort_month,
            totals.as_of,
            totals.horizon_days as to_day,
            coalesce(
                lag(totals.horizon_days) over (
                    partition by totals.cohort_month order by totals.horizon_days
                ),
                0
            ) as from_day,
            totals.revenue - coalesce(
                lag(totals.revenue) over (
                    partition by totals.cohort_month order by totals.horizon_days
                ),
                0e0
            ) as revenue,
            totals.margin - coalesce(
                lag(totals.margin) over (
                    partition by totals.cohort_month order by totals.horizon_days
                ),
                0e0
            ) as margin,
            sqrt(
                power(spreads.total_log_sd, 2)
                + totals.variance / nullif(power(totals.revenue, 2), 0e0)
            ) as log_sd,
        from totals
        left join
            spreads
            on spreads.model_version = totals.model_version
            and spreads.horizon_days = totals.horizon_days
    ),

    bounds as (
        select
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

    ends as (
        select
            months.month,
            date_diff('day', bounds.prediction_as_of, cast($as_of as date)) as start_day,
            date_diff(
                'day', bounds.prediction_as_of, cast(months.month + interval 1 month as date)
            ) as end_day,
        from months
        cross join bounds
        where cast(months.month + interval 1 month as date) <= bounds.end_day
    ),

    -- from the as-of date to the end of each month; both measures share the pieces
    expected as (
        select
            pieces.cohort_month,
            ends.month,
            sum(
                pieces.revenue * greatest(
                    0e0,
                    cast(
                        least(ends.end_day, pieces.to_day)
                        - greatest(ends.start_day, pieces.from_day) as double
                    )
                )
                / nullif(cast(pieces.to_day - pieces.from_day as double), 0e0)
            ) as revenue,
            sum(
                pieces.margin * greatest(
                    0e0,
                    cast(
                        least(ends.end_day, pieces.to_day)
                        - greatest(ends.start_day, pieces.from_day) as double
                    )
                )
                / nullif(cast(pieces.to_day - pieces.from_day as double), 0e0)
            ) as margin,
            max(
                case
                    when ends.end_day > pieces.from_day and ends.end_day <= pieces.to_day
                    then pieces.log_sd
                end
            ) as log_sd,
        from pieces
        cross join ends
        group by pieces.cohort_month, ends.month
    ),

    known as (
        select
            cohort_month, month_number, n_cohort, cumulative_revenue, cumulative_margin, is_running,
        from marts.cohort_retention
        where cast($channel as varchar) is null
        union all
        select
            cohort_month, month_number, n_cohort, cumulative_revenue, cumulative_margin, is_running,
        from marts.cohort_channels
        where channel = $channel
    ),

    -- all that the cohort has brought, the running month included
    to_date as (
        select cohort_month, n_cohort, cumulative_revenue, cumulative_margin,
        from known
        qualify row_number() over (partition by cohort_month order by month_number desc) = 1
    ),

    lines as (
        select
            known.cohort_month,
            known.month_number,
            false as is_expected,
            known.n_cohort,
            known.cumulative_revenue,
            known.cumulative_margin,
            0e0 as expected_revenue,
            0e0 as expected_margin,
            cast(null as double) as log_sd,
        from known
        inner join to_date on to_date.cohort_month = known.cohort_month
        where not known.is_running and exists (select 1 from expected)
        union all
        select
            to_date.cohort_month,
            date_diff('month', to_date.cohort_month, expected.month) as month_number,
            true as is_expected,
            to_date.n_cohort,
            to_date.cumulative_revenue,
            to_date.cumulative_margin,
            expected.revenue,
            expected.margin,
            expected.log_sd,
        from to_date
        inner join expected on expected.cohort_month = to_date.cohort_month
    )
select
    cohort_month,
    month_number,  -- 0 is the month of the first purchase
    is_expected,  -- at the end of the month, which is not over; else what was
    n_cohort,
    (cumulative_revenue + expected_revenue)
    / nullif(cast(n_cohort as double), 0e0) as revenue_per_customer,  -- cumulative
    -- 80 %: the error of the shop's totals at past cut-offs and the customers' own spread, taken as
    -- independent; NULL for what was, and while past totals have not been judged
    (cumulative_revenue + expected_revenue * exp(-1.2816e0 * log_sd))
    / nullif(cast(n_cohort as double), 0e0) as revenue_per_customer_lo,
    (cumulative_revenue + expected_revenue * exp(1.2816e0 * log_sd))
    / nullif(cast(n_cohort as double), 0e0) as revenue_per_customer_hi,
    (cumulative_margin + expected_margin)
    / nullif(cast(n_cohort as double), 0e0) as margin_per_customer,
    (cumulative_margin + expected_margin * exp(-1.2816e0 * log_sd))
    / nullif(cast(n_cohort as double), 0e0) as margin_per_customer_lo,
    (cumulative_margin + expected_margin * exp(1.2816e0 * log_sd))
    / nullif(cast(n_cohort as double), 0e0) as margin_per_customer_hi,
from lines
order by cohort_month, month_number
