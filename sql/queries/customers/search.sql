-- The customers that somebody means who types a part of an id, a name or an e-mail address.
-- grain: one row per customer, at most $max_rows
-- parameters: $text what is typed, $max_rows number of rows
select
    customer_id,
    name,
    email,
    segment,
    revenue,  -- net, to date
    last_order_date,
from marts.customers
where
    length($text) > 0
    and (
        position(lower($text) in lower(customer_id)) > 0
        or position(lower($text) in lower(coalesce(name, ''))) > 0
        or position(lower($text) in lower(coalesce(email, ''))) > 0
    )
order by
    case
        when lower(customer_id) = lower($text)
        then 0
        when
            position(lower($text) in lower(customer_id)) = 1
            or position(lower($text) in lower(coalesce(name, ''))) = 1
        then 1
        else 2
    end,
    revenue desc,
    customer_id
limit $max_rows
