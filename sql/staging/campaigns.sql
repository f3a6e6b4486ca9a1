-- Who was in which campaign, and whether they were contacted or held back.
-- grain: one row per accepted campaign line
-- parameters: none
select
    campaign_id,
    customer_id,
    treated as is_treated,
    sent_ts,
    cast(sent_ts as date) as sent_date,
    nullif(trim(action), '') as action,
    cost,
    propensity,
    file_id,
    line_no,
from landing.campaigns
order by customer_id, sent_ts, campaign_id, file_id, line_no
