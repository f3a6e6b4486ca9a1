"""Gamma-gamma model of the amount of a purchase day, fitted by maximum likelihood.

Amounts of one customer are gamma(p, nu_i) and nu_i is gamma(q, nu) over customers: the more purchases a customer has
made, the less their own mean is pulled to the shop's. It assumes that spend does not depend on frequency; the
correlation is on the model card. Not here: how often they buy (`clv.btyd`).

References:
    Colombo & Jiang (1999); Fader & Hardie (2013), "The gamma-gamma model of monetary value", note 025.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from clv.errors import ModelError, NotEnoughDataError

Floats = npt.NDArray[np.float64]

MIN_Q = 1.01
"""The mean of the amounts is infinite at q <= 1."""
LOG_BOUND = 9.0
RIDGE = 0.02
"""As in `clv.btyd`: a normal prior with standard deviation 5 on the log-parameters."""
STARTS = ((1.0, 1.0, 0.0), (0.0, 0.0, 0.0))


@dataclass(frozen=True)
class GammaGamma:
    """A fitted gamma-gamma model."""

    p: float
    """Shape of one customer's amounts."""
    q: float
    """Shape of the customers' scales; above 1.01."""
    nu: float
    """Scale over customers, in currency."""
    log_likelihood: float

    @property
    def mean(self) -> float:
        """Expected amount of a purchase day of a customer about whom nothing is known, in currency."""
        return self.p * self.nu / (self.q - 1)


def fit_gamma_gamma(n_days: npt.ArrayLike, mean_amount: npt.ArrayLike) -> GammaGamma:
    """Maximum-likelihood gamma-gamma.

    Args:
        n_days: [n_customers] paid purchase days, >= 1.
        mean_amount: [n_customers] mean amount over these days, > 0, in currency.

    Raises:
        ModelError: the arrays differ in length or hold values out of range.
        NotEnoughDataError: there is no customer.

    Reference:
        Fader & Hardie (2013), eq. 1a.
    """
    x = np.atleast_1d(np.asarray(n_days, dtype=np.float64))
    amount = np.atleast_1d(np.asarray(mean_amount, dtype=np.float64))
    if len(x) != len(amount):
        raise ModelError(f"n_days has {len(x)} rows and mean_amount {len(amount)}; they must be of equal length")
    if len(x) == 0:
        raise NotEnoughDataError("no customer has paid for anything: there is no spend to model")
    if not ((x >= 1) & (amount > 0) & np.isfinite(amount)).all():
        raise ModelError("the spend model needs n_days >= 1 and finite mean_amount > 0 in every row; drop the others")
    # In units of the mean amount the parameters are near 1 in any currency.
    unit = float(amount.mean())
    m = amount / unit
    days, of_row = np.unique(x, return_inverse=True)
    log_xm = np.log(x * m)
    n_customers = len(x)

    def objective(theta: Floats) -> tuple[float, Floats]:
        p, q_above, nu = np.exp(theta)
        q = MIN_Q + q_above
        shape = p * x + q
        log_scale = np.log(nu + x * m)
        log_lik = (special.gammaln(p * days + q) - special.gammaln(p * days))[of_row]
        log_lik += p * x * log_xm - shape * log_scale
        constant = -special.gammaln(q) + q * np.log(nu)
        psi_shape = special.psi(p * days + q)
        d_p = np.mean(x * ((psi_shape - special.psi(p * days))[of_row] + log_xm - log_scale))
        d_q = np.mean(psi_shape[of_row] - log_scale) - special.psi(q) + np.log(nu)
        d_nu = q / nu - np.mean(shape / (nu + x * m))
        gradient = np.array([d_p, d_q, d_nu]) * np.exp(theta)
        ridge = RIDGE / n_customers
        return float(-(log_lik.mean() + constant) + ridge * theta @ theta), -gradient + 2 * ridge * theta

    runs = [
        optimize.minimize(
            objective,
            np.array(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-LOG_BOUND, LOG_BOUND)] * 3,
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8},
        )
        for start in STARTS
    ]
    theta = min(runs, key=lambda run: float(run.fun)).x
    p, q, nu = float(np.exp(theta[0])), MIN_Q + float(np.exp(theta[1])), float(np.exp(theta[2]) * unit)
    return GammaGamma(p, q, nu, float(_log_likelihood(p, q, nu, x, amount).sum()))


def expected_spend(fit: GammaGamma, n_days: npt.ArrayLike, mean_amount: npt.ArrayLike) -> Floats:
    """Expected amount of each customer's next purchase day, in currency; [n_customers].

    Args:
        fit: a fitted model.
        n_days: [n_customers] paid purchase days; 0 gives the shop's mean.
        mean_amount: [n_customers] mean amount over these days, in currency; not used where n_days is 0.

    Reference:
        Fader & Hardie (2013), eq. 5.
    """
    x = np.asarray(n_days, dtype=np.float64)
    total = np.where(x > 0, x * np.asarray(mean_amount, dtype=np.float64), 0.0)
    return fit.p * (fit.nu + total) / (fit.p * x + fit.q - 1)


def _log_likelihood(p: float, q: float, nu: float, x: Floats, m: Floats) -> Floats:
    """Per customer; the density of the mean amount, so the change of variable from the sum is in it."""
    log_beta = special.gammaln(p * x) + special.gammaln(q) - special.gammaln(p * x + q)
    found: Floats = (
        -log_beta + q * np.log(nu) + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(nu + x * m)
    )
    return found
