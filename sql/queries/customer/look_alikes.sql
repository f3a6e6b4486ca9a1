-- Customers who stood one primary horizon ago where this one stands now, and what they really
-- went on to spend.
-- grain: one row per look-alike, the most alike first, at most $max_rows
-- parameters: $customer_id, $max_rows number of look-alikes
with
    wanted as (
        select customer_id, recency_days, frequency, monetary,
        from marts.customers
        where customer_id = $customer_id and r is not null
    ),

    -- logarithms make 1 order against 2 as far apart as 10 against 20
    nearest as (
        select
            moves.customer_id,
            moves.before_date,
            moves.recency_days_before,
            moves.frequency_before,
            moves.monetary_before,
            moves.segment_before,
            moves.next_revenue,
            moves.next_orders,
            sqrt(
                power(ln(1e0 + moves.recency_days_before) - ln(1e0 + wanted.recency_days), 2)
                + power(ln(1e0 + moves.frequency_before) - ln(1e0 + wanted.frequency), 2)
                + power(
                    ln(1e0 + greatest(moves.monetary_before, 0e0))
                    - ln(1e0 + greatest(wanted.monetary, 0e0)),
                    2
                )
            ) as distance,
        from marts.customer_moves as moves
        cross join wanted
        where moves.customer_id <> wanted.customer_id
        order by distance, moves.customer_id
        limit $max_rows
    )
select
    nearest.customer_id,
    customers.name,
    nearest.before_date,  -- when they stood so
    nearest.recency_days_before,
    nearest.frequency_before,
    nearest.monetary_before,
    nearest.segment_before,
    nearest.next_revenue,  -- net, from then to the as-of date
    nearest.next_orders,
    nearest.distance,  -- 0 is alike in recency, orders and revenue
    avg(nearest.next_revenue) over () as mean_next_revenue,  -- of all that are listed
    avg(case when nearest.next_orders > 0 then 1e0 else 0e0 end) over () as bought_again_share,
from nearest
inner join marts.customers as customers on customers.customer_id = nearest.customer_id
order by nearest.distance, nearest.customer_id
