"""What is expected of the coming months in the tiny shop, by hand, as of 11 April 2024: April is running.

Predictions are of 30 days (C01 alone: 40, margin 16) and of 180 (C01 150, C02 5, C03 20, C10 5: 180, margin 72). So 40
come in days 0 to 29 and 140 in days 30 to 179, evenly: 4/3 and 14/15 a day.

| month | its days from now on | in the first 30 | after | expected |
|---|---|--:|--:|--:|
| April …   |   0 –  19 | 20 |    | 26.667 |
| May       |  20 –  50 | 10 | 21 | 13.333 + 19.6 = 32.933 |
| June      |  51 –  80 |    | 30 | 28 |
| July      |  81 – 111 |    | 31 | 28.933 |
| August    | 112 – 142 |    | 31 | 28.933 |
| September | 143 – 172 |    | 30 | 28 |
| October   | ends after the horizon | | | – |
"""

from datetime import date
from math import exp, sqrt

import pytest

MONTHS = [date(2024, month, 1) for month in range(4, 10)]
EXPECTED = [26.667, 32.933, 28, 28.933, 28.933, 28]
SPREADS = {30: 0.1, 180: 0.2}


@pytest.fixture(scope="module")
def judged(new_shop, tiny):
    """The tiny shop with a model whose past totals have been judged."""
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.land("outputs.predictions", tiny("predictions"))
    shop.land(
        "outputs.evaluations",
        [
            {"model_version": "v1", "model": "value", "horizon_days": days, "metric": "total_log_sd", "value": sd}
            for days, sd in SPREADS.items()
        ],
    )
    return shop.build(horizon_days=180)


def test_what_comes_between_two_horizons_arrives_evenly(judged):
    rows = judged.ask("overview/forecast", max_months=12)

    assert [row["order_month"] for row in rows] == MONTHS
    assert [row["expected_revenue"] for row in rows] == pytest.approx(EXPECTED, abs=0.001)


def test_the_running_month_is_what_was_and_what_is_still_expected(judged):
    first, second, *_ = judged.ask("overview/forecast", max_months=12)

    # April so far: C01 60, C08 20, C11 45, C12 10
    assert (first["is_running"], first["revenue_to_date"]) == (True, 135)
    assert first["month_revenue"] == pytest.approx(135 + 26.667, abs=0.001)
    assert (second["is_running"], second["revenue_to_date"]) == (False, 0)


def test_the_band_is_that_of_the_horizon_in_which_a_month_ends(judged):
    april, may, *_ = judged.ask("overview/forecast", max_months=12)

    # April ends on day 20, within 30 days; May on day 51, within 180. What has been earned has no band.
    assert april["month_revenue_hi"] == pytest.approx(135 + 26.667 * exp(1.2816 * 0.1), abs=0.001)
    assert may["month_revenue_lo"] == pytest.approx(32.933 * exp(-1.2816 * 0.2), abs=0.001)


def test_without_a_judged_total_there_is_a_line_and_no_band(shop):
    rows = shop.ask("overview/forecast", max_months=2)

    assert [row["expected_revenue"] for row in rows] == pytest.approx(EXPECTED[:2], abs=0.001)
    assert {row["month_revenue_lo"] for row in rows} == {None}


def test_without_a_model_nothing_is_expected(new_shop, tiny):
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.build()

    assert shop.ask("overview/forecast", max_months=12) == []
    assert shop.ask("cohorts/forecast", channel=None) == []


def test_a_cohort_goes_on_from_what_it_has_brought(judged):
    """January: 385 to date over six customers. Expected of C01 40 in 30 days and, with C02 and C10, 160 in 180."""
    rows = [row for row in judged.ask("cohorts/forecast", channel=None) if row["cohort_month"] == date(2024, 1, 1)]

    was, will = ([row for row in rows if row["is_expected"] is flag] for flag in (False, True))
    expected = [40 * 20 / 30, 40 + 120 * 21 / 150, 40 + 120 * 51 / 150]
    assert [row["revenue_per_customer"] for row in was] == pytest.approx([285 / 6, 335 / 6, 295 / 6])
    assert [row["month_number"] for row in will] == [3, 4, 5, 6, 7, 8]
    assert [row["revenue_per_customer"] for row in will[:3]] == pytest.approx([(385 + one) / 6 for one in expected])
    # margin to date 149; expected 16 of C01 in 30 days, 60 + 2 + 2 in 180
    assert will[1]["margin_per_customer"] == pytest.approx((149 + 16 + 48 * 21 / 150) / 6)


def test_the_band_of_a_cohort_is_the_shops_error_and_its_customers_own(judged):
    rows = {
        (row["cohort_month"], row["month_number"]): row
        for row in judged.ask("cohorts/forecast", channel=None)
        if row["is_expected"]
    }

    # April ends within 30 days: C01 alone, 10 to 90 for an expected 40. May within 180: C01 60 to 300, C02 and C10 0 to
    # 20 each, for 160.
    april = sqrt(0.1**2 + (80 / 2.5632 / 40) ** 2)
    may = sqrt(0.2**2 + ((240 / 2.5632) ** 2 + 2 * (20 / 2.5632) ** 2) / 160**2)
    january = date(2024, 1, 1)
    assert rows[january, 3]["revenue_per_customer_hi"] == pytest.approx((385 + 80 / 3 * exp(1.2816 * april)) / 6)
    assert rows[january, 4]["revenue_per_customer_lo"] == pytest.approx((385 + 56.8 * exp(-1.2816 * may)) / 6)


def test_a_cohorts_forecast_never_falls(judged):
    rows = [row for row in judged.ask("cohorts/forecast", channel=None) if row["is_expected"]]

    for cohort in {row["cohort_month"] for row in rows}:
        line = [row["revenue_per_customer"] for row in rows if row["cohort_month"] == cohort]
        assert line == sorted(line)
