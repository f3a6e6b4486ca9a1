-- Which files one of two builds has and the other has not, with their rows and money.
-- grain: one row per file that is in one of them only
-- parameters: none
select
    case when before.file_id is null then 'new' else 'gone' end as step,
    coalesce(files.source, before.source) as source,
    coalesce(files.file_name, before.file_name) as file_name,
    coalesce(files.n_accepted, before.n_accepted) as n_accepted,
    coalesce(files.n_quarantined, before.n_quarantined) as n_quarantined,
    coalesce(files.amount_accepted, before.amount_accepted) as amount_accepted,
    coalesce(files.landed_at, before.landed_at) as landed_at,
    coalesce(files.file_id, before.file_id) as file_id,
from landing.files as files
full join
    earlier.landing.files as before
    on before.file_id = files.file_id
    and before.source = files.source
where files.file_id is null or before.file_id is null
order by landed_at desc, source, file_name, file_id
