"""What money later is worth today."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
DAYS_A_YEAR = 365.0


def period_rate(annual_rate: float, periods_a_year: float) -> float:
    """Rate of one period: (1 + d)^(1/periods) − 1."""
    return float(np.expm1(np.log1p(annual_rate) / periods_a_year))


def present_value(expected: Floats, horizons_days: Sequence[int], annual_rate: float) -> Floats:
    """Discounted value of expected revenue within each horizon.

    What is added between two horizons is taken to arrive evenly between them, so that a customer who buys soon is
    discounted less than one who buys late.

    Args:
        expected: [n_customers, n_horizons] undiscounted, cumulative.
        horizons_days: [n_horizons] ascending.
        annual_rate: 0.1 for 10 % a year.

    Returns:
        [n_customers, n_horizons] cumulative.
    """
    edges = np.concatenate([[0.0], np.asarray(horizons_days, dtype=np.float64)]) / DAYS_A_YEAR
    force = np.log1p(annual_rate)
    added = np.diff(expected, axis=1, prepend=0.0)
    if force == 0:
        return np.cumsum(added, axis=1)
    # mean of e^(-force t) between two edges
    factors = (np.exp(-force * edges[:-1]) - np.exp(-force * edges[1:])) / (force * np.diff(edges))
    return np.cumsum(added * factors, axis=1)
