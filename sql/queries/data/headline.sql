-- Can the data be trusted: what came in, what was put aside, which checks fail.
-- grain: one row
-- parameters: none
with
    files as (
        select
            count(*) as n_files,
            cast(coalesce(sum(n_lines), 0) as bigint) as n_lines,
            cast(coalesce(sum(n_accepted), 0) as bigint) as n_accepted,
            cast(coalesce(sum(n_quarantined), 0) as bigint) as n_quarantined,
            cast(coalesce(sum(n_duplicates), 0) as bigint) as n_duplicates,  -- part of the quarantined
            cast(
                coalesce(
                    sum(n_lines - n_header - n_blank - n_accepted - n_quarantined), 0
                ) as bigint
            ) as n_unaccounted,  -- must be 0
            round(
                coalesce(sum(case when source = 'transactions' then amount_accepted end), 0e0), 4
            ) as amount_accepted,
        from landing.files
    ),

    aside as (
        select round(coalesce(sum(amount), 0e0), 4) as amount_quarantined,
        from landing.quarantine
        where
            source = 'transactions' and position(';absurd_amount;' in concat(';', reasons, ';')) = 0
    ),

    checks as (
        select
            count(*) as n_checks,
            count(case when n_offending > 0 and severity <> 'warning' then 1 end) as n_failed,
            count(case when n_offending > 0 and severity = 'warning' then 1 end) as n_warnings,
        from outputs.checks
    )
select
    files.n_files,
    files.n_lines,
    files.n_accepted,
    files.n_quarantined,
    cast(files.n_quarantined as double)
    / nullif(cast(files.n_accepted + files.n_quarantined as double), 0e0) as quarantined_share,
    files.n_duplicates,
    files.n_unaccounted,
    files.amount_accepted,
    aside.amount_quarantined,  -- net, of transactions, where a possible amount could be read
    checks.n_checks,
    checks.n_failed,
    checks.n_warnings,
from files
cross join aside
cross join checks
