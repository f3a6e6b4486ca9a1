-- What was forecast and what happened, from the least to the most valuable customers.
-- grain: one row per contender (ours and the purchase model) and tenth of its forecast; 10 is best
-- parameters: $horizon_days days ahead
with
    latest as (
        select max(as_of) as as_of,
        from outputs.evaluations
        where horizon_days = $horizon_days and model = 'value' and metric = 'gini'
    ),

    listed as (
        select residuals.decile, count(*) as n_listed,
        from outputs.residuals as residuals
        inner join marts.customers as customers on customers.customer_id = residuals.customer_id
        where residuals.horizon_days = $horizon_days
        group by residuals.decile
    )
select
    evaluations.model,
    cast(evaluations.slice as integer) as decile,
    max(evaluations.n) as n_customers,
    -- of our tenth, whose own forecast and outcome are kept
    coalesce(max(listed.n_listed), 0) as n_listed,
    max(
        case when evaluations.metric = 'mean_predicted' then evaluations.value end
    ) as mean_predicted,
    max(case when evaluations.metric = 'mean_actual' then evaluations.value end) as mean_actual,
    max(case when evaluations.metric = 'coverage_80' then evaluations.value end) as coverage_80,
    max(case when evaluations.metric = 'coverage_90' then evaluations.value end) as coverage_90,
from outputs.evaluations as evaluations
inner join latest on evaluations.as_of = latest.as_of
left join
    listed on evaluations.model = 'value' and listed.decile = cast(evaluations.slice as integer)
where
    evaluations.horizon_days = $horizon_days
    and evaluations.slice_kind = 'decile'
    and evaluations.model in ('value', 'btyd')
group by evaluations.model, evaluations.slice
order by evaluations.model desc, decile
