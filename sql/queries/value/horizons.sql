-- How the expected total grows with the horizon.
-- grain: one row per horizon that is predicted
-- parameters: $measure revenue or margin; $is_discounted true for the present value
select
    horizon_days,
    count(*) as n_customers,
    round(
        sum(
            case
                when $is_discounted
                then expected_revenue_discounted
                else expected_revenue
            end * case
                when $measure = 'margin'
                then coalesce(expected_margin / nullif(expected_revenue, 0e0), 0e0)
                else 1e0
            end
        ),
        4
    ) as total,
from outputs.predictions
where expected_revenue is not null
group by horizon_days
order by horizon_days
