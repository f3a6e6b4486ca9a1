import json
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pytest

from dashboard import customer_list, data
from dashboard.charts.cohorts import by_channel, channels_by_size, cohort_sizes, continued, decay_curves, spread_out
from dashboard.format import Format
from dashboard.theme import GRAPH_CONFIG

MODES = ["bought", "later", "revenue", "margin", "value"]
WORDS = Format("GBP", "en_GB")


def cells(walk, page):
    """The cells of the heat map that hold something."""
    return [node for node in walk(page) if node["type"] == "Td" and "--v" in node["props"].get("style", {})]


def test_every_card_and_number_shows_its_sql(client, walk):
    page = client.page("/cohorts", "?mode=value")
    panels = [node for node in walk(page) if "panel" in str(node["props"].get("className", "")).split()]

    assert len(panels) >= 8
    for panel in panels:
        assert any("sql-button" in str(node["props"].get("className")) for node in walk(panel))


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_fills_the_heat_map(client, walk, words_of, mode):
    page = client.page("/cohorts", f"?mode={mode}")

    # January, February, March and April cohorts know 4, 3, 2 and 1 months; the first month is 100 % in three modes.
    known = 10 if mode in ("margin", "value") else 6
    shown = [cell for cell in cells(walk, page) if "Average" not in str(cell["props"]["title"])]
    assert len(shown) == known
    assert "could not be shown" not in words_of(page)


def test_the_month_that_is_not_over_is_hatched(client, walk):
    running = [
        cell for cell in cells(walk, client.page("/cohorts")) if cell["props"].get("className") == "heat-running"
    ]

    assert len(running) == 3
    assert all("month not over" in cell["props"]["title"] for cell in running)


@pytest.mark.parametrize(
    ("mode", "counted"), [("bought", "buyers"), ("later", "buyers_or_later"), ("value", "n_cohort")]
)
def test_each_cell_leads_to_exactly_its_customers(app, client, context, walk, mode, counted):
    frame = data.door("").ask("cohorts/retention", channel=None).frame
    expected = {(str(row.cohort_month)[:10], row.month_number): getattr(row, counted) for row in data.records(frame)}
    links = [
        node["props"]["href"]
        for cell in cells(walk, client.page("/cohorts", f"?mode={mode}"))
        for node in walk(cell)
        if node["type"] == "Link"
    ]

    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)

    assert len(links) >= 6
    for href in links:
        chosen = dict(parse_qsl(urlsplit(href).query))
        cohort, month = chosen["list.cohort_month"], int(chosen["list.month_number"])
        assert grid.count(customer_list.wanted(urlsplit(href).query)) == expected[cohort, month]


def test_a_channel_in_the_url_narrows_every_cohort(client, words_of):
    page = words_of(client.page("/cohorts", "?channel=app"))

    assert "Customers who first came through App" in page


@pytest.mark.parametrize("search", ["?mode=rubbish", "?channel=rubbish"])
def test_rubbish_in_the_url_leaves_the_page_standing(client, words_of, search):
    assert "Retention by cohort" in words_of(client.page("/cohorts", search))


def test_newer_cohorts_are_compared_with_older_ones(context):
    frame = data.door("").ask("cohorts/newer", channel=None).frame.set_index("month_number")

    # Month 1 is over for the January and February cohorts, month 2 for January alone; nobody is six cohorts older.
    assert frame["n_newer_cohorts"].to_dict() == {1: 2, 2: 1}
    assert frame["older_share"].isna().all()


def test_every_figure_has_the_shared_settings(client, walk):
    graphs = [node for node in walk(client.page("/cohorts")) if node["type"] == "Graph"]

    assert len(graphs) == 4
    assert all(node["props"]["config"] == json.loads(json.dumps(GRAPH_CONFIG)) for node in graphs)


def test_curves_leave_out_months_that_are_not_over():
    frame = pd.DataFrame(
        {
            "cohort_month": [date(2024, 1, 1)] * 3,
            "month_number": [0, 1, 2],
            "is_running": [False, False, True],
            "bought_share": [1.0, 0.5, 0.1],
        }
    )
    average = pd.DataFrame({"month_number": [0, 1], "n_cohorts": [1, 1], "bought_share": [1.0, 0.5]})

    figure = decay_curves(frame, average, "bought_share", "share", WORDS)

    assert [list(line.x) for line in figure.data] == [[1], [1]]


def test_channels_are_coloured_by_size():
    frame = pd.DataFrame(
        {"channel": ["a", "b"], "month_number": [1, 1], "n_customers": [1, 9], "bought_share": [0.1, 0.2]}
    )

    assert channels_by_size(frame) == ["b", "a"]
    assert [line.name for line in by_channel(frame, "bought_share", "share", WORDS).data] == ["B", "A"]


def test_the_cohort_of_a_running_month_says_so():
    frame = pd.DataFrame(
        {"cohort_month": [date(2024, 1, 1), date(2024, 2, 1)], "n_cohort": [5, 2], "is_running": [False, True]}
    )

    assert list(cohort_sizes(frame, WORDS).data[0].customdata) == ["5", "2 so far"]


def test_a_cohorts_line_goes_on_dashed_from_where_it_ends_within_its_band():
    nan = float("nan")
    frame = pd.DataFrame(
        {
            "cohort_month": [date(2024, 1, 1)] * 3,
            "month_number": [0, 1, 2],
            "is_expected": [False, False, True],
            "value": [10.0, 20.0, 26.0],
            "value_lo": [nan, nan, 23.0],
            "value_hi": [nan, nan, 31.0],
        }
    )

    low, high, was, will = continued(frame, "value", WORDS).data

    assert (list(was.x), list(was.y)) == ([0, 1], [10, 20])
    assert (list(will.x), list(will.y), will.line.dash) == ([1, 2], [20, 26], "dash")
    assert (list(low.y), list(high.y)) == ([20, 23], [20, 31])
    assert will.customdata[1] == "Jan 2024, month 2: £26.00 expected (£23.00 – £31.00)"


@pytest.mark.parametrize(
    ("n_known", "chosen"), [(0, []), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (5, [1, 2, 4, 5]), (12, [1, 5, 8, 12])]
)
def test_the_oldest_the_newest_and_some_between_are_drawn(n_known, chosen):
    frame = pd.DataFrame({"cohort_month": [date(2024, month + 1, 1) for month in range(n_known)]})

    assert [cohort.month for cohort in spread_out(frame, 4)] == chosen


def test_who_will_still_buy_is_a_diamond_that_leads_to_its_cohort(app, client, context, walk, words_of):
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    page = client.page("/cohorts", "?mode=later")

    marks = {words_of(n): n["props"]["href"] for n in walk(page) if n["props"].get("className") == "chart-link"}
    # January: C01 .9, C02 .1 and C10 .1; February: C03 .4
    assert {"Jan 2024: 37% expected to buy", "Feb 2024: 40% expected to buy"} <= set(marks)
    assert grid.count(customer_list.wanted(urlsplit(marks["Jan 2024: 37% expected to buy"]).query)) == 6


def test_revenue_or_margin_goes_on_as_the_url_says(client, words_of):
    assert "Cumulative margin per customer" in words_of(client.page("/cohorts", "?goes_on=margin"))
    assert "Cumulative revenue per customer" in words_of(client.page("/cohorts", "?goes_on=rubbish"))
