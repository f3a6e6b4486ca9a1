-- Which campaigns a customer was in, and what they bought within 30 days of each.
-- grain: one row per campaign
-- parameters: $customer_id and its $customer_bucket, which customer/profile gives; $as_of date,
-- first day that is not known
with
    contacts as (
        select campaign_id, customer_id, is_treated, sent_ts, sent_date, action, cost,
        from core.campaigns
        where customer_id = $customer_id
    ),

    orders as (
        select order_date, amount, purchase_number,
        from core.orders
        where bucket = $customer_bucket and customer_id = $customer_id
    )
select
    contacts.campaign_id,
    contacts.sent_ts,
    contacts.action,
    contacts.is_treated,  -- false: held back as control
    contacts.cost,
    count(orders.purchase_number) as n_orders_30d,  -- bought in the 30 days from the sending day; not an effect by itself
    round(coalesce(sum(orders.amount), 0e0), 4) as revenue_30d,
    contacts.sent_date + 30 > cast($as_of as date) as is_running,  -- the 30 days are not over
from contacts
left join
    orders
    on orders.order_date >= contacts.sent_date
    and orders.order_date < contacts.sent_date + 30
group by all
order by contacts.sent_ts desc, contacts.campaign_id
