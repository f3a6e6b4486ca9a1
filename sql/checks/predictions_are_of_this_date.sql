-- The predictions were made for the as-of date of this build; score again when not.
-- grain: one row per other as-of date
-- parameters: $as_of date, first day that is not known
-- severity: warning
select as_of as prediction_as_of, count(*) as n_rows,
from outputs.predictions
where as_of <> cast($as_of as date)
group by as_of
order by as_of
