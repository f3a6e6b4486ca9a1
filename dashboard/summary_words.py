"""The words of the executive summary, the same on its page and in its PDF."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.data import Door

STEPS = {
    "opening": "Then",
    "realised": "Realised since",
    "new_customers": "New customers",
    "behaviour_change": "Behaviour",
    "model_change": "Model",
    "closing": "Now",
}
"""Step of `summary/bridge` → words."""

ADVICE = {
    "protect_best": ("Protect the best customers", "The 5% who are expected to bring the most"),
    "remind_overdue": ("Remind who is late", "Late for their own rhythm, probably still customers"),
    "win_back": ("Win back", "They were worth a lot and have gone quiet"),
    "second_order": ("Ask for the second order", "Who buys twice is far more likely to stay"),
    "falling_channel": ("Look at the channel", "It sold less than in the 90 days before"),
    "repair_data": ("Repair the data", "Rows with money on them could not be used"),
}
"""Kind of `summary/recommendations` → what to do, and why."""

SIGNS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "best_silent": ("Best customers, silent", {"standing": "best, silent"}),
    "regular_silent": ("Regular customers, silent", {"standing": "regular, silent"}),
    "silent": ("Few orders, falling silent", {"standing": "silent"}),
    "overdue": (
        "Later than their own rhythm, probably still there",
        {"overdue_index": ">1", "p_alive": "0.5..", "n_orders": "2.."},
    ),
    "unlikely_to_buy": (
        "Bought within a year, unlikely to buy again within {horizon}",
        {"p_buys": "<0.2", "revenue_365d": ">0"},
    ),
}
"""Sign of `summary/at_risk` → words with a place for the horizon, and the grid's filter that holds these customers."""


def horizon(ask: Door) -> str:
    """How far ahead is predicted, in days; as far as it will be, while there is no model."""
    days = ask.ask("summary/headline").row.horizon_days
    return ask.words.days(days or ask.horizon_days)


def sign_words(sign: str, horizon: str) -> tuple[str, Mapping[str, str] | None]:
    """What a warning sign says, *horizon* days in words, and the grid's filter; None for a sign without one."""
    label, chosen = SIGNS.get(sign, (sign.replace("_", " ").capitalize(), None))
    return label.format(horizon=horizon), chosen


def advice(kind: str) -> tuple[str, str]:
    """What to do about a kind of recommendation, and why."""
    return ADVICE.get(kind, (kind.replace("_", " ").capitalize(), ""))
