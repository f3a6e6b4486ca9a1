"""What the value model is given: customers at a date, as numbers; and who is kept when there are too many.

Not for planning dates (`clv.backtest`) nor for getting rows (`warehouse.ask`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

NOT_INPUTS = ("customer_id", "first_purchase_date", "last_purchase_date")
"""Columns that are not about behaviour: a name, and dates whose distance to the cut-off is there as days."""

MONEY = frozenset(
    {
        "net_revenue",
        "gross_revenue",
        "mean_day_amount",
        "median_day_amount",
        "max_day_amount",
        "min_day_amount",
        "std_day_amount",
        "first_day_amount",
        "last_day_amount",
        "last3_day_amount",
        "revenue_quarter_h",
        "revenue_half_h",
        "revenue_1h",
        "revenue_2h",
        "revenue_4h",
        "revenue_previous_h",
        "revenue_decay_third_h",
        "revenue_decay_1h",
        "revenue_decay_3h",
        "revenue_per_h",
        "revenue_year_ago",
        "returned_amount",
        "mean_unit_price",
    }
)
"""Inputs in the shop's currency; they are divided by its mean purchase, so that the model has no currency."""

HOLDS_BACK = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Snapshot:
    """Customers as they were known on a date and, when the period after it has passed, what they did."""

    as_of: date
    """First day that is not known."""
    horizon_days: int
    """Length of the period that is forecast, and the unit of the features' windows."""
    features: pd.DataFrame
    """Rows of `features.customer_features` at *as_of* with *horizon_days*."""
    outcomes: pd.DataFrame | None = None
    """Rows of `labels.customer_outcomes`; a customer without a row did nothing."""

    @property
    def history_days(self) -> int:
        """Days from the shop's first purchase to *as_of*; 0 without customers."""
        return int(self.features["T"].max()) if len(self.features) else 0


@dataclass(frozen=True)
class Outcome:
    """What happened in the period, aligned with the snapshot's features."""

    revenue: Floats
    """Net; never below 0: a period in which more came back than was bought is worth nothing."""
    n_orders: Floats
    bought: Floats
    """1 or 0."""


def outcome(snapshot: Snapshot) -> Outcome:
    """The outcomes of *snapshot*, one per row of its features.

    Raises:
        ValueError: the snapshot has no outcomes.
    """
    if snapshot.outcomes is None:
        raise ValueError(f"the snapshot of {snapshot.as_of} has no outcomes")
    known = snapshot.outcomes.set_index("customer_id")
    found = known[["revenue", "n_orders", "bought"]].reindex(snapshot.features["customer_id"])
    columns = {name: pd.to_numeric(found[name]).to_numpy(np.float64, na_value=0.0) for name in found.columns}
    return Outcome(np.maximum(columns["revenue"], 0.0), columns["n_orders"], columns["bought"])


def numbers(features: pd.DataFrame, name: str) -> Floats:
    """A column as doubles; NULL is NaN."""
    return features[name].to_numpy(np.float64, na_value=np.nan)


def mean_purchase(features: pd.DataFrame) -> float:
    """Mean amount of the customers' paid purchase days, in currency; 1 where nothing was paid."""
    paid = np.nan_to_num(numbers(features, "n_paid_days"))
    amount = np.nan_to_num(numbers(features, "mean_day_amount"))
    total = float((paid * amount).sum())
    return total / float(paid.sum()) if total > 0 else 1.0


def input_names(features: pd.DataFrame) -> list[str]:
    """The columns that a model may learn from, in the order of the frame."""
    return [name for name in features.columns if name not in NOT_INPUTS]


def matrix(features: pd.DataFrame, names: list[str], purchase: float) -> npt.NDArray[np.float32]:
    """[n_customers, n_names] single precision; money in units of *purchase*.

    Single precision on purpose: it hides the last bits of a sum, which depend on the order of adding.
    """
    found = np.empty((len(features), len(names)), dtype=np.float32)
    for place, name in enumerate(names):
        column = numbers(features, name)
        found[:, place] = column / purchase if name in MONEY else column
    return found


def lot(customer_ids: pd.Series) -> Floats:
    """A number in [0, 1) for each customer, always the same: the smallest are kept when there are too many."""
    marks = pd.util.hash_array(customer_ids.astype(object).to_numpy(), categorize=False) * HOLDS_BACK
    return marks.astype(np.float64) / 2.0**64
