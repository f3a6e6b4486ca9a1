-- What to do next, found in the data, the most money first. Each names its money and where to look.
-- grain: one row per recommendation, at most six
-- parameters: $as_of date, first day that is not known; $horizon_days, the primary horizon
with
    -- what customers who stood in each segment one primary horizon ago went on to spend
    followed as (
        select
            segment_before as segment,
            sum(next_revenue) / nullif(cast(sum(n_customers) as double), 0e0) as mean_next_revenue,
        from marts.segment_moves
        group by segment_before
    ),

    segments as (
        select
            segments.segment,
            segments.standing,
            segments.max_age_days,
            concat(
                '/customers?segment=',
                replace(
                    replace(
                        replace(
                            replace(replace(segments.segment, '%', '%25'), '&', '%26'), '+', '%2B'
                        ),
                        '#',
                        '%23'
                    ),
                    ' ',
                    '+'
                )
            ) as link,
            segments.n_customers,
            segments.revenue_365d,
            segments.expected_revenue,
            segments.n_customers * followed.mean_next_revenue as followed_revenue,
        from marts.segments as segments
        left join followed on followed.segment = segments.segment
    ),

    -- last 90 days against the 90 before, where both are known; what names no channel cannot be
    -- looked at
    channel_totals as (
        select
            member,
            sum(
                case when date_diff('day', day, $as_of) <= 90 then revenue else 0e0 end
            ) as recent_revenue,
            sum(
                case when date_diff('day', day, $as_of) > 90 then revenue else 0e0 end
            ) as earlier_revenue,
        from marts.revenue_mix
        where
            dimension = 'channel'
            and member <> 'Unknown'
            and date_diff('day', day, $as_of) <= 180
            and (select min(day) from marts.revenue_daily) <= cast($as_of as date) - 180
        group by member
    ),

    channels as (
        select member, earlier_revenue - recent_revenue as lost_revenue,
        from channel_totals
        order by lost_revenue desc, member
        limit 1
    ),

    -- a duplicate is no loss, and an absurd amount is no money
    quarantined as (
        select count(*) as n_rows, sum(amount) as amount,
        from landing.quarantine
        where
            source = 'transactions'
            and reasons <> 'duplicate'
            and position(';absurd_amount;' in concat(';', reasons, ';')) = 0
    ),

    found as (
        select
            'win_back' as kind,
            segment as subject,
            n_customers,
            revenue_365d as money,
            'revenue of the last 365 days' as money_is,
            link,
        from segments
        where standing in ('best, silent', 'regular, silent')
        union all
        select
            'second_order',
            segment,
            n_customers,
            coalesce(expected_revenue, followed_revenue),
            case
                when expected_revenue is not null
                then
                    concat('expected revenue in the next ', cast($horizon_days as varchar), ' days')
                else
                    concat(
                        'brought by customers like them in ',
                        cast($horizon_days as varchar),
                        ' days'
                    )
            end,
            link,
        from segments
        where standing = 'recent' and max_age_days is not null
        union all
        select
            'protect_best',
            'top 5% by expected revenue',
            n_customers,
            expected_revenue,
            concat('expected revenue in the next ', cast($horizon_days as varchar), ' days'),
            '/customers?value_percentile=96..&sort=-expected_revenue',
        from marts.signs
        where sign = 'best'
        union all
        select
            'remind_overdue',
            'later than their rhythm',
            n_customers,
            expected_revenue,
            concat('expected revenue in the next ', cast($horizon_days as varchar), ' days'),
            '/customers?overdue_index=%3E1&p_alive=0.5..&n_orders=2..&sort=-overdue_index',
        from marts.signs
        where sign = 'overdue'
        union all
        select
            'falling_channel',
            member,
            null,
            lost_revenue,
            'revenue less than in the 90 days before',
            '/overview#by-channel',
        from channels
        union all
        select
            'repair_data',
            'quarantined rows',
            null,
            amount,
            'net amount on rows that were put aside',
            '/data',
        from quarantined
        where n_rows > 0
    )
select
    kind,
    subject,
    n_customers,  -- NULL where it is not about customers
    round(money, 4) as money,
    money_is,
    link,
    row_number() over (order by money desc, kind, subject) as place,
from found
where round(money, 2) > 0e0 and coalesce(n_customers, 1) > 0
order by money desc, kind, subject
limit 6
