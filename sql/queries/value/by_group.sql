-- Which segments, personas, channels or cohorts are expected to bring the value.
-- grain: one row per member of the dimension with a customer; no row for who has no persona
-- parameters: $dimension segment, behaviour_persona (derived), persona (given), channel or
-- cohort_month; $horizon_days days ahead; $measure revenue or margin; $is_discounted true for the
-- present value
with
    valued as (
        select
            customer_id,
            expected_revenue,
            revenue_lo,
            revenue_hi,
            p_alive,
            as_of,
            model_version,
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

    grouped as (
        select
            case
                when $dimension = 'segment'
                then customers.segment
                when $dimension = 'behaviour_persona'
                then customers.behaviour_persona
                when $dimension = 'persona'
                then customers.persona
                when $dimension = 'channel'
                then customers.channel
                when $dimension = 'cohort_month'
                then cast(cast(customers.cohort_month as date) as varchar)
            end as member,
            valued.expected_value,
        from marts.customers as customers
        left join valued on valued.customer_id = customers.customer_id
    )
select
    member,
    count(*) as n_customers,  -- those without a prediction included
    round(coalesce(sum(expected_value), 0e0), 4) as total,
    avg(expected_value) as mean_value,  -- of those with a prediction
    coalesce(sum(expected_value), 0e0)
    / nullif(sum(coalesce(sum(expected_value), 0e0)) over (), 0e0) as value_share,
from grouped
where member is not null
group by member
order by case when $dimension = 'cohort_month' then member end desc, total desc, member
