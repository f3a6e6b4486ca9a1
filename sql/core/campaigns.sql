-- Campaign contacts and holdouts known at the as-of date.
-- grain: one row per campaign and customer
-- parameters: $as_of date, first day that is not known
select campaign_id, customer_id, is_treated, sent_ts, sent_date, action, cost, propensity,
from staging.campaigns
where sent_ts < cast($as_of as timestamp)
-- a customer named twice in a campaign was assigned by the first line
qualify
    row_number() over (
        partition by campaign_id, customer_id
        order by sent_ts, is_treated desc, action, cost, propensity, file_id, line_no
    )
    = 1
order by customer_id, sent_ts, campaign_id
