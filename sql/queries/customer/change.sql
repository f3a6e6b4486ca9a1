-- Why a customer's expected revenue is not what it was when last scored: what the customer did, and
-- what another model makes of it. In money to the cent, and the two effects add up to the change.
-- grain: one row per horizon; no row until the customer has been scored twice
-- parameters: $customer_id and its $customer_bucket, which customer/profile gives
with
    scores as (
        select
            present.horizon_days,
            earlier.as_of as before_as_of,
            present.as_of as present_as_of,
            round(earlier.expected_revenue, 2) as expected_before,
            round(present.expected_revenue, 2) as expected_revenue,
            earlier.model_version = present.model_version
            or earlier.expected_revenue_rescored is not null as is_split,
            case
                when earlier.model_version = present.model_version
                then round(present.expected_revenue, 2)
                else round(coalesce(earlier.expected_revenue_rescored, present.expected_revenue), 2)
            end as rescored_revenue,
            earlier.model_version as model_version_before,
            present.model_version,
        from outputs.predictions as present
        inner join
            outputs.predictions_before as earlier
            on earlier.customer_id = present.customer_id
            and earlier.horizon_days = present.horizon_days
        where present.customer_id = $customer_id
    ),

    orders as (
        select order_date, amount, purchase_number,
        from core.orders
        where bucket = $customer_bucket and customer_id = $customer_id
    )
select
    scores.horizon_days,
    scores.before_as_of,
    scores.present_as_of,
    scores.expected_before,
    scores.expected_revenue,
    round(scores.expected_revenue - scores.expected_before, 2) as change,
    round(scores.rescored_revenue - scores.expected_before, 2) as data_effect,  -- the same model, with the days since
    round(scores.expected_revenue - scores.rescored_revenue, 2) as model_effect,  -- the same days, with the other model
    scores.is_split,  -- false when the model before is gone: then all of it counts as data effect
    count(orders.purchase_number) as n_orders_since,
    round(coalesce(sum(orders.amount), 0e0), 4) as revenue_since,
    scores.model_version_before,
    scores.model_version,
from scores
left join
    orders on orders.order_date >= scores.before_as_of and orders.order_date < scores.present_as_of
group by all
order by scores.horizon_days
