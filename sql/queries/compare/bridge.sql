-- Why the customers are expected to bring more or less than in another build: steps from that
-- build to this one that add up to the cent.
-- grain: one row per step; no row unless both builds have predictions of the same horizon
-- parameters: $horizon_days, the primary horizon
with
    before as (
        select customer_id, prediction_as_of as as_of, expected_revenue, model_version,
        from earlier.marts.customers
        where horizon_days = $horizon_days and expected_revenue is not null
    ),

    present as (
        select customer_id, prediction_as_of as as_of, expected_revenue, model_version,
        from marts.customers
        where horizon_days = $horizon_days and expected_revenue is not null
    ),

    -- the last scoring before this one asked its model again; when that was the other build's, what
    -- the customers did and what the models make of it can be told apart
    again as (
        select customer_id, as_of, model_version, expected_revenue_rescored,
        from outputs.predictions_before
        where horizon_days = $horizon_days
    ),

    realised as (
        select
            coalesce(sum(orders.amount), 0e0) as money,
            count(distinct orders.customer_id) as n_customers,
        from core.orders as orders
        inner join before on before.customer_id = orders.customer_id
        where
            orders.order_date >= before.as_of
            and orders.order_date < (select max(as_of) from present)
    ),

    added as (
        select coalesce(sum(present.expected_revenue), 0e0) as money, count(*) as n_customers,
        from present
        left join before on before.customer_id = present.customer_id
        where before.customer_id is null
    ),

    gone as (
        select coalesce(sum(before.expected_revenue), 0e0) as money, count(*) as n_customers,
        from before
        left join present on present.customer_id = before.customer_id
        where present.customer_id is null
    ),

    kept as (
        select
            before.customer_id,
            present.expected_revenue,
            before.model_version = present.model_version as is_same_model,
            case
                when before.model_version = present.model_version
                then present.expected_revenue
                when again.model_version = before.model_version and again.as_of = before.as_of
                then coalesce(again.expected_revenue_rescored, present.expected_revenue)
            end as rescored_revenue,
        from before
        inner join present on present.customer_id = before.customer_id
        left join again on again.customer_id = before.customer_id
    ),

    changed as (
        select
            coalesce(sum(expected_revenue - rescored_revenue), 0e0) as money,
            count(case when expected_revenue <> rescored_revenue then 1 end) as n_customers,
            count(*) as n_kept,
            count(rescored_revenue) = count(*) as is_known,
        from kept
    ),

    -- rounded first, so that what is shown adds up
    amounts as (
        select
            round((select sum(expected_revenue) from before), 2) as opening,
            round((select sum(expected_revenue) from present), 2) as closing,
            round(realised.money, 2) as realised,
            round(added.money, 2) as added,
            round(gone.money, 2) as gone,
            case when changed.is_known then round(changed.money, 2) else 0e0 end as changed,
            changed.is_known,
            (select count(*) from before) as n_opening,
            (select count(*) from present) as n_closing,
            realised.n_customers as n_realised,
            added.n_customers as n_added,
            gone.n_customers as n_gone,
            changed.n_customers as n_changed,
            changed.n_kept,
        from realised
        cross join added
        cross join gone
        cross join changed
    ),

    steps as (
        select 1 as place, 'opening' as step, opening as money, n_opening as n_customers,
        from amounts
        union all
        -- bought since: no longer expected
        select 2, 'realised', 0e0 - realised, n_realised,
        from amounts
        union all
        select 3, 'gone', 0e0 - gone, n_gone,
        from amounts
        union all
        select 4, 'new_customers', added, n_added,
        from amounts
        union all
        select
            5,
            case when is_known then 'behaviour_change' else 'behaviour_and_model' end,
            closing - opening + realised + gone - added - changed,
            n_kept,
        from amounts
        union all
        select 6, 'model_change', changed, n_changed,
        from amounts
        where is_known
        union all
        select 7, 'closing', closing, n_closing,
        from amounts
    )
select
    step,
    round(money, 2) as money,
    round(
        case when step = 'closing' then money else sum(money) over (order by place) end, 2
    ) as level_money,  -- customer equity once the step is taken
    n_customers,
    (select max(as_of) from before) as before_as_of,
    (select max(as_of) from present) as present_as_of,
    (select max(model_version) from before) as before_model_version,
    (select max(model_version) from present) as present_model_version,
    $horizon_days as horizon_days,
    place,
from steps
where (select count(*) from before) > 0 and (select count(*) from present) > 0
order by place
