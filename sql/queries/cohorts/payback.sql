-- After how many months a cohort's margin has paid for acquiring it.
-- grain: one row per cohort month with a known acquisition cost
-- parameters: none
with
    costs as (
        select
            cohort_month,
            count(*) as n_cohort,
            count(acquisition_cost) as n_with_cost,
            avg(acquisition_cost) as cost_per_customer,
        from marts.customers
        where cohort_month is not null
        group by cohort_month
    ),

    months as (
        select
            costs.cohort_month,
            costs.n_cohort,
            costs.n_with_cost,
            costs.cost_per_customer,
            retention.month_number,
            retention.cumulative_margin
            / nullif(cast(retention.n_cohort as double), 0e0) as margin_per_customer,
        from costs
        inner join
            marts.cohort_retention as retention on retention.cohort_month = costs.cohort_month
        where costs.n_with_cost > 0
    )
select
    cohort_month,
    max(n_cohort) as n_cohort,
    max(n_with_cost) as n_with_cost,  -- customers whose cost is known
    max(cost_per_customer) as cost_per_customer,  -- mean of the known ones
    max(case when is_last then margin_per_customer end) as margin_per_customer,  -- cumulative, to date
    max(case when is_last then margin_per_customer end)
    - max(cost_per_customer) as net_per_customer,
    min(
        case when margin_per_customer >= cost_per_customer then month_number end
    ) as payback_month_number,  -- NULL: not yet
from
    (
        select *, month_number = max(month_number) over (partition by cohort_month) as is_last,
        from months
    ) as marked
group by cohort_month
order by cohort_month
