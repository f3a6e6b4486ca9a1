-- Why customer equity is not what it was when the customers were last scored: five steps from then
-- to now that add up to the cent.
-- grain: one row per step; no row until customers have been scored twice
-- parameters: $horizon_days, the primary horizon
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

    -- what the earlier model expects today of who was there before; while the model is the same,
    -- or the earlier one was not asked again, that is what the present one expects
    kept as (
        select
            earlier.customer_id,
            present.expected_revenue,
            case
                when earlier.model_version = present.model_version
                then present.expected_revenue
                else coalesce(earlier.expected_revenue_rescored, present.expected_revenue)
            end as rescored_revenue,
        from earlier
        inner join present on present.customer_id = earlier.customer_id
    ),

    realised as (
        select
            coalesce(sum(orders.amount), 0e0) as money,
            count(distinct orders.customer_id) as n_customers,
        from core.orders as orders
        inner join earlier on earlier.customer_id = orders.customer_id
        where
            orders.order_date >= earlier.as_of
            and orders.order_date < (select max(as_of) from present)
    ),

    added as (
        select coalesce(sum(present.expected_revenue), 0e0) as money, count(*) as n_customers,
        from present
        left join earlier on earlier.customer_id = present.customer_id
        where earlier.customer_id is null
    ),

    changed as (
        select
            coalesce(sum(expected_revenue - rescored_revenue), 0e0) as money,
            count(case when expected_revenue <> rescored_revenue then 1 end) as n_customers,
            count(*) as n_kept,
        from kept
    ),

    -- rounded first, so that what is shown adds up
    amounts as (
        select
            round((select sum(expected_revenue) from earlier), 2) as opening,
            round((select sum(expected_revenue) from present), 2) as closing,
            round(realised.money, 2) as realised,
            round(added.money, 2) as added,
            round(changed.money, 2) as changed,
            (select count(*) from earlier) as n_opening,
            (select count(*) from present) as n_closing,
            realised.n_customers as n_realised,
            added.n_customers as n_added,
            changed.n_customers as n_changed,
            changed.n_kept,
        from realised
        cross join added
        cross join changed
    ),

    steps as (
        select 1 as place, 'opening' as step, opening as money, n_opening as n_customers,
        from amounts
        union all
        -- bought since: no longer expected
        select 2, 'realised', - realised, n_realised,
        from amounts
        union all
        select 3, 'new_customers', added, n_added,
        from amounts
        union all
        -- what the days since have shown about who was there before
        select 4, 'behaviour_change', closing - opening + realised - added - changed, n_kept,
        from amounts
        union all
        select 5, 'model_change', changed, n_changed,
        from amounts
        union all
        select 6, 'closing', closing, n_closing,
        from amounts
    )
select
    step,  -- opening, realised, new_customers, behaviour_change, model_change, closing
    round(money, 2) as money,
    n_customers,
    (select max(as_of) from earlier) as before_as_of,
    (select max(as_of) from present) as present_as_of,
    $horizon_days as horizon_days,
    place,
from steps
where (select count(*) from earlier) > 0 and (select count(*) from present) > 0
order by place
