-- Customers who stood one primary horizon ago where this one stands now, and what they really
-- went on to spend.
-- grain: one row per look-alike, the most alike first, at most $max_rows
-- parameters: $customer_id, $max_rows number of look-alikes
with
    -- logarithms make 1 order against 2 as far apart as 10 against 20
    wanted as (
        select
            customer_id,
            ln(1e0 + recency_days) as log_recency,
            ln(1e0 + frequency) as log_frequency,
            ln(1e0 + greatest(monetary, 0e0)) as log_monetary,
        from marts.customers
        where customer_id = $customer_id and r is not null
    ),

    differences as (
        select
            moves.customer_id,
            moves.before_date,
            moves.recency_days_before,
            moves.frequency_before,
            moves.monetary_before,
            moves.segment_before,
            moves.next_revenue,
            moves.next_orders,
            moves.log_recency_before - wanted.log_recency as by_recency,
            moves.log_frequency_before - wanted.log_frequency as by_frequency,
            moves.log_monetary_before - wanted.log_monetary as by_monetary,
        from marts.customer_moves as moves
        cross join wanted
        where moves.customer_id <> wanted.customer_id
    ),

    nearest as (
        select
            * exclude (by_recency, by_frequency, by_monetary),
            by_recency * by_recency
            + by_frequency * by_frequency
            + by_monetary * by_monetary as squared_distance,
        from differences
        order by squared_distance, customer_id
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
    sqrt(nearest.squared_distance) as distance,  -- 0 is alike in recency, orders and revenue
    avg(nearest.next_revenue) over () as mean_next_revenue,  -- of all that are listed
    avg(case when nearest.next_orders > 0 then 1e0 else 0e0 end) over () as bought_again_share,
from nearest
inner join marts.customers as customers on customers.customer_id = nearest.customer_id
order by nearest.squared_distance, nearest.customer_id
