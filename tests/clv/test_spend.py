import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from clv import spend
from clv.errors import ModelError, NotEnoughDataError


@pytest.fixture(scope="module")
def cdnow_spend() -> pd.DataFrame:
    package = importlib.util.find_spec("lifetimes")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = Path(package.submodule_search_locations[0]) / "datasets"
    table = pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv")
    return table[table["x"] > 0]


def test_fits_the_published_cdnow_parameters(cdnow_spend):
    fit = spend.fit_gamma_gamma(cdnow_spend["x"], cdnow_spend["zbar"])

    assert len(cdnow_spend) == 946
    assert (fit.p, fit.q, fit.nu) == pytest.approx((6.25, 3.74, 15.44), rel=0.01)
    assert fit.log_likelihood == pytest.approx(-4055.92, abs=0.05)


def test_the_likelihood_equals_its_integral_over_customers_scales():
    fit = spend.fit_gamma_gamma([1, 3, 2], [10.0, 20.0, 12.0])

    def density(x, mean):
        def given(scale):
            prior = scale ** (fit.q - 1) * np.exp(-fit.nu * scale) * fit.nu**fit.q / special.gamma(fit.q)
            shape, rate = fit.p * x, scale * x
            return prior * rate**shape * mean ** (shape - 1) * np.exp(-rate * mean) / special.gamma(shape)

        return integrate.quad(lambda u: given(u / (1 - u)) / (1 - u) ** 2, 0, 1, limit=500)[0]

    total = sum(np.log(density(x, mean)) for x, mean in ((1, 10.0), (3, 20.0), (2, 12.0)))
    assert fit.log_likelihood == pytest.approx(total, rel=1e-5)


def test_recovers_known_parameters_within_five_percent():
    rng = np.random.default_rng(3)
    n, p, q, nu = 100_000, 5.0, 4.0, 60.0
    x = rng.integers(1, 12, n).astype(float)
    scale = rng.gamma(q, 1 / nu, n)

    fit = spend.fit_gamma_gamma(x, rng.gamma(p * x, 1 / scale) / x)

    assert (fit.p, fit.q, fit.nu) == pytest.approx((p, q, nu), rel=0.05)


def test_a_hundredfold_currency_gives_a_hundredfold_forecast():
    cents = spend.fit_gamma_gamma([1, 2, 5, 3], [1000, 2500, 1800, 900])
    euros = spend.fit_gamma_gamma([1, 2, 5, 3], [10, 25, 18, 9])

    found = spend.expected_spend(cents, [2], [2500])

    assert found == pytest.approx(100 * spend.expected_spend(euros, [2], [25]), rel=1e-6)


def test_more_purchases_pull_less_to_the_shop_mean():
    fit = spend.GammaGamma(p=6.0, q=4.0, nu=15.0, log_likelihood=0.0)

    few, many, none = spend.expected_spend(fit, [1, 50, 0], [100.0, 100.0, np.nan])

    assert none == pytest.approx(fit.mean) == pytest.approx(30)
    assert none < few < many < 100


@pytest.mark.parametrize(
    ("n_days", "amount"), [([1], [25.0]), ([1, 1], [20.0, 20.0]), ([1, 900], [0.01, 1e6])], ids=["one", "equal", "wide"]
)
def test_edge_rows_fit(n_days, amount):
    fit = spend.fit_gamma_gamma(n_days, amount)

    assert fit.q > 1
    assert np.isfinite(spend.expected_spend(fit, n_days, amount)).all()


@pytest.mark.parametrize(
    ("n_days", "amount", "error"),
    [([], [], NotEnoughDataError), ([1], [0.0], ModelError), ([0], [5.0], ModelError), ([1, 2], [5.0], ModelError)],
)
def test_impossible_rows_are_refused(n_days, amount, error):
    with pytest.raises(error):
        spend.fit_gamma_gamma(n_days, amount)
