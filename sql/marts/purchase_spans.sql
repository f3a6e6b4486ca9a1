-- Purchase days by the purchase day before: what the customers of any period are counted from.
-- A customer's first purchase day in a period is the one whose day before lies before the period.
-- grain: one row per day and previous purchase day of a customer; NULL where there is none
-- parameters: none
select
    order_date as day,  -- a purchase day
    case when is_new_day then order_date - cast(gap_days as integer) end as previous_day,
    count(case when is_new_day then 1 end) as n_customers,
    -- with two orders or more, this one included
    count(case when is_new_day and n_orders_so_far >= 2 then 1 end) as n_repeat_customers,
    count(case when is_new_day and purchase_number = 2 then 1 end) as n_second_orders,
    -- placed on the day of the first
    count(case when not is_new_day and purchase_number = 2 then 1 end) as n_second_orders_same_day,
    cast(
        sum(
            case
                when is_new_day then date_diff('day', date '1970-01-01', first_order_date) else 0
            end
        ) as bigint
    ) as first_days,  -- first purchase days, as days since 1970, added up
from core.orders
where is_new_day or purchase_number = 2
group by all
order by day, previous_day
