"""What the columns mean that no SQL file makes: those of landed files and of the tables that jobs write.

A column of a table under `sql/` has its meaning as a comment at its end, in the file. Both kinds stand in the published
files (`duckdb_columns().comment`) and in docs/data-dictionary.md. A column that is not here means what its name says.
"""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.sqlfiles import SqlFile

_ROW_ORIGIN = {"file_id": "first 16 digits of the sha256 of file and mapping", "line_no": "of the file, from 1"}
_INTERVALS = {
    "revenue_lo": "low end of the 80 % interval",
    "revenue_hi": "high end of the 80 % interval",
    "revenue_lo_90": "low end of the 90 % interval",
    "revenue_hi_90": "high end of the 90 % interval",
}
_HORIZON = {"as_of": "first day that was not known", "horizon_days": "length of the time that is predicted"}

TABLES: Mapping[str, tuple[str, str]] = {
    "landing.transactions": ("Order lines as they were read and accepted.", "one row per accepted line"),
    "landing.customers": ("Customers as they were read and accepted.", "one row per accepted line"),
    "landing.cart_events": ("Carts as they were read and accepted.", "one row per accepted line"),
    "landing.campaigns": (
        "Who was contacted, and who was held out, as read and accepted.",
        "one row per accepted line",
    ),
    "landing.quarantine": ("Lines that were put aside, with their text and their reasons.", "one row per line"),
    "landing.files": ("The account of each file that was read.", "one row per file"),
    "settings.segment_rules": (
        "The shop's own rules for segments; no row means those of the house.",
        "one row per rule",
    ),
    "outputs.predictions": ("What each customer is expected to bring.", "one row per customer and horizon"),
    "outputs.predictions_before": (
        "The predictions before these, and what their model says of today's data: the parts of a change.",
        "one row per customer and horizon",
    ),
    "outputs.evaluations": (
        "How well each model did on windows that had passed.",
        "one row per version, model, window, slice and metric",
    ),
    "outputs.contributions": (
        "What each fact adds to a customer's expected revenue, the largest first.",
        "one row per explained customer, horizon and fact",
    ),
    "outputs.residuals": (
        "What was predicted and what happened, customer by customer, on a window that had passed.",
        "one row per customer and horizon",
    ),
    "outputs.explanation_sample": (
        "All facts of some customers with what they add to the expected revenue.",
        "one row per customer of the sample, horizon and fact",
    ),
    "outputs.promotion_preview": (
        "What would change if another version scored.",
        "one row per customer and horizon",
    ),
    "outputs.personas": ("Which persona each customer has, by how they buy.", "one row per customer with a purchase"),
    "outputs.persona_profiles": ("The personas, and how surely they are found again.", "one row per persona"),
    "outputs.persona_features": ("What sets each persona apart.", "one row per persona and feature"),
    "outputs.model_versions": ("The versions of the model that were trained.", "one row per version and horizon"),
    "outputs.drift": ("How far today's data are from those that the model learnt from.", "one row per statistic"),
    "outputs.runs": ("What ran.", "one row per run of a job"),
    "outputs.job_requests": ("What was asked to run.", "one row per request"),
    "outputs.plan": ("Whom to contact, and with what.", "one row per plan and customer"),
    "outputs.checks": ("The claims about the data that this build was checked for.", "one row per check"),
}
"""Table → what it holds, and its grain."""

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "landing.transactions": {
        "order_id": "given, or made of day and place where none is mapped",
        "line_id": "NULL when not mapped",
        "order_ts": "in the shop's local time",
        "amount": "net of the line, signed: returns are negative",
        "unit_price": "of one piece",
        "discount": "that was given on the line",
        "cost": "of the goods; NULL when not mapped, then margin comes from the gross margin",
        "is_return": "negative amount or quantity, or said so by a flag or by the order's id",
        "bucket": "part of the table: hash of the customer modulo the number of buckets",
        **_ROW_ORIGIN,
    },
    "landing.customers": {
        "persona": "as the shop gave it; no model uses it",
        "acquisition_channel": "as the shop gave it",
        "acquisition_cost": "what it cost to win the customer",
        "status_is_churned": "as the shop gave it; no model uses it",
        **_ROW_ORIGIN,
    },
    "landing.cart_events": {
        "event_ts": "in the shop's local time",
        "cart_value": "of all that lay in the cart",
        "converted": "whether it became an order",
        **_ROW_ORIGIN,
    },
    "landing.campaigns": {
        "treated": "false: held out, to compare with",
        "sent_ts": "in the shop's local time",
        "cost": "of the contact",
        "propensity": "chance of being treated that the customer was given",
        **_ROW_ORIGIN,
    },
    "landing.quarantine": {
        "source": "transactions, customers, cart_events or campaigns",
        "raw_text": "the line, with what is not text as \\xNN",
        "raw_bytes": "the line as it stands in the file",
        "reasons": "codes, sorted, parted by ;",
        "amount": "NULL where none could be read",
        **_ROW_ORIGIN,
    },
    "landing.files": {
        "source": "transactions, customers, cart_events or campaigns",
        "bytes": "size of the file",
        "n_lines": "n_header + n_blank + n_accepted + n_quarantined",
        "n_duplicates": "part of n_quarantined",
        "amount_accepted": "net, of transactions",
        "amount_quarantined": "net, where a possible amount could be read",
        "first_ts": "of the accepted rows",
        "last_ts": "of the accepted rows",
        "landed_at": "UTC",
        "dialect": "how it was read",
        "mapping": "which of its columns was taken for which of ours, a line each",
        "notes": "what had to be decided to read it, a line each",
        "file_id": _ROW_ORIGIN["file_id"],
    },
    "settings.segment_rules": {
        "priority": "the first rule that fits names the segment",
        "r_min": "least recency score",
        "r_max": "highest recency score",
        "f_min": "least frequency score",
        "f_max": "highest frequency score",
        "m_min": "least monetary score",
        "m_max": "highest monetary score",
        "max_age_days": "first order at most this long ago; NULL: whenever",
    },
    "outputs.predictions": {
        "expected_revenue": "net of returns, over the horizon",
        "expected_orders": "days with a purchase",
        "expected_margin": "of expected_revenue",
        "expected_revenue_discounted": "at the shop's yearly rate, to the first day of the horizon",
        "p_alive": "chance of not having left for good",
        "p_buys": "chance of a purchase in the horizon",
        "next_order_from": "first day of the window of the next order",
        "next_order_to": "last day of the window of the next order",
        "overdue_index": "silence so far ÷ usual pause between purchases",
        **_INTERVALS,
        **_HORIZON,
    },
    "outputs.predictions_before": {
        "as_of": "first day that was not known then",
        "expected_revenue": "as predicted then",
        "expected_revenue_rescored": "by the model of then on the data of now",
        "model_version": "of then",
        "horizon_days": _HORIZON["horizon_days"],
    },
    "outputs.personas": {"persona_id": "stays while a group is found where it was", "as_of": _HORIZON["as_of"]},
    "outputs.persona_profiles": {
        "place": "1 has most revenue per customer",
        "stability": "mean overlap (Jaccard) with its nearest group when customers are drawn again",
        "stability_lo": "10th percentile of the overlap",
        "stability_hi": "90th percentile of the overlap",
        "is_new": "was not there the time before",
        "n_personas": "chosen for agreement",
        "agreement": "mean adjusted Rand index between groupings of customers drawn again; 1 is the same each time",
        "agreement_lo": "10th percentile of the agreement",
        "agreement_hi": "90th percentile of the agreement",
        "as_of": _HORIZON["as_of"],
    },
    "outputs.persona_features": {
        "rank": "1 sets it apart most",
        "z": "standard deviations from the mean of all customers",
        "value": "revenue or orders per customer, regularity 0 to 1, or a share of orders",
        "shop_value": "the same of all customers",
        "centre": "in the units that distances are measured in",
    },
    "outputs.evaluations": {
        "model": "value (this product), btyd, past_period or historic_rate",
        "slice_kind": "what the customers are cut by; all for everybody",
        "slice": "which part",
        "lo": "low end of the 95 % bootstrap interval",
        "hi": "high end of the 95 % bootstrap interval",
        "n": "customers in the slice",
        **_HORIZON,
    },
    "outputs.residuals": {
        "as_of": "first day of the window",
        "predicted": "revenue over the window, by a model that had not seen it",
        "actual": "net revenue in the window",
        "decile": "tenth of the forecast, 10 is best",
        "segment": "at the start of the window",
        "orders": "band of the number of orders at the start of the window",
        "recency": "band of the days of silence at the start of the window",
        "channel": "of the first order",
        "lot": "place in a random order, the same each time",
        "horizon_days": "length of the window",
        **_INTERVALS,
    },
    "outputs.contributions": {
        "feature": "column of features.customer_features",
        "value": "of the fact for this customer",
        "contribution": "what it adds to the expected revenue; all of a customer's add up to it",
        "rank": "1 is the largest",
        "horizon_days": _HORIZON["horizon_days"],
    },
    "outputs.explanation_sample": {
        "feature": "column of features.customer_features",
        "value": "of the fact for this customer",
        "contribution": "what it adds to the expected revenue",
        "lot": "place in a random order, the same each time",
        "horizon_days": _HORIZON["horizon_days"],
    },
    "outputs.promotion_preview": {
        "champion_version": "that scores now",
        "version": "that would score",
        "expected_now": "revenue by the champion",
        "expected_then": "revenue by the other version",
        **_HORIZON,
    },
    "outputs.model_versions": {
        "created_at": "UTC",
        "is_champion": "it scores",
        "as_of": "first day that it did not know",
        "n_rows": "customers × snapshots that it learnt from",
        "n_features": "facts about each customer",
        "judged_from": "first day of the window that it was judged on",
        "n_judged": "customers that it was judged on",
        "gini": "normalised: 1 orders customers perfectly, 0 by chance",
        "gini_lo": "low end of the 95 % bootstrap interval",
        "gini_hi": "high end of the 95 % bootstrap interval",
        "baseline_gini": "of the purchase model alone",
        "total_bias": "predicted ÷ happened − 1, of all customers",
        "decile_error": "mean error of the tenths",
        "auc": "chance that a buyer was ranked above someone who did not buy",
        "promoted_at": "UTC",
        "metrics": "JSON",
    },
    "outputs.drift": {
        "reference_as_of": "of the data that it learnt from",
        "kind": "feature or prediction",
        "statistic": "psi, ks or jensen_shannon",
        "threshold": "above it is an alarm",
        "detail": "JSON",
    },
    "outputs.runs": {
        "requested_at": "UTC",
        "started_at": "UTC",
        "finished_at": "UTC",
        "progress": "share done",
        "detail": "what it did, JSON",
    },
    "outputs.job_requests": {"requested_at": "UTC", "params": "JSON"},
    "outputs.plan": {
        "is_control": "held out, to compare with",
        "cost": "of the contact",
        "expected_gain": "margin more than without the contact, less its cost",
        "gain_lo": "low end of the 80 % interval",
        "gain_hi": "high end of the 80 % interval",
    },
    "outputs.checks": {"severity": "error stops a build, warning does not", "sample": "the first of them, JSON"},
}
"""Table → column → meaning."""


def of_table(name: str, file: SqlFile | None) -> str:
    """What the table *name* holds and what one row of it is; empty for a table that nothing is known of."""
    what, grain = (file.what, file.grain) if file else TABLES.get(name, ("", ""))
    return f"{what} Grain: {grain}." if what else ""


def of_columns(name: str, file: SqlFile | None) -> dict[str, str]:
    """Column → meaning, for those whose meaning is not their name."""
    return dict(file.comments) if file else dict(COLUMNS.get(name, {}))
