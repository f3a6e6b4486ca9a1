"""Ranges: coverage on data that the fit has not seen, order, units, and the total's own range."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from clv import intervals
from clv.anchor import Anchor
from clv.btyd import MbgNbd, simulate_purchases
from clv.spend import GammaGamma, fit_gamma_gamma

N = 20_000


def shop(seed: int):
    """A two-part law: buys with p, then gamma around value ÷ p."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, N)
    if_buys = rng.gamma(3, 1, N)
    revenue = np.where(rng.random(N) < p, if_buys * rng.gamma(2, 0.5, N), 0.0)
    return revenue, p * if_buys, p


@pytest.fixture(scope="module")
def fitted():
    revenue, value, p = shop(1)
    return intervals.fit_intervals(revenue, value, p, np.arange(N) % 3, purchase=40.0, today_value=value * 40)


@pytest.fixture(scope="module")
def later(fitted):
    revenue, value, p = shop(2)
    return revenue * 40, value * 40, p, fitted.bounds(value * 40, p)


@pytest.mark.parametrize(("nominal", "lo"), [(0.8, 0), (0.9, 2)])
def test_coverage_on_later_data_is_the_nominal_or_a_little_more(later, nominal, lo):
    actual, value, _, bounds = later

    table = intervals.coverage_table(actual, bounds[:, lo], bounds[:, lo + 1], value, nominal).set_index("slice")

    assert nominal - 0.01 < table.loc["all", "coverage"]
    deciles = table.loc[[f"decile {n}" for n in range(1, 11)], "coverage"]
    assert deciles.between(nominal - 0.03, 1).all()
    assert deciles["decile 10"] < nominal + 0.12


def test_ranges_adapt_where_constant_width_ones_fail_the_top_decile(later):
    actual, value, _, bounds = later
    width = np.quantile(np.abs(actual - value), 0.8)
    top = value >= np.quantile(value, 0.9)

    ours = intervals.winkler_score(actual, bounds[:, 0], bounds[:, 1], 0.8)
    constant = intervals.winkler_score(actual, np.maximum(value - width, 0), value + width, 0.8)

    assert np.mean(np.abs(actual - value)[top] <= width) < 0.6
    assert ours < 0.9 * constant


def test_narrow_lies_in_wide_and_nothing_is_below_zero(later):
    bounds = later[3]

    assert (np.diff(bounds[:, [2, 0, 1, 3]], axis=1) >= 0).all()
    assert (bounds >= 0).all()


def test_ranges_are_in_the_shop_s_currency():
    revenue, value, p = shop(3)
    cents = intervals.fit_intervals(revenue, value, p, np.zeros(N, int), purchase=4000.0, today_value=value * 4000)
    whole = intervals.fit_intervals(revenue, value, p, np.zeros(N, int), purchase=40.0, today_value=value * 40)

    assert cents.bounds(value * 4000, p) == pytest.approx(100 * whole.bounds(value * 40, p), rel=1e-9)


def test_plain_numbers_bring_back_the_same_ranges(fitted, later):
    _, value, p, bounds = later

    back = intervals.Intervals.from_dict(json.loads(json.dumps(fitted.to_dict())))

    assert (back.bounds(value, p) == bounds).all()


@pytest.fixture(scope="module")
def small_shop():
    anchor = Anchor(
        purchases=MbgNbd(r=0.8, alpha=25.0, a=1.0, b=5.0, log_likelihood=0.0),
        amounts=fit_gamma_gamma([1, 2, 3, 4, 5, 2, 3], [20.0, 35.0, 15.0, 40.0, 22.0, 31.0, 28.0]),
        orders_per_day=0.02,
        mean_amount=27.0,
    )
    frame = pd.DataFrame(
        {
            "x": [0, 5, 12, 0],
            "t_x": [0, 150, 190, 0],
            "T": [300, 200, 200, 10],
            "n_paid_days": [1, 6, 13, 1],
            "mean_day_amount": [20.0, 30.0, 35.0, 25.0],
        }
    )
    return anchor, frame


def test_simulated_ranges_are_ordered_and_wider_for_better_customers(small_shop):
    anchor, frame = small_shop

    bounds = intervals.simulated_bounds(anchor, frame, 90, 1.0)

    assert (np.diff(bounds[:, [2, 0, 1, 3]], axis=1) >= 0).all()
    assert bounds[0, 1] == 0  # one purchase 300 days ago: at least 88 % sure to buy nothing
    assert bounds[2, 1] > bounds[1, 1] > bounds[3, 0]


def test_simulated_ranges_hold_the_expected_value_of_active_customers(small_shop):
    anchor, frame = small_shop
    value = anchor.forecast(frame, 90).value

    bounds = intervals.simulated_bounds(anchor, frame, 90, 1.0)

    for number in (1, 2):
        assert bounds[number, 0] <= value[number] <= bounds[number, 1]


def test_simulated_ranges_are_those_of_random_draws():
    """Purchases of ten exactly, and many who leave: what is left is the number of purchases, drawn at random beside."""
    fit = MbgNbd(r=2.0, alpha=10.0, a=0.8, b=0.4, log_likelihood=0.0)
    anchor = Anchor(fit, GammaGamma(p=1e4, q=1e6 + 1, nu=1e3, log_likelihood=0.0), orders_per_day=0.1, mean_amount=10.0)
    frame = pd.DataFrame({"x": [0, 2], "t_x": [0, 18], "T": [2, 20], "n_paid_days": [1, 3], "mean_day_amount": 10.0})

    bounds = intervals.simulated_bounds(anchor, frame, 365, 1.0)

    drawn = 10.0 * simulate_purchases(fit, frame["x"], frame["t_x"], frame["T"], 365, n_draws=100_000, seed=1)
    # of the 20 % (10 %) that may fall outside, less a margin of a tenth, three fifths are above
    assert bounds[:, 1] == pytest.approx(np.quantile(drawn, 1 - 0.6 * 0.9 * 0.2, axis=1), rel=0.15)
    assert bounds[:, 3] == pytest.approx(np.quantile(drawn, 1 - 0.6 * 0.9 * 0.1, axis=1), rel=0.15)


def test_simulated_ranges_scale_with_the_level_and_not_with_the_order_of_rows(small_shop):
    anchor, frame = small_shop

    bounds = intervals.simulated_bounds(anchor, frame, 90, 1.0)

    assert intervals.simulated_bounds(anchor, frame, 90, 2.0) == pytest.approx(2 * bounds)
    assert intervals.simulated_bounds(anchor, frame[::-1], 90, 1.0)[::-1] == pytest.approx(bounds)


def test_without_a_purchase_model_ranges_come_from_the_mean_rate(small_shop):
    anchor = Anchor(purchases=None, amounts=None, orders_per_day=0.01, mean_amount=20.0)

    bounds = intervals.simulated_bounds(anchor, small_shop[1], 100, 1.0)

    assert bounds[0].tolist() == [0, 40, 0, 60]  # Poisson(1): 92 % ≤ 2, 98 % ≤ 3 purchases of 20


def test_a_total_has_its_own_range():
    lo, hi = intervals.total_range(1000.0, 0.1)

    assert (lo, hi) == pytest.approx((1000 * math.exp(-0.12816), 1000 * math.exp(0.12816)), rel=1e-3)


def test_few_origins_leave_the_error_of_totals_near_that_of_many_shops():
    assert intervals.total_log_sd([]) == pytest.approx(0.15)
    assert intervals.total_log_sd([0.0, math.nan]) == pytest.approx(0.15 * math.sqrt(3 / 4))
    assert intervals.total_log_sd([0.3] * 1000) == pytest.approx(0.3, rel=0.01)


def test_winkler_score_is_width_plus_ten_times_the_miss_at_eighty_percent():
    actual, lo, hi = np.array([5.0, 12.0, 1.0]), np.array([2.0, 2.0, 2.0]), np.array([10.0, 10.0, 10.0])

    assert intervals.winkler_score(actual, lo, hi, 0.8) == pytest.approx((8 + (8 + 10 * 2) + (8 + 10 * 1)) / 3)


def test_nobody_is_expected_to_buy_twice_where_nobody_has():
    # One day of history, an order each: a rate of one a day says nothing of the next half year.
    anchor = Anchor(purchases=None, amounts=None, orders_per_day=1.0, mean_amount=20.0)
    features = pd.DataFrame({"x": [0.0], "t_x": [0.0], "T": [1.0], "n_paid_days": [1.0], "mean_day_amount": [20.0]})

    assert anchor.forecast(features, 180).value.tolist() == [20.0]
    assert intervals.simulated_bounds(anchor, features, 180, 1.0).max() <= 60.0
