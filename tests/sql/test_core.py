import random
from datetime import date

import pytest


def by(rows, *keys):
    return {tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: row for row in rows}


def test_rows_of_the_as_of_date_and_later_are_not_read(shop):
    lines = shop.table("core.order_lines")

    assert len(lines) == 27  # 28 lines in the file, one of them o1102 at midnight of the as-of date
    assert "o1102" not in {line["order_id"] for line in lines}
    assert str(max(line["order_ts"] for line in lines)) == "2024-04-10 23:59:59"


def test_a_flagged_return_with_a_positive_amount_is_negative(shop):
    (line,) = [line for line in shop.table("core.order_lines") if line["customer_id"] == "C04"]

    assert (line["amount"], line["quantity"], line["is_return"], line["is_purchase"]) == (-25, -1, True, False)


def test_gaps_are_between_purchase_days(shop):
    gaps = {}
    for line in shop.table("core.order_lines"):
        if line["gap_days"] is not None:
            gaps.setdefault(line["customer_id"], []).append(line["gap_days"])

    assert gaps == {
        "C01": [36, 39, 16],  # 5 Jan → 10 Feb → 20 Mar → 5 Apr; 2024 is a leap year
        "C03": [25],  # 3 Feb (two orders) → 28 Feb
        "C05": [29],  # 10 Feb → 10 Mar
        "C08": [68],  # 25 Jan → 2 Apr: the return of 10 Jan opens nothing
        "C09": [1],  # over midnight
        "C12": [61, 24],  # 15 Jan → 16 Mar → 9 Apr
    }


def test_each_purchase_day_and_month_is_opened_by_one_line(shop):
    days, months = {}, {}
    for line in shop.table("core.order_lines"):
        customer = line["customer_id"]
        days[customer] = days.get(customer, 0) + line["is_new_day"]
        months[customer] = months.get(customer, 0) + line["is_new_month"]

    assert days == {
        "C01": 4, "C02": 1, "C03": 2, "C04": 0, "C05": 2, "C06": 1,
        "C07": 1, "C08": 2, "C09": 2, "C10": 1, "C11": 1, "C12": 3,
    }  # fmt: skip
    assert months == {
        "C01": 4, "C02": 1, "C03": 1, "C04": 0, "C05": 2, "C06": 1,
        "C07": 1, "C08": 2, "C09": 2, "C10": 1, "C11": 1, "C12": 3,
    }  # fmt: skip


def test_a_line_knows_nothing_of_a_later_first_purchase(shop):
    lines = by(shop.table("core.order_lines"), "order_id", "line_id")

    assert lines["r801", "1"]["first_order_date"] is None
    assert lines["r801", "1"]["cohort_month"] is None
    assert lines["r801", "1"]["is_first_day"] is False
    assert lines["o801", "1"]["first_order_date"] == date(2024, 1, 25)
    assert lines["o802", "1"]["cohort_month"] == date(2024, 1, 1)


def test_margin_uses_the_cost_where_one_is_given(shop):
    lines = by(shop.table("core.order_lines"), "order_id", "line_id")

    assert lines["o1001", "1"]["margin"] == pytest.approx(5)  # 25 − 20
    assert lines["o102", "1"]["margin"] == pytest.approx(16)  # 40 × 0.4
    assert lines["o201", "2"]["margin"] == pytest.approx(-40)  # −100 × 0.4


def test_an_order_nets_its_returns(shop):
    (order,) = [order for order in shop.table("core.orders") if order["order_id"] == "o701"]

    assert (order["amount"], order["gross_amount"], order["return_amount"]) == (50, 80, -30)
    assert (order["n_lines"], order["n_categories"], order["category"]) == (2, 2, "toys")
    assert order["is_purchase"]
    assert order["purchase_number"] == 1


def test_a_late_return_stands_on_its_own_day(shop):
    rows = [order for order in shop.table("core.orders") if order["order_id"] == "o201"]

    assert [(row["order_date"], row["amount"], row["purchase_number"]) for row in rows] == [
        (date(2024, 1, 20), 100, 1),
        (date(2024, 3, 2), -100, None),
    ]


def test_an_order_over_midnight_is_one_order_on_two_purchase_days(shop):
    rows = [order for order in shop.table("core.orders") if order["order_id"] == "o901"]

    assert [(row["order_date"], row["purchase_number"], row["is_new_day"]) for row in rows] == [
        (date(2024, 1, 31), 1, True),
        (date(2024, 2, 1), None, True),
    ]


def test_orders_of_the_same_second_are_numbered_by_their_id(shop):
    rows = [order for order in shop.table("core.orders") if order["customer_id"] == "C06"]

    assert [(row["order_id"], row["purchase_number"], row["is_new_day"]) for row in rows] == [
        ("o601", 1, True),
        ("o602", 2, False),
    ]


def test_purchases_of_zero_count_as_orders(shop):
    rows = [order for order in shop.table("core.orders") if order["customer_id"] == "C05"]

    assert [(row["amount"], row["purchase_number"]) for row in rows] == [(0, 1), (30, 2)]


def test_main_category_has_the_most_net_money(shop):
    categories = {row["customer_id"]: row["main_category"] for row in shop.table("core.customer_totals")}

    assert categories["C01"] == "toys"  # toys 130, books 70
    assert categories["C03"] == "books"  # books 30, toys 15
    assert categories["C07"] == "toys"  # toys 80, books −30


def test_of_two_lines_about_a_customer_the_later_sign_up_wins(shop):
    customers = by(shop.table("core.customers"), "customer_id")

    assert customers["C03"]["name"] == "Cy"
    assert customers["C03"]["country"] == "DE"


def test_who_only_signed_up_is_not_a_customer(shop):
    assert "C99" not in {row["customer_id"] for row in shop.table("core.customers")}


def test_campaigns_after_the_as_of_date_are_not_known(shop):
    assert [row["campaign_id"] for row in shop.table("core.campaigns")] == ["K1", "K1"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_input_rows_never_shows(shop, new_shop, tiny, seed):
    rows = {name: tiny(name) for name in ("transactions", "customers", "campaigns")}
    for listed in rows.values():
        random.Random(seed).shuffle(listed)
    shuffled = new_shop()
    for name, listed in rows.items():
        shuffled.land(f"landing.{name}", listed)
    shuffled.land("outputs.predictions", tiny("predictions"))
    shuffled.build(horizon_days=180)

    for name in (
        "core.order_lines",
        "core.orders",
        "core.customers",
        "core.campaigns",
        "marts.customers",
        "marts.activity",
    ):
        assert shuffled.table(name) == shop.table(name), name


def test_the_number_of_buckets_never_shows(shop, new_shop, tiny):
    single = new_shop(n_buckets=1)
    for name in ("transactions", "customers", "campaigns"):
        single.land(f"landing.{name}", tiny(name))
    single.land("outputs.predictions", tiny("predictions"))
    single.build(horizon_days=180)

    def told(shop, name):
        return [{column: value for column, value in row.items() if column != "bucket"} for row in shop.table(name)]

    for name in (
        "marts.customers",
        "marts.activity",
        "marts.revenue_mix",
        "marts.revenue_monthly",
        "marts.cohort_retention",
    ):
        assert told(single, name) == told(shop, name), name


def test_what_happens_later_changes_no_earlier_row(shop, new_shop, tiny):
    """Lines before 1 March are the same whether or not the rest of the file has happened."""
    early = new_shop(as_of=date(2024, 3, 1))
    early.land("landing.transactions", tiny("transactions"))
    early.build()

    for name in ("core.order_lines", "core.orders"):
        before = [row for row in shop.table(name) if row["order_date"] < date(2024, 3, 1)]
        assert sorted(early.table(name), key=repr) == sorted(before, key=repr), name
