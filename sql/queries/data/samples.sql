-- Rows that were put aside, as they stood in the file.
-- grain: one row per quarantined row, at most $max_rows
-- parameters: $source, $reason and $file_id, each NULL for all; $max_rows number of rows
select source, file_name, line_no, reasons, amount, raw_text, file_id,
from landing.quarantine
where
    (cast($source as varchar) is null or source = $source)
    and (cast($file_id as varchar) is null or file_id = $file_id)
    and (
        cast($reason as varchar) is null
        or position(concat(';', $reason, ';') in concat(';', reasons, ';')) > 0
    )
order by source, file_name, file_id, line_no, reasons, raw_text
limit $max_rows
