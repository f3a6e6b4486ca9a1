-- Which customers of this build are behind a difference to another one.
-- grain: one row per customer
-- parameters: $step 'new', 'moved', 'stayed', or of the bridge 'new_customers', 'realised',
-- 'behaviour_change', 'model_change', or NULL for all; $segment_before in the other build and
-- $segment in this one, or NULL for any; $horizon_days, the primary horizon
with
    beside as (
        select
            customers.customer_id,
            customers.name,
            customers.segment,
            customers.revenue,
            customers.expected_revenue,
            customers.model_version,
            before.customer_id is null as is_new,
            before.segment as segment_before,
            case
                when before.horizon_days = $horizon_days then before.expected_revenue
            end as expected_before,
            before.model_version as model_version_before,
            before.prediction_as_of as as_of_before,
            customers.prediction_as_of,
        from marts.customers as customers
        left join earlier.marts.customers as before on before.customer_id = customers.customer_id
    ),

    bought as (
        select distinct orders.customer_id,
        from core.orders as orders
        inner join beside on beside.customer_id = orders.customer_id
        where
            beside.expected_before is not null
            and orders.order_date >= beside.as_of_before
            and orders.order_date < (select max(prediction_as_of) from beside)
    )
select
    beside.customer_id,
    beside.name,
    beside.segment_before,
    beside.segment,
    beside.revenue,  -- net, to date
    beside.expected_before,  -- over the primary horizon
    beside.expected_revenue,
from beside
left join bought on bought.customer_id = beside.customer_id
left join
    outputs.predictions_before as again
    on again.customer_id = beside.customer_id
    and again.horizon_days = $horizon_days
where
    (cast($segment_before as varchar) is null or beside.segment_before = $segment_before)
    and (cast($segment as varchar) is null or beside.segment = $segment)
    and (
        cast($step as varchar) is null
        or ($step = 'new' and beside.is_new)
        or ($step = 'moved' and beside.segment_before <> beside.segment)
        or ($step = 'stayed' and beside.segment_before = beside.segment)
        or (
            $step = 'new_customers'
            and beside.expected_before is null
            and beside.expected_revenue is not null
        )
        or (
            $step = 'behaviour_change'
            and beside.expected_before is not null
            and beside.expected_revenue is not null
        )
        or ($step = 'realised' and bought.customer_id is not null)
        or (
            $step = 'model_change'
            and beside.model_version_before <> beside.model_version
            and again.expected_revenue_rescored <> beside.expected_revenue
        )
    )
order by beside.expected_revenue desc nulls last, beside.customer_id
