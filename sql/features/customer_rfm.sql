-- How recently, how often and for how much each customer bought, scored 1-5 against the others,
-- and the segment that follows.
-- grain: one row per customer with a purchase before $as_of
-- parameters: $as_of date, first day that is not known; $rfm_window_days, days before it that
-- count for F and M, 0 for all
-- also: before
with
    histories as (
        select
            customer_id,
            date_diff('day', min(case when is_purchase then order_date end), $as_of) as age_days,
            date_diff(
                'day', max(case when is_purchase then order_date end), $as_of
            ) as recency_days,
            count(
                case
                    when
                        $rfm_window_days = 0
                        or date_diff('day', order_date, $as_of) <= $rfm_window_days
                    then purchase_number
                end
            ) as frequency,
            -- rounded, so that equal sums are equal whatever the order of adding
            round(
                sum(
                    case
                        when
                            $rfm_window_days = 0
                            or date_diff('day', order_date, $as_of) <= $rfm_window_days
                        then amount
                        else 0e0
                    end
                ),
                4
            ) as monetary,
        from core.orders
        where order_ts < cast($as_of as timestamp)
        group by customer_id
        having max(case when is_purchase then 1 else 0 end) = 1
    ),

    scored as (
        select
            customer_id,
            recency_days,
            frequency,
            monetary,
            age_days,
            -- equal values share the low end: percent_rank gives all of them the place of the first
            cast(
                least(
                    5e0, floor(5e0 * percent_rank() over (order by recency_days desc)) + 1e0
                ) as integer
            ) as r,
            cast(
                least(5e0, floor(5e0 * percent_rank() over (order by frequency)) + 1e0) as integer
            ) as f,
            cast(
                least(5e0, floor(5e0 * percent_rank() over (order by monetary)) + 1e0) as integer
            ) as m,
        from histories
    ),

    -- the strictest limit on the age of the first order that holds; NULL where none does
    ages as (
        select ages.age_days, min(rules.max_age_days) as new_within_days,
        from (select distinct age_days from histories) as ages
        left join features.segment_rules as rules on ages.age_days <= rules.max_age_days
        group by ages.age_days
    ),

    aged as (
        select
            scored.customer_id,
            scored.recency_days,
            scored.frequency,
            scored.monetary,
            scored.r,
            scored.f,
            scored.m,
            coalesce(ages.new_within_days, 0) as new_within_days,  -- 0: older than any rule asks
        from scored
        inner join ages on ages.age_days = scored.age_days
    ),

    -- rules are matched once per combination of scores, not per customer
    combinations as (select distinct r, f, m, new_within_days, from aged),

    named as (
        select
            combinations.r,
            combinations.f,
            combinations.m,
            combinations.new_within_days,
            rules.segment,
        from combinations
        inner join
            features.segment_rules as rules
            on combinations.r between rules.r_min and rules.r_max
            and combinations.f between rules.f_min and rules.f_max
            and combinations.m between rules.m_min and rules.m_max
            and (
                rules.max_age_days is null
                or combinations.new_within_days between 1 and rules.max_age_days
            )
        qualify
            row_number() over (
                partition by
                    combinations.r, combinations.f, combinations.m, combinations.new_within_days
                order by rules.priority
            )
            = 1
    )
select
    aged.customer_id,
    aged.recency_days,  -- since the last purchase
    aged.frequency,  -- orders in the window
    aged.monetary,  -- net revenue in the window
    aged.r,  -- 5 is most recent
    aged.f,  -- 5 is most often
    aged.m,  -- 5 is most money
    concat(cast(aged.r as varchar), cast(aged.f as varchar), cast(aged.m as varchar)) as rfm_score,  -- the three scores, as 555
    coalesce(named.segment, 'Other') as segment,  -- Other where no rule fits
from aged
left join
    named
    on named.r = aged.r
    and named.f = aged.f
    and named.m = aged.m
    and named.new_within_days = aged.new_within_days
order by aged.customer_id
