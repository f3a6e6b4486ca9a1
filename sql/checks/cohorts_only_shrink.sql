-- "Bought in month k or later" never rises with k, is everybody in month 0, and includes who
-- bought in the month.
-- grain: one row per cell for which that is not so
-- parameters: none
with
    cells as (
        select
            cohort_month,
            month_number,
            n_cohort,
            buyers,
            buyers_or_later,
            lag(buyers_or_later) over (
                partition by cohort_month order by month_number
            ) as buyers_or_later_before,
        from marts.cohort_retention
    )
select cohort_month, month_number, n_cohort, buyers, buyers_or_later, buyers_or_later_before,
from cells
where
    buyers_or_later > buyers_or_later_before
    or buyers > buyers_or_later
    or buyers_or_later > n_cohort
    or (month_number = 0 and buyers_or_later <> n_cohort)
order by cohort_month, month_number
