-- With which models the customers of two builds were scored, and as of which day.
-- grain: one row
-- parameters: none
with
    before as (
        select max(model_version) as model_version, max(prediction_as_of) as prediction_as_of,
        from earlier.marts.customers
    )
select
    max(before.model_version) as before_model_version,  -- NULL: not scored
    max(customers.model_version) as present_model_version,
    max(before.prediction_as_of) as before_prediction_as_of,
    max(customers.prediction_as_of) as present_prediction_as_of,
from before
left join marts.customers as customers on true
