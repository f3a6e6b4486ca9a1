-- The segment rules name every customer; where they leave a gap, it is called Other.
-- grain: one row per customer without a rule
-- parameters: none
-- severity: warning
select customer_id, rfm_score, from marts.customers where segment = 'Other' order by customer_id
