"""Cohorts of the tiny shop, by hand, as of 11 April 2024: April is running.

January: C01 C02 C08 C09 C10 C12 · February: C03 C05 · March: C06 C07 · April: C11. C04 only returned: no cohort.

January cohort, net revenue (C08's return of 10 January was before its first purchase: in no cohort):

| k | month    | bought          | C01 | C02  | C08 | C09 | C10 | C12 | sum |
|---|----------|-----------------|----:|-----:|----:|----:|----:|----:|----:|
| 0 | January  | all 6           |  50 |  100 |  60 |  40 |  25 |  10 | 285 |
| 1 | February | C01 C09         |  40 |      |     |  10 |     |     |  50 |
| 2 | March    | C01 C12         |  50 | −100 |     |     |     |  10 | −40 |
| 3 | April …  | C01 C08 C12     |  60 |      |  20 |     |     |  10 |  90 |

Last purchase in k: C02 C10 0, C09 1, C01 C08 C12 3; so in k or later: 6, 4, 3, 3.
"""

from datetime import date

import pytest

JAN, FEB, MAR, APR = (date(2024, month, 1) for month in (1, 2, 3, 4))


def cells(rows):
    return {(row["cohort_month"], row["month_number"]): row for row in rows}


def test_bought_in_the_month_and_bought_in_it_or_later(shop):
    found = cells(shop.table("marts.cohort_retention"))

    assert {key: (row["n_cohort"], row["buyers"], row["buyers_or_later"]) for key, row in found.items()} == {
        (JAN, 0): (6, 6, 6), (JAN, 1): (6, 2, 4), (JAN, 2): (6, 2, 3), (JAN, 3): (6, 3, 3),
        (FEB, 0): (2, 2, 2), (FEB, 1): (2, 1, 1), (FEB, 2): (2, 0, 0),
        (MAR, 0): (2, 2, 2), (MAR, 1): (2, 0, 0),
        (APR, 0): (1, 1, 1),
    }  # fmt: skip


def test_a_month_that_has_not_begun_has_no_cell_and_the_running_one_is_flagged(shop):
    found = cells(shop.ask("cohorts/retention", channel=None))

    assert (JAN, 4) not in found
    assert {key for key, row in found.items() if row["is_running"]} == {(JAN, 3), (FEB, 2), (MAR, 1), (APR, 0)}


def test_no_month_is_running_when_the_as_of_date_is_the_first_of_one(new_shop, tiny):
    shop = new_shop(as_of=APR)
    shop.land("landing.transactions", tiny("transactions"))
    shop.build()

    found = cells(shop.table("marts.cohort_retention"))

    assert max(number for month, number in found if month == JAN) == 2
    assert not any(row["is_running"] for row in found.values())


def test_revenue_and_its_running_sum(shop):
    found = cells(shop.table("marts.cohort_retention"))

    assert [found[JAN, k]["revenue"] for k in range(4)] == [285, 50, -40, 90]
    assert [found[JAN, k]["cumulative_revenue"] for k in range(4)] == [285, 335, 295, 385]
    assert [found[FEB, k]["cumulative_revenue"] for k in range(3)] == [45, 75, 75]


def test_margin_per_customer_uses_known_costs(shop):
    found = cells(shop.ask("cohorts/retention", channel=None))

    # January: 260 × 0.4 + 5 (C10: 25 − 20) = 109, then + 20 − 16 + 36, over six customers
    assert [found[JAN, k]["cumulative_margin_per_customer"] for k in range(4)] == pytest.approx(
        [109 / 6, 129 / 6, 113 / 6, 149 / 6]
    )


def test_net_and_gross_revenue_retention(shop):
    found = cells(shop.ask("cohorts/retention", channel=None))

    assert [found[JAN, k]["net_revenue_retention"] for k in range(4)] == pytest.approx(
        [1, 50 / 285, -40 / 285, 90 / 285]
    )
    # each customer at most at January: 40 + 10; 50 + 10; 50 (not 60) + 20 + 10
    assert [found[JAN, k]["gross_revenue_retention"] for k in range(4)] == pytest.approx(
        [1, 50 / 285, 60 / 285, 80 / 285]
    )
    # C05 began with an order of 0.00: its 30 in March counts net, not gross
    assert found[FEB, 1]["net_revenue_retention"] == pytest.approx(30 / 45)
    assert found[FEB, 1]["gross_revenue_retention"] == 0


def test_the_average_is_weighted_over_cohorts_that_have_completed_the_month(shop):
    average = {row["month_number"]: row for row in shop.ask("cohorts/average", channel=None)}

    assert set(average) == {0, 1, 2}  # month 3 is running for the only cohort that has it
    assert (average[0]["n_cohorts"], average[0]["n_customers"]) == (3, 10)
    # March's first month is April, which is running: January and February remain, 6 + 2 customers
    assert (average[1]["n_cohorts"], average[1]["n_customers"]) == (2, 8)
    assert average[1]["bought_share"] == pytest.approx(3 / 8)
    assert average[1]["bought_or_later_share"] == pytest.approx(5 / 8)
    assert average[1]["net_revenue_retention"] == pytest.approx(80 / 330)
    assert average[1]["gross_revenue_retention"] == pytest.approx(50 / 330)
    assert average[1]["cumulative_revenue_per_customer"] == pytest.approx((335 + 75) / 8)
    assert average[2]["bought_share"] == pytest.approx(2 / 6)


def test_cohorts_by_channel_of_the_first_order(shop):
    """January: web C01 C09 C12, app C02 C08, store C10."""
    web = cells(shop.ask("cohorts/retention", channel="web"))
    store = cells(shop.ask("cohorts/retention", channel="store"))
    by_channel = {(row["channel"], row["month_number"]): row for row in shop.ask("cohorts/by_channel")}

    assert [(web[JAN, k]["n_cohort"], web[JAN, k]["buyers"], web[JAN, k]["buyers_or_later"]) for k in range(4)] == [
        (3, 3, 3), (3, 2, 3), (3, 2, 2), (3, 2, 2),
    ]  # fmt: skip
    assert [store[JAN, k]["buyers"] for k in range(4)] == [1, 0, 0, 0]
    # web, month 1: January 2 of 3, February (C03) 0 of 1
    assert by_channel["web", 1]["bought_share"] == pytest.approx(2 / 4)


def test_channels_add_up_to_the_whole(shop):
    whole = cells(shop.table("marts.cohort_retention"))
    summed = {}
    for row in shop.table("marts.cohort_channels"):
        key = row["cohort_month"], row["month_number"]
        total = summed.setdefault(key, [0, 0, 0, 0])
        for i, column in enumerate(("n_cohort", "buyers", "buyers_or_later", "revenue")):
            total[i] += row[column]

    assert summed == {
        key: [row[column] for column in ("n_cohort", "buyers", "buyers_or_later", "revenue")]
        for key, row in whole.items()
    }


@pytest.mark.parametrize("mode", ["cohort", "bought", "bought_or_later"])
@pytest.mark.parametrize("channel", [None, "web"])
def test_a_cell_opens_as_many_customers_as_it_counts(shop, mode, channel):
    column = {"cohort": "n_cohort", "bought": "buyers", "bought_or_later": "buyers_or_later"}[mode]

    for row in shop.ask("cohorts/retention", channel=channel):
        opened = shop.ask(
            "cohorts/customers_in",
            cohort_month=row["cohort_month"],
            month_number=row["month_number"],
            mode=mode,
            channel=channel,
            n_newest=None,
        )
        assert len(opened) == row[column], row


@pytest.mark.parametrize("channel", [None, "web", "store"])
def test_the_newest_cohorts_open_as_many_customers_as_bought_of_them(shop, channel):
    found = shop.ask("cohorts/newer", channel=channel)

    assert found
    for row in found:
        asked = {"month_number": row["month_number"], "n_newest": row["n_newer_cohorts"], "channel": channel}
        opened = shop.ask("cohorts/customers_in", cohort_month=None, mode="bought", **asked)
        assert len(opened) == row["newer_buyers"], row


def test_only_so_many_of_the_newest_cohorts_are_opened(shop):
    """Whose month 1 is over: January (C01, C09 came back) and February (C05), which is newer."""
    asked = {"cohort_month": None, "month_number": 1, "mode": "bought", "channel": None}

    one, two = (shop.ask("cohorts/customers_in", **asked, n_newest=n_newest) for n_newest in (1, 2))

    assert [row["customer_id"] for row in one] == ["C05"]
    assert [row["customer_id"] for row in two] == ["C01", "C09", "C05"]


def test_payback_is_the_first_month_whose_margin_covers_the_cost(shop):
    """January: costs 24 and 18 are known, 21 on average; margin per customer 18.17, then 21.5."""
    (row,) = shop.ask("cohorts/payback")

    assert (row["cohort_month"], row["n_cohort"], row["n_with_cost"], row["cost_per_customer"]) == (JAN, 6, 2, 21)
    assert row["payback_month_number"] == 1
    assert row["margin_per_customer"] == pytest.approx(149 / 6)
    assert row["net_per_customer"] == pytest.approx(149 / 6 - 21)


def test_sizes_add_up_to_all_buyers(shop):
    sizes = shop.ask("cohorts/sizes", channel=None)

    assert [(row["cohort_month"], row["n_cohort"], row["n_came_back"]) for row in sizes] == [
        (JAN, 6, 4),  # C01 C08 C12, and C09 over midnight
        (FEB, 2, 2),
        (MAR, 2, 0),  # C06's two orders are of one day
        (APR, 1, 0),
    ]
    assert [row["is_running"] for row in sizes] == [False, False, False, True]
