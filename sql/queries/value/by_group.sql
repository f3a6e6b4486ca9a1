-- Which segments, personas, channels or cohorts are expected to bring the value.
-- grain: one row per dimension and member with a customer; no row for who has no persona
-- parameters: $horizon_days days ahead; $measure revenue or margin; $is_discounted true for the
-- present value
with
    valued as (
        select
            customer_id,
            case
                when $is_discounted
                then expected_revenue_discounted
                else expected_revenue
            end * case
                when $measure = 'margin'
                then coalesce(expected_margin / nullif(expected_revenue, 0e0), 0e0)
                else 1e0
            end as expected_value,
        from outputs.predictions
        where horizon_days = $horizon_days and expected_revenue is not null
    ),

    -- a group for each column; the columns of the other dimensions are NULL in it
    grouped as (
        select
            case
                when grouping(customers.segment) = 0
                then 'segment'
                when grouping(customers.behaviour_persona) = 0
                then 'behaviour_persona'
                when grouping(customers.persona) = 0
                then 'persona'
                when grouping(customers.channel) = 0
                then 'channel'
                else 'cohort_month'
            end as dimension,
            coalesce(
                customers.segment,
                customers.behaviour_persona,
                customers.persona,
                customers.channel,
                cast(cast(customers.cohort_month as date) as varchar)
            ) as member,
            count(*) as n_customers,
            coalesce(sum(valued.expected_value), 0e0) as total,
            avg(valued.expected_value) as mean_value,
        from marts.customers as customers
        left join valued on valued.customer_id = customers.customer_id
        group by
            grouping sets (
                (customers.segment),
                (customers.behaviour_persona),
                (customers.persona),
                (customers.channel),
                (customers.cohort_month)
            )
    )
select
    dimension,  -- segment, behaviour_persona (derived), persona (given), channel or cohort_month
    member,
    n_customers,  -- those without a prediction included
    round(total, 4) as total,
    mean_value,  -- of those with a prediction
    total / nullif(sum(total) over (partition by dimension), 0e0) as value_share,
    count(*) over (partition by dimension) as n_members,  -- of the dimension
from grouped
where member is not null
order by dimension, case when dimension = 'cohort_month' then member end desc, total desc, member
