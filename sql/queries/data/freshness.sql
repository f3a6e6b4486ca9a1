-- How new the data is.
-- grain: one row per source with a file
-- parameters: $as_of date, first day that is not known
select
    source,
    count(*) as n_files,
    max(landed_at) as last_landed_at,
    min(first_ts) as first_ts,
    max(last_ts) as last_ts,
    date_diff('day', cast(max(last_ts) as date), cast($as_of as date)) as age_days,  -- of the last row at the as-of date; 1 is the day before
    date_diff(
        'day', cast(max(last_ts) as date), cast(max(landed_at) as date)
    ) as age_at_reading_days,  -- of the last row when a file of the source was last read
from landing.files
group by source
order by source
