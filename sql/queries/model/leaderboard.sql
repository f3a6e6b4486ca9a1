-- Which way of forecasting did best on the latest window that has passed, the same for all.
-- grain: one row per contender
-- parameters: $horizon_days days ahead
with
    latest as (
        select max(as_of) as as_of,
        from outputs.evaluations
        where horizon_days = $horizon_days and model = 'value' and metric = 'gini'
    )
select
    evaluations.model,  -- value is ours
    max(evaluations.model_version) as model_version,
    max(evaluations.as_of) as as_of,  -- first day of the window
    max(evaluations.n) as n_customers,
    -- each with its 95 % bootstrap interval over customers
    max(case when evaluations.metric = 'gini' then evaluations.value end) as gini,
    max(case when evaluations.metric = 'gini' then evaluations.lo end) as gini_lo,
    max(case when evaluations.metric = 'gini' then evaluations.hi end) as gini_hi,
    max(case when evaluations.metric = 'total_bias' then evaluations.value end) as total_bias,
    max(case when evaluations.metric = 'total_bias' then evaluations.lo end) as total_bias_lo,
    max(case when evaluations.metric = 'total_bias' then evaluations.hi end) as total_bias_hi,
    max(case when evaluations.metric = 'decile_error' then evaluations.value end) as decile_error,
    max(case when evaluations.metric = 'decile_error' then evaluations.lo end) as decile_error_lo,
    max(case when evaluations.metric = 'decile_error' then evaluations.hi end) as decile_error_hi,
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
    max(case when evaluations.metric = 'spearman' then evaluations.value end) as spearman,
    max(case when evaluations.metric = 'spearman' then evaluations.lo end) as spearman_lo,
    max(case when evaluations.metric = 'spearman' then evaluations.hi end) as spearman_hi,
    max(case when evaluations.metric = 'mae' then evaluations.value end) as mae,
    max(case when evaluations.metric = 'mae' then evaluations.lo end) as mae_lo,
    max(case when evaluations.metric = 'mae' then evaluations.hi end) as mae_hi,
    max(case when evaluations.metric = 'rmse' then evaluations.value end) as rmse,
    max(case when evaluations.metric = 'rmse' then evaluations.lo end) as rmse_lo,
    max(case when evaluations.metric = 'rmse' then evaluations.hi end) as rmse_hi,
from outputs.evaluations as evaluations
inner join latest on evaluations.as_of = latest.as_of
where
    evaluations.horizon_days = $horizon_days
    and evaluations.slice_kind = 'all'
    and evaluations.metric <> 'total_log_sd'
group by evaluations.model
order by gini desc nulls last, evaluations.model
