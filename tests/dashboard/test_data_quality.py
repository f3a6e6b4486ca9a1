import csv
import io
import shutil
from urllib.parse import urlsplit

import pandas as pd
import pytest

from dashboard import customer_list, data, quarantine
from dashboard.app import create_app
from dashboard.charts.quality import weekly_volume
from dashboard.components.quality import how_read, offending, read_as
from dashboard.format import Format
from warehouse.build import build
from warehouse.ingest import land

from ..conftest import AS_OF, FILES, TINY
from .conftest import Client

DIRTY = """C01,o901,1,not a day,30.00,1,,toys,web,false
C02,o902,1,2024-01-09 10:00:00,<b>lots</b>,1,,toys,web,false
,o903,1,2024-01-09 10:00:00,12.50,1,,toys,web,false
=cmd|' /C calc'!A0,o904,1,never,7.00,1,,toys,web,false
C01,o101,1,2024-01-05 10:00:00,30.00,1,,toys,web,false
"""
"""Five lines that are put aside: no day, no amount (in HTML), no customer, a formula, one that is there already."""


@pytest.fixture(scope="module")
def dirty(new_shop, tmp_path_factory):
    """The tiny shop with five dirty lines, published and served."""
    settings = new_shop(tmp_path_factory.mktemp("quality") / "data")
    settings.paths.raw.mkdir(parents=True)
    for source, name in FILES.items():
        shutil.copy(TINY / f"{source}.csv", settings.paths.raw / name)
    with (settings.paths.raw / FILES["transactions"]).open("a", encoding="utf-8") as file:
        file.write(DIRTY)
    land(settings, today=AS_OF)
    build(settings, as_of=AS_OF)
    app = create_app(settings)
    yield app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def browser(dirty):
    """A browser without a screen, on the dirty shop."""
    return Client(dirty)


@pytest.fixture
def door(dirty):
    """A door to the dirty shop."""
    with dirty.server.test_request_context("/"):
        yield data.door("")


def downloaded(browser, search=""):
    """The rows of the file behind the button."""
    response = browser.http.get(f"{quarantine.ROUTE}{search}")
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text)))


def test_every_card_and_number_shows_its_sql(browser, walk):
    panels = [
        node for node in walk(browser.page("/data")) if "panel" in str(node["props"].get("className", "")).split()
    ]

    assert len(panels) == 15
    for panel in panels:
        assert any("sql-button" in str(node["props"].get("className")) for node in walk(panel))


def test_lines_read_are_headers_blank_loaded_and_put_aside(door):
    row = door.ask("data/headline").row
    totals = door.ask("data/totals").frame

    assert row.n_quarantined == 5
    assert row.n_unaccounted == 0
    # No day 30.00, no customer 12.50, a formula 7.00, a duplicate 30.00.
    assert row.amount_quarantined == 79.5
    assert row.n_lines == totals[["n_header", "n_blank", "n_accepted", "n_quarantined"]].sum().sum()


def test_raw_text_is_shown_as_text(browser, walk):
    page = browser.page("/data")
    lines = [node["props"]["children"] for node in walk(page) if node["props"].get("className") == "raw-line"]

    assert len(lines) == 5
    assert any("<b>lots</b>" in line for line in lines)
    assert not any("dangerously_allow_html" in node["props"] for node in walk(page))


def test_each_reason_leads_to_as_many_rows_as_it_says(browser, walk, words_of):
    bars = [
        node
        for node in walk(browser.page("/data"))
        if node["type"] == "Link" and "rank" in str(node["props"].get("className"))
    ]

    assert len(bars) >= 3
    for bar in bars:
        address = urlsplit(bar["props"]["href"])
        shown = [
            node
            for node in walk(browser.page(address.path, f"?{address.query}"))
            if node["props"].get("className") == "raw-line"
        ]
        assert f"{len(shown)} row" in words_of(bar)
        assert len(downloaded(browser, f"?{address.query}")) == len(shown)


def test_the_download_has_all_rows_and_no_formula(browser):
    rows = downloaded(browser)

    assert len(rows) == 5
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())
    assert any(row["raw_text"].startswith("'=cmd|") for row in rows)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("=1+1", "'=1+1"), ("+44", "'+44"), ("-x", "'-x"), ("@a", "'@a"), ("a=1", "a=1"), (-5.0, -5.0), (None, None)],
)
def test_cells_that_would_be_formulas_become_text(value, expected):
    assert quarantine.harmless(value) == expected


def test_a_build_that_is_not_there_gives_no_file(browser):
    assert browser.http.get(f"{quarantine.ROUTE}?build=20200101T000000-abcdef").status_code == 404


def test_a_download_is_in_the_audit_trail(browser, door):
    downloaded(browser)

    assert "quarantine" in set(door.journal.audit.table()["subject"])


def test_rubbish_in_the_url_leaves_the_page_standing(browser, words_of):
    words = words_of(browser.page("/data", "?reason=rubbish&source=rubbish"))

    assert "No such rows" in words
    assert "Every line is accounted for" in words


@pytest.mark.parametrize(
    ("path", "search", "says_so"),
    [("/cohorts", "", False), ("/cohorts", "?part=value", True), ("/segments", "", True), ("/data", "", False)],
)
def test_pages_stand_without_a_model(browser, words_of, path, search, says_so):
    words = words_of(browser.page(path, search))

    assert "could not be shown" not in words
    assert ("Not trained yet" in words) == says_so


def test_clean_files_say_so_and_offer_no_download(client, words_of, browser):
    words = words_of(client.page("/data"))

    assert "No row was put aside" in words
    assert "Download rows put aside" not in words
    assert "Download rows put aside" in words_of(browser.page("/data"))


def test_it_is_said_how_each_file_was_read(browser, door, walk, words_of):
    rows = {row.source: row for row in door.ask("data/files").rows}
    shown = [words_of(node) for node in walk(browser.page("/data")) if node["type"] == "Details"]

    assert rows["transactions"].mapping.startswith("customer_id\norder_id\nline_id\norder_ts\namount")
    assert any("How it was read" in words and "customer_id" in words for words in shown)
    assert [words_of(how_read("amount = a * b", "decimal comma").to_plotly_json()), how_read("", None)] == [
        "How it was read amount = a * b decimal comma",
        None,
    ]


def test_what_was_loaded_is_told_by_kind(door):
    # tests/data/tiny: four lines go back (one of them 25.00 with a flag), one is of 0.00, one of the as-of date.
    found = {row.kind: (row.n_lines, row.n_customers, row.amount) for row in door.ask("data/kinds").rows}

    assert found == {
        "purchase": (22, 11, 697.0),
        "free": (1, 1, 0.0),
        "return": (4, 4, -165.0),
        "all": (27, 12, 532.0),
        "later": (1, None, None),
    }


def test_the_largest_amounts_come_whichever_way_they_went(door):
    rows = door.ask("data/largest", max_rows=3).rows

    assert [(row.customer_id, row.order_id, row.amount) for row in rows] == [
        ("C02", "o201", 100.0),
        ("C02", "o201", -100.0),
        ("C07", "o701", 80.0),
    ]


def test_rows_that_break_a_check_can_be_opened(walk, words_of):
    sample = '[{"customer_id": "<i>C01</i>"}]'

    assert sample in words_of(offending(sample))
    assert offending("[]") is None


def test_unusual_weeks_wear_another_colour():
    frame = pd.DataFrame(
        {
            "period_start": pd.to_datetime(["2024-01-01", "2024-01-08"]),
            "is_running": [False, True],
            "n_orders": [10, 2],
            "usual_orders": [None, 9.0],
            "is_unusual": [True, False],
        }
    )

    bars = weekly_volume(frame, Format("GBP", "en_GB")).data[0]

    assert bars.marker.color[0] != bars.marker.color[1]
    assert list(bars.customdata) == ["10 · unusual", "2 so far"]


def test_a_week_leads_to_whoever_had_orders_in_it(app, client, walk, words_of):
    links = {words_of(n): n["props"]["href"] for n in walk(client.page("/data")) if n["type"] == "Link"}
    grid = customer_list.grid_of(app.server.extensions["retain"].warehouse)

    href = links["Week of 01 Jan 2024: 2 orders"]

    assert grid.keys(customer_list.wanted(urlsplit(href).query)) == ["C01", "C10"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (("utf-8", ","), "utf-8, comma"),
        (("utf-16", "\t"), "utf-16, tab"),
        (("latin-1", "~"), "latin-1, ~"),
        (("", ""), ""),
        ((None, None), ""),
    ],
    ids=["comma", "tab", "a sign without a name", "no text", "unknown"],
)
def test_the_form_of_a_file_is_said_in_words(form, said):
    assert read_as(*form) == said
