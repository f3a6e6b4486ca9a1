-- Which versions of the model there are, and which one scores.
-- grain: one row per version, the newest first
-- parameters: none
select
    version,
    created_at,
    status,
    is_champion,
    as_of,  -- first day that it did not know
    horizon_days,
    n_rows,  -- learnt from
    n_features,
    build_id,
    code_commit,
    notes,
from outputs.model_versions
order by created_at desc, version
