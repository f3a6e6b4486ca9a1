-- A customer has one prediction for each horizon, all of one scoring.
-- grain: one row per repeated or mixed prediction
-- parameters: none
select
    customer_id,
    horizon_days,
    count(*) as n_rows,
    min(as_of) as first_as_of,
    max(as_of) as last_as_of,
from outputs.predictions
group by customer_id, horizon_days
having count(*) > 1 or min(as_of) <> max(as_of)
order by customer_id, horizon_days
