-- Which values get which score.
-- grain: one row per dimension (r, f, m) and score with a customer
-- parameters: none
select dimension, score, min_value, max_value, n_customers, revenue,
from marts.rfm_edges
order by case when dimension = 'r' then 1 when dimension = 'f' then 2 else 3 end, score desc
