-- How many customers have a value in each column that may be missing: a column that nobody has is
-- not shown in the list.
-- grain: one row per column that somebody has a value in
-- parameters: none
with
    totals as (
        select
            count(name) as n_name,
            count(email) as n_email,
            count(nullif(country, 'Unknown')) as n_country,
            count(nullif(channel, 'Unknown')) as n_channel,
            count(nullif(category, 'Unknown')) as n_category,
            count(nullif(acquisition_channel, 'Unknown')) as n_acquisition_channel,
            count(persona) as n_persona,
            count(behaviour_persona) as n_behaviour_persona,
            count(is_subscriber) as n_is_subscriber,
            count(subscription_plan) as n_subscription_plan,
            count(acquisition_cost) as n_acquisition_cost,
            count(is_churned_given) as n_is_churned_given,
            count(expected_revenue) as n_expected_revenue,
            count(revenue_lo) as n_revenue_lo,
            count(p_alive) as n_p_alive,
            count(next_order_from) as n_next_order_from,
            count(overdue_index) as n_overdue_index,
            count(expected_revenue_30d) as n_expected_revenue_30d,
            count(expected_revenue_90d) as n_expected_revenue_90d,
            count(expected_revenue_180d) as n_expected_revenue_180d,
            count(expected_revenue_365d) as n_expected_revenue_365d,
        from marts.customers
    ),

    columns as (
        select 'name' as column_name, n_name as n_customers,
        from totals
        union all
        select 'email' as column_name, n_email as n_customers,
        from totals
        union all
        select 'country' as column_name, n_country as n_customers,
        from totals
        union all
        select 'channel' as column_name, n_channel as n_customers,
        from totals
        union all
        select 'category' as column_name, n_category as n_customers,
        from totals
        union all
        select 'acquisition_channel' as column_name, n_acquisition_channel as n_customers,
        from totals
        union all
        select 'persona' as column_name, n_persona as n_customers,
        from totals
        union all
        select 'behaviour_persona' as column_name, n_behaviour_persona as n_customers,
        from totals
        union all
        select 'is_subscriber' as column_name, n_is_subscriber as n_customers,
        from totals
        union all
        select 'subscription_plan' as column_name, n_subscription_plan as n_customers,
        from totals
        union all
        select 'acquisition_cost' as column_name, n_acquisition_cost as n_customers,
        from totals
        union all
        select 'is_churned_given' as column_name, n_is_churned_given as n_customers,
        from totals
        union all
        select 'expected_revenue' as column_name, n_expected_revenue as n_customers,
        from totals
        union all
        select 'revenue_lo' as column_name, n_revenue_lo as n_customers,
        from totals
        union all
        select 'p_alive' as column_name, n_p_alive as n_customers,
        from totals
        union all
        select 'next_order_from' as column_name, n_next_order_from as n_customers,
        from totals
        union all
        select 'overdue_index' as column_name, n_overdue_index as n_customers,
        from totals
        union all
        select 'expected_revenue_30d' as column_name, n_expected_revenue_30d as n_customers,
        from totals
        union all
        select 'expected_revenue_90d' as column_name, n_expected_revenue_90d as n_customers,
        from totals
        union all
        select 'expected_revenue_180d' as column_name, n_expected_revenue_180d as n_customers,
        from totals
        union all
        select 'expected_revenue_365d' as column_name, n_expected_revenue_365d as n_customers,
        from totals
    )
select column_name, n_customers,
from columns
where n_customers > 0
order by column_name
