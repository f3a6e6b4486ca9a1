-- Every customer with a purchase has scores from 1 to 5 and a segment of the rules; who only
-- returned has none.
-- grain: one row per customer for whom that is not so
-- parameters: none
select customers.customer_id, customers.r, customers.f, customers.m, customers.segment,
from marts.customers as customers
left join features.segment_rules as rules on rules.segment = customers.segment
where
    case
        when customers.n_orders = 0
        then customers.segment <> 'No purchase' or customers.r is not null
        else
            coalesce(customers.r, 0) not between 1
            and 5
            or coalesce(customers.f, 0) not between 1
            and 5
            or coalesce(customers.m, 0) not between 1
            and 5
            or (rules.segment is null and customers.segment <> 'Other')
    end
order by customers.customer_id, rules.priority
