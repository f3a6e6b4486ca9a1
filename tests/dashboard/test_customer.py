"""The page of one customer, for ordinary and for odd customers."""

import csv
import sys
from datetime import date
from types import SimpleNamespace
from urllib.parse import quote

import pandas as pd
import pytest

from dashboard import data
from dashboard.app import create_app
from dashboard.charts.customer import customer_timeline
from dashboard.format import Format
from warehouse import outputs
from warehouse.build import build
from warehouse.ingest import land

from ..conftest import AS_OF
from .conftest import Client


def kpis_of(page, walk, words_of) -> dict[str, str]:
    """Label → value of the headline numbers."""
    found = {}
    for node in walk(page):
        if "kpi" in str(node["props"].get("className", "")).split():
            parts = {part["props"].get("className"): words_of(part) for part in walk(node)}
            found[parts["kpi-name"]] = parts["kpi-value"]
    return found


def test_headline_numbers_are_the_customers(client, walk, words_of):
    shown = kpis_of(client.whole("/customers/C01"), walk, words_of)

    # C01 bought for 50 + 40 + 50 + 60 and is expected to spend 150 in the next 180 days.
    assert shown["Revenue to date"] == "£200"
    assert shown["Expected revenue, next 180 days"] == "£150"
    assert shown["P(alive)"] == "95%"
    assert shown["Orders"] == "4"


def test_the_interval_and_the_percentile_stand_beside_the_forecast(client, words_of):
    words = words_of(client.whole("/customers/C01"))

    assert "80%: £60.00 – £300" in words
    assert "percentile 100 of 100" in words


def test_every_card_shows_its_sql(client, walk):
    panels = [
        node
        for node in walk(client.whole("/customers/C01"))
        if "panel" in str(node["props"].get("className", "")).split()
    ]

    assert len(panels) >= 15
    for panel in panels:
        assert any("sql-button" in str(node["props"].get("className", "")) for node in walk(panel))


def test_all_lines_are_in_the_transactions(client, walk):
    grid = next(node for node in walk(client.whole("/customers/C01")) if node["props"].get("id") == "customer-lines")

    assert sum(row["amount"] for row in grid["props"]["rowData"]) == 200
    assert len(grid["props"]["rowData"]) == 5


@pytest.mark.parametrize("number", range(1, 13))
def test_no_customer_breaks_the_page(client, words_of, number):
    words = words_of(client.whole(f"/customers/C{number:02d}"))

    assert "This could not be shown" not in words
    assert "Transactions" in words


def test_who_only_returned_has_no_scores(client, words_of):
    assert "Only returns are known" in words_of(client.whole("/customers/C04"))


def test_who_never_bought_is_not_said_to_lack_orders_by_dashes(client, walk, words_of):
    said = [
        words_of(node) for node in walk(client.page("/customers/C04")) if node["props"].get("className") == "kpi-note"
    ]

    assert said.count("no purchase yet") >= 2
    assert not any("–" in note for note in said)


@pytest.mark.parametrize(
    ("next_order_from", "p_alive", "is_awaited"),
    [
        (date(2024, 5, 1), 0.9, True),
        (date(2024, 5, 1), 0.2, False),
        (None, 0.9, False),
        (date(2024, 5, 1), None, False),
    ],
)
def test_a_next_order_is_awaited_of_who_is_probably_still_there(app, next_order_from, p_alive, is_awaited):
    who = SimpleNamespace(next_order_from=next_order_from, p_alive=p_alive)

    assert sys.modules["dashboard.pages.customer"]._is_awaited(who) == is_awaited


def test_without_a_prediction_the_page_says_so(client, walk, words_of):
    page = client.whole("/customers/C11")

    assert kpis_of(page, walk, words_of)["Expected revenue, next 180 days"] == "–"
    assert "Not trained yet" in words_of(page)


def test_reasons_are_shown_only_where_there_are_some(client, words_of):
    assert "No reasons for this customer" in words_of(client.whole("/customers/C01"))


@pytest.mark.parametrize("odd", ["00C01", "C1", "a/b", 'x"y', "<b>1</b>", "C01 ", "ünï", "100%41", "' or 1=1 --"])
def test_an_unknown_id_is_said_to_be_unknown(client, words_of, odd):
    words = words_of(client.whole(f"/customers/{quote(odd, safe='')}"))

    assert "No such customer" in words
    assert odd in words


def test_who_is_not_in_an_older_build_is_looked_for_in_the_latest(client, context, walk, words_of):
    build_id = data.door("").handle.id
    page = client.page("/customers/nobody", f"?build={build_id}")

    assert "No such customer" in words_of(page)
    assert "/customers/nobody" in [node["props"].get("href") for node in walk(page)]


@pytest.mark.parametrize("odd", ["007", "a/b", 'x"y', "ü & ?#", "100%41"])
def test_links_to_customers_survive_odd_ids(context, odd):
    href = data.door("").customer_href(odd)

    assert href == f"/customers/{quote(odd, safe='')}"
    assert "/" not in href.removeprefix("/customers/")


def test_campaigns_are_shown_with_those_held_out(client, words_of):
    assert "Held out" in words_of(client.whole("/customers/C12"))
    assert "Treated" in words_of(client.whole("/customers/C05"))


def timeline(**more):
    frame = pd.DataFrame(
        {
            "order_date": pd.to_datetime(["2024-01-20", "2024-03-02"]),
            "gross_amount": [100.0, 0.0],
            "return_amount": [0.0, -100.0],
        }
    )
    return customer_timeline(frame, Format("GBP", "en_GB"), as_of=date(2024, 4, 11), **more)


def test_orders_rise_and_returns_fall():
    orders, returns = timeline().data

    assert (list(orders.y), list(returns.y)) == ([100.0], [-100.0])


def test_the_next_order_is_a_band_only_when_it_is_predicted():
    predicted = timeline(next_order_from=date(2024, 5, 1), next_order_to=date(2024, 6, 1))

    assert [shape.type for shape in timeline().layout.shapes] == ["line"]
    assert sorted(shape.type for shape in predicted.layout.shapes) == ["line", "rect"]


def test_a_long_time_has_beginnings_of_months_on_its_axis():
    # 20 January 2024 to 1 March 2025 has fourteen beginnings: every fourth is shown
    axis = timeline(next_order_from=date(2025, 2, 1), next_order_to=date(2025, 3, 1)).layout.xaxis

    assert [pd.Timestamp(tick).date() for tick in axis.tickvals] == [
        date(2024, 2, 1),
        date(2024, 6, 1),
        date(2024, 10, 1),
        date(2025, 2, 1),
    ]
    assert list(axis.ticktext) == ["Feb 2024", "Jun 2024", "Oct 2024", "Feb 2025"]


def test_a_time_of_one_day_has_days_that_can_be_told_apart_on_its_axis():
    frame = pd.DataFrame({"order_date": pd.to_datetime(["2024-04-10"]), "gross_amount": [25.0], "return_amount": [0.0]})

    axis = customer_timeline(frame, Format("GBP", "en_GB"), as_of=date(2024, 4, 11)).layout.xaxis

    assert list(axis.ticktext) == ["18 Mar", "24 Mar", "30 Mar", "05 Apr"]


ODD = {
    "007": "25.00",
    "7": "30.00",
    "a/b?c#d": "10.00",
    "<i>'x'</i>": "12.50",
    "=1+1": "8.00",
    "ünï côdé": "5.00",
    "gone": "-4.00",
}
"""Customer → the amount of the one line that they have."""


@pytest.fixture(scope="module")
def odd_app(new_shop, tmp_path_factory):
    """A shop of customers with one line each, odd ids, and no model."""
    settings = new_shop(tmp_path_factory.mktemp("odd") / "data")
    settings.paths.raw.mkdir(parents=True)
    with (settings.paths.raw / "transactions.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["customer_id", "order_id", "order_ts", "amount"])
        for number, (name, amount) in enumerate(ODD.items()):
            lines.writerow([name, f"o{number}", f"2024-03-{number + 1:02d} 10:00:00", amount])
    with (settings.paths.raw / "customers.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["customer_id", "name"], ["007", '<script>alert("x")</script>']])
    land(settings, today=date(2024, 4, 11))
    build(settings)
    app = create_app(settings)
    yield app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def odd_shop(odd_app, client):
    """A browser at that shop."""
    return type(client)(odd_app)


@pytest.mark.parametrize("name", list(ODD))
def test_a_customer_of_one_line_and_any_id_has_a_page(odd_shop, walk, words_of, name):
    page = odd_shop.whole(f"/customers/{quote(name, safe='')}")

    grid = next(node for node in walk(page) if node["props"].get("id") == "customer-lines")
    assert [row["amount"] for row in grid["props"]["rowData"]] == [float(ODD[name])]
    assert "This could not be shown" not in words_of(page)
    assert "Not trained yet" in words_of(page)


def test_a_name_with_angle_brackets_is_a_text(odd_shop, words_of):
    assert '<script>alert("x")</script>' in words_of(odd_shop.whole("/customers/007"))


def test_without_a_model_the_list_shows_what_was_bought(odd_shop, walk, words_of):
    page = odd_shop.page("/customers")
    columns = next(node for node in walk(page) if node["props"].get("id") == "customers-grid")["props"]["columnDefs"]

    assert "Not trained yet" in words_of(page)
    assert "7 customers" in words_of(page)
    assert {column["field"] for column in columns if "sort" in column} == {"revenue"}
    assert all(column["hide"] for column in columns if column["field"].startswith("expected_"))


def test_a_shop_that_names_no_channel_is_not_offered_any(odd_shop, walk):
    page = odd_shop.page("/customers")
    nodes = list(walk(page))
    columns = next(node for node in nodes if node["props"].get("id") == "customers-grid")["props"]["columnDefs"]
    facets = [node["props"] for node in nodes if node["props"].get("className") == "grid-facet"]

    assert {"channel", "country", "category"} <= {column["field"] for column in columns if column["hide"]}
    assert [bool(facet.get("hidden")) for facet in facets] == [False, True, True]


@pytest.fixture(scope="module")
def explained(tiny_shop, tmp_path_factory):
    """The tiny shop, scored twice, with reasons of C01: 150 = 90 + 80.25 − 30.5 + 7.25 + 3."""
    settings = tiny_shop(tmp_path_factory.mktemp("explained") / "data")
    reasons = [
        ("baseline", None, 90.0),
        ("revenue_1h", 60.0, 80.25),
        ("recency_days", 12.0, -30.5),
        ("shop_level", None, 7.25),
        ("rest", None, 3.0),
    ]
    frame = pd.DataFrame(
        [("C01", 180, feature, value, money, rank) for rank, (feature, value, money) in enumerate(reasons)],
        columns=list(outputs.TABLES["contributions"]),
    )
    outputs.write(settings.paths.outputs, "contributions", frame)
    # C01: 120 before, 130.004 by the old model on the new data, 150 now; C03's old model is gone
    before = pd.DataFrame(
        [("C01", 180, 120.0, 130.004), ("C03", 180, 30.0, None)],
        columns=["customer_id", "horizon_days", "expected_revenue", "expected_revenue_rescored"],
    ).assign(as_of=date(2024, 3, 1), model_version="v0")
    outputs.write(settings.paths.outputs, "predictions_before", before)
    build(settings, as_of=AS_OF)
    app = create_app(settings)
    yield Client(app)
    app.server.extensions["retain"].warehouse.close()


def test_reasons_stand_in_words_and_money_and_add_up(explained, walk, words_of):
    bars = bars_of(explained.whole("/customers/C01"), "Why", walk, words_of)

    assert [text for _, text in bars] == [
        "£90.00", "+£80.25 £60.00", "−£30.50 12 days", "+£7.25", "+£3.00", "£150.00",
    ]  # fmt: skip
    assert bars[1][0] == "Revenue in the last period"
    said = " ".join(words_of(explained.page("/customers/C01", "?part=why")).split())
    assert "Raised most by revenue in the last period (£60.00): +£80.25" in said
    assert "lowered most by days since the last purchase (12 days): −£30.50" in said


def test_the_strongest_reasons_stand_above_the_parts_of_the_page(explained, walk, words_of):
    (line,) = [node for node in walk(explained.page("/customers/C01")) if node["props"].get("className") == "insight"]
    links = [node["props"]["href"] for node in walk(line) if node["type"] == "Link"]

    said = " ".join(words_of(line).split())
    assert said.startswith("Why £150 in the next 180 days: raised most by revenue in the last period (£60.00): +£80.25")
    assert links == ["/customers/C01?part=why"]


@pytest.mark.parametrize(("part", "shown"), [("why", "Look-alikes"), ("history", "Transactions"), ("x", "Facts")])
def test_a_part_of_the_page_has_an_address(client, words_of, part, shown):
    words = words_of(client.page("/customers/C01", f"?part={part}"))

    assert [name for name in ("Look-alikes", "Transactions", "Facts") if name in words] == [shown]


def test_a_change_is_what_the_customer_did_and_what_the_model_makes_of_it(explained, walk, words_of):
    bars = bars_of(explained.whole("/customers/C01"), "Why it changed", walk, words_of)

    # 120.00 + 10.00 + 20.00 = 150.00, to the cent
    assert [text.split(" ")[0] for _, text in bars] == ["£120.00", "+£10.00", "+£20.00", "£150.00"]
    assert "v0 → v1" in bars[2][1]


def test_a_change_that_cannot_be_split_says_so(explained, words_of):
    assert "The model before is gone" in words_of(explained.whole("/customers/C03"))
    assert "The model before is gone" not in words_of(explained.whole("/customers/C01"))


def bars_of(page, title, walk, words_of):
    """(label, number and note) of the bars of a card."""
    panels = [node for node in walk(page) if "panel" in str(node["props"].get("className")).split()]
    titles = [[words_of(one) for one in walk(node) if one["props"].get("className") == "card-title"] for node in panels]
    panel = panels[titles.index([title])]
    heads = [node for node in walk(panel) if node["props"].get("className") == "rank-head"]
    return [tuple(words_of(part) for part in node["props"]["children"]) for node in heads]
