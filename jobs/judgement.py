"""What is written down of the windows that were judged: `outputs.evaluations` and `outputs.residuals`.

| slice_kind | slice                                            | what is measured of our model                     |
|------------|--------------------------------------------------|---------------------------------------------------|
| all        | all                                              | every metric with its interval, of each contender |
| decile     | 1 (least expected) to 10                         | means of each contender; ranges                   |
| segment    | the RFM segment at the cut-off                   | means, mean absolute error, ranges                |
| orders     | orders before the cut-off                        | the same                                          |
| recency    | days since the last purchase, at the cut-off     | the same                                          |
| channel    | acquired through                                 | the same                                          |

Not here: fitting and forecasting (`jobs.train`), the metrics themselves (`clv.evaluation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from clv import evaluation
from clv.evaluation import Prediction
from clv.snapshots import Floats, numbers
from warehouse import outputs

OURS = "value"
BASELINE = "btyd"
LEVELS = {"coverage_80": ("revenue_lo", "revenue_hi"), "coverage_90": ("revenue_lo_90", "revenue_hi_90")}
MAX_RESIDUALS = 50_000
"""Customers of a window whose own forecast and outcome are kept; of more, so many by a hash of their ids."""
UNKNOWN = "Unknown"
ORDERS = ((1, "1"), (3, "2–3"), (np.inf, "4 and more"))
"""Orders up to and including → class."""
RECENCY = ((30, "up to 30 days"), (90, "31–90 days"), (180, "91–180 days"), (365, "181–365 days"), (np.inf, "longer"))
"""Days since the last purchase up to and including → class."""


@dataclass(frozen=True)
class Judged:
    """One window that has passed, and what each contender had forecast for it."""

    cut_off: date
    horizon_days: int
    actual: Floats
    bought: Floats
    predictions: Mapping[str, Prediction]
    forecast: pd.DataFrame
    """The value model's own rows, aligned with `actual`."""
    slices: pd.DataFrame
    """How its customers stood at the cut-off: `segment, orders, recency, channel`, aligned with `actual`."""

    @property
    def deciles(self) -> npt.NDArray[np.int64]:
        """[n_customers] tenth of our forecast, 10 is the highest."""
        return evaluation.deciles(self.predictions[OURS].revenue)


def slices(features: pd.DataFrame, segments: pd.Series, channels: pd.Series) -> pd.DataFrame:
    """In which slices the customers of *features* are.

    Args:
        features: of the cut-off.
        segments: by customer id; who is missing is Unknown.
        channels: the same.
    """
    ids = features["customer_id"]

    def known(by_customer: pd.Series) -> list[str]:
        return [str(label) for label in by_customer.reindex(ids).astype(object).fillna(UNKNOWN)]

    return pd.DataFrame(
        {
            "segment": known(segments),
            "orders": _classes(numbers(features, "n_orders"), ORDERS),
            "recency": _classes(numbers(features, "recency_days"), RECENCY),
            "channel": known(channels),
        }
    )


def _classes(values: Floats, classes: Sequence[tuple[float, str]]) -> list[str]:
    tops = np.array([top for top, _ in classes])
    return [classes[place][1] for place in np.searchsorted(tops, values, side="left")]


def evaluations(judged: Sequence[Judged], seed: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Long rows for `outputs.evaluations`, and the metrics that go on the card."""
    rows: list[dict[str, Any]] = []
    headline: dict[str, Any] = {}
    for one in judged:
        found = evaluation.bootstrap(one.actual, one.bought, one.predictions, seed=seed)
        for contender, estimates in found.items():
            for metric, estimate in estimates.items():
                rows.append(_row(one, contender, "all", "all", metric, estimate.value, estimate.lo, estimate.hi))
        headline.setdefault(
            str(one.horizon_days),
            {
                "cut_off": one.cut_off.isoformat(),
                "n_customers": len(one.actual),
                **{
                    contender: {metric: [e.value, e.lo, e.hi] for metric, e in estimates.items()}
                    for contender, estimates in found.items()
                },
            },
        )
        for contender, predicted in one.predictions.items():
            for decile in evaluation.decile_table(one.actual, predicted.revenue).to_dict(orient="records"):
                for metric in ("mean_predicted", "mean_actual"):
                    value, label = float(decile[metric]), str(int(decile["decile"]))
                    rows.append(_row(one, contender, "decile", label, metric, value, n=int(decile["n"])))
        rows += _by_slice(one)
    return rows, headline


def _by_slice(one: Judged) -> list[dict[str, Any]]:
    """Means, error and ranges of our model, for each slice."""
    predicted = one.predictions[OURS].revenue
    measured = {
        "mean_predicted": predicted,
        "mean_actual": one.actual,
        "mae": np.abs(predicted - one.actual),
        # Share of customers whose result fell into their range.
        **{
            metric: (one.actual >= one.forecast[lo].to_numpy()) & (one.actual <= one.forecast[hi].to_numpy())
            for metric, (lo, hi) in LEVELS.items()
            if not one.forecast[hi].isna().all()
        },
    }
    kinds: dict[str, Any] = {"all": np.full(len(predicted), "all"), "decile": one.deciles.astype(str)}
    kinds |= {str(kind): one.slices[kind].to_numpy() for kind in one.slices}
    rows = []
    for metric, values in measured.items():
        for kind, labels in kinds.items():
            if not metric.startswith("coverage") and kind in ("all", "decile"):
                continue  # they stand among those of all contenders
            for label, here in pd.Series(values).groupby(labels):
                rows.append(_row(one, OURS, kind, str(label), metric, float(here.mean()), n=len(here)))
    return rows


def residuals(judged: Sequence[Judged]) -> pd.DataFrame:
    """Forecast and outcome of each customer on the newest window of each horizon, for `outputs.residuals`.

    `lot` counts them from 0 in a random order: those with the lowest are a sample.
    """
    newest: dict[int, Judged] = {}
    for one in judged:
        if one.horizon_days not in newest or one.cut_off > newest[one.horizon_days].cut_off:
            newest[one.horizon_days] = one
    tables = []
    for one in newest.values():
        table = pd.DataFrame(
            {
                "customer_id": one.forecast["customer_id"].to_numpy(),
                "as_of": one.cut_off,
                "horizon_days": one.horizon_days,
                "predicted": one.predictions[OURS].revenue,
                "actual": one.actual,
                **{name: one.forecast[name].to_numpy(np.float64) for ends in LEVELS.values() for name in ends},
                "decile": one.deciles,
            }
        )
        for kind in one.slices:
            table[kind] = one.slices[kind].to_numpy()
        drawn = table.loc[sampled(table["customer_id"], MAX_RESIDUALS).index]
        tables.append(drawn.assign(lot=np.arange(len(drawn))))
    return pd.concat(tables, ignore_index=True) if tables else outputs.empty("residuals").drop(columns="model_version")


def sampled(ids: pd.Series, most: int) -> pd.Series:
    """*most* of the ids in a random order, the same ones whatever order they came in; all where they are fewer."""
    lots = pd.util.hash_array(ids.to_numpy(dtype=object))
    return ids.iloc[np.lexsort([ids.to_numpy(dtype=str), lots])[:most]]


def _row(
    one: Judged,
    contender: str,
    kind: str,
    label: str,
    metric: str,
    value: float,
    lo: float = np.nan,
    hi: float = np.nan,
    n: int | None = None,
) -> dict[str, Any]:
    return {
        "model": contender,
        "as_of": one.cut_off,
        "horizon_days": one.horizon_days,
        "slice_kind": kind,
        "slice": label,
        "metric": metric,
        "value": value,
        "lo": lo,
        "hi": hi,
        "n": len(one.actual) if n is None else n,
    }
