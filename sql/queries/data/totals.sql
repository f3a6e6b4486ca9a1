-- Rows in are rows loaded plus rows quarantined plus blank lines and headers, and the money in
-- each. An absurd amount is no money: such rows are counted apart.
-- grain: one row per source with a file
-- parameters: none
with
    aside as (
        select
            source,
            sum(
                case
                    when position(';absurd_amount;' in concat(';', reasons, ';')) = 0 then amount
                end
            ) as amount,
            count(
                case when position(';absurd_amount;' in concat(';', reasons, ';')) > 0 then 1 end
            ) as n_absurd,
        from landing.quarantine
        group by source
    ),

    sources as (
        select
            source,
            count(*) as n_files,
            cast(sum(n_lines) as bigint) as n_lines,
            cast(sum(n_header) as bigint) as n_header,
            cast(sum(n_blank) as bigint) as n_blank,
            cast(sum(n_accepted) as bigint) as n_accepted,
            cast(sum(n_quarantined) as bigint) as n_quarantined,
            cast(sum(n_duplicates) as bigint) as n_duplicates,
            round(sum(amount_accepted), 4) as amount_accepted,
        from landing.files
        group by source
    )
select
    sources.source,
    sources.n_files,
    sources.n_lines,
    sources.n_header,
    sources.n_blank,
    sources.n_accepted,
    sources.n_quarantined,
    sources.n_duplicates,  -- part of the quarantined
    sources.n_lines
    - sources.n_header
    - sources.n_blank
    - sources.n_accepted
    - sources.n_quarantined as n_unaccounted,  -- must be 0
    cast(sources.n_quarantined as double)
    / nullif(cast(sources.n_accepted + sources.n_quarantined as double), 0e0) as quarantined_share,
    sources.amount_accepted,
    round(coalesce(aside.amount, 0e0), 4) as amount_quarantined,  -- where a possible amount could be read
    coalesce(aside.n_absurd, 0) as n_absurd,  -- quarantined for an absurd amount, which is in no sum
from sources
left join aside on aside.source = sources.source
order by sources.source
