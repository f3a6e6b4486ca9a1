-- Net revenue of the period by channel, beside the equally long period before it.
-- grain: one row per channel with an order line in either period
-- parameters: $from_date first day, $to_date first day after the period
with
    bounds as (
        select
            cast($from_date as date) as from_date,
            cast($to_date as date) as to_date,
            date_diff('day', cast($from_date as date), cast($to_date as date)) as n_days,
    ),

    spans as (
        select from_date, to_date, from_date - cast(n_days as integer) as previous_from_date,
        from bounds
    ),

    first_days as (select min(period_start) as first_day, from marts.activity where grain = 'day'),

    totals as (
        select
            mix.member as channel,
            round(
                sum(case when mix.day >= spans.from_date then mix.revenue else 0e0 end), 4
            ) as revenue,
            round(
                sum(case when mix.day >= spans.from_date then mix.margin else 0e0 end), 4
            ) as margin,
            cast(
                sum(case when mix.day >= spans.from_date then mix.n_orders else 0 end) as bigint
            ) as n_orders,
            case
                when max(spans.previous_from_date) >= max(first_days.first_day)
                then
                    round(sum(case when mix.day < spans.from_date then mix.revenue else 0e0 end), 4)
            end as previous_revenue,
        from marts.revenue_mix as mix
        cross join spans
        cross join first_days
        where
            mix.dimension = 'channel'
            and mix.day >= spans.previous_from_date
            and mix.day < spans.to_date
        group by mix.member
    )
select
    channel,
    revenue,  -- net of returns
    margin,
    n_orders,  -- with a line of this channel
    greatest(revenue, 0e0) / nullif(sum(greatest(revenue, 0e0)) over (), 0e0) as revenue_share,
    previous_revenue,  -- NULL where the period before is not wholly known
    case when previous_revenue > 0e0 then revenue / previous_revenue - 1e0 end as change,
    row_number() over (order by revenue desc, channel) as place,
from totals
order by revenue desc, channel
