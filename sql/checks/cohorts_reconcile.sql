-- Cohort revenue is all revenue of customers from their first purchase on, and cohort sizes are
-- all buyers.
-- grain: one row per total that differs
-- parameters: none
with
    expected as (
        select
            'revenue' as total,
            coalesce(
                sum(case when cohort_month is not null then amount else 0e0 end), 0e0
            ) as value,
            coalesce(sum(abs(amount)), 0e0) as size,
        from core.orders
        union all
        select 'customers' as total, cast(count(first_order_date) as double) as value, 0e0 as size,
        from core.customers
    ),

    found as (
        select
            'marts.cohort_retention' as table_name,
            'revenue' as total,
            coalesce(sum(revenue), 0e0) as value,
        from marts.cohort_retention
        union all
        select
            'marts.cohort_retention' as table_name,
            'customers' as total,
            cast(coalesce(sum(n_cohort), 0) as double) as value,
        from marts.cohort_retention
        where month_number = 0
        union all
        select
            'marts.cohort_channels' as table_name,
            'revenue' as total,
            coalesce(sum(revenue), 0e0) as value,
        from marts.cohort_channels
        union all
        select
            'marts.cohort_channels' as table_name,
            'customers' as total,
            cast(coalesce(sum(n_cohort), 0) as double) as value,
        from marts.cohort_channels
        where month_number = 0
    )
select found.table_name, found.total, found.value, expected.value as expected_value,
from found
inner join expected on expected.total = found.total
where abs(found.value - expected.value) > 0.005e0 + 1e-9 * expected.size
order by found.table_name, found.total
