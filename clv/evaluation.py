"""How good forecasts were, on customers known at a cut-off whose period has fully passed.

Every function takes [n_customers] arrays; ties in a prediction share their rank, so no row order changes a result.
Models are gated on normalised Gini, decile error, total bias and AUC, never on MAE or RMSE alone: most customers spend
nothing, and a model that forecasts half of the money wins those. Not here: which cut-offs (`clv.backtest`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

METRICS = ("mae", "rmse", "spearman", "gini", "decile_error", "total_bias", "top_decile_capture", "auc")
N_DECILES = 10
N_BOOTSTRAP = 200
MAX_BOOTSTRAP_ROWS = 25_000
"""Intervals of larger shops are narrow anyway: they are drawn from so many customers and rescaled."""


@dataclass(frozen=True)
class Prediction:
    """What a contender said of each customer."""

    revenue: Floats
    p_buys: Floats | None = None
    """Probability of a purchase; without it the revenue forecast ranks who buys again."""


@dataclass(frozen=True)
class Estimate:
    """A metric with its 95 % bootstrap interval over customers."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class _Ranks:
    """Rows in ascending order of a score, and where each distinct score starts: sorted once, used for every draw."""

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, score: Floats) -> _Ranks:
        order = np.argsort(score, kind="stable")
        return cls(order, np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0))

    def sums(self, column: Floats) -> Floats:
        """Sum of *column* for each distinct score, ascending."""
        return np.add.reduceat(column[self.order], self.starts) if len(self.starts) else np.zeros(1)

    def deciles(self, weight: Floats) -> npt.NDArray[np.int64]:
        """0 (lowest) to 9 of each distinct score."""
        people = self.sums(weight)
        middle = (np.cumsum(people) - people / 2) / max(float(people.sum()), 1e-300)
        found: npt.NDArray[np.int64] = np.minimum((N_DECILES * middle).astype(np.int64), N_DECILES - 1)
        return found

    def lorenz(self, value: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Cumulative shares of customers and of value, lowest score first, both from 0 to 1; ties are one step."""
        people = np.concatenate([[0.0], np.cumsum(self.sums(weight))])
        money = np.concatenate([[0.0], np.cumsum(self.sums(weight * value))])
        return people / max(people[-1], 1e-300), money / money[-1] if money[-1] > 0 else np.zeros(len(money))

    def gini(self, value: Floats, weight: Floats) -> float:
        people, money = self.lorenz(value, weight)
        return 1.0 - float(np.diff(people) @ (money[1:] + money[:-1]))


class _Contender:
    """A contender's forecasts beside what happened; gives its metrics for any weights of the customers."""

    def __init__(self, actual: Floats, bought: Floats, predicted: Prediction) -> None:
        self.actual, self.bought, self.predicted = actual, bought, predicted.revenue
        self.by_actual, self.by_revenue = _Ranks.of(actual), _Ranks.of(predicted.revenue)
        self.by_buys = self.by_revenue if predicted.p_buys is None else _Ranks.of(predicted.p_buys)

    def metrics(self, weight: Floats) -> dict[str, float]:
        error = self.predicted - self.actual
        total, n = float(weight @ self.actual), float(weight.sum())
        return {
            "mae": float(weight @ np.abs(error)) / n if n else np.nan,
            "rmse": float(np.sqrt(weight @ error**2 / n)) if n else np.nan,
            "spearman": self._spearman(weight),
            "gini": _normalised(self.by_revenue, self.by_actual, self.actual, weight),
            "decile_error": _decile_error(self.by_revenue, self.actual, self.predicted, weight),
            "total_bias": float(weight @ self.predicted) / total - 1 if total > 0 else np.nan,
            "top_decile_capture": _top_share(self.by_revenue, self.actual, 0.1, weight),
            "auc": _auc(self.by_buys, self.bought, weight),
        }

    def _spearman(self, weight: Floats) -> float:
        """Correlation of the mid-ranks, each customer counted as often as drawn."""
        places = []
        for ranks in (self.by_actual, self.by_revenue):
            people = ranks.sums(weight)
            middle = np.cumsum(people) - people / 2
            place = np.empty(len(weight))
            place[ranks.order] = np.repeat(middle, np.diff(np.append(ranks.starts, len(weight))))
            places.append(place - weight @ place / max(float(weight.sum()), 1e-300))
        spread = np.sqrt((weight @ places[0] ** 2) * (weight @ places[1] ** 2))
        return float(weight @ (places[0] * places[1]) / spread) if spread > 0 else np.nan


METRICS = ("mae", "rmse", "spearman", "gini", "decile_error", "total_bias", "top_decile_capture", "auc")


def metrics(actual: Floats, bought: Floats, predicted: Prediction) -> dict[str, float]:
    """All metrics of one contender.

    Args:
        actual: [n_customers] net revenue in the period, in currency.
        bought: [n_customers] 1 where there was a purchase, else 0.
        predicted: the contender's forecasts.

    Returns:
        The values of `METRICS`; `gini` is normalised. NaN where a metric has no meaning (nobody bought; no forecast
        differs from another).
    """
    if not len(actual):
        return dict.fromkeys(METRICS, np.nan)
    return _Contender(actual, bought, predicted).metrics(np.ones(len(actual)))


def normalised_gini(actual: Floats, predicted: Floats) -> float:
    """Gini of the actual values ordered by prediction ÷ ordered by themselves; 1 is perfect, 0 is chance."""
    return _normalised(_Ranks.of(predicted), _Ranks.of(actual), actual, np.ones(len(actual)))


def decile_table(actual: Floats, predicted: Floats) -> pd.DataFrame:
    """Mean forecast and mean actual per decile of the forecast; decile 10 is the highest, equal forecasts share one.

    Returns:
        `decile, n, mean_predicted, mean_actual`; deciles without customers are missing.
    """
    frame = pd.DataFrame({"decile": deciles(predicted), "predicted": predicted, "actual": actual})
    return frame.groupby("decile", as_index=False).agg(
        n=("actual", "size"), mean_predicted=("predicted", "mean"), mean_actual=("actual", "mean")
    )


def deciles(predicted: Floats) -> npt.NDArray[np.int64]:
    """Decile of each customer by forecast, 1 (lowest) to 10; equal forecasts share one."""
    ranks = _Ranks.of(predicted)
    found = np.empty(len(predicted), dtype=np.int64)
    sizes = np.diff(np.append(ranks.starts, len(predicted)))
    found[ranks.order] = np.repeat(ranks.deciles(np.ones(len(predicted))) + 1, sizes) if len(predicted) else 0
    return found


def decile_error(actual: Floats, predicted: Floats) -> float:
    """Mean absolute relative error of the deciles' totals, weighted by their actual values: Σ|P_d − A_d| ÷ ΣA."""
    return _decile_error(_Ranks.of(predicted), actual, predicted, np.ones(len(actual)))


def top_share(actual: Floats, predicted: Floats, share: float) -> float:
    """Share of the actual value that the top *share* of customers by prediction holds."""
    return _top_share(_Ranks.of(predicted), actual, share, np.ones(len(actual)))


def auc(bought: Floats, score: Floats) -> float:
    """Probability that a customer who bought has a higher score than one who did not; ties count half."""
    return _auc(_Ranks.of(score), bought, np.ones(len(bought)))


def bootstrap(
    actual: Floats, bought: Floats, predictions: Mapping[str, Prediction], *, seed: int, n_draws: int = N_BOOTSTRAP
) -> dict[str, dict[str, Estimate]]:
    """Metrics of every contender with 95 % intervals; all contenders see the same draws of customers.

    Args:
        actual: [n_customers] net revenue in the period.
        bought: [n_customers] 1 where there was a purchase.
        predictions: by contender.
        seed: of the draws.
        n_draws: bootstrap samples.
    """
    draws = bootstrap_draws(actual, bought, predictions, seed=seed, n_draws=n_draws)
    found: dict[str, dict[str, Estimate]] = {}
    for name, predicted in predictions.items():
        found[name] = {}
        for metric, value in metrics(actual, bought, predicted).items():
            known = draws[name][metric][np.isfinite(draws[name][metric])]
            lo, hi = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
            found[name][metric] = Estimate(value, float(lo), float(hi))
    return found


def bootstrap_draws(
    actual: Floats, bought: Floats, predictions: Mapping[str, Prediction], *, seed: int, n_draws: int = N_BOOTSTRAP
) -> dict[str, dict[str, Floats]]:
    """Metrics of every contender on the same *n_draws* samples of customers; contender → metric → [n_draws].

    Differences between two contenders' draws are paired: their share above 0 is the confidence that one is better.
    """
    rng = np.random.default_rng(seed)
    n = len(actual)
    found = {name: {metric: np.full(n_draws, np.nan) for metric in METRICS} for name in predictions}
    if n == 0:
        return found
    contenders = {name: _Contender(actual, bought, predicted) for name, predicted in predictions.items()}
    size = min(n, MAX_BOOTSTRAP_ROWS)
    for draw in range(n_draws):
        weight = np.bincount(rng.integers(0, n, size), minlength=n).astype(np.float64)
        for name, contender in contenders.items():
            for metric, value in contender.metrics(weight).items():
                found[name][metric][draw] = value
    if size < n:
        # A sample of m customers spreads as 1/√m: rescale about the mean to what n would show.
        for by_metric in found.values():
            for metric, values in by_metric.items():
                if np.isfinite(values).any():
                    centre = np.nanmean(values)
                    by_metric[metric] = centre + (values - centre) * np.sqrt(size / n)
    return found


def _normalised(ranks: _Ranks, best: _Ranks, actual: Floats, weight: Floats) -> float:
    ceiling = best.gini(actual, weight)
    return ranks.gini(actual, weight) / ceiling if ceiling > 0 else np.nan


def _decile_error(ranks: _Ranks, actual: Floats, predicted: Floats, weight: Floats) -> float:
    total = float(weight @ actual)
    if not total > 0:
        return np.nan
    gap = np.bincount(ranks.deciles(weight), ranks.sums(weight * (predicted - actual)), minlength=N_DECILES)
    return float(np.abs(gap).sum()) / total


def _top_share(ranks: _Ranks, actual: Floats, share: float, weight: Floats) -> float:
    people, money = ranks.lorenz(actual, weight)
    return 1.0 - float(np.interp(1 - share, people, money)) if money[-1] > 0 else np.nan


def _auc(ranks: _Ranks, bought: Floats, weight: Floats) -> float:
    yes, no = ranks.sums(weight * bought), ranks.sums(weight * (1 - bought))
    n_pairs = float(yes.sum() * no.sum())
    return float(yes @ (np.cumsum(no) - no / 2)) / n_pairs if n_pairs > 0 else np.nan
