-- Which customers are behind a mark of the evaluation: who was judged on the latest window, by
-- their
-- place, their error, or whether their interval held. Their forecast and what came add up to the
-- mark.
-- grain: one row per customer
-- parameters: $horizon_days days ahead; NULL for all: $decile of the forecast, $segment, $orders,
-- $recency, $channel at the cut-off, $error_from and $error_to money, $is_inside its 80 % interval
select
    residuals.customer_id,
    customers.name,
    residuals.predicted,
    residuals.actual,  -- revenue in the window
    residuals.actual - residuals.predicted as error,
    residuals.decile,
    residuals.segment,
from outputs.residuals as residuals
inner join marts.customers as customers on customers.customer_id = residuals.customer_id
where
    residuals.horizon_days = $horizon_days
    and (cast($decile as integer) is null or residuals.decile = $decile)
    and (cast($segment as varchar) is null or residuals.segment = $segment)
    and (cast($orders as varchar) is null or residuals.orders = $orders)
    and (cast($recency as varchar) is null or residuals.recency = $recency)
    and (cast($channel as varchar) is null or residuals.channel = $channel)
    and (
        cast($error_from as double) is null or residuals.actual - residuals.predicted >= $error_from
    )
    and (cast($error_to as double) is null or residuals.actual - residuals.predicted < $error_to)
    and (
        cast($is_inside as boolean) is null
        or (residuals.actual >= residuals.revenue_lo and residuals.actual <= residuals.revenue_hi)
        = $is_inside
    )
order by abs(residuals.actual - residuals.predicted) desc, residuals.customer_id
