import pandas as pd
import pytest

from dashboard.charts.summary import equity_bridge, returning_share
from dashboard.format import Format


@pytest.fixture
def page(client):
    return client.page("/", "")


def test_the_first_page_says_how_many_customers_there_are_and_what_they_are_worth(page, walk, words_of):
    names = [words_of(node) for node in walk(page) if node["props"].get("className") == "kpi-name"]
    values = [words_of(node) for node in walk(page) if node["props"].get("className") == "kpi-value"]

    assert names[0] == "Customers"
    assert values[0] == "11"  # of the twelve, C04 only ever returned
    assert names[2].startswith("Customer equity, next ")


def test_every_card_shows_its_sql(page, walk):
    panels = [node for node in walk(page) if "panel" in str(node["props"].get("className", "")).split()]

    assert len(panels) >= 10
    for panel in panels:
        buttons = [n for n in walk(panel) if n["type"] == "Button" and "sql-button" in str(n["props"].get("className"))]
        assert buttons


def test_without_a_second_scoring_the_bridge_says_so(page, walk, words_of):
    assert "Nothing to compare with yet" in words_of(page)


def test_the_bridge_hangs_its_steps_between_two_totals():
    frame = pd.DataFrame({"step": ["a", "b", "c"], "money": [100.0, -30.0, 70.0], "place": [1, 2, 3]})

    trace = equity_bridge(frame, {"a": "Then", "b": "Lost", "c": "Now"}, Format("GBP", "en_GB")).data[0]

    assert list(trace.measure) == ["absolute", "relative", "absolute"]
    assert list(trace.y) == [100, -30, 70]


def test_the_running_month_is_hollow():
    frame = pd.DataFrame(
        {
            "activity_month": pd.to_datetime(["2024-01-01", "2024-02-01"]),
            "is_running": [False, True],
            "returning_share": [0.4, 0.1],
        }
    )

    trace = returning_share(frame, Format("GBP", "en_GB")).data[0]

    assert trace.marker.color[0] != trace.marker.color[1]
    assert "not over" in trace.customdata[1]
