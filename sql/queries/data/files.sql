-- The account of each file: what came in, what was loaded, what was put aside. An absurd amount is
-- no money: such rows are counted apart.
-- grain: one row per landed file
-- parameters: none
with
    aside as (
        select
            source,
            file_id,
            sum(
                case
                    when position(';absurd_amount;' in concat(';', reasons, ';')) = 0 then amount
                end
            ) as amount,
            count(
                case when position(';absurd_amount;' in concat(';', reasons, ';')) > 0 then 1 end
            ) as n_absurd,
        from landing.quarantine
        group by source, file_id
    )
select
    files.source,
    files.file_id,
    files.file_name,
    files.bytes,
    files.n_lines,
    files.n_header,
    files.n_blank,
    files.n_accepted,
    files.n_quarantined,
    files.n_duplicates,  -- part of the quarantined
    files.n_lines
    - files.n_header
    - files.n_blank
    - files.n_accepted
    - files.n_quarantined as n_unaccounted,  -- must be 0
    cast(files.n_quarantined as double)
    / nullif(cast(files.n_accepted + files.n_quarantined as double), 0e0) as quarantined_share,
    files.amount_accepted,
    round(coalesce(aside.amount, 0e0), 4) as amount_quarantined,  -- where a possible amount could be read
    coalesce(aside.n_absurd, 0) as n_absurd,  -- quarantined for an absurd amount, which is in no sum
    files.first_ts,
    files.last_ts,
    files.landed_at,
    files.encoding,
    files.delimiter,
    files.dialect,
    files.mapping,  -- which of its columns was taken for which of ours
    files.notes,  -- what had to be decided, a line each
from landing.files as files
left join aside on aside.file_id = files.file_id and aside.source = files.source
order by files.landed_at desc, files.source, files.file_name, files.file_id
