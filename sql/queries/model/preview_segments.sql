-- Where the money would move if another version became champion.
-- grain: one row per segment of today, the largest change first
-- parameters: $horizon_days days ahead
select
    customers.segment,
    count(*) as n_customers,
    round(sum(preview.expected_now), 4) as total_now,
    round(sum(preview.expected_then), 4) as total_then,
    round(sum(preview.expected_then - preview.expected_now), 4) as change,
    count(
        case
            when preview.expected_then - preview.expected_now > 1e-2 * preview.expected_now then 1
        end
    ) as n_up,
    count(
        case
            when preview.expected_now - preview.expected_then > 1e-2 * preview.expected_now then 1
        end
    ) as n_down,
from outputs.promotion_preview as preview
inner join marts.customers as customers on customers.customer_id = preview.customer_id
where preview.horizon_days = $horizon_days
group by customers.segment
order by abs(sum(preview.expected_then - preview.expected_now)) desc, customers.segment
