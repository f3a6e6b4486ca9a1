-- All rows that were put aside, for the download.
-- grain: one row per quarantined row
-- parameters: none
select source, file_name, file_id, line_no, reasons, amount, raw_text,
from landing.quarantine
order by source, file_name, file_id, line_no, reasons, raw_text
