-- Which days can be asked about.
-- grain: one row
-- parameters: none
select
    min(period_start) as first_day,
    max(period_start) as last_day,
    max(period_end) as as_of,  -- first day that is not known
    count(*) as n_days,
from marts.activity
where grain = 'day'
