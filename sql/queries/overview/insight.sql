-- What moved revenue: the channel that explains most of the change against the equally long
-- period before.
-- grain: one row; none where the period before is not wholly known
-- parameters: $from_date first day, $to_date first day after the period
with
    spans as (
        select
            cast($from_date as date) as from_date,
            cast($to_date as date) as to_date,
            cast(
                cast($from_date as date) - to_days(
                    cast(
                        date_diff(
                            'day', cast($from_date as date), cast($to_date as date)
                        ) as integer
                    )
                ) as date
            ) as previous_from_date,
    ),

    first_days as (select min(period_start) as first_day, from marts.activity where grain = 'day'),

    channels as (
        select
            mix.member as channel,
            sum(case when mix.day >= spans.from_date then mix.revenue else 0e0 end) as revenue,
            sum(
                case when mix.day < spans.from_date then mix.revenue else 0e0 end
            ) as previous_revenue,
        from marts.revenue_mix as mix
        cross join spans
        cross join first_days
        where
            mix.dimension = 'channel'
            and mix.day >= spans.previous_from_date
            and mix.day < spans.to_date
            and spans.previous_from_date >= first_days.first_day
        group by mix.member
    ),

    -- rounded, so that equal sums are equal whatever was added up
    totals as (
        select
            round(sum(revenue), 4) as revenue, round(sum(previous_revenue), 4) as previous_revenue,
        from channels
    )
select
    totals.revenue,
    totals.previous_revenue,
    round(totals.revenue - totals.previous_revenue, 4) as difference,
    totals.revenue / nullif(totals.previous_revenue, 0e0) - 1e0 as change,
    channels.channel,  -- that moved furthest in the direction of the whole
    round(channels.revenue - channels.previous_revenue, 4) as channel_difference,
    (channels.revenue - channels.previous_revenue)
    / nullif(totals.revenue - totals.previous_revenue, 0e0) as channel_share,  -- of the change; above 1 where others moved against it
from totals
cross join channels
where totals.previous_revenue > 0e0 and totals.revenue <> totals.previous_revenue
order by
    (channels.revenue - channels.previous_revenue)
    / nullif(totals.revenue - totals.previous_revenue, 0e0) desc,
    channels.channel
limit 1
