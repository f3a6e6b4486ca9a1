-- What the transaction lines that count are: purchases, purchases for nothing, returns.
-- grain: one row per kind of line
-- parameters: none
with
    lines as (
        select
            customer_id,
            order_ts,
            amount,
            case
                when is_return then 'return' when amount = 0e0 then 'free' else 'purchase'
            end as kind,
        from core.order_lines
    )
select
    kind,  -- purchase; free: a purchase of 0; return: what goes back to the customer
    count(*) as n_lines,
    count(distinct customer_id) as n_customers,
    round(sum(amount), 4) as amount,  -- net: returns are negative
    min(order_ts) as first_ts,
    max(order_ts) as last_ts,
from lines
group by kind
order by kind
