-- For which customers the forecasts are off, by how they stood at the cut-off.
-- grain: one row per slice of the kind, the largest error in all first
-- parameters: $horizon_days days ahead; $slice_kind segment, orders, recency or channel
with
    latest as (
        select max(as_of) as as_of,
        from outputs.evaluations
        where horizon_days = $horizon_days and model = 'value' and metric = 'gini'
    ),

    judged as (
        select
            evaluations.slice,
            max(evaluations.n) as n_customers,
            max(
                case when evaluations.metric = 'mean_predicted' then evaluations.value end
            ) as mean_predicted,
            max(
                case when evaluations.metric = 'mean_actual' then evaluations.value end
            ) as mean_actual,
            max(case when evaluations.metric = 'mae' then evaluations.value end) as mae,
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
            and evaluations.slice_kind = $slice_kind
            and evaluations.model = 'value'
        group by evaluations.slice
    ),

    listed as (
        select
            case
                when $slice_kind = 'segment'
                then residuals.segment
                when $slice_kind = 'orders'
                then residuals.orders
                when $slice_kind = 'recency'
                then residuals.recency
                when $slice_kind = 'channel'
                then residuals.channel
            end as slice,
            count(*) as n_listed,
        from outputs.residuals as residuals
        inner join marts.customers as customers on customers.customer_id = residuals.customer_id
        where residuals.horizon_days = $horizon_days
        group by all
    )
select
    judged.slice,
    judged.n_customers,
    coalesce(listed.n_listed, 0) as n_listed,  -- whose own forecast and outcome are kept
    judged.mean_predicted,
    judged.mean_actual,
    judged.mean_predicted - judged.mean_actual as mean_error,
    judged.mean_predicted / nullif(judged.mean_actual, 0e0) - 1e0 as bias,
    (judged.mean_predicted - judged.mean_actual)
    * cast(judged.n_customers as double) as total_error,
    judged.mae,  -- mean absolute error of one customer
    judged.coverage_80,  -- NULL where the window was judged without intervals
    judged.coverage_90,
from judged
left join listed on listed.slice = judged.slice
order by
    abs((judged.mean_predicted - judged.mean_actual) * cast(judged.n_customers as double)) desc,
    judged.slice
