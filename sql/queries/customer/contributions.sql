-- Why the expected revenue is what it is: what each feature adds, in money.
-- grain: one row per feature, the largest effect first
-- parameters: $customer_id
select
    horizon_days,
    feature,
    value,
    contribution,  -- money
    rank,
    sum(contribution) over (partition by horizon_days) as total,  -- the expected revenue
from outputs.contributions
where customer_id = $customer_id
order by horizon_days, rank, feature
