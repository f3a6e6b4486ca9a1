-- What each segment would be with rules that are only a draft: customers and money now and then.
-- grain: one row per segment of now or of the draft with a customer, and per rule of the draft
-- parameters: the draft's rules, one list a column, in the order in which they are tried:
-- $priority, $segment, $r_min, $r_max, $f_min, $f_max, $m_min, $m_max, $max_age_days (since the
-- first order; NULL is any)
with
    draft as (
        select
            unnest(cast($priority as integer[])) as priority,
            unnest(cast($segment as varchar[])) as segment,
            unnest(cast($r_min as integer[])) as r_min,
            unnest(cast($r_max as integer[])) as r_max,
            unnest(cast($f_min as integer[])) as f_min,
            unnest(cast($f_max as integer[])) as f_max,
            unnest(cast($m_min as integer[])) as m_min,
            unnest(cast($m_max as integer[])) as m_max,
            unnest(cast($max_age_days as integer[])) as max_age_days,
    ),

    -- the first rule that fits, as in features.customer_rfm
    held as (
        select
            cells.segment,
            min(draft.priority) as priority,
            max(cells.n_customers) as n_customers,
            max(cells.revenue) as revenue,
            max(cells.expected_revenue) as expected_revenue,
        from marts.rfm_cells as cells
        inner join
            draft
            on cells.r between draft.r_min and draft.r_max
            and cells.f between draft.f_min and draft.f_max
            and cells.m between draft.m_min and draft.m_max
            and (draft.max_age_days is null or cells.tenure_days <= draft.max_age_days)
        group by cells.segment, cells.r, cells.f, cells.m, cells.tenure_days
    ),

    now_is as (
        select
            segment,
            sum(n_customers) as n_customers,
            sum(revenue) as revenue,
            sum(expected_revenue) as expected_revenue,
        from held
        group by segment
    ),

    would_be as (
        select
            draft.segment,
            draft.priority,
            coalesce(sum(held.n_customers), 0) as n_customers,
            coalesce(sum(held.revenue), 0e0) as revenue,
            sum(held.expected_revenue) as expected_revenue,
        from draft
        left join held on held.priority = draft.priority
        group by draft.segment, draft.priority
    )
select
    coalesce(would_be.segment, now_is.segment) as segment,
    would_be.priority as place,  -- in the draft; NULL for a segment that goes away
    cast(coalesce(now_is.n_customers, 0) as bigint) as n_customers_now,
    cast(coalesce(would_be.n_customers, 0) as bigint) as n_customers_draft,
    cast(
        coalesce(would_be.n_customers, 0) - coalesce(now_is.n_customers, 0) as bigint
    ) as n_customers_change,
    round(coalesce(now_is.revenue, 0e0), 4) as revenue_now,  -- net, to date
    round(coalesce(would_be.revenue, 0e0), 4) as revenue_draft,
    round(now_is.expected_revenue, 4) as expected_revenue_now,  -- NULL while there is no model
    round(would_be.expected_revenue, 4) as expected_revenue_draft,
from would_be
full join now_is on now_is.segment = would_be.segment
order by would_be.priority nulls last, now_is.segment
