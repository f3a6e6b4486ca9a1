from datetime import date

import pytest

MONEY = 532
"""Net revenue of the tiny shop before 11 April, C01 to C12:
200 + 0 + 45 − 25 + 30 + 12 + 50 + 70 + 50 + 25 + 45 + 30.
"""


def customer(shop, customer_id):
    (row,) = [row for row in shop.table("marts.customers") if row["customer_id"] == customer_id]
    return row


def test_every_customer_is_one_row_with_what_they_brought(shop):
    found = {
        row["customer_id"]: (row["n_orders"], row["n_purchase_days"], row["n_returns"], row["revenue"])
        for row in shop.table("marts.customers")
    }

    assert found == {
        "C01": (4, 4, 0, 200), "C02": (1, 1, 1, 0), "C03": (3, 2, 0, 45), "C04": (0, 0, 1, -25),
        "C05": (2, 2, 0, 30), "C06": (2, 1, 0, 12), "C07": (1, 1, 1, 50), "C08": (2, 2, 1, 70),
        "C09": (1, 2, 0, 50), "C10": (1, 1, 0, 25), "C11": (1, 1, 0, 45), "C12": (3, 3, 0, 30),
    }  # fmt: skip


def test_dates_are_counted_to_the_as_of_date(shop):
    row = customer(shop, "C01")

    assert (row["first_order_date"], row["last_order_date"]) == (date(2024, 1, 5), date(2024, 4, 5))
    assert (row["tenure_days"], row["recency_days"]) == (97, 6)
    assert row["cohort_month"] == date(2024, 1, 1)


def test_the_last_ninety_days_end_before_the_as_of_date(shop):
    # 90 days before 11 April is 12 January: C01's order of 5 January and C08's return of the 10th are older
    assert customer(shop, "C01")["revenue_90d"] == 150
    assert customer(shop, "C08")["revenue_90d"] == 80
    assert customer(shop, "C08")["revenue_365d"] == 70


@pytest.fixture(scope="module")
def ranked(new_shop):
    """Customers who are expected to bring 0, 1, 2 … of money: 140, or the first so many."""

    def ranked(n):
        shop = new_shop()
        ids = [f"C{place:03d}" for place in range(n)]
        shop.land(
            "landing.transactions",
            [{"customer_id": i, "order_id": i, "order_ts": "2024-03-01 10:00:00", "amount": "1"} for i in ids],
        )
        shop.land(
            "outputs.predictions",
            [
                {"customer_id": customer, "horizon_days": "30", "expected_revenue": str(place), "model_version": "v1"}
                for place, customer in enumerate(ids)
            ],
        )
        return shop.build()

    return ranked


def test_percentiles_of_101_customers_are_one_each_and_two_at_the_top(ranked):
    """The customer with k of 100 others below: k + 1, also where 100 × (k ÷ 100) is a hair below k, as at 29."""
    found = [row["value_percentile"] for row in ranked(101).table("marts.customers")]

    assert found == [*range(1, 101), 100]


@pytest.mark.parametrize(("n", "best"), [(19, 1), (20, 1), (21, 2), (140, 7)])
def test_the_best_five_per_cent_are_rounded_up_and_never_more(ranked, n, best):
    (row,) = ranked(n).ask("value/headline", horizon_days=30, measure="revenue", is_discounted=False)

    assert row["n_top5"] == best
    assert row["top5_share"] == pytest.approx(sum(range(n - best, n)) / sum(range(n)))


def test_who_only_returned_has_no_scores_and_a_name_for_it(shop):
    row = customer(shop, "C04")

    assert (row["segment"], row["r"], row["first_order_date"], row["avg_order_value"]) == (
        "No purchase",
        None,
        None,
        None,
    )


def test_what_is_given_stands_beside_what_is_found(shop):
    row = customer(shop, "C10")

    assert (row["name"], row["persona"], row["acquisition_channel"], row["channel"]) == (
        'O\'Hara "<Jo>"',
        "Bargain hunter",
        "shop window",
        "store",
    )
    assert customer(shop, "C09")["acquisition_channel"] == "web"  # none given: the channel of the first order


def test_unknown_names_are_a_value_that_can_be_filtered(shop):
    assert customer(shop, "C09")["country"] == "Unknown"


def test_predictions_are_laid_beside_the_customer(shop):
    row = customer(shop, "C01")

    assert (row["expected_revenue_30d"], row["expected_revenue_90d"], row["expected_revenue_180d"]) == (40, None, 150)
    assert (row["horizon_days"], row["expected_revenue"], row["revenue_lo"], row["revenue_hi"]) == (180, 150, 60, 300)
    assert (row["p_alive"], row["p_buys"], row["model_version"]) == (0.95, 0.9, "v1")


def test_the_value_percentile_is_100_at_the_top_and_ties_share_the_low_end(shop):
    """Four predictions: 5, 5, 20, 150. Places 0, 0, 2, 3 of 3: floor(100 · place / 3) + 1, at most 100."""
    found = {row["customer_id"]: row["value_percentile"] for row in shop.table("marts.customers")}

    assert [found[name] for name in ("C02", "C10", "C03", "C01")] == [1, 1, 67, 100]
    assert found["C12"] is None


def test_without_a_model_all_predictions_are_null(new_shop, tiny):
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.build()

    for row in shop.table("marts.customers"):
        assert {row[name] for name in row if name.startswith(("expected", "p_", "revenue_lo", "value_"))} == {None}


@pytest.mark.parametrize(
    ("grain", "start", "expected"),
    [
        # revenue, orders, customers, new, repeat, days of tenure
        ("month", date(2024, 1, 1), (275, 6, 6, 6, 0)),
        ("month", date(2024, 2, 1), (70, 5, 4, 2, 2)),  # C09's night order goes on: no second order, no repeat customer
        ("month", date(2024, 3, 1), (52, 6, 5, 2, 4)),  # not C07
        ("month", date(2024, 4, 1), (135, 4, 4, 1, 3)),
        ("week", date(2024, 1, 29), (75, 3, 2, 2, 1)),  # C09 on Wednesday and Thursday is one customer
        ("day", date(2024, 3, 5), (12, 2, 1, 1, 1)),
        ("day", date(2024, 3, 6), (0, 0, 0, 0, 0)),
    ],
    ids=str,
)
def test_activity_of_a_period(shop, grain, start, expected):
    (row,) = [row for row in shop.table("marts.activity") if row["grain"] == grain and row["period_start"] == start]

    assert (
        row["revenue"],
        row["n_orders"],
        row["n_customers"],
        row["n_new_customers"],
        row["n_repeat_customers"],
    ) == expected


def test_tenure_runs_to_the_end_of_the_period_or_of_what_is_known(shop):
    days = {row["period_start"]: row["tenure_days"] for row in shop.table("marts.activity") if row["grain"] == "month"}

    assert days[date(2024, 3, 1)] == 87 + 51 + 27 + 17 + 77  # C01 C05 C06 C07 C12, to 1 April
    assert days[date(2024, 4, 1)] == 97 + 77 + 1 + 87  # C01 C08 C11 C12, to 11 April


def test_days_without_orders_are_zeros_up_to_the_as_of_date(shop):
    days = [row["day"] for row in shop.table("marts.revenue_daily")]

    assert (days[0], days[-1], len(days)) == (date(2024, 1, 5), date(2024, 4, 10), 97)


def test_revenue_is_the_same_everywhere(shop):
    assert sum(row["revenue"] for row in shop.table("marts.customers")) == MONEY
    assert sum(row["revenue"] for row in shop.table("marts.segments")) == MONEY
    assert sum(row["revenue"] for row in shop.table("marts.revenue_daily")) == MONEY
    assert sum(row["revenue"] for row in shop.table("marts.revenue_monthly")) == MONEY
    for dimension in ("channel", "category"):
        assert sum(row["revenue"] for row in shop.table("marts.revenue_mix") if row["dimension"] == dimension) == MONEY


def test_a_month_by_channel_and_category(shop):
    found = {
        (row["channel"], row["category"]): (row["revenue"], row["n_orders"], row["n_customers"])
        for row in shop.table("marts.revenue_monthly")
        if row["order_month"] == date(2024, 3, 1)
    }

    assert found == {
        ("app", "toys"): (-20, 1, 1),  # C07's 80, C02's −100
        ("app", "books"): (20, 1, 1),  # C01's 50, C07's −30: C07 bought no book
        ("store", "books"): (30, 1, 1),
        ("web", "toys"): (12, 2, 1),  # C06 twice
        ("web", "books"): (10, 1, 1),
    }


def test_moves_compare_with_one_horizon_ago(new_shop, tiny):
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.build(horizon_days=30)  # then is 12 March: C07 and C11 had not bought

    found = {row["customer_id"]: row for row in shop.table("marts.customer_moves")}

    assert set(found) == {"C01", "C02", "C03", "C05", "C06", "C08", "C09", "C10", "C12"}
    assert (found["C01"]["next_revenue"], found["C01"]["next_orders"]) == (110, 2)  # 20 March, 5 April
    assert (found["C03"]["next_revenue"], found["C03"]["next_orders"]) == (0, 0)
    assert sum(row["n_customers"] for row in shop.ask("segments/moves")) == 9


@pytest.mark.parametrize(
    "name",
    [
        "revenue_reconciles",
        "cohorts_reconcile",
        "cohorts_only_shrink",
        "customers_are_unique",
        "customers_have_one_segment",
        "files_add_up",
        "landed_rows_match_their_files",
        "no_row_is_from_the_future",
        "order_ids_belong_to_one_customer",
        "orders_are_unique",
        "orders_have_customers",
        "predictions_are_of_this_date",
        "predictions_are_possible",
        "predictions_are_unique",
        "purchases_are_numbered_without_gaps",
        "returns_are_not_positive",
        "segment_rules_leave_no_gap",
    ],
)
def test_the_tiny_shop_keeps_every_claim(shop, name):
    assert shop.ask(f"checks/{name}") == []


@pytest.fixture
def broken(shop):
    """The shop, to be damaged; afterwards it is whole again."""
    shop.con.begin()
    yield shop
    shop.con.rollback()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("revenue_reconciles", "update core.orders set amount = amount + 0.02 where order_id = 'o104'"),
        ("revenue_reconciles", "delete from marts.customers where customer_id = 'C01'"),
        ("cohorts_reconcile", "update marts.cohort_retention set revenue = revenue + 1 where month_number = 1"),
        ("cohorts_only_shrink", "update marts.cohort_retention set buyers_or_later = 6 where month_number = 2"),
        ("customers_are_unique", "insert into marts.customers from marts.customers where customer_id = 'C01'"),
        ("customers_are_unique", "delete from marts.customers where customer_id = 'C01'"),
        ("customers_have_one_segment", "update marts.customers set segment = 'Wild' where customer_id = 'C01'"),
        ("customers_have_one_segment", "update marts.customers set r = 6 where customer_id = 'C01'"),
        ("files_add_up", "update landing.files set n_accepted = n_accepted - 1"),
        ("landed_rows_match_their_files", "delete from landing.transactions where order_id = 'o104'"),
        (
            "no_row_is_from_the_future",
            "update core.orders set order_ts = timestamp '2024-04-11' where order_id = 'o104'",
        ),
        ("order_ids_belong_to_one_customer", "update core.orders set order_id = 'o101' where order_id = 'o801'"),
        ("orders_are_unique", "insert into core.orders from core.orders where order_id = 'o104'"),
        ("orders_have_customers", "delete from core.customers where customer_id = 'C01'"),
        ("predictions_are_of_this_date", "update outputs.predictions set as_of = date '2024-04-01'"),
        ("predictions_are_possible", "update outputs.predictions set expected_revenue = -1 where customer_id = 'C01'"),
        ("predictions_are_possible", "update outputs.predictions set revenue_lo = revenue_hi + 1"),
        (
            "predictions_are_unique",
            "insert into outputs.predictions from outputs.predictions where customer_id = 'C01'",
        ),
        ("purchases_are_numbered_without_gaps", "delete from core.orders where order_id = 'o102'"),
        ("returns_are_not_positive", "update core.orders set return_amount = 5 where order_id = 'o701'"),
        ("segment_rules_leave_no_gap", "update marts.customers set segment = 'Other' where customer_id = 'C01'"),
    ],
)
def test_a_check_finds_the_damage(broken, name, damage):
    broken.con.execute(damage).fetchall()

    assert broken.ask(f"checks/{name}") != []


def test_customers_without_a_prediction_are_named(shop):
    assert [row["customer_id"] for row in shop.ask("checks/customers_have_predictions")] == [
        "C05", "C06", "C07", "C08", "C09", "C11", "C12",
    ]  # fmt: skip
