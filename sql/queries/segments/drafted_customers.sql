-- Which customers a rule of a draft of the segment rules would hold.
-- grain: one row per customer
-- parameters: the bounds of the draft's rules, one list a column, in the order in which they are
-- tried: $r_min, $r_max, $f_min, $f_max, $m_min, $m_max, $max_age_days (since the first order; NULL
-- is any); $rule place of the rule among them, from 1; $segment_draft its name, only to be shown;
-- $segment_now segment that they are in now, or NULL for any
with
    draft as (
        select
            unnest(generate_series(1, len(cast($r_min as integer[])))) as priority,
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
        select cells.segment, cells.r, cells.f, cells.m, cells.tenure_days,
        from marts.rfm_cells as cells
        inner join
            draft
            on cells.r between draft.r_min and draft.r_max
            and cells.f between draft.f_min and draft.f_max
            and cells.m between draft.m_min and draft.m_max
            and (draft.max_age_days is null or cells.tenure_days <= draft.max_age_days)
        group by cells.segment, cells.r, cells.f, cells.m, cells.tenure_days
        having min(draft.priority) = $rule
    )
select
    customers.customer_id,
    customers.name,
    customers.segment as segment_now,
    $segment_draft as segment_draft,
    customers.rfm_score,
    customers.revenue,  -- net, to date
    customers.expected_revenue,  -- over the primary horizon; NULL while there is no model
from marts.customers as customers
inner join
    held
    on held.segment = customers.segment
    and held.r = customers.r
    and held.f = customers.f
    and held.m = customers.m
    and held.tenure_days = customers.tenure_days
where cast($segment_now as varchar) is null or customers.segment = $segment_now
order by customers.revenue desc, customers.customer_id
