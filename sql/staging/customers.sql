-- Customer attributes as given, with one spelling of names.
-- grain: one row per accepted customer line; a customer can have several
-- parameters: none
select
    customers.customer_id,
    nullif(trim(customers.name), '') as name,
    nullif(trim(customers.email), '') as email,
    nullif(trim(customers.persona), '') as persona,
    customers.is_subscriber,
    nullif(trim(customers.subscription_plan), '') as subscription_plan,
    nullif(trim(customers.acquisition_channel), '') as acquisition_channel,
    customers.acquisition_cost,
    cast(customers.signup_date as date) as signup_date,
    nullif(trim(customers.country), '') as country,
    customers.email_consent,
    customers.status_is_churned,
    files.landed_at,
    customers.file_id,
    customers.line_no,
from landing.customers as customers
left join landing.files as files on files.file_id = customers.file_id and files.source = 'customers'
order by customers.customer_id, customers.file_id, customers.line_no
