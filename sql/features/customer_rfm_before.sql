-- Scores and segments as they stood one primary horizon ago, to show who moved since.
-- grain: one row per customer with a purchase before then
-- parameters: $as_of date, $horizon_days before it is then; $rfm_window_days as in customer_rfm
-- The statement is that of customer_rfm.sql with another date; a test holds the two together.
with
    histories as (
        select
            customer_id,
            date_diff(
                'day',
                min(case when is_purchase then order_date end),
                (cast($as_of as date) - cast($horizon_days as integer))
            ) as age_days,
            date_diff(
                'day',
                max(case when is_purchase then order_date end),
                (cast($as_of as date) - cast($horizon_days as integer))
            ) as recency_days,
            count(
                case
                    when
                        $rfm_window_days = 0
                        or date_diff(
                            'day',
                            order_date,
                            (cast($as_of as date) - cast($horizon_days as integer))
                        )
                        <= $rfm_window_days
                    then purchase_number
                end
            ) as frequency,
            -- rounded, so that equal sums are equal whatever the order of adding
            round(
                sum(
                    case
                        when
                            $rfm_window_days = 0
                            or date_diff(
                                'day',
                                order_date,
                                (cast($as_of as date) - cast($horizon_days as integer))
                            )
                            <= $rfm_window_days
                        then amount
                        else 0e0
                    end
                ),
                4
            ) as monetary,
        from core.orders
        where order_ts < cast((cast($as_of as date) - cast($horizon_days as integer)) as timestamp)
        group by customer_id
        having max(case when is_purchase then 1 else 0 end) = 1
    ),

    scored as (
        select
            customer_id,
            recency_days,
            frequency,
            monetary,
            age_days
            <= coalesce((select max(max_age_days) from features.segment_rules), 0) as is_new,
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

    -- rules are matched once per combination of scores, not per customer
    combinations as (select distinct r, f, m, is_new, from scored),

    named as (
        select combinations.r, combinations.f, combinations.m, combinations.is_new, rules.segment,
        from combinations
        inner join
            features.segment_rules as rules
            on combinations.r between rules.r_min and rules.r_max
            and combinations.f between rules.f_min and rules.f_max
            and combinations.m between rules.m_min and rules.m_max
            and (rules.max_age_days is null or combinations.is_new)
        qualify
            row_number() over (
                partition by combinations.r, combinations.f, combinations.m, combinations.is_new
                order by rules.priority
            )
            = 1
    )
select
    scored.customer_id,
    scored.recency_days,  -- since the last purchase
    scored.frequency,  -- orders in the window
    scored.monetary,  -- net revenue in the window
    scored.r,  -- 5 is most recent
    scored.f,  -- 5 is most often
    scored.m,  -- 5 is most money
    concat(
        cast(scored.r as varchar), cast(scored.f as varchar), cast(scored.m as varchar)
    ) as rfm_score,
    coalesce(named.segment, 'Other') as segment,  -- Other only where edited rules leave a gap
from scored
left join
    named
    on named.r = scored.r
    and named.f = scored.f
    and named.m = scored.m
    and named.is_new = scored.is_new
order by scored.customer_id
