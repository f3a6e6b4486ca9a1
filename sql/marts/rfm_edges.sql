-- Which values get which score: the published edges of R, F and M.
-- grain: one row per dimension (r, f, m) and score with a customer
-- parameters: none
with
    scores as (
        select 'r' as dimension, r as score, cast(recency_days as double) as value, monetary,
        from features.customer_rfm
        union all
        select 'f' as dimension, f as score, cast(frequency as double) as value, monetary,
        from features.customer_rfm
        union all
        select 'm' as dimension, m as score, monetary as value, monetary,
        from features.customer_rfm
    )
select
    dimension,  -- r, f or m
    score,  -- 5 is best: most recent, most often, most money
    min(value) as min_value,  -- days since the last purchase, orders, or net revenue
    max(value) as max_value,  -- highest value with the score
    count(*) as n_customers,
    round(sum(monetary), 4) as revenue,
from scores
group by dimension, score
order by dimension, score
