-- Where value is slipping away: customers and money behind each warning sign. The signs overlap.
-- grain: one row per sign
-- parameters: none
select
    sign,
    n_customers,
    revenue,  -- net, to date
    revenue_365d,  -- what is at stake in a year
    expected_revenue,  -- still expected, over the primary horizon
    (select max(horizon_days) from marts.totals) as horizon_days,  -- the primary one
    place,
from marts.signs
where is_warning
order by place
