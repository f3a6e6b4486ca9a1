"""RFM of the tiny shop, by hand. Eleven customers have bought, so a score is floor(place / 2) + 1, at most 5, where
place counts the customers who are strictly worse.

| customer | days since | place | R | orders | place | F | money | place | M | segment            |
|----------|-----------:|------:|--:|-------:|------:|--:|------:|------:|--:|--------------------|
| C01      |          6 |     8 | 5 |      4 |    10 | 5 |   200 |    10 | 5 | Champions          |
| C02      |         82 |     1 | 1 |      1 |     0 | 1 |     0 |     0 | 1 | Hibernating        |
| C03      |         43 |     3 | 2 |      3 |     8 | 5 |    45 |     5 | 3 | At risk            |
| C05      |         32 |     5 | 3 |      2 |     5 | 3 |    30 |     3 | 2 | Potential loyalist |
| C06      |         37 |     4 | 3 |      2 |     5 | 3 |    12 |     1 | 1 | Potential loyalist |
| C07      |         27 |     6 | 4 |      1 |     0 | 1 |    50 |     7 | 4 | New                |
| C08      |          9 |     7 | 4 |      2 |     5 | 3 |    70 |     9 | 5 | Big spenders       |
| C09      |         70 |     2 | 2 |      1 |     0 | 1 |    50 |     7 | 4 | About to sleep     |
| C10      |         97 |     0 | 1 |      1 |     0 | 1 |    25 |     2 | 2 | Hibernating        |
| C11      |          1 |    10 | 5 |      1 |     0 | 1 |    45 |     5 | 3 | New                |
| C12      |          2 |     9 | 5 |      3 |     8 | 5 |    30 |     3 | 2 | Loyal              |

C04 has only returned: no scores, "No purchase".
"""

from datetime import date, timedelta

import pytest

BY_HAND = {
    "C01": (6, 4, 200, "555", "Champions"),
    "C02": (82, 1, 0, "111", "Hibernating"),
    "C03": (43, 3, 45, "253", "At risk"),
    "C05": (32, 2, 30, "332", "Potential loyalist"),
    "C06": (37, 2, 12, "331", "Potential loyalist"),
    "C07": (27, 1, 50, "414", "New"),
    "C08": (9, 2, 70, "435", "Big spenders"),
    "C09": (70, 1, 50, "214", "About to sleep"),
    "C10": (97, 1, 25, "112", "Hibernating"),
    "C11": (1, 1, 45, "513", "New"),
    "C12": (2, 3, 30, "552", "Loyal"),
}


def test_scores_and_segments_are_those_worked_out_by_hand(shop):
    found = {
        row["customer_id"]: (row["recency_days"], row["frequency"], row["monetary"], row["rfm_score"], row["segment"])
        for row in shop.table("features.customer_rfm")
    }

    assert found == BY_HAND


def test_the_edges_cover_each_customer_once(shop):
    edges = shop.ask("segments/edges")

    assert [sum(row["n_customers"] for row in edges if row["dimension"] == kind) for kind in "rfm"] == [11, 11, 11]
    assert [
        (row["score"], row["min_value"], row["max_value"], row["n_customers"])
        for row in edges
        if row["dimension"] == "f"
    ] == [(5, 3, 4, 3), (3, 2, 2, 3), (1, 1, 1, 5)]
    assert [(row["score"], row["min_value"], row["max_value"]) for row in edges if row["dimension"] == "r"] == [
        (5, 1, 6), (4, 9, 27), (3, 32, 37), (2, 43, 70), (1, 82, 97),
    ]  # fmt: skip


def test_a_window_counts_only_its_days_for_f_and_m(shop, new_shop, tiny):
    recent = new_shop()
    recent.land("landing.transactions", tiny("transactions"))
    recent.build(rfm_window_days=30)  # 12 March to 10 April

    found = {row["customer_id"]: (row["frequency"], row["monetary"]) for row in recent.table("features.customer_rfm")}

    assert found == {
        "C01": (2, 110), "C02": (0, 0), "C03": (0, 0), "C05": (0, 0), "C06": (0, 0), "C07": (1, 50),
        "C08": (1, 20), "C09": (0, 0), "C10": (0, 0), "C11": (1, 45), "C12": (2, 20),
    }  # fmt: skip


def days_ago(recency, orders, money, customer, as_of=date(2024, 4, 11)):
    day = as_of - timedelta(days=recency)
    return [
        {
            "customer_id": customer,
            "order_id": f"{customer}-{i}",
            "order_ts": f"{day} 10:00:00",
            "amount": money / orders,
        }
        for i in range(orders)
    ]


def test_ties_share_the_low_end_of_all_three_scores(new_shop):
    """Nine equal customers, one better in everything: the nine are 1, also in R."""
    shop = new_shop()
    rows = [line for i in range(9) for line in days_ago(50, 1, 10, f"A{i}")]
    shop.land("landing.transactions", rows + days_ago(5, 3, 90, "B"))
    shop.build()

    scores = {row["customer_id"]: row["rfm_score"] for row in shop.table("features.customer_rfm")}

    assert scores.pop("B") == "555"
    assert set(scores.values()) == {"111"}


def test_among_equals_and_one_worse_the_equals_are_just_above_the_bottom(new_shop):
    """Place of the nine is 1 of 9: floor(5 · 1/9) + 1 = 1; ties never take the high end."""
    shop = new_shop()
    rows = [line for i in range(9) for line in days_ago(5, 2, 20, f"A{i}")]
    shop.land("landing.transactions", rows + days_ago(50, 1, 1, "B"))
    shop.build()

    assert {row["rfm_score"] for row in shop.table("features.customer_rfm")} == {"111"}


def test_one_customer_alone_gets_the_lowest_scores(new_shop):
    shop = new_shop()
    shop.land("landing.transactions", days_ago(5, 3, 90, "A"))
    shop.build()

    (row,) = shop.table("features.customer_rfm")

    assert (row["rfm_score"], row["segment"]) == ("111", "Hibernating")


def segment(r, f, m, is_new):
    """The rules of docs/definitions.md, written a second time."""
    if r >= 4 and f >= 4 and m >= 4:
        return "Champions"
    if r >= 3 and f >= 4:
        return "Loyal"
    if m == 5 and f <= 3 and r >= 3:
        return "Big spenders"
    if r >= 4 and f == 1 and is_new:
        return "New"
    if r >= 3 and f <= 2:
        return "Promising"
    if r >= 3 and f == 3:
        return "Potential loyalist"
    if r <= 2 and f >= 4 and m >= 4:
        return "Cannot lose"
    if r <= 2 and f >= 3:
        return "At risk"
    if r == 2 and f <= 2:
        return "About to sleep"
    return "Hibernating"


def test_the_rules_name_every_combination_of_scores_as_written(shop):
    rules = shop.table("features.segment_rules")
    scores = range(1, 6)

    for r, f, m, is_new in [(r, f, m, new) for r in scores for f in scores for m in scores for new in (True, False)]:
        first = next(
            rule["segment"]
            for rule in rules
            if rule["r_min"] <= r <= rule["r_max"]
            and rule["f_min"] <= f <= rule["f_max"]
            and rule["m_min"] <= m <= rule["m_max"]
            and (rule["max_age_days"] is None or is_new)
        )
        assert first == segment(r, f, m, is_new), (r, f, m, is_new)


@pytest.mark.parametrize(("age_days", "expected"), [(60, "New"), (61, "Promising")])
def test_new_ends_after_sixty_days(new_shop, age_days, expected):
    """One customer ordered *age_days* ago; four others longer ago, more often and for more, so that R is 5 and F 1."""
    shop = new_shop()
    rows = [line for i in range(8) for line in days_ago(100 + i, 2, 500, f"A{i}")]
    shop.land("landing.transactions", rows + days_ago(age_days, 1, 10, "B"))
    shop.build()

    assert {row["customer_id"]: row["segment"] for row in shop.table("features.customer_rfm")}["B"] == expected


def test_scores_of_before_are_those_of_a_shop_that_knows_no_more(new_shop, tiny):
    shop, past = new_shop(), new_shop(as_of=date(2024, 3, 12))
    for one in (shop, past):
        one.land("landing.transactions", tiny("transactions"))
        one.build()

    assert shop.table("features.customer_rfm_before") == past.table("features.customer_rfm")


def own_rule(priority, segment, **bounds):
    low_high = {f"{score}_{side}": value for score in "rfm" for side, value in (("min", 1), ("max", 5))}
    return {"priority": priority, "segment": segment, "max_age_days": None, "description": "", **low_high, **bounds}


ODD = "A \"quoted\" <b>naïve</b>, 'näme'; 名"


def test_own_rules_replace_those_of_the_house(new_shop, tiny):
    """Two limits on the age of the first order beside each other; the scores are those of the table above."""
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.land(
        "settings.segment_rules",
        [
            own_rule(1, "Just came", max_age_days=10),
            own_rule(2, ODD, max_age_days=45),
            own_rule(3, "Around", r_min=3),
            own_rule(4, "Rest"),
        ],
    )
    shop.build()

    found = {}
    for row in shop.table("features.customer_rfm"):
        found.setdefault(row["segment"], []).append(row["customer_id"])
    ages = {row["customer_id"]: row["tenure_days"] for row in shop.table("marts.customers") if row["r"]}

    assert found["Just came"] == [name for name, age in ages.items() if age <= 10]
    assert found[ODD] == [name for name, age in ages.items() if 10 < age <= 45]
    assert found["Around"] == [name for name, row in BY_HAND.items() if row[3][0] >= "3" and ages[name] > 45]
    assert found["Rest"] == [name for name, row in BY_HAND.items() if row[3][0] < "3" and ages[name] > 45]
    assert shop.ask("checks/segment_rules_leave_no_gap") == []
    assert shop.ask("checks/customers_have_one_segment") == []
    assert [row["segment"] for row in shop.ask("segments/summary")] == [
        "Just came",
        ODD,
        "Around",
        "Rest",
        "No purchase",
    ]


def test_where_no_own_rule_fits_the_segment_is_other(new_shop, tiny):
    shop = new_shop()
    shop.land("landing.transactions", tiny("transactions"))
    shop.land("settings.segment_rules", [own_rule(1, "Best", r_min=5)])
    shop.build()

    assert {row["segment"] for row in shop.table("features.customer_rfm")} == {"Best", "Other"}
    assert len(shop.ask("checks/segment_rules_leave_no_gap")) == 8  # all but C01, C11 and C12


def test_a_rule_says_what_its_customers_are_whatever_its_name(shop):
    assert {row["segment"]: row["standing"] for row in shop.table("features.segment_rules")} == {
        "Champions": "best",
        "Loyal": "good",
        "Big spenders": "good",
        "New": "recent",
        "Promising": "recent",
        "Potential loyalist": "recent",
        "Cannot lose": "best, silent",
        "At risk": "regular, silent",
        "About to sleep": "silent",
        "Hibernating": "gone",
    }
