-- Whether P(alive) tells customers apart: how many of them are nearly sure to be still there, and
-- how much time there was to see anybody leave.
-- grain: one row
-- parameters: none
select
    0.98e0 as sure_from,  -- a P(alive) from which a customer is nearly sure to be there
    count(p_alive) as n_customers,  -- with a prediction
    count(case when p_alive >= 0.98e0 then 1 end) as n_sure,
    cast(count(case when p_alive >= 0.98e0 then 1 end) as double)
    / nullif(cast(count(p_alive) as double), 0e0) as sure_share,
    max(tenure_days) as history_days,  -- since the first order of all
from marts.customers
