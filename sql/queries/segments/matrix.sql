-- How many customers and how much money stand at each pair of R and F scores.
-- grain: one row per R and F score with a customer
-- parameters: none
select
    r,
    f,
    count(*) as n_customers,
    cast(count(*) as double) / nullif(sum(cast(count(*) as double)) over (), 0e0) as customer_share,
    round(sum(revenue), 4) as revenue,  -- net, to date
    avg(cast(m as double)) as avg_m,
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
    avg(p_alive) as avg_p_alive,
from marts.customers
where r is not null
group by r, f
order by r, f
