from datetime import date, timedelta

import pytest

MARCH = {"from_date": date(2024, 3, 1), "to_date": date(2024, 4, 1)}
ALL = {"from_date": date(2024, 1, 5), "to_date": date(2024, 4, 11)}
SOME = {
    **MARCH, "customer_id": "C01", "order_id": "o101", "text": "c0", "max_rows": 10, "channel": None, "category": None,
    "segment_before": "New", "segment": "Loyal", "cohort_month": date(2024, 1, 1), "month_number": 1, "mode": "bought",
    "source": None, "reason": None, "file_id": None,
}  # fmt: skip
PAGES = ("overview", "customers", "customer", "segments", "cohorts", "data", "summary")


def metric(rows, name):
    (row,) = [row for row in rows if row["metric"] == name]
    return row["value"], row["previous_value"]


def mine(sql_files):
    return [name for name, file in sql_files.items() if file.folder == "queries" and name.split("/")[0] in PAGES]


def test_the_headline_of_march_beside_the_31_days_before(shop):
    """March: C01 50, C02 −100, C05 30, C06 5 + 7, C07 50, C12 10. Before, 30 January to 29 February: C01 40,
    C03 10 + 15 + 20, C04 −25, C05 0, C09 40 + 10 (one order over midnight).
    """
    rows = shop.ask("overview/headline", **MARCH)

    assert metric(rows, "n_customers") == (5, 4)
    assert metric(rows, "revenue") == (52, 110)
    assert metric(rows, "n_orders") == (6, 6)
    assert metric(rows, "avg_order_value") == pytest.approx((52 / 6, 110 / 6))
    assert metric(rows, "repeat_rate") == (4 / 5, 2 / 4)  # all but C07; before: C01 and C03, but neither C05 nor C09
    assert metric(rows, "avg_tenure_days") == pytest.approx((259 / 5, 133 / 4))  # 87 51 27 17 77; 56 27 20 30
    assert metric(rows, "orders_per_customer") == pytest.approx((6 / 5, 6 / 4))


def test_change_is_relative_for_money_and_a_difference_for_shares(shop):
    change = {row["metric"]: row["change"] for row in shop.ask("overview/headline", **MARCH)}

    assert change["revenue"] == pytest.approx(52 / 110 - 1)
    assert change["repeat_rate"] == pytest.approx(0.8 - 0.5)


def test_there_is_no_comparison_with_days_before_the_first_order(shop):
    rows = shop.ask("overview/headline", from_date=date(2024, 2, 1), to_date=date(2024, 3, 1))

    assert {row["previous_value"] for row in rows} == {None}
    assert {row["change"] for row in rows} == {None}


def test_a_night_order_does_not_make_a_repeat_customer(shop):
    """February: C01, C03, C05 and C09, whose order of 31 January goes on past midnight."""
    rows = shop.ask("overview/headline", from_date=date(2024, 2, 1), to_date=date(2024, 3, 1))

    assert metric(rows, "repeat_rate")[0] == 2 / 4


@pytest.mark.parametrize("n_days", [1, 7, 30, 97])
def test_headlines_equal_counting_customers_one_by_one(shop, n_days):
    orders = shop.table("core.orders")
    for start in range(0, 98 - n_days, 3):
        first = date(2024, 1, 5) + timedelta(days=start)
        end = first + timedelta(days=n_days)
        inside = [order for order in orders if first <= order["order_date"] < end]
        buyers = {order["customer_id"] for order in inside if order["is_purchase"]}
        n_orders = dict.fromkeys(buyers, 0)
        started = {}
        for order in orders:
            if order["order_date"] < end and order["is_purchase"] and order["customer_id"] in buyers:
                n_orders[order["customer_id"]] += order["purchase_number"] is not None
                started.setdefault(order["customer_id"], order["order_date"])

        rows = shop.ask("overview/headline", from_date=first, to_date=end)

        assert metric(rows, "n_customers")[0] == len(buyers)
        assert metric(rows, "revenue")[0] == sum(order["amount"] for order in inside)
        if buyers:
            assert metric(rows, "repeat_rate")[0] == sum(n >= 2 for n in n_orders.values()) / len(buyers)
            assert metric(rows, "avg_tenure_days")[0] == pytest.approx(
                sum((end - day).days for day in started.values()) / len(buyers)
            )


@pytest.mark.parametrize("period", [MARCH, ALL], ids=["march", "all"])
def test_bars_points_and_customers_add_up_to_the_headline(shop, period):
    revenue, _ = metric(shop.ask("overview/headline", **period), "revenue")

    for name in ("by_channel", "by_category", "by_month", "revenue_over_time"):
        assert sum(row["revenue"] for row in shop.ask(f"overview/{name}", **period)) == pytest.approx(revenue), name
    behind = shop.ask("overview/customers_in", **period, channel=None, category=None)
    assert sum(row["revenue"] for row in behind) == pytest.approx(revenue)


def test_channels_and_categories_of_march(shop):
    channels = {
        row["channel"]: (row["revenue"], row["previous_revenue"]) for row in shop.ask("overview/by_channel", **MARCH)
    }
    categories = {row["category"]: row["revenue"] for row in shop.ask("overview/by_category", **MARCH)}

    # before: web C01 40, C03 45, C04 −25, C09 50; store C05 0
    assert channels == {"app": (0, 0), "store": (30, 0), "web": (22, 110)}
    assert categories == {"toys": -8, "books": 60}


def test_an_order_over_midnight_is_one_order_of_its_channel(shop):
    """C09's order has web lines on two days; each order of the tiny shop has one channel."""
    channels = {row["channel"]: row["n_orders"] for row in shop.ask("overview/by_channel", **ALL)}

    # app: C01, C02, C07, twice C08; store: twice C05, C10; web: thrice C01, C03 and C12, twice C06, C09, C11
    assert channels == {"app": 5, "store": 3, "web": 13}
    assert metric(shop.ask("overview/headline", **ALL), "n_orders")[0] == 21


def test_a_bar_opens_the_customers_whose_money_it_is(shop):
    for dimension in ("channel", "category"):
        for bar in shop.ask(f"overview/by_{dimension}", **MARCH):
            chosen = {"channel": None, "category": None} | {dimension: bar[dimension]}
            behind = shop.ask("overview/customers_in", **MARCH, **chosen)
            assert sum(row["revenue"] for row in behind) == pytest.approx(bar["revenue"])


def test_revenue_that_has_not_changed_has_no_insight(new_shop):
    """0.1 from web and 0.2 from app, which binary fractions add up to a little more than 0.3; then 0.3 from web."""
    shop = new_shop(as_of=date(2024, 3, 5))
    sold = [("2024-03-01", "0.1", "web"), ("2024-03-02", "0.2", "app"), ("2024-03-03", "0.3", "web")]
    shop.land(
        "landing.transactions",
        [
            {"customer_id": "C1", "order_id": day, "order_ts": f"{day} 10:00:00", "amount": amount, "channel": channel}
            for day, amount, channel in sold
        ],
    )
    shop.build()
    period = {"from_date": date(2024, 3, 3), "to_date": date(2024, 3, 5)}

    assert shop.ask("overview/insight", **period) == []
    assert metric(shop.ask("overview/headline", **period), "revenue") == (0.3, 0.3)


def test_the_period_before_lies_over_this_one(shop):
    points = {row["period_start"]: row for row in shop.ask("overview/revenue_over_time", **MARCH)}

    assert len(points) == 31
    assert points[date(2024, 3, 20)]["revenue"] == 50
    # 31 days earlier: 31 January → 2 March, C09's 40
    assert points[date(2024, 3, 2)]["previous_revenue"] == 40
    assert sum(row["previous_revenue"] for row in points.values()) == 110


def test_sparklines_go_by_day_week_or_month(shop):
    assert {row["grain"] for row in shop.ask("overview/sparklines", **MARCH)} == {"day"}
    weeks = shop.ask("overview/sparklines", **ALL)
    assert {row["grain"] for row in weeks} == {"week"}
    assert [row["period_start"].weekday() for row in weeks] == [0] * len(weeks)


def test_search_finds_ids_and_names_the_exact_first(shop):
    def found(text):
        return [row["customer_id"] for row in shop.ask("customers/search", text=text, max_rows=3)]

    assert found("c01") == ["C01"]
    assert found("o'hara") == ["C10"]
    assert found("c0") == ["C01", "C08", "C07"]  # by revenue: 200, 70, 50 (C07 before C09)
    assert found("") == []
    assert found("%") == []


def test_facets_count_every_customer_once(shop):
    facets = shop.ask("customers/facets")

    for column in ("segment", "channel", "category", "country", "acquisition_channel"):
        assert sum(row["n_customers"] for row in facets if row["column_name"] == column) == 12, column


def bucket_of(shop, customer_id):
    (profile,) = shop.ask("customer/profile", customer_id=customer_id)
    return profile["bucket"]


def test_a_timeline_ends_at_the_customers_revenue(shop):
    for row in shop.table("marts.customers"):
        timeline = shop.ask("customer/timeline", customer_id=row["customer_id"], customer_bucket=row["bucket"])
        assert timeline[-1]["cumulative_revenue"] == row["revenue"]


def test_the_profile_says_who_and_what_is_expected(shop):
    (row,) = shop.ask("customer/profile", customer_id="C01")

    assert (row["segment"], row["rfm_score"], row["expected_revenue"], row["value_percentile"]) == (
        "Champions",
        "555",
        150,
        100,
    )
    assert row["mean_gap_days"] == pytest.approx(91 / 3)
    assert row["bucket"] == {line["bucket"] for line in shop.table("core.orders") if line["customer_id"] == "C01"}.pop()
    assert shop.ask("customer/profile", customer_id="nobody") == []


def test_a_contact_shows_what_was_bought_within_thirty_days(shop):
    (row,) = shop.ask("customer/campaigns", customer_id="C05", customer_bucket=bucket_of(shop, "C05"))

    assert (row["campaign_id"], row["is_treated"], row["n_orders_30d"], row["revenue_30d"]) == ("K1", True, 1, 30)


@pytest.mark.parametrize(("sent", "is_running"), [("2024-03-12", False), ("2024-03-13", True)])
def test_thirty_days_that_are_not_over_are_marked(new_shop, tiny, sent, is_running):
    """12 March and the 29 days after it are known by 11 April; of 13 March's a day is still to come."""
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.land(
        "landing.campaigns",
        [{"campaign_id": "K9", "customer_id": "C05", "treated": True, "sent_ts": f"{sent} 09:00:00"}],
    )
    shop.build()

    (row,) = shop.ask("customer/campaigns", customer_id="C05", customer_bucket=bucket_of(shop, "C05"))

    assert (row["n_orders_30d"], row["is_running"]) == (0, is_running)


def test_look_alikes_stood_then_where_the_customer_stands_now(new_shop, tiny):
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.build(horizon_days=30)

    rows = shop.ask("customer/look_alikes", customer_id="C03", max_rows=3)

    # C03 stands at 43 days, 3 orders, 45. On 12 March C09 stood at 40, 1, 50 (logarithms differ by .07 .69 .10),
    # C08 at 47, 1, 50 (.09 .69 .10) and C01 at 31, 2, 90 (.32 .29 .68)
    assert "C03" not in {row["customer_id"] for row in rows}
    assert [(row["customer_id"], row["next_revenue"]) for row in rows] == [("C09", 0), ("C08", 20), ("C01", 110)]
    assert [row["distance"] for row in rows] == sorted(row["distance"] for row in rows)


def test_segments_add_up_to_all_customers(shop):
    rows = shop.ask("segments/summary")

    assert sum(row["n_customers"] for row in rows) == 12
    assert sum(row["customer_share"] for row in rows) == pytest.approx(1)
    assert {row["segment"]: row["n_customers"] for row in rows}["Potential loyalist"] == 2
    assert sum(row["n_customers"] for row in shop.ask("segments/matrix")) == 11
    assert sum(row["n_customers"] for row in shop.ask("segments/bubble")) == 11


def test_a_matrix_cell_is_a_filter_on_the_customers(shop):
    customers = shop.table("marts.customers")

    for cell in shop.ask("segments/matrix"):
        assert sum(row["r"] == cell["r"] and row["f"] == cell["f"] for row in customers) == cell["n_customers"]


def test_returning_customers_of_each_month(shop):
    rows = {row["activity_month"].month: row for row in shop.ask("summary/retention_trend")}

    # February: C01 and C09 of six; March: C01, C12, C05 of eight; April: C01, C08, C12 of ten, running
    assert [(rows[m]["n_returning"], rows[m]["n_earlier_customers"]) for m in (2, 3, 4)] == [(2, 6), (3, 8), (3, 10)]
    assert [rows[m]["is_running"] for m in (2, 3, 4)] == [False, False, True]


def test_the_summary_counts_buyers_and_adds_up_what_is_expected(shop):
    (row,) = shop.ask("summary/headline")

    assert (row["n_customers"], row["n_repeat_customers"], row["revenue"]) == (11, 6, 532)
    assert (row["expected_revenue"], row["n_predicted"], row["horizon_days"]) == (180, 4, 180)


def test_the_total_has_an_interval_of_its_own(rescored):
    rescored.land(
        "outputs.evaluations",
        [
            {"model_version": version, "model": "value", "horizon_days": 180, "metric": "total_log_sd", "value": value}
            for version, value in (("v1", 0.5), ("v2", 0.2))
        ],
    )

    (row,) = rescored.ask("summary/headline")

    # 180 ÷ and × exp(1.2816 · 0.2) = 1.2922
    assert (row["expected_revenue_lo"], row["expected_revenue_hi"]) == pytest.approx((139.30, 232.59), abs=0.01)


def test_who_is_late_and_probably_gone_is_not_reminded(new_shop, tiny):
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    late = {"C03": "0.49", "C05": "0.51"}
    rows = [row for row in tiny("predictions") if row["customer_id"] == "C03"]
    predictions = [row | {"customer_id": who, "p_alive": chance} for who, chance in late.items() for row in rows]
    shop.land("outputs.predictions", predictions)
    shop.build(horizon_days=180)

    signs = {row["sign"]: row["n_customers"] for row in shop.table("marts.signs")}
    advice = {row["kind"]: row["n_customers"] for row in shop.ask("summary/recommendations")}

    assert (signs["overdue"], advice["remind_overdue"]) == (1, 1)


@pytest.mark.parametrize(("channel", "expected"), [("web", ["web"]), (None, [])], ids=["named", "not named"])
def test_only_a_channel_that_has_a_name_is_to_be_looked_at(new_shop, channel, expected):
    days = [("2023-09-01", 5.0), ("2023-12-01", 90.0), ("2024-04-01", 10.0)]
    rows = [
        {"customer_id": "C1", "order_id": day, "order_ts": f"{day} 10:00:00", "amount": amount, "channel": channel}
        for day, amount in days
    ]
    shop = new_shop()
    shop.land("landing.transactions", rows)
    shop.build()

    advice = [row for row in shop.ask("summary/recommendations") if row["kind"] == "falling_channel"]

    assert [row["subject"] for row in advice] == expected


def test_recommendations_carry_their_money(shop):
    rows = {row["kind"]: row for row in shop.ask("summary/recommendations")}

    assert (rows["win_back"]["subject"], rows["win_back"]["n_customers"], rows["win_back"]["money"]) == (
        "At risk",
        1,
        45,
    )
    assert rows["win_back"]["link"] == "/customers?segment=At+risk"
    assert all(row["money"] > 0 for row in rows.values())


@pytest.fixture
def quarantined(new_shop):
    shop = new_shop()
    shop.land(
        "landing.quarantine",
        [
            {
                "source": "transactions",
                "file_name": "a.csv",
                "line_no": 7,
                "raw_text": "C1;x",
                "reasons": "bad_amount;bad_date",
            },
            {
                "source": "transactions",
                "file_name": "a.csv",
                "line_no": 9,
                "raw_text": "C2",
                "reasons": "bad_date",
                "amount": -4,
            },
            {
                "source": "transactions",
                "file_name": "a.csv",
                "line_no": 11,
                "raw_text": "C3",
                "reasons": "date",
                "amount": 6,
            },
        ],
    )
    return shop


def test_a_row_counts_under_each_of_its_reasons(quarantined):
    found = {
        row["reason"]: (row["n_rows"], row["n_rows_only_this"], row["amount"], row["absolute_amount"])
        for row in quarantined.ask("data/reasons")
    }

    assert found == {"bad_date": (2, 1, -4, 4), "bad_amount": (1, 0, 0, 0), "date": (1, 1, 6, 6)}


def test_an_absurd_amount_is_counted_and_in_no_sum(new_shop):
    shop = new_shop()
    file = {"source": "transactions", "file_name": "a.csv"}
    rows = [("absurd_amount", "1e300"), ("absurd_amount;bad_date", "-7e12"), ("bad_date", "-4"), ("no_customer", "6.5")]
    shop.land(
        "landing.quarantine",
        [
            file | {"line_no": line, "raw_text": "x", "reasons": reasons, "amount": amount}
            for line, (reasons, amount) in enumerate(rows)
        ],
    )
    shop.con.execute("update landing.files set source = 'transactions', n_quarantined = 4, n_accepted = 0")

    (source,), (of_file,) = shop.ask("data/totals"), shop.ask("data/files")
    reasons = {row["reason"]: row["absolute_amount"] for row in shop.ask("data/reasons")}

    assert (source["amount_quarantined"], source["n_absurd"], source["n_unaccounted"]) == (2.5, 2, 0)
    assert (of_file["amount_quarantined"], of_file["n_absurd"]) == (2.5, 2)
    assert reasons == {"absurd_amount": 0, "bad_date": 4, "no_customer": 6.5}
    by_file = {row["reason"]: (row["n_rows"], row["amount"]) for row in shop.ask("data/file_reasons")}
    assert by_file == {"absurd_amount": (2, 0), "bad_date": (2, -4), "no_customer": (1, 6.5)}
    (advice,) = shop.build().ask("summary/recommendations")
    assert (advice["kind"], advice["money"]) == ("repair_data", 2.5)


def test_samples_are_chosen_by_the_whole_reason(quarantined):
    def lines(reason):
        rows = quarantined.ask("data/samples", source=None, file_id=None, reason=reason, max_rows=10)
        return [row["raw_text"] for row in rows]

    assert lines("bad_date") == ["C1;x", "C2"]
    assert lines("date") == ["C3"]
    assert lines(None) == ["C1;x", "C2", "C3"]


def test_the_account_of_each_file_leaves_nothing_over(shop):
    rows = shop.ask("data/files")

    assert {row["n_unaccounted"] for row in rows} == {0}
    assert {row["source"]: row["n_accepted"] for row in rows} == {"transactions": 28, "customers": 6, "campaigns": 3}


ONE_ROW_WHEN_EMPTY = {
    "customers/alive": 1,
    "customers/totals": 1,
    "data/headline": 1,
    "data/kinds": 1,
    "overview/period": 1,
    "summary/headline": 1,
    "overview/headline": 7,
    "segments/rules": 10,
}


def test_every_query_answers_an_empty_shop(new_shop, sql_files):
    shop = new_shop(as_of=date(1970, 1, 1)).build()

    for name in mine(sql_files):
        if set(sql_files[name].params) <= set(SOME) | set(shop.parameters):
            assert len(shop.ask(name, **SOME)) == ONE_ROW_WHEN_EMPTY.get(name, 0), name


@pytest.mark.parametrize(
    "line",
    [
        {"customer_id": "C01", "order_id": "o101", "order_ts": "2024-03-05 10:00:00", "amount": 9},
        {"customer_id": "C01", "order_id": "o101", "order_ts": "2024-03-05 10:00:00", "amount": 0},
        {"customer_id": "C01", "order_id": "o101", "order_ts": "2024-03-05 10:00:00", "amount": -9, "is_return": True},
    ],
    ids=["one order", "one order of zero", "one return"],
)
def test_every_query_answers_a_shop_with_one_line(new_shop, sql_files, line):
    shop = new_shop()
    shop.land("landing.transactions", [line])
    shop.build()

    for name in mine(sql_files):
        if set(sql_files[name].params) <= set(SOME) | set(shop.parameters):
            shop.ask(name, **SOME)
    assert len(shop.table("marts.customers")) == 1
    for name, file in sql_files.items():
        if file.folder == "checks":
            assert shop.ask(name) == [], name


@pytest.fixture(scope="module")
def rescored(new_shop, tiny):
    """Scored on 1 April by v1 and on 11 April by v2; C01 was asked of v1 again, and C03 was not there before."""
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    now = [row | {"model_version": "v2"} for row in tiny("predictions")]
    shop.land("outputs.predictions", now)
    before = {"as_of": "2024-04-01", "horizon_days": 180, "model_version": "v1"}
    shop.land(
        "outputs.predictions_before",
        [
            before | {"customer_id": "C01", "expected_revenue": 170.0, "expected_revenue_rescored": 140.0},
            before | {"customer_id": "C02", "expected_revenue": 8.0, "expected_revenue_rescored": 6.5},
            before | {"customer_id": "C10", "expected_revenue": 5.005, "expected_revenue_rescored": None},
        ],
    )
    return shop.build(horizon_days=180)


def test_the_bridge_leads_from_then_to_now_to_the_cent(rescored):
    """Opening 170 + 8 + 5.005. Since then C01 spent 60. New: C03, 20. v2 instead of v1: C01 150 − 140, C02 5 − 6.5.
    Closing 150 + 5 + 20 + 5; behaviour is the rest: 180 − 183.01 + 60 − 20 − 8.5.
    """
    steps = {row["step"]: row["money"] for row in rescored.ask("summary/bridge", horizon_days=180)}

    assert steps == pytest.approx(
        {
            "opening": 183.0,
            "realised": -60,
            "new_customers": 20,
            "behaviour_change": 28.5,
            "model_change": 8.5,
            "closing": 180,
        },
        abs=0.011,
    )
    assert round(sum(money for step, money in steps.items() if step != "closing"), 2) == steps["closing"]


def test_each_step_of_the_bridge_has_exactly_its_customers(rescored):
    # Then C01, C02, C10; since then C01 bought; C03 is new; v2 differs from v1 on C01 and C02; v1 was not asked of C10.
    steps = {row["step"]: row["n_customers"] for row in rescored.ask("summary/bridge", horizon_days=180)}
    behind = {
        step: [
            row["customer_id"] for row in rescored.ask("summary/customers_in", horizon_days=180, step=step, month=None)
        ]
        for step in steps
    }

    assert {step: sorted(ids) for step, ids in behind.items()} == {
        "opening": ["C01", "C02", "C10"],
        "realised": ["C01"],
        "new_customers": ["C03"],
        "behaviour_change": ["C01", "C02", "C10"],
        "model_change": ["C01", "C02"],
        "closing": ["C01", "C02", "C03", "C10"],
    }
    assert {step: len(ids) for step, ids in behind.items()} == steps


def test_there_is_no_bridge_before_the_second_scoring(shop):
    assert shop.ask("summary/bridge", horizon_days=180) == []


def test_a_customers_change_is_data_effect_plus_model_effect(rescored):
    (row,) = rescored.ask("customer/change", customer_id="C01", customer_bucket=bucket_of(rescored, "C01"))

    assert (row["change"], row["data_effect"], row["model_effect"]) == (-20, -30, 10)
    assert (row["n_orders_since"], row["revenue_since"]) == (1, 60)
    bucket = bucket_of(rescored, "C03")
    assert rescored.ask("customer/change", customer_id="C03", customer_bucket=bucket) == []
