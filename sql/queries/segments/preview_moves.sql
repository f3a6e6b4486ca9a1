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

    ages as (
        select ages.tenure_days, coalesce(min(draft.max_age_days), 0) as new_within_days,
        from (select distinct tenure_days from marts.customers where r is not null) as ages
        left join draft on ages.tenure_days <= draft.max_age_days
        group by ages.tenure_days
    ),

    groups as (
        select
            customers.segment as segment_now,
            customers.r,
            customers.f,
            customers.m,
            ages.new_within_days,
            count(*) as n_customers,
            sum(customers.revenue) as revenue,
            sum(customers.expected_revenue) as expected_revenue,
        from marts.customers as customers
        inner join ages on ages.tenure_days = customers.tenure_days
        where customers.r is not null
        group by customers.segment, customers.r, customers.f, customers.m, ages.new_within_days
    ),

    -- the first rule that fits, as in features.customer_rfm
    named as (
        select
            groups.segment_now,
            draft.segment as segment_draft,
            draft.priority,
            groups.n_customers,
            groups.revenue,
            groups.expected_revenue,
        from groups
        inner join
            draft
            on groups.r between draft.r_min and draft.r_max
            and groups.f between draft.f_min and draft.f_max
            and groups.m between draft.m_min and draft.m_max
            and (
                draft.max_age_days is null
                or groups.new_within_days between 1 and draft.max_age_days
            )
        qualify
            row_number() over (
                partition by
                    groups.segment_now, groups.r, groups.f, groups.m, groups.new_within_days
                order by draft.priority
            )
            = 1
    )
select
    named.segment_now,
    named.segment_draft,
    cast(sum(named.n_customers) as bigint) as n_customers,
    cast(sum(sum(named.n_customers)) over () as bigint) as n_customers_all,  -- who change at all
    round(sum(named.revenue), 4) as revenue,  -- net, to date
    round(sum(named.expected_revenue), 4) as expected_revenue,  -- NULL while there is no model
from named
where named.segment_now <> named.segment_draft
group by named.segment_now, named.segment_draft
order by n_customers desc, named.segment_now, named.segment_draft
