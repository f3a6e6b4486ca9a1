-- Revenue by channel and by category for each day: what a bar for any period is added up from.
-- grain: one row per dimension (channel, category), day and member
-- parameters: none
select
    dimension,  -- channel or category
    day,
    member,  -- which one
    round(sum(revenue), 4) as revenue,  -- net of returns
    round(sum(margin), 4) as margin,
    cast(sum(n_orders) as bigint) as n_orders,  -- with a line of this member
from core.mix_days
group by dimension, day, member
order by dimension, day, member
