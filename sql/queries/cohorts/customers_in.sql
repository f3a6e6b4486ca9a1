-- Which customers are behind a cell of the heat map, or behind a point of a curve.
-- grain: one row per customer
-- parameters: $month_number; $cohort_month first day of the month, or NULL for all cohorts whose
-- month $month_number is over, as averages count them; $mode 'cohort', 'bought' or
-- 'bought_or_later'; $channel of the first order, or NULL for all; $n_newest so many of the newest
-- cohorts, or NULL
with
    cohorts as (
        select cohort_month,
        from marts.cohort_channels
        where
            month_number = $month_number
            and (cast($channel as varchar) is null or channel = $channel)
            and (
                cohort_month = cast($cohort_month as date)
                or (cast($cohort_month as date) is null and not is_running)
            )
        group by cohort_month
        qualify
            cast($n_newest as integer) is null
            or row_number() over (order by cohort_month desc) <= $n_newest
    ),

    chosen as (
        select customer_id, cohort_month, channel,
        from marts.purchase_months
        where
            $mode = 'bought'
            and month_number = $month_number
            and (cast($cohort_month as date) is null or cohort_month = cast($cohort_month as date))
        union all
        select customer_id, cohort_month, channel,
        from marts.customers
        where $mode = 'cohort'
        union all
        select customer_id, cohort_month, channel,
        from marts.customers
        where
            $mode = 'bought_or_later'
            and date_diff('month', cohort_month, cast(date_trunc('month', last_order_date) as date))
            >= $month_number
    )
select chosen.customer_id, chosen.cohort_month, chosen.channel,
from chosen
inner join cohorts on cohorts.cohort_month = chosen.cohort_month
where cast($channel as varchar) is null or chosen.channel = $channel
order by chosen.cohort_month, chosen.customer_id
