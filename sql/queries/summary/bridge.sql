-- Why customer equity is not what it was when the customers were last scored: steps from then to
-- now that add up to the cent.
-- grain: one row per step; no row until customers have been scored twice
-- parameters: none
select
    step,
    money,
    case
        when step = 'closing' then money else round(sum(money) over (order by place), 2)
    end as level_money,  -- customer equity once the step is taken
    n_customers,
    before_as_of,
    present_as_of,
    horizon_days,
    place,
from marts.equity_bridge
order by place
