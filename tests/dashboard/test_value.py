"""Who will be worth what: the page, its numbers, and the customers that its bars lead to."""

from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard import customer_list, data, expected
from dashboard.charts import value as charts

# Four customers of the tiny shop have predictions over 180 days; C01 has 150, of which 60 is margin.
REVENUE = {"horizon_days": 180, "measure": "revenue", "is_discounted": False}


@pytest.fixture
def page(client):
    """The page as it opens."""
    return client.page("/value")


def test_four_headline_numbers_come_first(page, walk, words_of):
    shown = [words_of(node) for node in walk(page) if node["props"].get("className") == "kpi-name"]

    assert shown == [
        "Total expected revenue",
        "Mean expected revenue",
        "Median expected revenue",
        "Share of the best 5%",
    ]


def test_every_card_and_number_shows_its_sql(page, walk):
    panels = [node for node in walk(page) if "panel" in str(node["props"].get("className", "")).split()]

    assert len(panels) >= 12
    for panel in panels:
        assert any("sql-button" in str(node["props"].get("className")) for node in walk(panel))


def test_the_headline_adds_up_the_predictions(context):
    row = data.door("").ask("value/headline", **REVENUE).row
    predicted = data.door("").ask("value/top", max_rows=100, **REVENUE).frame["expected_value"]

    assert row.total == pytest.approx(predicted.sum())
    assert row.mean_value == pytest.approx(predicted.mean())
    assert row.median_value == pytest.approx(predicted.median())
    assert row.top5_share == pytest.approx(predicted.max() / predicted.sum())  # one of four customers


def test_parts_add_up_to_the_total(context):
    door = data.door("")
    total = door.ask("value/headline", **REVENUE).row.total

    by_dimension = door.ask("value/by_group", **REVENUE).frame.groupby("dimension")[["total", "value_share"]].sum()
    for dimension in ("segment", "channel", "cohort_month"):
        assert tuple(by_dimension.loc[dimension]) == pytest.approx((total, 1.0))
    assert door.ask("value/distribution", **REVENUE).frame["total"].sum() == pytest.approx(total)
    assert door.ask("value/concentration", **REVENUE).frame["value_share"].iloc[-1] == pytest.approx(1)
    horizons = door.ask("value/horizons", measure="revenue", is_discounted=False).frame.set_index("horizon_days")
    assert horizons.loc[180, "total"] == pytest.approx(total)


def test_margin_is_the_margin_that_was_predicted(context):
    predicted = data.door("").ask("value/top", max_rows=100, **{**REVENUE, "measure": "margin"}).frame

    assert predicted.set_index("customer_id").loc["C01", "expected_value"] == pytest.approx(60)


def test_without_judged_totals_there_is_no_interval(page, words_of, context):
    assert data.door("").ask("value/headline", **REVENUE).row.total_lo is None
    assert "past totals have not been judged yet" in words_of(page)


def test_a_bar_leads_to_as_many_customers_as_it_counts(context):
    door = data.door("")

    bars = door.ask("value/by_group", **REVENUE).rows
    assert {bar.dimension for bar in bars} >= {"segment", "channel", "cohort_month"}
    for bar in bars:
        search = urlsplit(door.href("/customers", **{bar.dimension: bar.member})).query
        assert customer_list.grid_of(door.site.warehouse).count(customer_list.wanted(search)) == bar.n_customers


def test_bars_are_links_to_the_customer_list(page, walk):
    links = [
        urlsplit(node["props"]["href"])
        for node in walk(page)
        if node["type"] == "Link" and "rank" in str(node["props"].get("className", "")).split()
    ]

    assert {next(iter(parse_qs(link.query))) for link in links if link.path == "/customers"} >= {
        "segment",
        "channel",
        "cohort_month",
    }


def test_the_most_valuable_lead_to_their_page(page, walk):
    links = [node["props"]["href"] for node in walk(page) if node["props"].get("className") == "customer"]

    assert links[0] == "/customers/C01"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({}, "Expected revenue, next 180 days, undiscounted"),
        ({"horizon": "30"}, "Expected revenue, next 30 days, undiscounted"),
        ({"horizon": "77", "measure": "gold", "basis": "x"}, "Expected revenue, next 180 days, undiscounted"),
        ({"measure": "margin", "basis": "discounted"}, "Expected margin, next 180 days, discounted"),
        ({"horizon": "-1"}, "Expected revenue, next 180 days, undiscounted"),
    ],
    ids=["default", "horizon", "rubbish", "both switches", "negative"],
)
def test_the_url_says_which_value_is_shown(query, name):
    assert expected.chosen(query, [30, 180], 180).unit == name


def test_the_default_is_the_longest_horizon_where_the_primary_is_not_predicted():
    assert expected.chosen({}, [30, 90], 180).horizon_days == 90


def test_an_interval_that_reaches_zero_stays_on_the_logarithmic_scale(context):
    door = data.door("")
    figure = charts.intervals(door.ask("value/intervals", **REVENUE).frame, door.words)

    assert min(figure.data[0].base) > 0


def test_a_step_with_nobody_in_it_has_no_interval(context):
    door = data.door("")
    frame = door.ask("value/distribution", **REVENUE).frame
    said = charts.distribution(frame, door.words).data[0].customdata

    assert ["interval" in words for words in said] == [bool(n) for n in frame["value_lo"].notna()]
    assert not any("– – –" in words for words in said)


def test_steps_of_the_distribution_are_contiguous(context):
    frame = data.door("").ask("value/distribution", **REVENUE).frame

    assert frame["value_to"].iloc[:-1].tolist() == pytest.approx(frame["value_from"].iloc[1:].tolist())
    assert frame["n_customers"].sum() == 4


@pytest.mark.parametrize(
    ("chosen", "customers"),
    [
        # 5, 5, 20 and 150, a quarter of all each; their middles are 1, 1, 2.5 and 3.5 of 4: tenths 3, 3, 7 and 9
        ({}, {"C01", "C02", "C03", "C10"}),
        ({"value_from": 10.0, "value_to": 20.0}, set()),
        ({"value_from": 20.0, "value_to": 50.0}, {"C03"}),
        ({"value_to": 20.0}, {"C02", "C10"}),
        ({"decile": 9}, {"C01"}),
        ({"decile": 3}, {"C02", "C10"}),
        ({"best_percent": 50}, {"C01", "C03"}),
        ({"measure": "margin", "value_from": 60.0}, {"C01"}),
    ],
)
def test_the_customers_behind_a_part_of_the_value(context, chosen, customers):
    free = dict.fromkeys(("value_from", "value_to", "decile", "best_percent"))

    frame = data.door("").ask("value/customers_in", **(REVENUE | free | chosen)).frame

    assert set(frame["customer_id"]) == customers


@pytest.mark.parametrize("search", ["", "?measure=margin", "?horizon=30"])
def test_marks_of_charts_open_as_many_customers_as_they_say(app, client, walk, search):
    links = {
        node["props"]["href"]: node["props"]["children"]
        for node in walk(client.page("/value", search))
        if "value%2Fcustomers_in" in str(node["props"].get("href"))
    }

    assert len(links) >= 2
    with app.server.test_request_context("/"):
        for href, said in links.items():
            asked = customer_list.wanted(urlsplit(href).query)
            n_customers = customer_list.grid_of(data.door("").site.warehouse).count(asked)
            assert said.endswith((f": {n_customers} customers", f": {n_customers} customer")), said
