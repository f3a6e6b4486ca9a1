-- What the transaction rows that were loaded are: purchases, purchases for nothing and returns, all
-- of them, and, in a build of an earlier date, what is dated on it or later.
-- grain: one row per kind of line, one for all that count, one for later ones where there are any
-- parameters: none
with
    known as (
        select
            cast(coalesce(sum(n_lines), 0) as bigint) as n_lines,
            round(coalesce(sum(amount), 0e0), 4) as amount,
            min(first_ts) as first_ts,
            max(last_ts) as last_ts,
        from marts.line_kinds
    ),

    loaded as (
        select cast(coalesce(sum(n_accepted), 0) as bigint) as n_lines,
        from landing.files
        where source = 'transactions'
    ),

    kinds as (
        select
            case kind when 'purchase' then 1 when 'free' then 2 else 3 end as place,
            kind,
            n_lines,
            n_customers,
            amount,
            first_ts,
            last_ts,
        from marts.line_kinds
        union all
        select
            4 as place,
            'all' as kind,
            known.n_lines,
            totals.n_listed as n_customers,
            known.amount,
            known.first_ts,
            known.last_ts,
        from known
        cross join marts.totals as totals
        union all
        select
            5 as place,
            'later' as kind,
            loaded.n_lines - known.n_lines as n_lines,
            null as n_customers,
            null as amount,
            null as first_ts,
            null as last_ts,
        from loaded
        cross join known
        where loaded.n_lines > known.n_lines
    )
select
    kind,  -- purchase, free, return, all, later (dated on the as-of date or after it)
    n_lines,
    n_customers,  -- with such a line; one may have lines of several kinds; NULL of later ones
    amount,  -- net: returns are negative
    first_ts,
    last_ts,
from kinds
order by place
