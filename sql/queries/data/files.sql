-- The account of each file: what came in, what was loaded, what was put aside.
-- grain: one row per landed file
-- parameters: none
select
    source,
    file_id,
    file_name,
    bytes,
    n_lines,
    n_header,
    n_blank,
    n_accepted,
    n_quarantined,
    n_duplicates,  -- part of the quarantined
    n_lines - n_header - n_blank - n_accepted - n_quarantined as n_unaccounted,  -- must be 0
    cast(n_quarantined as double)
    / nullif(cast(n_accepted + n_quarantined as double), 0e0) as quarantined_share,
    amount_accepted,
    amount_quarantined,
    first_ts,
    last_ts,
    landed_at,
    encoding,
    delimiter,
    dialect,
from landing.files
order by landed_at desc, source, file_name, file_id
