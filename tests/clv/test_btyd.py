import importlib.util
import time
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from clv import btyd
from clv.errors import ModelError, NotEnoughDataError

FITS = [btyd.fit_mbg_nbd, btyd.fit_bg_nbd, btyd.fit_pareto_nbd]
MBG = btyd.MbgNbd(r=0.5, alpha=6.0, a=0.9, b=1.6, log_likelihood=0.0)
BG = btyd.BgNbd(r=0.25, alpha=4.4, a=0.8, b=2.4, log_likelihood=0.0)
PARETO = btyd.ParetoNbd(r=0.55, alpha=10.6, s=0.6, beta=11.7, log_likelihood=0.0)


@pytest.fixture(scope="module")
def cdnow_sample() -> pd.DataFrame:
    """The 1/10 sample of Fader & Hardie, 39 weeks of calibration, in weeks. The package is not imported."""
    package = importlib.util.find_spec("lifetimes")
    if package is None or package.submodule_search_locations is None:
        pytest.skip("the package lifetimes is not installed: it ships the sample that the published figures are about")
    folder = Path(package.submodule_search_locations[0]) / "datasets"
    return pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv")


@pytest.mark.parametrize(
    ("fit", "published", "log_likelihood"),
    [
        # DOMAIN figures: BG/NBD of Fader, Hardie & Lee (2005) table 2; Pareto/NBD of the same paper; MBG/NBD measured
        (btyd.fit_bg_nbd, (0.243, 4.414, 0.793, 2.426), -9582.4),
        (btyd.fit_pareto_nbd, (0.553, 10.578, 0.606, 11.669), -9595.0),
        (btyd.fit_mbg_nbd, (0.5248, 6.183, 0.8913, 1.6139), -9582.14),
    ],
    ids=["bg", "pareto", "mbg"],
)
def test_fits_the_published_cdnow_parameters(cdnow_sample, fit, published, log_likelihood):
    found = fit(cdnow_sample["x"], cdnow_sample["t_x"], cdnow_sample["T"])

    assert astuple(found)[:4] == pytest.approx(published, rel=0.01)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=0.05)


@pytest.mark.parametrize(
    ("fit", "expected_orders"), [(btyd.fit_bg_nbd, 1653), (btyd.fit_mbg_nbd, 1577)], ids=["bg", "mbg"]
)
def test_forecasts_the_published_holdout_orders_of_cdnow(cdnow_sample, fit, expected_orders):
    x, t_x, age = (cdnow_sample[name] for name in ("x", "t_x", "T"))

    found = btyd.expected_purchases(fit(x, t_x, age), x, t_x, age, 39).sum()

    # 1,882 orders followed in fact: both models are known to under-forecast this hold-out
    assert found == pytest.approx(expected_orders, abs=2)


def test_mbg_likelihood_equals_its_integral_over_rates_and_dropouts():
    x, t_x, age = 3.0, 20.0, 30.0
    fit = btyd.fit_mbg_nbd([3, 0], [20, 0], [30, 10])

    def of_one(x, t_x, age):
        def given(dropout, rate):
            prior = rate ** (fit.r - 1) * np.exp(-fit.alpha * rate) * fit.alpha**fit.r / special.gamma(fit.r)
            prior *= dropout ** (fit.a - 1) * (1 - dropout) ** (fit.b - 1) / special.beta(fit.a, fit.b)
            alive = (1 - dropout) ** (x + 1) * rate**x * np.exp(-rate * age)
            dead = dropout * (1 - dropout) ** x * rate**x * np.exp(-rate * t_x)
            return prior * (alive + dead)

        return integrate.dblquad(given, 0, np.inf, 0, 1, epsabs=1e-10)[0]

    assert fit.log_likelihood == pytest.approx(np.log(of_one(x, t_x, age)) + np.log(of_one(0.0, 0.0, 10.0)), rel=1e-4)


def test_expected_purchases_equal_the_published_hypergeometric_formula():
    x, t_x, age, horizon = np.array([0.0, 2, 7]), np.array([0.0, 30, 35]), np.array([38.9, 38.9, 36.0]), 39.0
    r, alpha, a, b = BG.r, BG.alpha, BG.a, BG.b

    found = btyd.expected_purchases(BG, x, t_x, age, horizon)

    # Fader, Hardie & Lee (2005), eq. 10, written out as it stands there
    hyper = special.hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + age + horizon))
    above = (a + b + x - 1) / (a - 1) * (1 - ((alpha + age) / (alpha + age + horizon)) ** (r + x) * hyper)
    odds = np.where(x > 0, a / np.maximum(b + x - 1, 1e-9) * ((alpha + age) / (alpha + t_x)) ** (r + x), 0)
    assert found == pytest.approx(above / (1 + odds), rel=1e-7)


def test_expected_purchases_are_finite_where_the_formula_divides_by_zero():
    near = btyd.MbgNbd(r=0.5, alpha=6.0, a=1.0 + 1e-6, b=1.6, log_likelihood=0.0)
    at_one = btyd.MbgNbd(r=0.5, alpha=6.0, a=1.0, b=1.6, log_likelihood=0.0)

    found = btyd.expected_purchases(at_one, [2], [30], [40], 39)

    assert found == pytest.approx(btyd.expected_purchases(near, [2], [30], [40], 39), rel=1e-4)


@pytest.mark.parametrize("n_repeats", [1_000, 2_000, 50_000])
def test_a_customer_of_thousands_of_purchases_is_expected_to_go_on(n_repeats):
    fit = btyd.MbgNbd(r=0.9, alpha=4.0, a=1.2, b=2.8, log_likelihood=0.0)
    weeks = n_repeats / 7

    (expected,) = btyd.expected_purchases(fit, [n_repeats], [weeks], [weeks], 1.0)

    # Whoever has bought seven times a week, and that often, hardly ever drops out.
    assert expected == pytest.approx((0.9 + n_repeats) / (4.0 + weeks), rel=0.01)


def test_the_simulation_agrees_with_the_formulas():
    x, t_x, age = np.array([0.0, 4, 9]), np.array([0.0, 25, 38]), np.array([30.0, 39, 39])

    draws = btyd.simulate_purchases(MBG, x, t_x, age, 26, n_draws=200_000, seed=1)

    assert draws.mean(axis=1) == pytest.approx(btyd.expected_purchases(MBG, x, t_x, age, 26), rel=0.02)
    assert (draws > 0).mean(axis=1) == pytest.approx(btyd.p_buys(MBG, x, t_x, age, 26), abs=0.005)


def test_recovers_known_parameters_within_five_percent():
    rng = np.random.default_rng(20)
    n = 200_000
    true = {"r": 0.8, "alpha": 5.0, "a": 1.0, "b": 3.0}
    age = rng.uniform(40, 104, n)
    rate = rng.gamma(true["r"], 1 / true["alpha"], n)
    dropout = rng.beta(true["a"], true["b"], n)
    x, t_x = np.zeros(n), np.zeros(n)
    is_alive = rng.random(n) >= dropout
    clock = np.zeros(n)
    while is_alive.any():
        clock = np.where(is_alive, clock + rng.exponential(1 / rate), clock)
        is_bought = is_alive & (clock <= age)
        x += is_bought
        t_x = np.where(is_bought, clock, t_x)
        is_alive = is_bought & (rng.random(n) >= dropout)

    found = btyd.fit_mbg_nbd(x, t_x, age)

    assert astuple(found)[:4] == pytest.approx(tuple(true.values()), rel=0.05)


def test_every_one_time_buyer_is_alive_to_the_bg_but_not_to_the_mbg():
    assert btyd.p_alive(BG, [0], [0], [500]) == pytest.approx(1)
    assert btyd.p_alive(MBG, [0], [0], [500])[0] < 0.2


def test_a_one_time_buyer_silent_for_a_year_hardly_buys():
    assert btyd.p_buys(MBG, [0], [0], [52], 13)[0] < 0.05


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    "rows",
    [([0], [0], [10]), ([5], [10], [10]), ([0, 0, 0], [0, 0, 0], [0, 5, 9]), ([400], [700], [701])],
    ids=["one customer", "bought on the last day", "no repeat buyer", "four hundred repeats"],
)
def test_edge_rows_fit_and_forecast(fit, rows):
    found = fit(*rows)

    forecast = btyd.expected_purchases(found, *rows, 30)
    alive = btyd.p_alive(found, *rows)

    assert np.isfinite(forecast).all()
    assert (forecast >= 0).all()
    assert ((alive >= 0) & (alive <= 1)).all()


@given(
    st.integers(0, 60),
    st.floats(0, 1),
    st.floats(0.1, 1500),
    st.floats(1, 400),
    st.sampled_from([MBG, BG, PARETO]),
)
def test_forecasts_grow_with_the_horizon_and_stay_within_bounds(x, share, age, horizon, fit):
    t_x = 0.0 if x == 0 else age * share

    short = btyd.expected_purchases(fit, [x], [t_x], [age], horizon)[0]
    long = btyd.expected_purchases(fit, [x], [t_x], [age], 2 * horizon)[0]

    # a living customer's mean rate is the most that can be bought
    assert 0 <= short <= long <= 2 * horizon * (fit.r + x) / (fit.alpha + age) + 1e-9


def test_the_unit_of_time_changes_nothing():
    weeks = btyd.fit_mbg_nbd([0, 1, 3, 0], [0, 10, 30, 0], [40, 40, 35, 20])

    days = btyd.fit_mbg_nbd([0, 1, 3, 0], [0, 70, 210, 0], [280, 280, 245, 140])

    assert (days.r, days.alpha, days.a, days.b) == pytest.approx((weeks.r, weeks.alpha * 7, weeks.a, weeks.b))


def test_the_same_data_gives_the_same_fit_in_any_order():
    assert btyd.fit_mbg_nbd([0, 1, 3], [0, 10, 30], [40, 40, 35]) == btyd.fit_mbg_nbd(
        [3, 0, 1], [30, 0, 10], [35, 40, 40]
    )


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (([], [], []), NotEnoughDataError),
        (([0], [0], [0]), NotEnoughDataError),
        (([1, 2], [1], [2]), ModelError),
        (([1], [5], [4]), ModelError),
        (([0], [3], [4]), ModelError),
        (([-1], [0], [4]), ModelError),
        (([float("nan")], [0], [4]), ModelError),
    ],
)
def test_impossible_rows_are_refused(rows, error):
    with pytest.raises(error):
        btyd.fit_mbg_nbd(*rows)


def test_half_of_the_next_purchases_fall_into_the_window():
    x, age, within = 2.0, 60.0, 365.0
    rng = np.random.default_rng(5)
    waits = rng.exponential(1 / rng.gamma(MBG.r + x, 1 / (MBG.alpha + age), 400_000))
    waits = waits[waits <= within]

    begin, end = (btyd.next_purchase_days(MBG, [x], [age], share, within=within)[0] for share in (0.25, 0.75))

    assert np.quantile(waits, [0.25, 0.75]) == pytest.approx([begin, end], rel=0.02)
    assert 0 < begin < end < within


def test_the_expected_gap_is_drawn_to_the_shop_and_follows_the_customer():
    # prior mean rate r/alpha = 1/12; nine purchases in 18 days say 1/2
    found = btyd.expected_gap(MBG, [0, 9], [0, 18])

    assert found == pytest.approx([6 / 0.5, (6 + 18) / 9.5])


@pytest.mark.slow
def test_a_million_customers_are_fitted_in_seconds():
    rng = np.random.default_rng(9)
    n = 1_000_000
    age = rng.integers(1, 900, n)
    x = rng.poisson(rng.gamma(0.5, 2, n))
    t_x = np.where(x > 0, (age * rng.beta(np.maximum(x, 1), 1)).astype(int), 0)
    began = time.process_time()

    fit = btyd.fit_mbg_nbd(x, t_x, age)
    btyd.expected_purchases(fit, x, t_x, age, 180)

    assert time.process_time() - began < 5
