-- Which customers would change their segment with rules that are only a draft, and their money.
-- grain: one row per segment now and another segment in the draft
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
    )
select
    held.segment as segment_now,
    draft.segment as segment_draft,
    draft.priority as place,  -- of its rule in the draft
    cast(sum(held.n_customers) as bigint) as n_customers,
    cast(sum(sum(held.n_customers)) over () as bigint) as n_customers_all,  -- who change at all
    round(sum(held.revenue), 4) as revenue,  -- net, to date
    round(sum(held.expected_revenue), 4) as expected_revenue,  -- NULL while there is no model
from held
inner join draft on draft.priority = held.priority
where held.segment <> draft.segment
group by held.segment, draft.segment, draft.priority
order by n_customers desc, segment_now, segment_draft
