-- What share of each cohort is expected to buy again within the primary horizon.
-- grain: one row per cohort month with a prediction; no row while there is no model
-- parameters: $channel channel of the first order, or NULL for all; $as_of date, first day not
-- known
select
    cohort_month,
    date_diff('month', cohort_month, cast(date_trunc('month', $as_of) as date)) as month_number,  -- of the as-of date
    count(p_buys) as n_customers,  -- with a prediction
    avg(p_buys) as p_buys,  -- mean chance of a purchase within horizon_days
    max(horizon_days) as horizon_days,
from marts.customers
where
    cohort_month is not null
    and p_buys is not null
    and (cast($channel as varchar) is null or channel = $channel)
group by cohort_month
order by cohort_month
