"""How far a customer's own result may lie from the forecast, and how far the shop's total.

| rows with a purchase | customer's range                                                                        |
|----------------------|-----------------------------------------------------------------------------------------|
| 500 and more         | nothing with 1 − P(buys), else value-if-buys times what buyers of the same predicted    |
|                      | decile made of theirs, out of fold by customer; then a conformal correction per decile  |
| fewer                | BTYD's own predictive distribution, by simulation                                       |

The curve is made of the two parts of the forecast itself, so it costs no trees of its own. On a later cut-off its
Winkler score is 61.6 on CDNOW and 806 on Complete Journey (BTYD's simulation: 62.7 and 848); quantile trees, on an
earlier version, had 63.4 and 843.

Many customers buy nothing, and nothing lies inside [0, u]: coverage above the nominal is natural, so judge by the top
decile, the buyers and the Winkler score. Bounds of customers must not be added up: a total has its own (`total_range`).

References:
    Romano, Patterson & Candès (2019), Conformalized quantile regression; Vovk et al. (2003), Mondrian confidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv, gammaincinv, ndtri
from scipy.stats import poisson, qmc

from clv.anchor import Anchor
from clv.snapshots import Floats, numbers

LEVELS = (0.8, 0.9)
"""Nominal coverages: `revenue_lo, revenue_hi` and `revenue_lo_90, revenue_hi_90`."""
LOWER_TAIL = 0.4
"""Share of what may fall outside that may fall below. Where the lower bound is 0 nothing can, so an even split would
cover 90 % at a nominal 80 %; this lets it cover 88 % for the same Winkler score."""
DRIFT_MARGIN = 0.9
"""Conformal ranges hold for rows like those they were fitted on, and a later period is a little different."""
MIN_POSITIVE_ROWS = 500
MIN_GROUP_BUYERS = 30
N_GROUPS = 10
N_GRID = 101
PURCHASE_SHARE = 30.0
"""Corrections are in log(1 + y) with revenue in thirtieths of a mean purchase: the same in every currency."""
N_DRAWS = 512
CHUNK = 2_000
PRIOR_LOG_SD = 0.15
"""Error of the total over 162 rolling origins of several shops; what is assumed until the shop's own are known."""
PRIOR_WEIGHT = 3.0


@dataclass(frozen=True)
class Intervals:
    """A fitted distribution around the forecast, per decile of predicted value."""

    unit: float
    """Currency of one unit before log(1 + y)."""
    edges: tuple[float, ...]
    """Limits between the deciles of predicted value at the fit."""
    shares_of_forecast: tuple[tuple[float, ...], ...]
    """Per decile: revenue of buyers ÷ forecast value-if-buys, at N_GRID even probabilities from 0 to 1."""
    corrections: tuple[tuple[tuple[float, float], ...], ...]
    """Per nominal level and decile: what is taken off the lower and put on the upper bound, in log units."""

    def bounds(self, value: Floats, p_buys: Floats) -> Floats:
        """[n_customers, 4] lower and upper bound at the first nominal level, then at the second, in currency.

        Args:
            value: [n_customers] expected revenue; it carries the shop's level and says the decile.
            p_buys: [n_customers]
        """
        group = np.searchsorted(np.asarray(self.edges), value, side="right")
        out = np.empty((len(value), 2 * len(LEVELS)))
        for number in range(N_GROUPS):
            here = group == number
            grid = np.asarray(self.shares_of_forecast[number])
            for place, nominal in enumerate(LEVELS):
                low, high = _curve(value[here], p_buys[here], grid, nominal)
                off, on = self.corrections[place][number]
                low, high = self._moved(low, -off), self._moved(high, on)
                out[here, 2 * place], out[here, 2 * place + 1] = np.minimum(low, high), high
        out[:, 2] = np.minimum(out[:, 0], out[:, 2])
        out[:, 3] = np.maximum(out[:, 1], out[:, 3])
        return out

    def _moved(self, bound: Floats, by: float) -> Floats:
        return np.expm1(np.maximum(np.log1p(bound / self.unit) + by, 0.0)) * self.unit

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "unit": self.unit,
            "edges": list(self.edges),
            "shares_of_forecast": [list(row) for row in self.shares_of_forecast],
            "corrections": [[list(pair) for pair in row] for row in self.corrections],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Intervals:
        """The inverse of `to_dict`."""
        return cls(
            unit=plain["unit"],
            edges=tuple(plain["edges"]),
            shares_of_forecast=tuple(tuple(row) for row in plain["shares_of_forecast"]),
            corrections=tuple(tuple((a, b) for a, b in row) for row in plain["corrections"]),
        )


def fit_intervals(
    revenue: Floats,
    value: Floats,
    p_buys: Floats,
    cut_off: npt.NDArray[np.int64],
    *,
    purchase: float,
    today_value: Floats,
) -> Intervals:
    """The distribution around the forecast from rows whose forecast was made without their customer.

    Args:
        revenue: [n_rows] in mean purchases, already divided by the level of the row's cut-off.
        value: [n_rows] out-of-fold forecast, in any unit; totals are brought to those of *revenue*.
        p_buys: [n_rows] out-of-fold probability.
        cut_off: [n_rows] number of the row's date.
        purchase: currency of a mean purchase today.
        today_value: expected revenue of today's customers; sets the limits of the deciles.
    """
    value = np.maximum(value * (revenue.sum() / max(float(value.sum()), 1e-12)), 1e-9)
    group = np.empty(len(value), dtype=np.int64)
    for day in np.unique(cut_off):
        here = cut_off == day
        group[here] = np.searchsorted(_decile_edges(value[here]), value[here], side="right")
    share = revenue * p_buys / value
    has_bought = revenue > 0
    probabilities = np.linspace(0, 1, N_GRID)
    everybody = np.quantile(share[has_bought], probabilities)
    grids, corrections = [], [[], []]  # type: list[Floats], list[list[tuple[float, float]]]
    for number in range(N_GROUPS):
        here = group == number
        buyers = share[here & has_bought]
        grids.append(np.quantile(buyers, probabilities) if len(buyers) >= MIN_GROUP_BUYERS else everybody)
        used = here if here.sum() >= MIN_GROUP_BUYERS else np.ones(len(value), dtype=bool)
        actual = np.log1p(revenue[used] * PURCHASE_SHARE)
        for place, nominal in enumerate(LEVELS):
            low, high = (
                np.log1p(bound * PURCHASE_SHARE) for bound in _curve(value[used], p_buys[used], grids[-1], nominal)
            )
            below, above = _tails(nominal)
            corrections[place].append((_upper_quantile(low - actual, below), _upper_quantile(actual - high, above)))
    return Intervals(
        unit=purchase / PURCHASE_SHARE,
        edges=tuple(float(edge) for edge in _decile_edges(today_value)),
        shares_of_forecast=tuple(tuple(float(q) for q in grid) for grid in grids),
        corrections=tuple(tuple(row) for row in corrections),
    )


def simulated_bounds(anchor: Anchor, features: pd.DataFrame, horizon_days: int, level: float) -> Floats:
    """[n_customers, 4] quantiles of BTYD's predictive distribution, lower and upper at each nominal level.

    Every customer gets the same low-discrepancy draws, so neither the order of rows nor a seed shows. Given rate and
    dropout of a customer who is alive, purchases in the period are the smaller of a Poisson and a geometric number.
    """
    shares = np.array([share for nominal in LEVELS for share in (_tails(nominal)[0], 1 - _tails(nominal)[1])])
    if anchor.purchases is None or anchor.amounts is None:
        # Of a shop with repeat buyers, all of whom paid nothing, the rate is what there is.
        mean = anchor.mean_orders(horizon_days) if anchor.purchases is None else anchor.orders_per_day * horizon_days
        count = poisson.ppf(shares, mean)
        return np.tile(count * anchor.mean_amount * level, (len(features), 1))
    columns = [numbers(features, name) for name in ("x", "t_x", "T", "n_paid_days", "mean_day_amount")]
    states, place = np.unique(np.nan_to_num(np.column_stack(columns)), axis=0, return_inverse=True)
    draws = np.clip(qmc.Halton(6, scramble=False).random(N_DRAWS + 1)[1:].T, 1e-9, 1 - 1e-9)
    found = np.empty((len(states), len(shares)))
    alive = anchor.forecast(
        pd.DataFrame(states, columns=["x", "t_x", "T", "n_paid_days", "mean_day_amount"]), horizon_days
    ).p_alive
    for start in range(0, len(states), CHUNK):
        part = slice(start, start + CHUNK)
        total = _simulated_totals(anchor, states[part], alive[part], horizon_days, draws)
        found[part] = np.quantile(total, shares, axis=1).T
    return np.asarray(found[place.ravel()] * level)


def _simulated_totals(anchor: Anchor, states: Floats, alive: Floats, horizon_days: int, draws: Floats) -> Floats:
    """[n_states, n_draws] revenue of the period."""
    fit, amounts = anchor.purchases, anchor.amounts
    if fit is None or amounts is None:
        raise ValueError("the anchor has no BTYD model")
    x, _, age, paid, mean = (column[:, None] for column in states.T)
    rate = gammaincinv(fit.r + x, draws[0]) / (fit.alpha + age)
    # whoever is alive has stayed after x repeat purchases and after the first one
    drop = np.clip(betaincinv(fit.a, fit.b + x + 1, draws[1]), 1e-12, 1 - 1e-12)
    until_drop = np.ceil(np.log(draws[2]) / np.log1p(-drop))
    count = np.minimum(poisson.ppf(draws[3], rate * horizon_days), until_drop)
    count = np.where(draws[4] < alive[:, None], count, 0.0)
    # drawn: the customer's own level of spending; the spread of single purchases around it is left out
    scale = gammaincinv(amounts.q + amounts.p * paid, 1 - draws[5]) / (amounts.nu + paid * mean)
    return np.asarray(count * amounts.p / scale)


def total_range(total: float, log_sd: float, nominal: float = LEVELS[0]) -> tuple[float, float]:
    """Range of a total: × and ÷ exp(z · sd of the log error of totals)."""
    width = float(ndtri((1 + nominal) / 2)) * log_sd
    return total * math.exp(-width), total * math.exp(width)


def total_log_sd(log_errors: Sequence[float]) -> float:
    """Root mean square of ln(actual ÷ forecast) of totals over rolling origins; with few, near that of many shops."""
    known = [error for error in log_errors if math.isfinite(error)]
    squares = sum(error**2 for error in known) + PRIOR_WEIGHT * PRIOR_LOG_SD**2
    return math.sqrt(squares / (len(known) + PRIOR_WEIGHT))


def winkler_score(actual: Floats, lo: Floats, hi: Floats, nominal: float) -> float:
    """Mean width plus 2/α times the distance of what fell outside; smaller is better.

    Reference:
        Winkler (1972).
    """
    alpha = 1 - nominal
    return float(np.mean(hi - lo + 2 / alpha * (np.maximum(lo - actual, 0) + np.maximum(actual - hi, 0))))


def coverage_table(actual: Floats, lo: Floats, hi: Floats, value: Floats, nominal: float) -> pd.DataFrame:
    """Coverage and Winkler score: of all, of those who bought, and by decile of predicted value (10 is the top).

    Returns:
        Columns `slice, n, coverage, winkler, mean_width`.
    """
    order = np.argsort(value, kind="stable")
    slices: list[tuple[str, npt.NDArray[np.int64]]] = [
        ("all", order),
        ("buyers", np.flatnonzero(actual > 0)),
        *((f"decile {number}", part) for number, part in enumerate(np.array_split(order, N_GROUPS), start=1)),
    ]
    return pd.DataFrame(
        [
            {
                "slice": name,
                "n": len(part),
                "coverage": float(np.mean((actual[part] >= lo[part]) & (actual[part] <= hi[part]))),
                "winkler": winkler_score(actual[part], lo[part], hi[part], nominal),
                "mean_width": float(np.mean(hi[part] - lo[part])),
            }
            for name, part in slices
            if len(part)
        ]
    )


def _tails(nominal: float) -> tuple[float, float]:
    """Shares that may fall below and above."""
    outside = DRIFT_MARGIN * (1 - nominal)
    return LOWER_TAIL * outside, (1 - LOWER_TAIL) * outside


def _curve(value: Floats, p_buys: Floats, grid: Floats, nominal: float) -> tuple[Floats, Floats]:
    """Lower and upper quantile of "nothing, or value-if-buys times a share drawn from *grid*"."""
    p = np.clip(p_buys, 1e-6, 1.0)
    below, above = _tails(nominal)
    found = []
    for probability in (below, 1 - above):
        among_buyers = (probability - (1 - p)) / p
        share = np.interp(np.clip(among_buyers, 0.0, 1.0), np.linspace(0, 1, len(grid)), grid)
        found.append(np.where(among_buyers <= 0, 0.0, value / p * share))
    return found[0], found[1]


def _upper_quantile(scores: Floats, tail: float) -> float:
    """The conformal quantile of scores: at most a share *tail* of new ones exceeds it."""
    n = len(scores)
    return float(np.quantile(scores, min(1.0, (1 - tail) * (1 + 1 / n)), method="higher"))


def _decile_edges(value: Floats) -> Floats:
    return np.quantile(value, np.arange(1, N_GROUPS) / N_GROUPS)
