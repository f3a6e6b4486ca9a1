-- How a fact moves the forecast from its lowest to its highest values, in a random sample.
-- grain: one row per tenth of the customers by the fact; equal values share one
-- parameters: $horizon_days days ahead; $feature
with
    ranked as (
        select
            value,
            contribution,
            floor(10e0 * least(0.999e0, percent_rank() over (order by value))) as part,
        from outputs.explanation_sample
        where horizon_days = $horizon_days and feature = $feature and value is not null
    )
select
    cast(part as integer) + 1 as part,
    count(*) as n_customers,
    min(value) as value_from,
    max(value) as value_to,
    median(value) as value,
    median(contribution) as contribution,  -- money
from ranked
group by part
order by part
