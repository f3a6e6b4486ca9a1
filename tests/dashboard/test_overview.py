import json
import re
import shutil
import subprocess
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest

from dashboard import customer_list, data
from dashboard.charts.revenue import revenue_by_month
from dashboard.format import Format
from dashboard.theme import GRAPH_CONFIG

EARLIER = "?period=custom&from=2024-02-01&to=2024-02-29"


@pytest.fixture
def page(client):
    """The page over all days."""
    return client.page("/overview", "?period=all")


def sql_buttons(walk, page):
    """The `</>` buttons of a page: title → packed query."""
    return {
        node["props"]["data-title"]: node["props"]["value"]
        for node in walk(page)
        if node["type"] == "Button" and "sql-button" in node["props"].get("className", "")
    }


def chart_links(walk, words_of, page, label):
    """Words of each mark of the chart called *label* → where it leads."""
    chart = next(
        node
        for node in walk(page)
        if "is-linked" in str(node["props"].get("className"))
        and any(part["props"].get("aria-label") == label for part in walk(node))
    )
    return {words_of(node): node["props"]["href"] for node in walk(chart) if node["type"] == "Link"}


def test_seven_headline_numbers_come_first(page, walk, words_of):
    shown = [words_of(node) for node in walk(page) if node["props"].get("className") == "kpi-name"]

    assert shown == [
        "Customers who bought",
        "Revenue",
        "Orders",
        "Average order value",
        "Repeat rate",
        "Average tenure",
        "Orders per customer",
    ]


def test_every_card_and_number_shows_its_sql(page, walk):
    panels = [node for node in walk(page) if "panel" in str(node["props"].get("className", "")).split()]

    assert len(panels) >= 14
    assert all(sql_buttons(walk, panel) for panel in panels)


def test_the_copied_sql_gives_the_number_on_the_card_in_the_real_shell(client, app, page, settings, walk, words_of):
    first = next(node for node in walk(page) if "kpi" in str(node["props"].get("className")).split())
    (packed,) = sql_buttons(walk, first).values()
    folder = settings.paths.builds / json.loads(packed)["build"]
    at = '{"at":"overview-headline","type":"show-sql"}'
    button = {"id": at, "property": "n_clicks", "value": 1}
    number = [words_of(node) for node in walk(page) if node["props"].get("className") == "kpi-value"][1]

    panel = client.press(button, {"id": at, "property": "value", "value": packed})
    copied = next(words_of(node) for node in walk(panel) if node["props"].get("id") == "sql-shell")
    answer = subprocess.run(
        [shutil.which("duckdb", path=Path(sys.executable).parent), "-readonly", "-json", "shell.duckdb"],
        input=copied,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )

    revenue = next(row["value"] for row in json.loads(answer.stdout) if row["metric"] == "revenue")
    assert app.server.extensions["retain"].words.money(revenue) == number


def test_parts_of_revenue_add_up_to_the_headline(context):
    door = data.door("")
    period = door.period({"period": "all"})
    headline = door.ask("overview/headline", **period.bounds).frame.set_index("metric").loc["revenue", "value"]

    for name in ("overview/revenue_over_time", "overview/by_channel", "overview/by_category", "overview/by_month"):
        assert door.ask(name, **period.bounds).frame["revenue"].sum() == pytest.approx(headline), name


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({}, date(2024, 1, 12), date(2024, 4, 11)),
        ({"period": "30"}, date(2024, 3, 12), date(2024, 4, 11)),
        ({"period": "custom", "from": "2024-02-01", "to": "2024-02-29"}, date(2024, 2, 1), date(2024, 3, 1)),
        ({"period": "custom", "from": "1990-01-01", "to": "2990-01-01"}, None, date(2024, 4, 11)),
        ({"period": "custom", "from": "2024-03-01", "to": "2024-02-01"}, date(2024, 1, 12), date(2024, 4, 11)),
        ({"period": "rubbish"}, date(2024, 1, 12), date(2024, 4, 11)),
    ],
    ids=["default", "30 days", "custom", "cut to what is known", "backwards", "rubbish"],
)
def test_the_period_is_what_the_url_says(context, query, start, end):
    period = data.door("").period(query)

    assert period.end == end
    assert period.start == (start or period.first_day)


def test_a_comparison_needs_the_whole_period_before(client, words_of):
    assert "compared with the 30 days before" in words_of(client.page("/overview", "?period=30"))
    assert "compared with" not in words_of(client.page("/overview", "?period=all"))


def test_a_custom_period_can_be_picked_by_date(client, walk):
    page = client.page("/overview", "?period=custom&from=2024-02-01&to=2024-02-29")
    held = {node["props"]["id"]["key"]: node["props"]["value"] for node in walk(page) if _is_url(node)}

    assert held == {"from": "2024-02-01", "to": "2024-02-29", "period": "custom"}


def test_segments_lead_to_their_customers(page, walk, words_of):
    rows = [node for node in walk(page) if node["type"] == "Link" and "row-line" in str(node["props"].get("className"))]

    assert rows
    for row in rows:
        segment = re.match(r"/customers\?segment=(.+)", row["props"]["href"])[1].replace("+", " ")
        assert segment in words_of(row)


def test_the_customers_behind_a_bar_add_up_to_it(client, context, walk, words_of):
    door = data.door("")
    bounds = door.period({"period": "all"}).bounds

    for dimension, other in (("channel", "category"), ("category", "channel")):
        for bar in door.ask(f"overview/by_{dimension}", **bounds).rows:
            chosen = {dimension: getattr(bar, dimension), other: None}
            behind = door.ask("overview/customers_in", **bounds, **chosen).frame
            assert behind["revenue"].sum() == pytest.approx(bar.revenue), chosen


def test_a_bar_leads_to_exactly_its_customers(app, context, page, walk, words_of):
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    bars = {
        words_of(node).split()[0]: node["props"]["href"]
        for node in walk(page)
        if node["type"] == "Link" and "rank" in str(node["props"].get("className")).split()
    }

    # App: C01, C02, C07, C08 · Store: C05, C10 · Web: C01, C03, C04, C06, C08 (a return), C09, C11, C12.
    # Books: C01, C03, C05, C07, C09, C10, C12 · Toys: C01, C02, C03, C04, C06, C07, C08, C09, C11.
    counts = {bar: grid.count(customer_list.wanted(urlsplit(href).query)) for bar, href in bars.items()}
    assert counts == {"App": 4, "Store": 2, "Web": 8, "Books": 7, "Toys": 9}


def test_a_month_leads_to_who_had_order_lines_in_it(app, context, page, walk, words_of):
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    months = chart_links(walk, words_of, page, "Revenue by month")

    # January: all six of its cohort; February: C01, C03, C04, C05, C09; March: C01, C02, C05, C06, C07, C12;
    # April: C01, C08, C11, C12.
    counts = [grid.count(customer_list.wanted(urlsplit(href).query)) for href in months.values()]
    assert [words.split(":")[0] for words in months] == ["Jan 2024", "Feb 2024", "Mar 2024", "Apr 2024"]
    assert counts == [6, 5, 6, 4]


def test_a_point_of_the_line_leads_to_who_had_order_lines_in_its_days(app, context, client, walk, words_of):
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    page = client.page("/overview", EARLIER)
    days = chart_links(walk, words_of, page, "Revenue over time")

    counts = {day.split(":")[0]: grid.count(customer_list.wanted(urlsplit(href).query)) for day, href in days.items()}
    # C09's second line at 0:01; two orders of C03; C01 and C05; C04's return; the leap day is quiet.
    assert [counts[f"{day:02} Feb 2024"] for day in (1, 3, 10, 15, 29)] == [1, 1, 2, 1, 0]
    assert len(counts) == 29


def test_a_cell_of_the_cohorts_leads_to_exactly_its_customers(app, context, page, walk):
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    cells = [
        node["props"]["href"]
        for cell in walk(page)
        if cell["type"] == "Td" and "--v" in cell["props"].get("style", {})
        for node in walk(cell)
        if node["type"] == "Link"
    ]

    # January 2, 2, 3 of six; February 1, 0 of two; March 0 of two.
    assert [grid.count(customer_list.wanted(urlsplit(href).query)) for href in cells] == [2, 2, 3, 1, 0, 0]


def test_coming_months_are_drawn_for_periods_that_reach_up_to_now(client, words_of):
    now, earlier = (client.page("/overview", search) for search in ("?period=all", EARLIER))

    assert "revenue of customers yet to come is not in it. Apr 2024 is in progress" in words_of(now)
    assert "shown for periods that reach up to now" in words_of(earlier)


def test_a_forecast_is_a_dashed_line_within_its_band():
    known = pd.DataFrame({"order_month": ["2024-03-01", "2024-04-01"], "revenue": [50.0, 20.0], "is_partial": [0, 1]})
    coming = pd.DataFrame(
        {
            "order_month": ["2024-04-01", "2024-05-01"],
            "is_running": [True, False],
            "expected_revenue": [10.0, 30.0],
            "month_revenue": [30.0, 30.0],
            "month_revenue_lo": [28.0, 25.0],
            "month_revenue_hi": [33.0, 99.0],
        }
    )

    bars, low, high, line = revenue_by_month(known, Format("GBP", "en_GB"), coming).data

    assert list(bars.x) == ["Mar 2024", "Apr 2024"]
    assert (list(low.y), list(high.y), high.fill) == ([28, 25], [33, 99], "tonexty")
    assert (list(line.x), list(line.y), line.line.dash) == (["Apr 2024", "May 2024"], [30, 30], "dash")
    assert line.customdata[0] == "£30.00 (£28.00 – £33.00)<br>in progress: £10.00 of it still to come"
    assert line.customdata[1] == "£30.00 (£25.00 – £99.00)"


def test_a_forecast_without_a_judged_total_has_no_band():
    known = pd.DataFrame({"order_month": ["2024-03-01"], "revenue": [50.0], "is_partial": [0]})
    coming = pd.DataFrame(
        {
            "order_month": ["2024-04-01"],
            "is_running": [False],
            "expected_revenue": [30.0],
            "month_revenue": [30.0],
            "month_revenue_lo": [float("nan")],
            "month_revenue_hi": [float("nan")],
        }
    )

    bars, line = revenue_by_month(known, Format("GBP", "en_GB"), coming).data

    assert (bars.type, line.name, line.customdata[0]) == ("bar", "Expected", "£30.00")


def test_whom_to_save_comes_from_the_slipping_segments_in_order_of_value(context):
    frame = data.door("").ask("overview/worth_saving", max_rows=8).frame
    values = frame["expected_revenue"].dropna().tolist()

    assert set(frame["segment"]) <= {"Cannot lose", "At risk", "About to sleep"}
    assert all(one >= other for one, other in pairwise(values))


def test_the_list_of_whom_to_save_goes_on_where_the_card_ends(app, client, context, walk, words_of):
    page = client.page("/overview", "")
    links = [node["props"] for node in walk(page) if node["type"] == "Link"]
    (href,) = [link["href"] for link in links if words_of(link["children"]) == "All 2 customers"]

    asked = customer_list.wanted(urlsplit(href).query)
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    shown = data.door("").ask("overview/worth_saving", max_rows=1).frame

    # At risk: C03; about to sleep: C09, for whom nothing is predicted.
    assert [row["customer_id"] for row in grid.block(asked, 0, 5).rows] == ["C03", "C09"]
    assert shown["customer_id"].tolist() == ["C03"]
    assert shown["n_customers"].tolist() == [2]


def test_the_insight_names_the_channel_that_moved_with_the_whole(context):
    door = data.door("")
    # 1 March – 10 April earned 187, the 41 days before 270; the app alone earned 140 less.
    period = door.period({"period": "custom", "from": "2024-03-01", "to": "2024-04-10"})
    row = door.ask("overview/insight", **period.bounds).row
    channels = door.ask("overview/by_channel", **period.bounds).frame.set_index("channel")

    moved = channels.loc[row.channel, "revenue"] - channels.loc[row.channel, "previous_revenue"]
    assert (row.channel, row.channel_difference) == ("app", -140)
    assert moved == -140
    assert row.difference == 187 - 270


def test_a_period_before_that_earned_nothing_gives_no_insight(context):
    door = data.door("")

    assert door.ask("overview/insight", **door.period({"period": "30"}).bounds).is_empty


@pytest.mark.parametrize(
    "search",
    [
        "period=xyz",
        "period=365&period=90",
        "period=custom&from=2099-01-01",
        "period=custom&to=1990-01-01",
        "period=custom&from=9999-12-31&to=0001-01-01",
        "period=custom&from=yesterday&to=",
    ],
)
def test_a_period_that_there_is_not_is_the_usual_one(client, words_of, search):
    assert "12 Jan 2024 – 10 Apr 2024" in words_of(client.page("/overview", f"?{search}"))


def test_a_name_that_comes_twice_in_the_address_means_its_last_value(client):
    assert client.page("/overview", "?period=all&period=30") == client.page("/overview", "?period=30")


def test_whom_to_save_holds_who_is_late_with_a_churn_risk_of_a_fifth(context):
    door = data.door("")
    listed = set(door.ask("overview/worth_saving", max_rows=None).frame["customer_id"])
    found = door.site.warehouse.select(
        "select customer_id, standing, overdue_index > 1 and n_orders >= 2 and p_alive <= 0.8 as is_late "
        "from marts.customers"
    ).to_pylist()

    assert listed == {row["customer_id"] for row in found if "silent" in (row["standing"] or "") or row["is_late"]}


def test_every_figure_has_the_shared_settings(page, walk):
    graphs = [node for node in walk(page) if node["type"] == "Graph"]

    assert len(graphs) == 2
    assert all(node["props"]["config"] == json.loads(json.dumps(GRAPH_CONFIG)) for node in graphs)


def test_every_figure_says_what_it_draws(page, walk):
    charts = [node for node in walk(page) if node["props"].get("role") == "img" and node["type"] == "Div"]

    assert [node["props"]["aria-label"] for node in charts] == ["Revenue over time", "Revenue by month"]


def _is_url(node):
    return isinstance(node["props"].get("id"), dict) and node["props"]["id"].get("type") == "url"
