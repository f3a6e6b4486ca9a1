from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pytest

from dashboard import customer_list, data
from dashboard.charts.summary import equity_bridge, returning_share
from dashboard.format import Format
from dashboard.summary_words import STEPS


@pytest.fixture
def page(client):
    return client.page("/", "")


def test_details_of_personas_lead_to_their_part_of_the_segments(page, walk, words_of):
    links = {node["props"]["href"] for node in walk(page) if node["type"] == "Link" and words_of(node) == "Details"}

    assert {"/segments", "/segments?part=personas"} <= links


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


def counts_behind(app, walk, words_of, part):
    """Words of each link in *part* of a page → how many customers its list has."""
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)
    return {
        words_of(node): grid.count(customer_list.wanted(urlsplit(node["props"]["href"]).query))
        for node in walk(part)
        if node["type"] == "Link" and node["props"]["href"].startswith("/customers?")
    }


def test_counts_of_the_headline_lead_to_exactly_their_customers(app, page, context, walk, words_of):
    (row,) = [node for node in walk(page) if node["props"].get("className") == "kpis"]
    found = counts_behind(app, walk, words_of, row)

    # Of the eleven buyers C01 and C10 began on 5 January, longer ago than 90 days; C10 has not been back since.
    # Two orders or more: C01, C03, C05, C06, C08, C12.
    assert found == {"9 new in 90 days": 9, "6 bought more than once": 6, "customers with a purchase": 10}


def card_called(page, walk, words_of, title):
    """The card with this title."""
    panels = (node for node in walk(page) if "panel" in str(node["props"].get("className", "")).split())
    return next(panel for panel in panels if words_of(panel).startswith(title))


def test_each_recommendation_leads_to_exactly_its_customers(app, page, context, walk, words_of):
    found = counts_behind(app, walk, words_of, card_called(page, walk, words_of, "What to do next"))

    # C01 alone is in the top 5 %; of C02 and C03, who are late, C02 has bought once only.
    assert found["Top 5% by expected revenue"] == 1
    assert found["Later than their rhythm"] == 1
    assert found["At risk"] == 1


def test_each_warning_sign_leads_to_exactly_its_customers(app, page, context, walk, words_of):
    found = counts_behind(app, walk, words_of, card_called(page, walk, words_of, "Value at risk"))

    # Late: C02, C03; C02 has no rhythm. Of C02 and C10, who are unlikely to buy, C02 sent everything back.
    assert found["Later than their own rhythm, probably still there"] == 1
    assert found["Bought within a year, unlikely to buy again within 180 days"] == 1


def test_each_month_leads_to_who_came_back_in_it(app, page, context, walk, words_of):
    found = counts_behind(app, walk, words_of, card_called(page, walk, words_of, "Who came back"))

    # C01, C09 · C01, C05, C12 · C01, C08, C12
    assert found == {
        "Feb 2024: 2 customers came back": 2,
        "Mar 2024: 3 customers came back": 3,
        "Apr 2024: 3 customers came back": 3,
    }


def test_personas_lead_to_their_customers(app, page, context, walk, words_of):
    found = counts_behind(app, walk, words_of, card_called(page, walk, words_of, "Personas"))

    # Regular: C01, C03; Bargain hunter: C02, C10
    assert list(found.values()) == [2, 2]


def test_a_link_out_of_a_query_keeps_the_build(context):
    door = data.door("?build=20240101T000000-abcdef")

    kept = door.kept("/customers?overdue_index=%3E1&n_orders=2..")
    assert dict(parse_qsl(urlsplit(kept).query)) == {
        "overdue_index": ">1",
        "n_orders": "2..",
        "build": "20240101T000000-abcdef",
    }
    assert data.door("").kept("/overview#by-channel") == "/overview#by-channel"


def test_without_a_second_scoring_the_bridge_says_so(page, walk, words_of):
    assert "Nothing to compare with yet" in words_of(page)


def test_the_bridge_hangs_its_steps_between_two_totals():
    money = {"opening": 100.0, "realised": -30.0, "behaviour_change": -20.0, "new_customers": 15.0, "closing": 65.0}
    frame = pd.DataFrame({"step": list(money), "money": list(money.values()), "level_money": [100, 70, 50, 65, 65]})

    figure = equity_bridge(frame, STEPS, Format("GBP", "en_GB"))
    (trace,) = figure.data

    assert list(trace.y) == [100, -30, -20, 15, 65]
    assert list(trace.base) == [0, 100, 70, 50, 0]
    assert [shape.y0 for shape in figure.layout.shapes] == [100, 70, 50, 65]
    then, realised, less, more, now = trace.marker.color
    assert then == now
    assert len({then, realised, less, more}) == 4  # realised is earned, not lost


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
