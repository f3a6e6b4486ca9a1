-- The rules behind the names of the segments; the first that fits wins.
-- grain: one row per rule
-- parameters: none
select
    priority,
    segment,
    r_min,
    r_max,
    f_min,
    f_max,
    m_min,
    m_max,
    max_age_days,
    description,
    standing,  -- what the bounds say about its customers
    is_own,  -- made by the shop
from features.segment_rules
order by priority
