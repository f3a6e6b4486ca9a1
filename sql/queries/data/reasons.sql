-- Why rows were put aside, and the money on them. A row with several reasons counts under each; an
-- absurd amount is no money.
-- grain: one row per source and reason
-- parameters: none
with
    reasons as (
        select
            source,
            unnest(string_split(reasons, ';')) as reason,
            strpos(reasons, ';') = 0 as is_only_reason,
            case
                when position(';absurd_amount;' in concat(';', reasons, ';')) = 0 then amount
            end as amount,
        from landing.quarantine
    )
select
    source,
    reason,
    count(*) as n_rows,
    count(case when is_only_reason then 1 end) as n_rows_only_this,
    count(amount) as n_with_amount,
    round(coalesce(sum(amount), 0e0), 4) as amount,  -- where a possible one could be read
    round(coalesce(sum(abs(amount)), 0e0), 4) as absolute_amount,
from reasons
group by source, reason
order by n_rows desc, source, reason
