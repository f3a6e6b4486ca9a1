-- Why rows were put aside, and the money on them. A row with several reasons counts under each.
-- grain: one row per source and reason
-- parameters: none
with
    reasons as (
        select
            source,
            unnest(string_split(reasons, ';')) as reason,
            strpos(reasons, ';') = 0 as is_only_reason,
            amount,
        from landing.quarantine
    )
select
    source,
    reason,
    count(*) as n_rows,
    count(case when is_only_reason then 1 end) as n_rows_only_this,
    count(amount) as n_with_amount,
    round(coalesce(sum(amount), 0e0), 4) as amount,  -- where one could be read
    round(coalesce(sum(abs(amount)), 0e0), 4) as absolute_amount,
from reasons
group by source, reason
order by n_rows desc, source, reason
