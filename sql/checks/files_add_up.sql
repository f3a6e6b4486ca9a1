-- The lines of each landed file are its header, blank, accepted and quarantined lines.
-- grain: one row per file that does not add up
-- parameters: none
select source, file_name, file_id, n_lines, n_header, n_blank, n_accepted, n_quarantined,
from landing.files
where
    n_lines <> n_header + n_blank + n_accepted + n_quarantined
    or coalesce(n_duplicates, 0) > n_quarantined
order by source, file_name, file_id
