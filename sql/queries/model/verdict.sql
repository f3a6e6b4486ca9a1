-- Can the predictions be trusted: ours beside the purchase model alone, on the latest window.
-- grain: one row
-- parameters: $horizon_days days ahead
with
    latest as (
        select max(as_of) as as_of,
        from outputs.evaluations
        where horizon_days = $horizon_days and model = 'value' and metric = 'gini'
    ),

    ours as (
        select
            max(evaluations.model_version) as model_version,
            max(evaluations.as_of) as as_of,
            max(evaluations.n) as n_customers,
            max(case when evaluations.metric = 'gini' then evaluations.value end) as gini,
            max(case when evaluations.metric = 'gini' then evaluations.lo end) as gini_lo,
            max(case when evaluations.metric = 'gini' then evaluations.hi end) as gini_hi,
            max(
                case when evaluations.metric = 'total_bias' then evaluations.value end
            ) as total_bias,
            max(
                case when evaluations.metric = 'total_bias' then evaluations.lo end
            ) as total_bias_lo,
            max(
                case when evaluations.metric = 'total_bias' then evaluations.hi end
            ) as total_bias_hi,
            max(
                case when evaluations.metric = 'top_decile_capture' then evaluations.value end
            ) as top_decile_capture,
            max(
                case when evaluations.metric = 'top_decile_capture' then evaluations.lo end
            ) as top_decile_capture_lo,
            max(
                case when evaluations.metric = 'top_decile_capture' then evaluations.hi end
            ) as top_decile_capture_hi,
            max(case when evaluations.metric = 'auc' then evaluations.value end) as auc,
            max(case when evaluations.metric = 'auc' then evaluations.lo end) as auc_lo,
            max(case when evaluations.metric = 'auc' then evaluations.hi end) as auc_hi,
            max(
                case when evaluations.metric = 'decile_error' then evaluations.value end
            ) as decile_error,
            max(
                case when evaluations.metric = 'decile_error' then evaluations.lo end
            ) as decile_error_lo,
            max(
                case when evaluations.metric = 'decile_error' then evaluations.hi end
            ) as decile_error_hi,
            max(
                case when evaluations.metric = 'coverage_80' then evaluations.value end
            ) as coverage_80,
            max(
                case when evaluations.metric = 'coverage_90' then evaluations.value end
            ) as coverage_90,
        from outputs.evaluations as evaluations
        inner join latest on evaluations.as_of = latest.as_of
        where
            evaluations.horizon_days = $horizon_days
            and evaluations.slice_kind = 'all'
            and evaluations.model = 'value'
            and evaluations.metric <> 'total_log_sd'
    ),

    baseline as (
        select
            max(case when evaluations.metric = 'gini' then evaluations.value end) as gini,
            max(case when evaluations.metric = 'gini' then evaluations.lo end) as gini_lo,
            max(case when evaluations.metric = 'gini' then evaluations.hi end) as gini_hi,
            max(
                case when evaluations.metric = 'total_bias' then evaluations.value end
            ) as total_bias,
        from outputs.evaluations as evaluations
        inner join latest on evaluations.as_of = latest.as_of
        where
            evaluations.horizon_days = $horizon_days
            and evaluations.slice_kind = 'all'
            and evaluations.model = 'btyd'
    ),

    champion as (
        select max(case when is_champion then version end) as champion_version,
        from outputs.model_versions
    )
select
    ours.model_version,  -- the version that was judged: its recipe, fitted without the window
    ours.as_of,  -- first day of the window
    ours.n_customers,
    ours.gini,
    ours.gini_lo,  -- 95 % bootstrap interval
    ours.gini_hi,
    baseline.gini as baseline_gini,  -- purchase model with spend model
    baseline.gini_lo as baseline_gini_lo,
    baseline.gini_hi as baseline_gini_hi,
    ours.total_bias,  -- predicted ÷ actual − 1
    ours.total_bias_lo,
    ours.total_bias_hi,
    baseline.total_bias as baseline_total_bias,
    ours.top_decile_capture,
    ours.top_decile_capture_lo,
    ours.top_decile_capture_hi,
    ours.decile_error,
    ours.auc,
    ours.auc_lo,
    ours.auc_hi,
    ours.coverage_80,  -- NULL where the window was judged without intervals
    ours.coverage_90,
    champion.champion_version,
    ours.model_version = champion.champion_version as is_champion,
from ours
cross join baseline
cross join champion
