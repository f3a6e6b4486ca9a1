import json
import sys
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pytest
from plotly.utils import PlotlyJSONEncoder

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
    page = client.whole("/cohorts", "?mode=value")
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
        if "list.cohort_month" not in chosen:  # of the average
            continue
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
    graphs = [node for node in walk(client.whole("/cohorts")) if node["type"] == "Graph"]

    assert len(graphs) == 4
    assert all(node["props"]["config"] == json.loads(json.dumps(GRAPH_CONFIG)) for node in graphs)


def test_curves_leave_out_months_that_are_not_over():
    frame = pd.DataFrame(
        {
            "cohort_month": [date(2024, 1, 1)] * 3,
            "month_number": [0, 1, 2],
            "is_running": [False, False, True],
            "bought_share": [1.0, 0.5, 0.1],
            "buyers": [10, 5, 1],
        }
    )
    average = pd.DataFrame({"month_number": [0, 1], "n_cohorts": [1, 1], "bought_share": [1.0, 0.5], "buyers": [10, 5]})

    figure = decay_curves(frame, average, "bought_share", "share", WORDS)

    assert [list(line.x) for line in figure.data] == [[1], [1]]


def test_channels_are_coloured_by_size():
    frame = pd.DataFrame(
        {
            "channel": ["a", "b"],
            "month_number": [1, 1],
            "n_customers": [1, 9],
            "buyers": [0, 2],
            "bought_share": [0.1, 0.2],
        }
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
            "n_cohort": [4, 4, 4],
            "value": [10.0, 20.0, 26.0],
            "value_lo": [nan, nan, 23.0],
            "value_hi": [nan, nan, 31.0],
        }
    )

    low, high, will, was = continued(frame, "value", WORDS).data

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


def linked_points(walk, page, graph_id):
    """What the points of a figure say that lead somewhere, and where."""
    (figure,) = [node["props"]["figure"] for node in walk(page) if node["props"].get("id") == graph_id]
    return {
        said: href
        for trace in figure["data"]
        for said, href in zip(trace.get("customdata") or [], (trace.get("meta") or {}).get("hrefs") or [], strict=False)
        if href
    }


def test_who_will_still_buy_is_a_diamond_that_leads_to_whom_it_is_the_mean_of(app, client, context, walk):
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    points = linked_points(walk, client.page("/cohorts", "?mode=later"), "cohorts-decay")

    # January: C01 .9, C02 .1 and C10 .1; February: C03 .4
    href = points["Jan 2024: 37% expected to buy again, mean of 3 customers"]
    assert grid.keys(customer_list.wanted(urlsplit(href).query)) == ["C01", "C02", "C10"]
    assert "Feb 2024: 40% expected to buy again, mean of 1 customer" in points


@pytest.mark.parametrize(
    ("search", "graph_id", "said", "behind"),
    [
        # January's second month is February: C01 and C09; February's is March: C05. March's and April's are not over.
        ("?mode=bought", "cohorts-decay", "Average of 2 cohorts, month 1: 38%, 3 customers", ["C01", "C05", "C09"]),
        ("?mode=bought", "cohorts-decay", "Jan 2024, month 1: 33%, 2 customers", ["C01", "C09"]),
        # C03 bought for the last time in February, C02 and C10 in January.
        (
            "?mode=later",
            "cohorts-decay",
            "Average of 2 cohorts, month 1: 62%, 5 customers",
            ["C01", "C05", "C08", "C09", "C12"],
        ),
        # C01, C09 and C12 of January and C03 of February first came through the web; they had brought 90, 50, 10, 45.
        ("?mode=bought", "cohorts-channels", "Web, month 1: 50%, 2 customers", ["C01", "C09"]),
        ("?mode=value", "cohorts-channels", "Web, month 1: £48.75, 4 customers", ["C01", "C03", "C09", "C12"]),
        # January brought 285, 50 in its February and −40 in its March.
        (
            "?part=value",
            "cohorts-goes-on",
            "Jan 2024, month 2: £49.17, 6 customers",
            ["C01", "C02", "C08", "C09", "C10", "C12"],
        ),
    ],
    ids=[
        "average",
        "one cohort",
        "average of who came later",
        "channel",
        "channel in money",
        "known part of a forecast",
    ],
)
def test_a_point_of_a_curve_leads_to_exactly_its_customers(app, client, context, walk, search, graph_id, said, behind):
    points = linked_points(walk, client.page("/cohorts", search), graph_id)
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)

    assert said in points
    assert grid.keys(customer_list.wanted(urlsplit(points[said]).query)) == behind


def test_points_of_a_forecast_lead_nowhere(client, walk):
    page = client.page("/cohorts", "?part=value")
    (figure,) = [node["props"]["figure"] for node in walk(page) if node["props"].get("id") == "cohorts-goes-on"]

    expected = [trace for trace in figure["data"] if (trace.get("line") or {}).get("dash") == "dash"]
    assert expected
    assert not any((trace.get("meta") or {}).get("hrefs") for trace in expected)


def test_a_cell_of_the_average_leads_to_who_bought_of_all_its_cohorts(app, client, context, walk):
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    (cell,) = [
        cell
        for cell in cells(walk, client.page("/cohorts"))
        if cell["props"]["title"] == "Average of 2 cohorts, month 1: 38% of 8 customers"
    ]
    (href,) = [node["props"]["href"] for node in walk(cell) if node["type"] == "Link"]

    assert grid.keys(customer_list.wanted(urlsplit(href).query)) == ["C01", "C05", "C09"]


def test_of_many_cohorts_the_newest_are_listed_until_all_are_asked_for(context, walk, words_of, monkeypatch):
    cohorts = sys.modules["dashboard.pages.cohorts"]
    monkeypatch.setattr(cohorts, "N_RECENT", 2)

    def listed(**query):
        # Not by the client: pages that it draws are kept.
        drawn = json.loads(json.dumps(cohorts._content({"part": "value", **query}), cls=PlotlyJSONEncoder))
        rows = [words_of(node) for node in walk(drawn) if node["type"] == "Tr"]
        return {row[:8] for row in rows if row[4:8] == "2024"}, str(drawn)

    newest, page = listed()
    assert newest == {"Mar 2024", "Apr 2024"}
    assert "All 4 cohorts" in page
    assert listed(cohorts="all")[0] == {"Jan 2024", "Feb 2024", "Mar 2024", "Apr 2024"}


def test_revenue_or_margin_goes_on_as_the_url_says(client, words_of):
    assert "Cumulative margin per customer" in words_of(client.page("/cohorts", "?part=value&goes_on=margin"))
    assert "Cumulative revenue per customer" in words_of(client.page("/cohorts", "?part=value&goes_on=rubbish"))
