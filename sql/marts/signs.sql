-- Customers and money behind each sign that something should be done. The signs overlap.
-- grain: one row per sign with a customer
-- parameters: none
with
    signs as (
        select
            1 as place,
            'best_silent' as sign,
            true as is_warning,
            revenue,
            revenue_365d,
            expected_revenue,
        from marts.customers
        where standing = 'best, silent'
        union all
        select 2, 'regular_silent', true, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where standing = 'regular, silent'
        union all
        select 3, 'silent', true, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where standing = 'silent'
        union all
        select 4, 'overdue', true, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where overdue_index > 1e0 and p_alive >= 0.5e0 and n_orders >= 2
        union all
        select 5, 'unlikely_to_buy', true, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where p_buys < 0.2e0 and revenue_365d > 0e0
        union all
        select 6, 'best', false, revenue, revenue_365d, expected_revenue,
        from marts.customers
        where value_percentile >= 96
    )
select
    sign,
    is_warning,  -- value may be lost
    count(*) as n_customers,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(revenue_365d), 4) as revenue_365d,  -- what is at stake in a year
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
    place,
from signs
group by sign, is_warning, place
order by place
