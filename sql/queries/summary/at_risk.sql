-- Where value is slipping away: customers and money behind each warning sign. The signs overlap.
-- grain: one row per sign
-- parameters: none
with
    signs as (
        select
            1 as place, 'best_silent' as sign, customer_id, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where standing = 'best, silent'
        union all
        select 2, 'regular_silent', customer_id, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where standing = 'regular, silent'
        union all
        select 3, 'silent', customer_id, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where standing = 'silent'
        union all
        select 4, 'overdue', customer_id, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where overdue_index > 1e0
        union all
        select 5, 'unlikely_to_buy', customer_id, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where p_buys < 0.2e0 and revenue_365d > 0e0
    )
select
    sign,
    count(*) as n_customers,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(revenue_365d), 4) as revenue_365d,  -- what is at stake in a year
    round(sum(expected_revenue), 4) as expected_revenue,  -- still expected, over the primary horizon
    max(place) as place,
from signs
group by sign
order by place
