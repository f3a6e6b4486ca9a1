"""Values that do not fall with the horizon: more days never bring less.

Each customer's values are pooled over neighbouring horizons where they fall; that moves totals, so the fit keeps
factors that bring the totals back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clv.snapshots import Floats

N_ROUNDS = 8


def non_decreasing(values: Floats) -> Floats:
    """Each row made non-decreasing by pooling neighbours (isotonic regression): [n_customers, n_horizons]."""
    n = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    out = np.empty_like(values)
    for place in range(n):
        best = np.full(len(values), -np.inf)
        for start in range(place + 1):
            least = np.full(len(values), np.inf)
            for stop in range(place, n):
                np.minimum(least, (sums[:, stop + 1] - sums[:, start]) / (stop + 1 - start), out=least)
            np.maximum(best, least, out=best)
        out[:, place] = best
    return np.maximum.accumulate(out, axis=1)


def smoothing_factors(values: Floats) -> tuple[tuple[float, ...], ...]:
    """Factors, a row a round, that bring each horizon's total back after pooling, without falling totals."""
    if values.shape[1] < 2 or not len(values):
        return ()
    wanted = non_decreasing(values.sum(axis=0, keepdims=True))[0]
    factors: list[tuple[float, ...]] = []
    current = values
    for _ in range(N_ROUNDS):
        current = non_decreasing(current)
        factor = wanted / np.maximum(current.sum(axis=0), 1e-12)
        factors.append(tuple(float(f) for f in factor))
        if float(np.abs(factor - 1).max()) < 1e-6:
            break
        current = current * factor
    return tuple(factors)


def smoothed(values: Floats, factors: Sequence[Sequence[float]]) -> Floats:
    """*values* pooled and brought back to their totals as the fit's `smoothing_factors` say."""
    for factor in factors:
        values = non_decreasing(values) * np.asarray(factor)
    return non_decreasing(values)
