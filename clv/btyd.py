"""Buy-till-you-die models of repeat purchases, fitted by maximum likelihood on (x, t_x, T).

A customer is summarised as `x` repeat purchase days, `t_x` the time of the last one and `T` the age, both counted
from the first purchase; 0 <= t_x <= T. Any unit of time does: the parameters come out in it. Not here: spend
(`clv.spend`), and where the summary comes from (`sql/features`).

| model        | dropout                             | use                                                          |
|--------------|-------------------------------------|--------------------------------------------------------------|
| `MbgNbd`     | after any purchase, the first too   | the product's anchor: fits shops with many one-time buyers   |
| `BgNbd`      | after a repeat purchase             | baseline; its P(alive) is 1 for every one-time buyer         |
| `ParetoNbd`  | at any time                         | baseline                                                     |

References:
    Schmittlein, Morrison & Colombo (1987), Management Science 33(1); Fader, Hardie & Lee (2005), Marketing
    Science 24(2); Batislam, Denizel & Filiztekin (2007), IJRM 24(3); Fader & Hardie, notes 018 and 021.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, optimize, special

from clv.errors import ModelError, NotEnoughDataError

Floats = npt.NDArray[np.float64]

MAX_SCALED_AGE = 10.0
"""Ages are scaled so that the oldest customer has this age: the log-parameters are then near 0 in any unit."""
LOG_BOUND = 9.0
RIDGE = 0.02
"""On the squared log-parameters, beside the total log-likelihood: a normal prior with standard deviation 5.

It keeps flat likelihoods of small shops from running to the bounds and is nothing beside a few thousand customers."""
STARTS = ((0.0, 0.0, 0.0, 0.0), (-0.5, 1.0, -0.5, 0.7))
N_NODES = 64
"""Gauss-Jacobi nodes; relative error below 1e-6 for horizons up to some 200 times (alpha + T)."""


@dataclass(frozen=True)
class MbgNbd:
    """Modified beta-geometric/NBD: purchase rates gamma(r, alpha), dropout probabilities beta(a, b)."""

    r: float
    alpha: float
    """In the unit of time of the data."""
    a: float
    b: float
    log_likelihood: float
    """At the optimum, in the unit of time of the data, without the ridge."""


@dataclass(frozen=True)
class BgNbd:
    """Beta-geometric/NBD: as `MbgNbd`, but nobody drops out at the first purchase."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


@dataclass(frozen=True)
class ParetoNbd:
    """Pareto/NBD: purchase rates gamma(r, alpha), dropout rates gamma(s, beta)."""

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float


BetaDropout = MbgNbd | BgNbd


def fit_mbg_nbd(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> MbgNbd:
    """Maximum-likelihood MBG/NBD.

    Args:
        x, t_x, T: [n_customers] repeat purchases, recency and age in one unit of time; 0 <= t_x <= T.

    Raises:
        ModelError: the arrays differ in length, or a row breaks 0 <= t_x <= T.
        NotEnoughDataError: there is no customer, or none older than 0.

    Reference:
        Batislam et al. (2007), eq. 3.
    """
    return MbgNbd(*_fit_beta_dropout(x, t_x, T, dropout_at_first=1))


def fit_bg_nbd(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> BgNbd:
    """Maximum-likelihood BG/NBD; arguments and errors as `fit_mbg_nbd`.

    Reference:
        Fader, Hardie & Lee (2005), eq. 6.
    """
    return BgNbd(*_fit_beta_dropout(x, t_x, T, dropout_at_first=0))


def fit_pareto_nbd(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> ParetoNbd:
    """Maximum-likelihood Pareto/NBD; arguments and errors as `fit_mbg_nbd`.

    Reference:
        Fader & Hardie (2005), "A note on deriving the Pareto/NBD model", eq. 19.
    """
    table, scale = _unique_rows(x, t_x, T)
    n_customers = float(table["n"].sum())
    weight = table["n"] / n_customers

    def objective(theta: Floats) -> float:
        r, alpha, s, beta = np.exp(theta)
        log_lik = _pareto_log_likelihood(r, alpha, s, beta, table["x"], table["t_x"], table["T"])
        return float(-_total(weight, log_lik) + RIDGE / n_customers * theta @ theta)

    # hyp2f1 has no cheap gradient in its parameters; four finite differences on unique rows are fast enough.
    r, alpha, s, beta = np.exp(_minimise(objective, has_gradient=False))
    log_lik = _pareto_log_likelihood(r, alpha, s, beta, table["x"], table["t_x"], table["T"])
    return ParetoNbd(float(r), float(alpha / scale), float(s), float(beta / scale), _unscaled(table, log_lik, scale))


def p_alive(fit: BetaDropout | ParetoNbd, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Floats:
    """Probability that each customer has not dropped out by now; [n_customers].

    Args:
        fit: a fitted model.
        x, t_x, T: [n_customers] as in the fit, in the same unit of time.

    Reference:
        Batislam et al. (2007), eq. 5; Fader & Hardie, note 021 (BG/NBD: 1 for every one-time buyer);
        Schmittlein et al. (1987), eq. 11.
    """
    x, t_x, T = _checked(x, t_x, T)
    if isinstance(fit, ParetoNbd):
        r, alpha, s, beta = fit.r, fit.alpha, fit.s, fit.beta
        log_alive = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
        log_dead = _log_pareto_dead(r, alpha, s, beta, x, t_x, T)
        alive: Floats = special.expit(log_alive - log_dead)
        return alive
    first = _dropout_at_first(fit)
    can_be_dead = (x > 0) | (first == 1)
    # One-time buyers of the BG/NBD would divide by b - 1 here; they cannot be dead, so their value is not used.
    odds_base = np.where(can_be_dead, fit.b + x + first - 1, 1.0)
    log_odds = np.log(fit.a) - np.log(odds_base) + (fit.r + x) * np.log((fit.alpha + T) / (fit.alpha + t_x))
    return cast(Floats, np.where(can_be_dead, special.expit(-log_odds), 1.0))


def expected_purchases(
    fit: BetaDropout | ParetoNbd, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, horizon: float
) -> Floats:
    """Expected repeat purchase days in the next *horizon*, given each customer's history; [n_customers].

    Args:
        fit: a fitted model.
        x, t_x, T: [n_customers] as in the fit, in the same unit of time as *horizon*.
        horizon: length of the future period, >= 0.

    Reference:
        Fader, Hardie & Lee (2005), eq. 10; Batislam et al. (2007), eq. 7; Schmittlein et al. (1987), eq. 22. The
        hypergeometric function of the first two is the mean of (1 - (1 + p c)^-(r+x)) / p over the posterior of
        p, c = horizon / (alpha + T): taken by Gauss-Jacobi quadrature it is finite at a = 1 and for large x.
    """
    x, t_x, T = _checked(x, t_x, T)
    alive = p_alive(fit, x, t_x, T)
    if isinstance(fit, ParetoNbd):
        log_ratio = np.log((fit.beta + T) / (fit.beta + T + horizon))
        power = fit.s - 1
        mean_lifetime = -log_ratio if abs(power) < 1e-9 else -np.expm1(power * log_ratio) / power
        return cast(Floats, alive * (fit.r + x) * (fit.beta + T) / (fit.alpha + T) * mean_lifetime)
    # Given that a customer is alive, only x and T matter: a million customers have few distinct pairs.
    pairs, inverse = np.unique(x + 1j * T, return_inverse=True)
    repeats, ages = pairs.real, pairs.imag
    mean_if_alive = np.empty(len(pairs))
    for repeat in np.unique(repeats):
        rows = repeats == repeat
        nodes, weights = _beta_nodes(fit.a, fit.b + repeat + _dropout_at_first(fit))
        growth = np.outer(horizon / (fit.alpha + ages[rows]), nodes)
        purchases = -np.expm1(-(fit.r + repeat) * np.log1p(growth)) / nodes
        mean_if_alive[rows] = (purchases * weights).sum(axis=1)
    return alive * mean_if_alive[inverse]


def p_buys(fit: BetaDropout, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, horizon: float) -> Floats:
    """Probability of at least one purchase in the next *horizon*; [n_customers].

    The next purchase of a living customer is exponential with rate gamma(r + x, alpha + T): dropout can only
    follow it.

    Args:
        fit: a fitted model.
        x, t_x, T: [n_customers] as in the fit, in the same unit of time as *horizon*.
        horizon: length of the future period, >= 0.
    """
    x, t_x, T = _checked(x, t_x, T)
    silent = (fit.r + x) * np.log((fit.alpha + T) / (fit.alpha + T + horizon))
    return p_alive(fit, x, t_x, T) * -np.expm1(silent)


def next_purchase_days(fit: BetaDropout, x: npt.ArrayLike, T: npt.ArrayLike, share: float, *, within: float) -> Floats:
    """Time by which *share* of those who come back at all within *within* have come back; [n_customers].

    Args:
        fit: a fitted model.
        x, T: [n_customers] as in the fit, in the same unit of time as *within*.
        share: 0 to 1; 0.25 and 0.75 make a window that half of the next purchases fall into.
        within: later purchases are not considered: the mean of their time is infinite for rare buyers.
    """
    shape = fit.r + np.asarray(x, dtype=np.float64)
    scale = fit.alpha + np.asarray(T, dtype=np.float64)
    by_then = -np.expm1(-shape * np.log1p(within / scale))
    return scale * np.expm1(-np.log1p(-share * by_then) / shape)


def expected_gap(fit: BetaDropout, x: npt.ArrayLike, t_x: npt.ArrayLike) -> Floats:
    """Time between purchases that each customer's history up to the last one suggests; [n_customers].

    Args:
        fit: a fitted model.
        x, t_x: [n_customers] as in the fit.
    """
    return (fit.alpha + np.asarray(t_x, dtype=np.float64)) / (fit.r + np.asarray(x, dtype=np.float64))


def simulate_purchases(
    fit: BetaDropout,
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    horizon: float,
    *,
    n_draws: int,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Draws from the predictive distribution of the purchases in the next *horizon*; [n_customers, n_draws].

    Args:
        fit: a fitted model.
        x, t_x, T: [n_customers] as in the fit.
        horizon: length of the future period, in the same unit.
        n_draws: draws per customer.
        seed: same seed, same draws.
    """
    x, t_x, T = _checked(x, t_x, T)
    rng = np.random.default_rng(seed)
    size = (len(x), n_draws)
    is_alive = rng.random(size) < p_alive(fit, x, t_x, T)[:, None]
    rate = rng.gamma((fit.r + x)[:, None], 1 / (fit.alpha + T)[:, None], size)
    dropout = rng.beta(fit.a, (fit.b + x + _dropout_at_first(fit))[:, None], size)
    planned = rng.poisson(rate * horizon)
    # The purchase after which a customer leaves is made: the count stops at it.
    last = rng.geometric(np.clip(dropout, 1e-12, 1.0))
    return cast(npt.NDArray[np.int64], np.where(is_alive, np.minimum(planned, last), 0))


def _fit_beta_dropout(
    x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, *, dropout_at_first: int
) -> tuple[float, float, float, float, float]:
    table, scale = _unique_rows(x, t_x, T)
    n_customers = float(table["n"].sum())
    weight = table["n"] / n_customers
    # digamma and log-gamma depend on x alone: evaluate them once per distinct x.
    repeats, of_row = np.unique(table["x"], return_inverse=True)
    recency, age = table["t_x"], table["T"]
    can_be_dead = (repeats > 0) | (dropout_at_first == 1)

    def log_likelihood(r: float, alpha: float, a: float, b: float) -> tuple[Floats, Floats]:
        """Per row, and the posterior probability of being alive."""
        b_alive = b + repeats + dropout_at_first
        rate = special.gammaln(r + repeats) - special.gammaln(r) + r * np.log(alpha)
        alive = special.betaln(a, b_alive) - special.betaln(a, b)
        dead = np.where(can_be_dead, alive + np.log(a) - np.log(np.where(can_be_dead, b_alive - 1, 1.0)), -np.inf)
        shape = r + table["x"]
        log_alive = alive[of_row] - shape * np.log(alpha + age)
        log_dead = dead[of_row] - shape * np.log(alpha + recency)
        total = np.logaddexp(log_alive, log_dead)
        return rate[of_row] + total, np.exp(log_alive - total)

    def objective(theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        log_lik, alive = log_likelihood(r, alpha, a, b)
        dead = 1 - alive
        b_alive = b + repeats + dropout_at_first
        common = special.psi(a + b) - special.psi(a + b_alive)
        d_r = (special.psi(r + repeats) - special.psi(r) + np.log(alpha))[of_row]
        d_r -= alive * np.log(alpha + age) + dead * np.log(alpha + recency)
        d_alpha = r / alpha - (r + table["x"]) * (alive / (alpha + age) + dead / (alpha + recency))
        d_a = common[of_row] + dead / a
        d_b = (common + special.psi(b_alive) - special.psi(b))[of_row]
        d_b -= dead * np.where(can_be_dead, 1 / np.where(can_be_dead, b_alive - 1, 1.0), 0.0)[of_row]
        gradient = np.array([_total(weight, slope) for slope in (d_r, d_alpha, d_a, d_b)]) * np.exp(theta)
        return float(
            -_total(weight, log_lik) + RIDGE / n_customers * theta @ theta
        ), -gradient + 2 * RIDGE / n_customers * theta

    r, alpha, a, b = (float(value) for value in np.exp(_minimise(objective, has_gradient=True)))
    log_lik, _ = log_likelihood(r, alpha, a, b)
    return r, alpha / scale, a, b, _unscaled(table, log_lik, scale)


def _minimise(objective: Callable[[Floats], object], *, has_gradient: bool) -> Floats:
    """The better of two starts; the bounds keep every step finite."""
    runs = [
        optimize.minimize(
            objective,
            np.array(start),
            jac=has_gradient,  # type: ignore[call-overload]  # the stubs know only the literals True and False
            method="L-BFGS-B",
            bounds=[(-LOG_BOUND, LOG_BOUND)] * len(start),
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8},
        )
        for start in STARTS
    ]
    return cast(Floats, min(runs, key=lambda run: float(run.fun)).x)


def _unique_rows(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> tuple[dict[str, Floats], float]:
    """Distinct (x, t_x, T) with their counts `n`, time scaled; and the factor that scaled it."""
    x, t_x, T = _checked(x, t_x, T)
    if len(x) == 0 or T.max() <= 0:
        raise NotEnoughDataError(f"{len(x)} customers, none observed for any time: a purchase model needs one at least")
    scale = MAX_SCALED_AGE / float(T.max())
    counts = pd.DataFrame({"x": x, "t_x": t_x, "T": T}).value_counts(sort=False).sort_index().rename("n").reset_index()
    table = {name: counts[name].to_numpy(dtype=np.float64) for name in ("x", "t_x", "T", "n")}
    table["t_x"] = table["t_x"] * scale
    table["T"] = table["T"] * scale
    return table, scale


def _unscaled(table: dict[str, Floats], log_lik: Floats, scale: float) -> float:
    """Total log-likelihood in the data's own unit: each of the x purchase times is a density."""
    return _total(table["n"], log_lik + table["x"] * np.log(scale))


def _total(weight: Floats, values: Floats) -> float:
    """Σ weight · value. Not by BLAS: its threads cost milliseconds on a busy machine and add in their own order."""
    return float((weight * values).sum())


def _checked(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, t_x, T = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (x, t_x, T))
    if not len(x) == len(t_x) == len(T):
        raise ModelError(f"x, t_x and T have {len(x)}, {len(t_x)} and {len(T)} rows; they must be of equal length")
    is_bad = ~((x >= 0) & (t_x >= 0) & (t_x <= T)) | ((x == 0) & (t_x > 0))
    if is_bad.any():
        row = int(np.argmax(is_bad))
        raise ModelError(
            f"row {row} has x = {x[row]:g}, t_x = {t_x[row]:g}, T = {T[row]:g}; needed: x >= 0 and 0 <= t_x <= T, "
            "with t_x = 0 when x = 0"
        )
    return x, t_x, T


def _dropout_at_first(fit: BetaDropout) -> int:
    return 1 if isinstance(fit, MbgNbd) else 0


def _beta_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Nodes in (0, 1) and weights, adding up to 1, of the mean over beta(a, b).

    Eigenvalues and vectors of the Jacobi polynomials' recurrence (Golub & Welsch 1969): `scipy.special.roots_jacobi`
    scales by the beta function, which overflows for a customer with a thousand purchases.
    """
    p, q = b - 1, a - 1
    k = np.arange(1, N_NODES, dtype=np.float64)
    s = 2 * k + p + q
    # The general terms are 0/0 in the first places where p + q is 0 or −1.
    diagonal = np.append((q - p) / (p + q + 2), (q - p) * (q + p) / (s * (s + 2)))
    first = 4 * (1 + p) * (1 + q) / ((2 + p + q) ** 2 * (3 + p + q))
    k, s = k[1:], s[1:]
    beside = np.append(first, 4 * k * (k + p) * (k + q) * (k + p + q) / (s**2 * (s + 1) * (s - 1)))
    nodes, vectors = linalg.eigh_tridiagonal(diagonal, np.sqrt(beside))
    return np.maximum((nodes + 1) / 2, 1e-300), vectors[0] ** 2


def _pareto_log_likelihood(r: float, alpha: float, s: float, beta: float, x: Floats, t_x: Floats, T: Floats) -> Floats:
    constant = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    log_alive = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    return cast(Floats, constant + np.logaddexp(log_alive, _log_pareto_dead(r, alpha, s, beta, x, t_x, T)))


def _log_pareto_dead(r: float, alpha: float, s: float, beta: float, x: Floats, t_x: Floats, T: Floats) -> Floats:
    """Log of s / (r+s+x) · A0, the share of the likelihood of those who have dropped out between t_x and T."""
    shape = r + s + x
    larger, second = (alpha, s + 1) if alpha >= beta else (beta, r + x)
    distance = abs(alpha - beta)

    def log_term(time: Floats) -> Floats:
        ratio = special.hyp2f1(shape, second, shape + 1, distance / (larger + time))
        return cast(Floats, np.log(ratio) - shape * np.log(larger + time))

    at_last, at_end = log_term(t_x), log_term(T)
    with np.errstate(divide="ignore"):
        # t_x = T leaves no time to drop out in: log 0.
        gap = np.log(-np.expm1(np.minimum(at_end - at_last, 0.0)))
    return cast(Floats, np.log(s) - np.log(shape) + at_last + gap)
