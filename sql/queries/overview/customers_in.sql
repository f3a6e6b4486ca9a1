-- Which customers are behind a bar or a point: who had order lines in the period, in a channel or
-- category when one is named. Their revenue adds up to the mark.
-- grain: one row per customer
-- parameters: $from_date first day, $to_date first day after the period; $channel, $category name
-- or NULL for all
with
    bought as (
        select
            customer_id,
            round(sum(amount), 4) as revenue,
            round(sum(margin), 4) as margin,
            max(is_purchase) as has_bought,
        from core.order_lines
        where
            order_date >= cast($from_date as date)
            and order_date < cast($to_date as date)
            and (cast($channel as varchar) is null or coalesce(channel, 'Unknown') = $channel)
            and (cast($category as varchar) is null or coalesce(category, 'Unknown') = $category)
        group by customer_id
    )
select
    bought.customer_id,
    customers.name,
    customers.segment,
    bought.revenue,  -- net, in the period and the bar
    bought.margin,
    bought.has_bought,  -- false for who only returned in the period
from bought
inner join marts.customers as customers on customers.customer_id = bought.customer_id
order by bought.revenue desc, bought.customer_id
