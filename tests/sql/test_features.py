"""Features and outcomes by hand, and that nothing dated from the cut-off on can be seen in them.

Anna, as of 2024-04-11 with H = 30 (ages in days in brackets):
  2024-02-01 (70) order a1: 2 of X for 20 and 1 of Y for 10
  2024-03-12 (30) order a2: 5 of X for 50
  2024-04-01 (10) order a3: 1 of X for 10, sent back on 2024-04-05 (6)
So 3 purchase days of 30, 50 and 10; gaps of 40 and 20 days; x = 2, t_x = 60, T = 70.
Bea bought once, for nothing, on Saturday 2024-03-30 (12). Cy only sent something back. Dot comes after the cut-off.
"""

from datetime import date
from math import exp, sqrt

import pytest

from clv.snapshots import MONEY

AS_OF = date(2024, 4, 11)
FEATURES, OUTCOMES = "features.customer_features", "labels.customer_outcomes"


def line(customer_id, order_id, day, amount, quantity=1, category="X", is_return=False):
    return {
        "customer_id": customer_id,
        "order_id": order_id,
        "order_ts": f"{day} 10:00:00",
        "amount": amount,
        "quantity": quantity,
        "category": category,
        "is_return": is_return,
    }


ROWS = [
    line("Anna", "a1", "2024-02-01", 20, 2),
    line("Anna", "a1", "2024-02-01", 10, 1, "Y"),
    line("Anna", "a2", "2024-03-12", 50, 5),
    line("Anna", "a3", "2024-04-01", 10),
    line("Anna", "a3", "2024-04-05", -10, is_return=True),
    line("Bea", "b1", "2024-03-30", 0),
    line("Cy", "c1", "2024-03-01", -5, is_return=True),
    line("Dot", "d1", "2024-04-11", 99),
    line("Anna", "a4", "2024-04-11", 70),
]


def landed(new_shop, rows):
    shop = new_shop(as_of=date(2024, 6, 1), n_buckets=1)
    shop.land("landing.transactions", rows)
    return shop.build()


def at(shop, name, as_of=AS_OF, days=30):
    rows = shop.ask(name, as_of=as_of, horizon_days=days, bucket=0)
    return {row["customer_id"]: row for row in rows}


@pytest.fixture(scope="module")
def features(new_shop):
    return at(landed(new_shop, ROWS), FEATURES)


def test_customers_are_those_with_a_purchase_before_the_cut_off(features):
    assert list(features) == ["Anna", "Bea"]


def test_anna_is_as_worked_out_by_hand(features):
    found = features["Anna"]
    expected = {
        "first_purchase_date": date(2024, 2, 1),
        "last_purchase_date": date(2024, 4, 1),
        "x": 2,
        "t_x": 60,
        "T": 70,
        "recency_days": 10,
        "n_orders": 3,
        "n_purchase_days": 3,
        "n_paid_days": 3,
        "net_revenue": 80,
        "gross_revenue": 90,
        "mean_day_amount": 30,
        "median_day_amount": 30,
        "max_day_amount": 50,
        "min_day_amount": 10,
        "std_day_amount": sqrt(800 / 3),
        "first_day_amount": 30,
        "last_day_amount": 10,
        "last3_day_amount": 30,
        "gap_mean_days": 30,
        "gap_std_days": 10,
        "gap_median_days": 30,
        "gap_max_days": 40,
        "gap_last_days": 20,
        "gap_last3_days": 30,
        "recency_over_gap_mean": 1 / 3,
        "revenue_quarter_h": -10,  # up to 7.5 days: what came back
        "revenue_half_h": 0,  # up to 15 days: 10 − 10
        "revenue_1h": 50,
        "revenue_2h": 50,
        "revenue_4h": 80,
        "n_days_quarter_h": 0,
        "n_days_half_h": 1,
        "n_days_1h": 2,
        "n_days_4h": 3,
        "revenue_previous_h": 0,
        "revenue_trend": 57.5 / 7.5,  # (50 + 30/4) / (0 + 30/4)
        "n_days_decay_1h": exp(-70 / 30) + exp(-1) + exp(-1 / 3),
        "n_returns": 1,
        "returned_amount": 10,
        "return_share": 1 / 9,
        "quantity_per_day": 3,
        "lines_per_day": 4 / 3,
        "mean_unit_price": 10,
        "categories_per_day": 4 / 3,
        "max_categories": 2,
        "mean_hour": 10,
        "weekend_share": 0,
        "n_months_active": 3,  # 28-day periods back from the cut-off: 1–28, 29–56, 57–84
        "months_active_share": 1,
    }

    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["revenue_year_ago"] is None


def test_a_purchase_for_nothing_counts_as_a_purchase_but_has_no_amount(features):
    found = features["Bea"]

    assert (found["x"], found["t_x"], found["T"], found["n_paid_days"]) == (0, 0, 12, 0)
    assert found["mean_day_amount"] is None
    assert found["gap_mean_days"] is None
    assert found["weekend_share"] == 1


def test_outcomes_are_net_and_count_purchase_days(new_shop):
    found = at(landed(new_shop, ROWS), OUTCOMES, date(2024, 3, 12))

    assert list(found) == ["Anna"]
    anna = found["Anna"]
    # 12 March to 10 April: 50 + 10 − 10 on two purchase days; 11 April is outside
    assert (anna["revenue"], anna["margin"], anna["n_orders"], anna["bought"]) == (50, pytest.approx(20), 2, True)


def test_a_customer_without_activity_has_an_outcome_of_nothing(new_shop):
    found = at(landed(new_shop, ROWS), OUTCOMES, date(2024, 2, 2), 10)["Anna"]

    assert (found["revenue"], found["n_orders"], found["bought"]) == (0, 0, False)


@pytest.mark.parametrize("as_of", [date(2024, 3, 12), date(2024, 4, 3), AS_OF], ids=str)
@pytest.mark.parametrize("damage", ["deleted", "corrupted", "added"])
def test_rows_from_the_cut_off_on_cannot_be_seen(new_shop, as_of, damage):
    before = [row for row in ROWS if row["order_ts"] < f"{as_of} 00:00:00"]
    after = [row for row in ROWS if row not in before]
    other = {
        "deleted": [],
        "corrupted": [row | {"amount": -999, "is_return": True, "category": "?", "quantity": 77} for row in after],
        "added": [*after, *(line(name, "late", as_of, 1e6) for name in ("Anna", "Bea", "Eve"))],
    }[damage]

    found = at(landed(new_shop, [*before, *other]), FEATURES, as_of)

    assert found == at(landed(new_shop, ROWS), FEATURES, as_of)


def test_the_order_of_rows_changes_nothing(new_shop, features):
    assert at(landed(new_shop, ROWS[::-1]), FEATURES) == features


def test_amounts_times_a_hundred_change_money_only(new_shop, features):
    found = at(landed(new_shop, [row | {"amount": row["amount"] * 100} for row in ROWS]), FEATURES)["Anna"]

    for name, value in features["Anna"].items():
        if isinstance(value, int | float):
            assert found[name] == pytest.approx(value * (100 if name in MONEY else 1)), name


def test_the_year_ago_window_is_the_forecast_period_a_year_earlier(new_shop):
    rows = [
        line("Flo", "f1", "2023-01-01", 5),
        line("Flo", "f2", "2023-04-12", 7),  # 365 days before the cut-off: first day of the window
        line("Flo", "f3", "2023-05-11", 8),  # its last day
        line("Flo", "f4", "2023-05-12", 9),  # the day after
    ]

    found = at(landed(new_shop, rows), FEATURES)["Flo"]

    assert (found["revenue_year_ago"], found["n_days_year_ago"]) == (15, 2)
