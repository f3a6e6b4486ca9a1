-- Does it hold over time: ours and the purchase model at every window that was judged.
-- grain: one row per horizon and cut-off
-- parameters: none
with
    judged as (
        select horizon_days, as_of, model, metric, value, n,
        from outputs.evaluations
        where slice_kind = 'all' and model in ('value', 'btyd') and metric <> 'total_log_sd'
    )
select
    horizon_days,
    as_of,  -- first day of the window
    as_of + cast(horizon_days as integer) as end_date,  -- first day after it
    max(n) as n_customers,
    max(case when model = 'value' and metric = 'gini' then value end) as gini,
    max(case when model = 'btyd' and metric = 'gini' then value end) as baseline_gini,
    max(case when model = 'value' and metric = 'total_bias' then value end) as total_bias,
    max(case when model = 'btyd' and metric = 'total_bias' then value end) as baseline_total_bias,
    max(
        case when model = 'value' and metric = 'top_decile_capture' then value end
    ) as top_decile_capture,
    max(case when model = 'value' and metric = 'coverage_80' then value end) as coverage_80,
from judged
group by horizon_days, as_of
order by horizon_days, as_of desc
