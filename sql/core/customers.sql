-- Who the customers are: what the shop says about them, and the dates of their purchases.
-- grain: one row per customer with a transaction line; who has only signed up is not a customer yet
-- parameters: none
with
    -- the newest file wins; between its lines the content decides, so that their order never shows
    given as (
        select
            customer_id,
            name,
            email,
            persona,
            is_subscriber,
            subscription_plan,
            acquisition_channel,
            acquisition_cost,
            signup_date,
            country,
            email_consent,
            status_is_churned,
        from staging.customers
        qualify
            row_number() over (
                partition by customer_id
                order by
                    landed_at desc,
                    signup_date desc,
                    name,
                    email,
                    persona,
                    is_subscriber,
                    subscription_plan,
                    acquisition_channel,
                    acquisition_cost,
                    country,
                    email_consent,
                    status_is_churned
            )
            = 1
    )
select
    customer_totals.customer_id,
    given.name,
    given.email,
    given.persona,
    given.is_subscriber,
    given.subscription_plan,
    given.acquisition_channel,
    given.acquisition_cost,
    given.signup_date,
    coalesce(given.country, customer_totals.first_country) as country,
    given.email_consent,
    given.status_is_churned,  -- a label given by somebody: shown, never used
    customer_totals.first_order_date,  -- NULL for who only ever returned
    customer_totals.last_order_date,  -- of the last purchase
    cast(date_trunc('month', customer_totals.first_order_date) as date) as cohort_month,  -- month of the first order
    customer_totals.first_channel,
    customer_totals.first_category,
from core.customer_totals as customer_totals
left join given on given.customer_id = customer_totals.customer_id
order by customer_totals.customer_id
