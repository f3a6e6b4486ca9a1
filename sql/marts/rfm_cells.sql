-- Customers and money by scores and age: what a draft of segment rules is tried on.
-- grain: one row per segment, R, F and M score and days since the first order with a customer
-- parameters: none
select
    segment,
    r,
    f,
    m,
    tenure_days,  -- since the first order
    count(*) as n_customers,
    round(sum(revenue), 4) as revenue,  -- net, to date
    round(sum(expected_revenue), 4) as expected_revenue,  -- over the primary horizon; NULL while there is no model
from marts.customers
where r is not null
group by segment, r, f, m, tenure_days
order by segment, r, f, m, tenure_days
