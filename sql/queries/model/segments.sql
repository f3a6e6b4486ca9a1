-- For which customers the forecasts are off, by the segment that they were in at the cut-off.
-- grain: one row per segment
-- parameters: $horizon_days days ahead
with
    latest as (
        select max(as_of) as as_of,
        from outputs.evaluations
        where horizon_days = $horizon_days and model = 'value' and metric = 'gini'
    ),

    judged as (
        select
            evaluations.slice as segment,
            max(evaluations.n) as n_customers,
            max(
                case when evaluations.metric = 'mean_predicted' then evaluations.value end
            ) as mean_predicted,
            max(
                case when evaluations.metric = 'mean_actual' then evaluations.value end
            ) as mean_actual,
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
            and evaluations.slice_kind = 'segment'
            and evaluations.model = 'value'
        group by evaluations.slice
    )
select
    judged.segment,
    judged.n_customers,
    judged.mean_predicted,
    judged.mean_actual,
    judged.mean_predicted - judged.mean_actual as mean_error,
    (judged.mean_predicted - judged.mean_actual)
    * cast(judged.n_customers as double) as total_error,
    judged.coverage_80,
    judged.coverage_90,
from judged
order by
    abs((judged.mean_predicted - judged.mean_actual) * cast(judged.n_customers as double)) desc,
    judged.segment
