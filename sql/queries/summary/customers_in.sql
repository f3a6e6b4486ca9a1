-- Which customers are behind a step of the bridge, or came back in a month.
-- grain: one row per customer
-- parameters: $horizon_days, the primary horizon; $step of the bridge, or NULL; $month first day of
-- the month in which they came back, or NULL
with
    earlier as (
        select customer_id, as_of, expected_revenue, expected_revenue_rescored, model_version,
        from outputs.predictions_before
        where horizon_days = $horizon_days
    ),

    present as (
        select customer_id, as_of, expected_revenue, model_version,
        from outputs.predictions
        where horizon_days = $horizon_days
    ),

    realised as (
        select distinct orders.customer_id,
        from core.orders as orders
        inner join earlier on earlier.customer_id = orders.customer_id
        where
            orders.order_date >= earlier.as_of
            and orders.order_date < (select max(as_of) from present)
    ),

    chosen as (
        select customer_id,
        from earlier
        where $step = 'opening'
        union all
        select customer_id,
        from realised
        where $step = 'realised'
        union all
        select present.customer_id,
        from present
        left join earlier on earlier.customer_id = present.customer_id
        where $step = 'new_customers' and earlier.customer_id is null
        union all
        select present.customer_id,
        from present
        inner join earlier on earlier.customer_id = present.customer_id
        where
            $step = 'behaviour_change'
            or (
                $step = 'model_change'
                and earlier.model_version <> present.model_version
                and earlier.expected_revenue_rescored <> present.expected_revenue
            )
        union all
        select customer_id,
        from present
        where $step = 'closing'
        union all
        select customer_id,
        from marts.purchase_months
        where activity_month = cast($month as date) and month_number >= 1
    )
select customer_id,
from chosen
order by customer_id
