-- How often against how much: customers and money at each pair of F and M scores.
-- grain: one row per F and M score with a customer
-- parameters: none
select
    f,
    m,
    count(*) as n_customers,
    round(sum(revenue), 4) as revenue,  -- net, to date
    avg(cast(frequency as double)) as avg_frequency,  -- orders in the RFM window
    avg(monetary) as avg_monetary,  -- net revenue in the RFM window
    avg(cast(r as double)) as avg_r,
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
from marts.customers
where f is not null
group by f, m
order by f, m
