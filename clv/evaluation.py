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


def metrics(actual: Floats, bought: Floats, predicted: Prediction, weight: Floats | None = None) -> dict[str, float]:
    """All metrics of one contender.

    Args:
        actual: net revenue in the period, in currency.
        bought: 1 where there was a purchase, else 0.
        predicted: the contender's forecasts.
        weight: how often each customer counts; default once.

    Returns:
        `mae, rmse, spearman, gini` (normalised), `decile_error, total_bias, top_decile_capture, auc`; NaN where a
        metric has no meaning (nobody bought; no forecast differs from another).
    """
    return _metrics(_Ranked.of(actual, bought, predicted), np.ones(len(actual)) if weight is None else weight)


def normalised_gini(actual: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """Gini of the actual values ordered by prediction ÷ ordered by themselves; 1 is perfect, 0 is chance."""
    weight = np.ones(len(actual)) if weight is None else weight
    return _normalised_gini(_lorenz(actual, _Ranks.of(predicted), weight), _lorenz(actual, _Ranks.of(actual), weight))


def decile_table(actual: Floats, predicted: Floats) -> pd.DataFrame:
    """Mean forecast and mean actual per decile of the forecast; decile 10 is the highest.

    Returns:
        `decile, n, mean_predicted, mean_actual`; deciles without customers are missing.
    """
    frame = pd.DataFrame({"decile": deciles(predicted), "predicted": predicted, "actual": actual})
    return frame.groupby("decile", as_index=False).agg(
        n=("actual", "size"), mean_predicted=("predicted", "mean"), mean_actual=("actual", "mean")
    )


def deciles(predicted: Floats) -> npt.NDArray[np.int64]:
    """Decile of each customer by forecast, 1 (lowest) to 10; equal forecasts share one."""
    everybody = np.ones(len(predicted))
    return _deciles(_middles(_Ranks.of(predicted), everybody), everybody) + 1


def decile_error(actual: Floats, predicted: Floats, weight: Floats | None = None) -> float:
    """Mean absolute relative error of the deciles' totals, weighted by their actual values: Σ|P_d − A_d| ÷ ΣA."""
    weight = np.ones(len(actual)) if weight is None else weight
    ranks = _Ranks.of(predicted)
    return _decile_error(actual, predicted, _middles(ranks, weight), weight)


def top_share(actual: Floats, predicted: Floats, share: float, weight: Floats | None = None) -> float:
    """Share of the actual value that the top *share* of customers by prediction holds."""
    weight = np.ones(len(actual)) if weight is None else weight
    return _top_share(_lorenz(actual, _Ranks.of(predicted), weight), share)


def auc(bought: Floats, score: Floats, weight: Floats | None = None) -> float:
    """Probability that a customer who bought has a higher score than one who did not; ties count half."""
    weight = np.ones(len(bought)) if weight is None else weight
    return _auc(bought, _Ranks.of(score), weight)


def bootstrap(
    actual: Floats,
    bought: Floats,
    predictions: Mapping[str, Prediction],
    *,
    seed: int,
    n_draws: int = N_BOOTSTRAP,
) -> dict[str, dict[str, Estimate]]:
    """Metrics of every contender with 95 % intervals; all contenders see the same draws of customers.

    Args:
        actual: net revenue in the period.
        bought: 1 where there was a purchase.
        predictions: by contender.
        seed: of the draws.
        n_draws: bootstrap samples.
    """
    draws = bootstrap_draws(actual, bought, predictions, seed=seed, n_draws=n_draws)
    found: dict[str, dict[str, Estimate]] = {}
    for name, predicted in predictions.items():
        values = metrics(actual, bought, predicted)
        found[name] = {}
        for metric, value in values.items():
            spread = draws[name][metric]
            known = spread[np.isfinite(spread)]
            lo, hi = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
            # Sums of absolute gaps are larger in every resample: an interval that leaves out its value misleads.
            found[name][metric] = Estimate(value, min(float(lo), value), max(float(hi), value))
    return found


def bootstrap_draws(
    actual: Floats,
    bought: Floats,
    predictions: Mapping[str, Prediction],
    *,
    seed: int,
    n_draws: int = N_BOOTSTRAP,
) -> dict[str, dict[str, Floats]]:
    """Metrics of every contender on the same *n_draws* samples of customers; contender → metric → [n_draws].

    Differences between two contenders' draws are paired: their share above 0 is the confidence that one is better.
    """
    rng = np.random.default_rng(seed)
    n = len(actual)
    found = {name: {metric: np.full(n_draws, np.nan) for metric in METRICS} for name in predictions}
    if n == 0:
        return found
    size = min(n, MAX_BOOTSTRAP_ROWS)
    part = rng.choice(n, size, replace=False) if size < n else np.arange(n)
    # Sorting is what costs: it is done once, a draw only changes how often each customer counts.
    ranked = {
        name: _Ranked.of(actual[part], bought[part], Prediction(p.revenue[part], _taken(p.p_buys, part)))
        for name, p in predictions.items()
    }
    for draw in range(n_draws):
        weight = np.bincount(rng.integers(0, size, size), minlength=size).astype(np.float64)
        for name, here in ranked.items():
            for metric, value in _metrics(here, weight).items():
                found[name][metric][draw] = value
    if size < n:
        # A sample of m customers spreads as 1/√m about its own value: move it to that of all and narrow it to n.
        for name, predicted in predictions.items():
            whole = metrics(actual, bought, predicted)
            of_part = _metrics(ranked[name], np.ones(size))
            for metric in METRICS:
                spread = found[name][metric] - of_part[metric]
                found[name][metric] = whole[metric] + spread * np.sqrt(size / n)
    return found


def _taken(values: Floats | None, part: npt.NDArray[np.int64]) -> Floats | None:
    return None if values is None else values[part]


@dataclass(frozen=True)
class _Ranks:
    """The order of one score; rows with equal scores are one step."""

    order: npt.NDArray[np.int64]
    """Rows, lowest score first."""
    starts: npt.NDArray[np.int64]
    """Where each distinct score begins in `order`."""
    step: npt.NDArray[np.int64]
    """[n_customers] number of the row's distinct score."""

    @classmethod
    def of(cls, score: Floats) -> _Ranks:
        order = np.argsort(score, kind="stable")
        is_new = np.concatenate([[True], np.diff(score[order]) != 0])[: len(score)]
        step = np.empty(len(score), dtype=np.int64)
        step[order] = np.cumsum(is_new) - 1
        return cls(order, np.flatnonzero(is_new), step)

    def sums(self, column: Floats) -> Floats:
        """Sum of *column* for each distinct score, ascending."""
        return np.add.reduceat(column[self.order], self.starts) if len(self.order) else np.zeros(1)


@dataclass(frozen=True)
class _Ranked:
    """One contender's forecasts beside what happened, sorted once."""

    actual: Floats
    bought: Floats
    revenue: Floats
    by_actual: _Ranks
    by_revenue: _Ranks
    by_p_buys: _Ranks

    @classmethod
    def of(cls, actual: Floats, bought: Floats, predicted: Prediction) -> _Ranked:
        by_revenue = _Ranks.of(predicted.revenue)
        by_p_buys = by_revenue if predicted.p_buys is None else _Ranks.of(predicted.p_buys)
        return cls(actual, bought, predicted.revenue, _Ranks.of(actual), by_revenue, by_p_buys)


def _metrics(ranked: _Ranked, weight: Floats) -> dict[str, float]:
    actual, revenue = ranked.actual, ranked.revenue
    error = revenue - actual
    middles = _middles(ranked.by_revenue, weight)
    by_revenue = _lorenz(actual, ranked.by_revenue, weight)
    total, n = _total(weight, actual), float(weight.sum())
    return {
        "mae": _total(weight, np.abs(error)) / n if n else np.nan,
        "rmse": float(np.sqrt(_total(weight, error**2) / n)) if n else np.nan,
        "spearman": _spearman(_middles(ranked.by_actual, weight), middles, weight),
        "gini": _normalised_gini(by_revenue, _lorenz(actual, ranked.by_actual, weight)),
        "decile_error": _decile_error(actual, revenue, middles, weight),
        "total_bias": _total(weight, revenue) / total - 1 if total > 0 else np.nan,
        "top_decile_capture": _top_share(by_revenue, 0.1),
        "auc": _auc(ranked.bought, ranked.by_p_buys, weight),
    }


def _lorenz(actual: Floats, ranks: _Ranks, weight: Floats) -> tuple[Floats, Floats]:
    """Cumulative shares of customers and of value, lowest score first, both from 0 to 1; ties are one step."""
    people = np.concatenate([[0.0], np.cumsum(ranks.sums(weight))])
    value = np.concatenate([[0.0], np.cumsum(ranks.sums(weight * actual))])
    return people / max(people[-1], 1e-300), value / value[-1] if value[-1] > 0 else np.zeros(len(value))


def _normalised_gini(by_score: tuple[Floats, Floats], by_actual: tuple[Floats, Floats]) -> float:
    best = _gini(by_actual)
    return _gini(by_score) / best if best > 1e-12 else np.nan


def _gini(lorenz: tuple[Floats, Floats]) -> float:
    people, value = lorenz
    return 1.0 - _total(np.diff(people), value[1:] + value[:-1]) if value[-1] > 0 else np.nan


def _top_share(lorenz: tuple[Floats, Floats], share: float) -> float:
    people, value = lorenz
    return 1.0 - float(np.interp(1 - share, people, value)) if value[-1] > 0 else np.nan


def _decile_error(actual: Floats, predicted: Floats, middles: Floats, weight: Floats) -> float:
    gap = np.bincount(_deciles(middles, weight), weight * (predicted - actual), minlength=N_DECILES)
    total = _total(weight, actual)
    return float(np.abs(gap).sum()) / total if total > 0 else np.nan


def _deciles(middles: Floats, weight: Floats) -> npt.NDArray[np.int64]:
    """[n_customers] 0 (lowest forecast) to 9; equal forecasts share one."""
    share = middles / max(float(weight.sum()), 1e-300)
    return np.minimum((N_DECILES * share).astype(np.int64), N_DECILES - 1)


def _middles(ranks: _Ranks, weight: Floats) -> Floats:
    """[n_customers] weight below each row, and half of the weight of the rows that it ties with."""
    people = ranks.sums(weight)
    middle: Floats = (np.cumsum(people) - people / 2)[ranks.step]
    return middle


def _auc(bought: Floats, ranks: _Ranks, weight: Floats) -> float:
    yes, no = ranks.sums(weight * bought), ranks.sums(weight * (1 - bought))
    n_pairs = float(yes.sum() * no.sum())
    return _total(yes, np.cumsum(no) - no / 2) / n_pairs if n_pairs > 0 else np.nan


def _spearman(one: Floats, two: Floats, weight: Floats) -> float:
    """Correlation of mid-ranks."""
    if not weight.sum() > 0:
        return np.nan
    one, two = one - np.average(one, weights=weight), two - np.average(two, weights=weight)
    spread = _total(weight, one**2) * _total(weight, two**2)
    return _total(weight, one * two) / float(np.sqrt(spread)) if spread > 1e-9 else np.nan


def _total(weight: Floats, values: Floats) -> float:
    """Σ weight · value. Not by BLAS: its threads cost milliseconds on a busy machine and add in their own order."""
    return float((weight * values).sum())
