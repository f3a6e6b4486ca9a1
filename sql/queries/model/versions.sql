-- Which versions of the model there are, which one scores, and how good each was on the latest
-- window that it had not seen.
-- grain: one row per version, the newest first
-- parameters: none
select
    version,
    created_at,
    status,  -- champion, challenger (never promoted) or retired
    is_champion,
    as_of,  -- first day that it did not know
    horizon_days,  -- of the figures that follow
    judged_from,  -- first day of the window that its recipe was judged on; NULL before one has passed
    n_judged,  -- customers
    gini,
    gini_lo,  -- 95 % bootstrap interval
    gini_hi,
    baseline_gini,  -- of the purchase model alone
    total_bias,  -- predicted ÷ actual − 1
    decile_error,
    auc,
    verdict,  -- what the promotion gate said
    promoted_at,  -- last time
    promoted_by,
    n_rows,  -- learnt from
    n_features,
    build_id,
    code_commit,
    notes,
from outputs.model_versions
order by created_at desc, version
