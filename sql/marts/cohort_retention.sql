-- How cohorts of first-time buyers come back and what they spend, month by month of their life.
-- grain: one row per cohort month and month number that has begun
-- parameters: $as_of date, first day that is not known
with
    cells as (
        select
            cohort_month,
            month_number,
            cast(sum(n_buyers) as bigint) as n_buyers,
            cast(sum(n_last_buyers) as bigint) as n_last_buyers,
            sum(revenue) as revenue,
            sum(margin) as margin,
            sum(capped_revenue) as capped_revenue,
        from core.cohort_cells
        group by cohort_month, month_number
    ),

    -- everybody buys in month 0
    cohorts as (
        select
            cohort_month,
            n_buyers as n_cohort,
            revenue as base_revenue,
            capped_revenue as capped_base_revenue,
        from cells
        where month_number = 0
    ),

    -- a month that has begun is a cell, with or without an order; one that has not is no cell
    grid as (
        select

            cohorts.cohort_month,
            cohorts.n_cohort,
            cohorts.base_revenue,
            cohorts.capped_base_revenue,
            date_diff('month', cohorts.cohort_month, calendar.period_start) as month_number,
            calendar.period_start as activity_month,
            calendar.is_running,
        from cohorts
        inner join
            core.calendar as calendar
            on calendar.grain = 'month'
            and calendar.period_start >= cohorts.cohort_month
    ),

    filled as (
        select

            grid.cohort_month,
            grid.month_number,
            grid.activity_month,
            grid.is_running,
            grid.n_cohort,
            grid.base_revenue,
            grid.capped_base_revenue,
            coalesce(cells.n_buyers, 0) as n_buyers,
            coalesce(cells.n_last_buyers, 0) as n_last_buyers,
            coalesce(cells.revenue, 0e0) as revenue,
            coalesce(cells.margin, 0e0) as margin,
            coalesce(cells.capped_revenue, 0e0) as capped_revenue,
        from grid
        left join
            cells
            on cells.cohort_month = grid.cohort_month
            and cells.month_number = grid.month_number

    )
select
    cohort_month,  -- calendar month of the first purchase

    month_number,  -- 0 is the month of the first purchase
    activity_month,  -- the month itself
    is_running,  -- the month is not over at the as-of date
    n_cohort,  -- customers of the cohort
    n_buyers as buyers,  -- bought in the month
    cast(
        sum(n_last_buyers) over (
            partition by cohort_month
            order by month_number desc
            rows between unbounded preceding and current row
        ) as bigint
    ) as buyers_or_later,  -- bought in the month or in a later one
    round(revenue, 4) as revenue,  -- net
    round(margin, 4) as margin,
    round(capped_revenue, 4) as capped_revenue,  -- each customer at most at their revenue of month 0
    round(base_revenue, 4) as base_revenue,  -- net revenue of month 0
    round(capped_base_revenue, 4) as capped_base_revenue,  -- the same without customers below zero
    round(
        sum(revenue) over (
            partition by cohort_month
            order by month_number
            rows between unbounded preceding and current row
        ),
        4
    ) as cumulative_revenue,  -- from month 0 on
    round(
        sum(margin) over (
            partition by cohort_month
            order by month_number
            rows between unbounded preceding and current row
        ),
        4
    ) as cumulative_margin,  -- from month 0 on
from filled
order by cohort_month, month_number
