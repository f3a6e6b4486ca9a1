-- What sets each derived persona apart, the most distinguishing first.
-- grain: one row per derived persona and feature, at most $max_features a persona
-- parameters: $max_features number of features
select
    facts.persona_id,
    profiles.persona,
    profiles.place,
    facts.feature,
    facts.rank,
    facts.z,  -- standard deviations from the mean of all customers
    facts.value,  -- revenue or orders per customer, regularity 0 to 1, or a share of orders
    facts.shop_value,  -- the same of all customers
from outputs.persona_features as facts
inner join outputs.persona_profiles as profiles on profiles.persona_id = facts.persona_id
where facts.rank <= $max_features
order by profiles.place, facts.rank
