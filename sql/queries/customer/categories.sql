-- What a customer buys.
-- grain: one row per category
-- parameters: $customer_id and its $customer_bucket, which customer/profile gives
with
    totals as (
        select
            coalesce(category, 'Unknown') as category,
            round(sum(amount), 4) as revenue,
            count(case when is_purchase then 1 end) as n_lines,
            max(case when is_purchase then order_date end) as last_order_date,
        from core.order_lines
        where bucket = $customer_bucket and customer_id = $customer_id
        group by coalesce(category, 'Unknown')
    )
select
    category,
    revenue,  -- net
    greatest(revenue, 0e0) / nullif(sum(greatest(revenue, 0e0)) over (), 0e0) as revenue_share,
    n_lines,
    last_order_date,
from totals
order by revenue desc, category
