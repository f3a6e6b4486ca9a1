-- Which version made the predictions that the pages show.
-- grain: one row; NULL before the first scoring
-- parameters: none
select
    max(model_version) as version, max(as_of) as as_of, count(distinct customer_id) as n_customers,
from outputs.predictions
