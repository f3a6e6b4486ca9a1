import numpy as np
import pytest

from clv import discount


def test_twelve_months_at_the_period_rate_make_a_year():
    rate = discount.period_rate(0.1, 12)

    assert (1 + rate) ** 12 == pytest.approx(1.1)


def test_money_of_a_year_is_discounted_by_its_mean_over_the_days():
    found = discount.present_value(np.array([[365.0]]), [365], 0.1)

    # one a day, each at (1 + d)^(-t/365), in the middle of its day
    days = np.arange(365) + 0.5
    assert found[0, 0] == pytest.approx((1.1 ** (-days / 365)).sum(), rel=1e-6)


def test_who_buys_soon_is_discounted_less():
    soon, late = discount.present_value(np.array([[90.0, 100.0], [10.0, 100.0]]), [30, 365], 0.1)[:, 1]

    assert late < soon < 100


def test_no_rate_no_discount():
    expected = np.array([[1.0, 2.0, 5.0]])

    assert discount.present_value(expected, [30, 90, 365], 0.0) == pytest.approx(expected)


def test_discounted_value_grows_with_the_horizon():
    found = discount.present_value(np.array([[1.0, 1.0, 5.0]]), [30, 90, 365], 0.2)[0]

    assert (np.diff(found) >= 0).all()
