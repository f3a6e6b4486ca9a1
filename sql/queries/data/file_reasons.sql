-- Why rows of each file were put aside.
-- grain: one row per file and reason
-- parameters: none
with
    reasons as (
        select source, file_id, file_name, unnest(string_split(reasons, ';')) as reason, amount,
        from landing.quarantine
    )
select
    source,
    file_id,
    file_name,
    reason,
    count(*) as n_rows,
    round(coalesce(sum(amount), 0e0), 4) as amount,
from reasons
group by source, file_id, file_name, reason
order by source, file_name, file_id, n_rows desc, reason
