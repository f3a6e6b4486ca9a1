"""Names under which exports know our columns, the likeliest first; case, blanks and underscores do not matter.

Checked against the exports of common shop systems, the public data sets of docs/data-sources.md, and `clv demo`.
"""

from __future__ import annotations

_CUSTOMER = (
    "customer_id customerid customer customer_no customer_number cust_id custid client_id client user_id "
    "userid member_id buyer_id account_id shopper_id household_id household_key customer_unique_id "
    "customer_key contact_id kunden_id kundennummer customer_email email billing_email buyer_email"
)

SYNONYMS: dict[str, dict[str, str]] = {
    "transactions": {
        "customer_id": _CUSTOMER,
        "order_id": (
            "order_id orderid order_no order_number invoice_no invoice invoice_id invoice_number "
            "transaction_id trans_id basket_id receipt_id receipt_no purchase_id order document_no name"
        ),
        "line_id": "line_id order_line_id line_no line_number order_item_id line_item_id item_no",
        "order_ts": (
            "order_ts order_date order_datetime order_time ordered_at order_timestamp "
            "order_purchase_timestamp invoice_date transaction_date transaction_timestamp transaction_time "
            "trans_date purchase_date purchased_at created_at paid_at processed_at timestamp datetime date "
            "day bestelldatum invoice_datetime sale_date event_time time"
        ),
        "amount": (
            "amount order_amount total_amount amount_paid order_total total total_price grand_total "
            "order_value net_amount net_revenue revenue sales sales_value sales_amount line_total line_amount "
            "extended_price dollar_value transaction_amount payment_value value spend subtotal betrag umsatz "
            "total_sales purchase_amount tran_amount"
        ),
        "quantity": "quantity qty units n_items number_of_cds lineitem_quantity item_quantity menge count",
        "unit_price": "unit_price price item_price price_per_unit lineitem_price stueckpreis",
        "discount": "discount discount_amount discounts total_discount retail_disc",
        "cost": "cost cogs unit_cost_total cost_amount total_cost",
        "category": "category product_category category_name department product_type lineitem_category product_line",
        "product": "product product_name product_id sku stock_code item item_id item_name lineitem_name description",
        "channel": "channel sales_channel source_name source order_channel platform medium",
        "country": "country country_code shipping_country billing_country ship_country land region",
        "is_return": "is_return returned return is_refund refunded return_flag is_returned",
    },
    "customers": {
        "customer_id": _CUSTOMER,
        "name": "name customer_name full_name display_name",
        "email": "email email_address e_mail customer_email",
        "persona": "persona segment customer_segment customer_type",
        "is_subscriber": "is_subscriber subscriber subscribed",
        "subscription_plan": "subscription_plan plan subscription",
        "acquisition_channel": "acquisition_channel signup_channel first_channel utm_source acquisition_source",
        "acquisition_cost": "acquisition_cost cac cost_of_acquisition",
        "signup_date": "signup_date sign_up_date registered_at registration_date created_at joined_at signup_at",
        "country": "country country_code default_country billing_country",
        "email_consent": (
            "email_consent consent accepts_marketing accepts_email_marketing marketing_consent opt_in email_opt_in"
        ),
        "status_is_churned": "status_is_churned is_churned churned",
    },
    "cart_events": {
        "customer_id": _CUSTOMER,
        "event_id": "event_id cart_id cart_event_id id",
        "event_ts": "event_ts event_date event_time event_at created_at abandoned_at timestamp date",
        "cart_value": "cart_value value cart_total total amount",
        "category": "category product_category",
        "channel": "channel source platform",
        "converted": "converted is_converted purchased recovered",
    },
    "campaigns": {
        "campaign_id": "campaign_id campaign campaign_name experiment_id",
        "customer_id": _CUSTOMER,
        "treated": "treated is_treated treatment exposed in_treatment",
        "sent_ts": "sent_ts sent_at sent_date send_date contacted_at date",
        "action": "action offer arm variant",
        "cost": "cost contact_cost cost_per_contact",
        "propensity": "propensity p_treated treatment_probability",
    },
}
"""Source → our column → their names, separated by blanks."""
