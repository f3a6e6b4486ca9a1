-- How large each cohort is, what it has brought so far, and what is still expected of it.
-- grain: one row per cohort month with a customer
-- parameters: $channel of the first order, or NULL for all; $as_of date, first day not known
select
    cohort_month,
    count(*) as n_cohort,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(margin), 4) as margin,
    sum(revenue) / nullif(cast(count(*) as double), 0e0) as revenue_per_customer,
    count(case when n_purchase_days >= 2 then 1 end) as n_came_back,  -- bought on a second day
    cast(count(case when n_purchase_days >= 2 then 1 end) as double)
    / nullif(cast(count(*) as double), 0e0) as came_back_share,
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
    sum(expected_revenue)
    / nullif(cast(count(expected_revenue) as double), 0e0) as expected_per_customer,
    cohort_month = date_trunc('month', $as_of) as is_running,  -- the cohort is not complete yet
from marts.customers
where cohort_month is not null and (cast($channel as varchar) is null or channel = $channel)
group by cohort_month
order by cohort_month
