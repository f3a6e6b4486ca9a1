-- Why rows of each file were put aside, and the money on them. An absurd amount is no money.
-- grain: one row per file and reason
-- parameters: none
with
    reasons as (
        select
            source,
            file_id,
            file_name,
            unnest(string_split(reasons, ';')) as reason,
            case
                when position(';absurd_amount;' in concat(';', reasons, ';')) = 0 then amount
            end as amount,
        from landing.quarantine
    )
select
    source,
    file_id,
    file_name,
    reason,
    count(*) as n_rows,
    round(coalesce(sum(amount), 0e0), 4) as amount,  -- where a possible one could be read
from reasons
group by source, file_id, file_name, reason
order by source, file_name, file_id, n_rows desc, reason
