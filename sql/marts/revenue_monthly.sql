-- Revenue, orders and customers of each month by channel and category. Orders and customers can
-- be in several categories, so they do not add up over them.
-- grain: one row per month, channel and category
-- parameters: $as_of date, first day that is not known
select
    order_month,
    channel,
    category,
    order_month = date_trunc('month', $as_of) as is_running,  -- not over yet at the as-of date
    round(sum(revenue), 4) as revenue,  -- net of returns
    round(sum(margin), 4) as margin,
    cast(sum(n_orders) as bigint) as n_orders,
    cast(sum(n_customers) as bigint) as n_customers,
from core.mix_months
group by order_month, channel, category
order by order_month, channel, category
