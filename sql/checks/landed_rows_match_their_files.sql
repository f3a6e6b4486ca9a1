-- As many rows are loaded and quarantined as the accounts of the files say.
-- grain: one row per source whose rows and accounts differ
-- parameters: none
with
    n_landed as (
        select 'transactions' as source, count(*) as n_accepted,
        from landing.transactions
        union all
        select 'customers' as source, count(*) as n_accepted,
        from landing.customers
        union all
        select 'cart_events' as source, count(*) as n_accepted,
        from landing.cart_events
        union all
        select 'campaigns' as source, count(*) as n_accepted,
        from landing.campaigns
    ),

    n_put_aside as (
        select source, count(*) as n_quarantined, from landing.quarantine group by source
    ),

    accounts as (
        select
            source,
            cast(sum(n_accepted) as bigint) as n_accepted,
            cast(sum(n_quarantined) as bigint) as n_quarantined,
        from landing.files
        group by source
    )
select
    n_landed.source,
    n_landed.n_accepted,
    coalesce(accounts.n_accepted, 0) as n_accepted_in_accounts,
    coalesce(n_put_aside.n_quarantined, 0) as n_quarantined,
    coalesce(accounts.n_quarantined, 0) as n_quarantined_in_accounts,
from n_landed
left join n_put_aside on n_put_aside.source = n_landed.source
left join accounts on accounts.source = n_landed.source
where
    n_landed.n_accepted <> coalesce(accounts.n_accepted, 0)
    or coalesce(n_put_aside.n_quarantined, 0) <> coalesce(accounts.n_quarantined, 0)
order by n_landed.source
