-- Rows in are rows loaded plus rows quarantined plus blank lines and headers, and the money in
-- each.
-- grain: one row per source with a file
-- parameters: none
select
    source,
    count(*) as n_files,
    cast(sum(n_lines) as bigint) as n_lines,
    cast(sum(n_header) as bigint) as n_header,
    cast(sum(n_blank) as bigint) as n_blank,
    cast(sum(n_accepted) as bigint) as n_accepted,
    cast(sum(n_quarantined) as bigint) as n_quarantined,
    cast(sum(n_duplicates) as bigint) as n_duplicates,  -- part of the quarantined
    cast(sum(n_lines - n_header - n_blank - n_accepted - n_quarantined) as bigint) as n_unaccounted,  -- must be 0
    cast(sum(n_quarantined) as double)
    / nullif(cast(sum(n_accepted + n_quarantined) as double), 0e0) as quarantined_share,
    round(sum(amount_accepted), 4) as amount_accepted,
    round(sum(amount_quarantined), 4) as amount_quarantined,  -- where an amount could be read
from landing.files
group by source
order by source
