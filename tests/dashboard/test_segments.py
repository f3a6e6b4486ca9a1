from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from dashboard import customer_list, data
from dashboard.components.segments import Span, bubbles, rule_cells, span_of
from dashboard.format import Format


@pytest.fixture
def page(client):
    """The page in all its parts."""
    return client.whole("/segments")


def test_every_card_shows_its_sql(page, walk):
    panels = [node for node in walk(page) if "panel" in str(node["props"].get("className", "")).split()]

    assert len(panels) >= 7
    for panel in panels:
        assert any("sql-button" in str(node["props"].get("className")) for node in walk(panel))


def test_every_mark_leads_to_as_many_customers_as_it_shows(app, page, walk, words_of):
    warehouse = app.server.extensions["retain"].warehouse
    grid = customer_list.grid_of(warehouse)
    links = [node for node in walk(page) if node["type"] == "Link" and node["props"]["href"].startswith("/customers?")]

    assert len(links) > 30
    for node in links:
        shown = words_of(node).split()
        count = shown[shown.index("customers") - 1] if "customers" in shown else shown[0]
        asked = customer_list.wanted(urlsplit(node["props"]["href"]).query)
        assert grid.count(asked) == int(count), node["props"]["href"]


@pytest.mark.parametrize("show", ["customers", "revenue", "expected", "rubbish"])
def test_the_matrix_shows_what_the_url_says(client, words_of, show):
    words = words_of(client.page("/segments", f"?show={show}"))

    assert "Recency and frequency" in words
    assert ("expected over the next" in words) == (show == "expected")


# Scores of the twelve customers, worked out by hand in tests/sql/test_rfm.py; C04 has only returned.
BY_HAND = {
    "Champions": ("C01", 5, 5),
    "Loyal": ("C12", 5, 5),
    "Big spenders": ("C08", 4, 3),
    "New": ("C07 C11", None, 1),
    "Potential loyalist": ("C05 C06", 3, 3),
    "At risk": ("C03", 2, 5),
    "About to sleep": ("C09", 2, 1),
    "Hibernating": ("C02 C10", 1, 1),
}
"""Segment → its customers, and the R and F scores that they share."""


def test_the_page_shows_the_segments_worked_out_by_hand(page, walk, words_of):
    rows = [words_of(node).split("  ")[0] for node in walk(page) if node["type"] == "Tr"]
    said = " | ".join(" ".join(row.split()) for row in rows)

    for name, (customers, _, _) in BY_HAND.items():
        assert f"{name} {len(customers.split())} " in said, name
    assert "No purchase 1 " in said


def test_the_matrix_shows_the_scores_worked_out_by_hand(page, walk, words_of):
    """R across F: 11 customers, of whom two share R 5 F 5, two R 3 F 3 and two R 1 F 1."""
    cells = {}
    for node in walk(page):
        href = str(node["props"].get("href", ""))
        if node["type"] == "Link" and href.startswith("/customers?r=") and "&f=" in href:
            r, f = (int(part.partition("=")[2]) for part in href.partition("?")[2].split("&"))
            cells[r, f] = int(words_of(node).split()[0])

    expected = {(5, 5): 2, (5, 1): 1, (4, 1): 1, (4, 3): 1, (3, 3): 2, (2, 5): 1, (2, 1): 1, (1, 1): 2}
    assert cells == expected


def test_segments_hold_every_customer_once(context):
    door = data.door("")

    segments = door.ask("segments/summary").frame
    assert segments["n_customers"].sum() == door.ask("customers/totals").row.n_customers
    assert segments["customer_share"].sum() == pytest.approx(1)


def test_the_largest_moves_are_moves(context):
    door = data.door("")
    moves = door.ask("segments/moves").frame
    largest = door.ask("segments/largest_moves", max_rows=100).frame

    assert (largest["segment"] != largest["segment_before"]).all()
    assert largest["n_customers"].sum() == moves.loc[~moves["is_stayer"], "n_customers"].sum()
    assert largest["monetary_before"].is_monotonic_decreasing


def test_the_first_line_says_where_the_money_comes_from(client, context, words_of):
    segments = data.door("").ask("segments/summary").frame.set_index("segment")
    row = data.door("").ask("segments/insight").row

    assert row.revenue == segments["revenue"].max() == segments.loc[row.segment, "revenue"]
    assert row.revenue_share == segments.loc[row.segment, "revenue_share"]
    said = words_of(client.page("/segments"))
    assert f"{row.segment} brought " in said
    # Six months of history hold no movement over as long a time.
    assert row.moved_to is None
    assert "Largest movement" not in said


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("segments", "Frequency and money"),
        ("movement", "Movement between segments"),
        ("scores", "Which values get which score"),
        ("personas", "Given personas"),
        ("rubbish", "Frequency and money"),
    ],
)
def test_a_part_of_the_page_has_an_address(client, words_of, part, shown):
    words = words_of(client.page("/segments", f"?part={part}"))
    cards = ("Frequency and money", "Movement between segments", "Which values get which score", "Given personas")

    assert [card for card in cards if card in words] == [shown]


def test_money_of_a_movement_says_its_time():
    words = Format("GBP", "en_GB")

    assert span_of(0, words) == Span("to date", "up to then")
    assert span_of(365, words) == Span("in the last 365 days", "in the 365 days before")


def test_a_number_that_is_wider_than_its_bubble_stands_beside_it():
    row = {"f": 1, "m": 1, "avg_frequency": 1.0, "avg_monetary": 2.0, "avg_r": 3.0}
    rows = [SimpleNamespace(**row, n_customers=1_000), SimpleNamespace(**row | {"f": 2}, n_customers=10)]

    drawn = str(bubbles(rows, Format("GBP", "en_GB"), lambda row: f"/customers?f={row.f}", "to date"))

    assert drawn.count("'bubble-count'") == 2
    assert drawn.count("'bubble bubble-small'") == 1


def test_a_rule_says_its_scores_in_short(context):
    rules = {row.segment: row for row in data.door("").ask("segments/rules").rows}

    assert [rule_cells(rules["Champions"], score) for score in "rfm"] == ["4–5", "4–5", "4–5"]
    assert [rule_cells(rules["Hibernating"], score) for score in "rfm"] == ["1", "any", "any"]
