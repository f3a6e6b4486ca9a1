-- Which claims about the data hold in this build, and the rows that break the others.
-- grain: one row per check
-- parameters: none
select
    name,
    claim,
    severity,
    case
        when n_offending = 0 then 'pass' when severity = 'warning' then 'warning' else 'fail'
    end as status,
    n_offending,
    sample,  -- JSON, the first rows that break it
from outputs.checks
order by case when n_offending = 0 then 2 when severity = 'warning' then 1 else 0 end, name
