"""The words of the executive summary, the same on its page and in its PDF."""

from __future__ import annotations

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
    "remind_overdue": ("Remind who is late", "Later than their own rhythm, but more likely still a customer than not"),
    "win_back": ("Win back", "They were worth a lot and have gone quiet"),
    "second_order": ("Ask for the second order", "Who buys twice is far more likely to stay"),
    "falling_channel": ("Look at the channel", "It sold less than in the 90 days before"),
    "repair_data": ("Repair the data", "Rows with money on them could not be used"),
}
"""Kind of `summary/recommendations` → what to do, and why."""

SIGNS = {
    "best_silent": ("Best customers, silent", {"standing": "best, silent"}),
    "regular_silent": ("Regular customers, silent", {"standing": "regular, silent"}),
    "silent": ("Few orders, falling silent", {"standing": "silent"}),
    "overdue": (
        "Later than their own rhythm, probably still there",
        {"overdue_index": ">1", "p_alive": "0.5..", "n_orders": "2.."},
    ),
    "unlikely_to_buy": (
        "Bought within a year, unlikely to buy again in the horizon",
        {"p_buys": "<0.2", "revenue_365d": ">0"},
    ),
}
"""Sign of `summary/at_risk` → words, and the grid's filter that holds exactly these customers."""


def advice(kind: str) -> tuple[str, str]:
    """What to do about a kind of recommendation, and why."""
    return ADVICE.get(kind, (kind.replace("_", " ").capitalize(), ""))
