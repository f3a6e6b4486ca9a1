-- What would change in all if another version became champion.
-- grain: one row per horizon; no row before a preview was made
-- parameters: none
select
    preview.horizon_days,
    max(preview.champion_version) as champion_version,
    max(preview.version) as version,
    max(preview.as_of) as as_of,
    count(*) as n_customers,
    round(sum(preview.expected_now), 4) as total_now,
    round(sum(preview.expected_then), 4) as total_then,
    round(sum(preview.expected_then - preview.expected_now), 4) as change,
    -- a change of less than 1 % of the value is none
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
group by preview.horizon_days
order by preview.horizon_days
