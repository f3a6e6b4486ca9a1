import pandas as pd
import plotly.graph_objects as go
import pytest
from dash import html

from dashboard.components import (
    Bar,
    Column,
    HeatCell,
    Mark,
    customer_cell,
    delta,
    graph,
    heat_table,
    kpi,
    ranked,
    rows,
    segmented,
    share_bar,
    spark,
    table,
)
from dashboard.components.cohorts import cohort_table
from dashboard.components.jobs import cron_words, progress
from dashboard.format import Format

WORDS = Format("GBP", "en_GB")


@pytest.mark.parametrize(
    ("change", "good_when_up", "tone"),
    [
        (0.1, True, "good"),
        (-0.1, True, "bad"),
        (0.1, False, "bad"),
        (-0.1, False, "good"),
        (0.1, None, "flat"),
        (0.0001, True, "flat"),
    ],
    ids=["up", "down", "churn up", "churn down", "neither", "unchanged"],
)
def test_good_and_bad_go_by_meaning_not_direction(change, good_when_up, tone):
    assert delta(change, WORDS, good_when_up=good_when_up).className == f"delta delta-{tone}"


def test_a_change_is_said_not_only_coloured(words_of):
    assert "down 11.6%" in words_of(delta(-0.116, WORDS))
    assert "up 0.6 pts" in words_of(delta(0.006, WORDS, is_share=True))


@pytest.mark.parametrize("change", [None, float("nan")], ids=["none", "nan"])
def test_no_comparison_no_change(change):
    assert delta(change, WORDS) is None


def test_a_headline_number_names_the_period_before(words_of):
    assert "£800 the period before" in words_of(kpi("Revenue", 1000, "money", WORDS, previous=800, change=0.25))
    assert "in the period" in words_of(kpi("Revenue", 100, "money", WORDS, previous=None, note="in the period"))


def test_a_sparkline_needs_two_points():
    assert spark([1.0]).className == "spark spark-none"
    assert spark([1.0, float("nan"), 3.0]).style["maskImage"].startswith('url("data:image/svg+xml,')


def test_a_flat_sparkline_is_drawn():
    assert "NaN" not in spark([2.0, 2.0, 2.0]).style["maskImage"]


def test_a_cell_that_cannot_exist_yet_is_blank_and_a_running_one_is_hatched(walk):
    drawn = heat_table(["M1", "M2"], [("Jan", [HeatCell("0%", 0.0, is_running=True), None])], caption="c")
    cells = [node["props"] for node in walk(drawn) if node["type"] == "Td"]

    assert (cells[0]["className"], cells[0]["children"]) == ("heat-running", "0%")
    assert cells[1]["className"] == "heat-none"
    assert cells[1].get("children") is None


COHORTS = pd.DataFrame(
    {
        "cohort_month": pd.to_datetime(["2024-01-01"] * 3 + ["2024-02-01"] * 2),
        "month_number": [0, 1, 2, 0, 1],
        "is_running": [False, False, True, False, True],
        "n_cohort": [10, 10, 10, 4, 4],
        "bought_share": [1.0, 0.5, 0.0, 1.0, 0.25],
    }
)


def test_a_cohort_has_cells_for_the_months_that_have_begun(walk, words_of):
    drawn = cohort_table(COHORTS, "bought_share", "share", WORDS, caption="c")
    rows = [node for node in walk(drawn) if node["type"] == "Tr"]
    lines = [[words_of(cell) for cell in walk(row) if cell["type"] in ("Th", "Td")] for row in rows]

    assert lines == [["First order", "M1", "M2"], ["Jan 2024", "50%", "0%"], ["Feb 2024", "25%", ""]]


def test_only_the_last_cohorts_are_shown_when_asked(words_of):
    drawn = words_of(cohort_table(COHORTS, "bought_share", "share", WORDS, caption="c", n_cohorts=1))

    assert "Feb 2024" in drawn
    assert "Jan 2024" not in drawn


def test_no_cohorts_no_cells(walk):
    drawn = cohort_table(COHORTS.head(0), "bought_share", "share", WORDS, caption="c")

    assert [node for node in walk(drawn) if node["type"] == "Td"] == []


def test_bars_with_a_place_to_go_are_links(walk):
    bars = [Bar("web", "£1", 1.0, href="/customers"), Bar("app", "£2", 0.5)]

    for draw in (ranked, rows):
        assert [node["props"]["href"] for node in walk(draw(bars)) if node["type"] == "Link"] == ["/customers"]


def test_marks_that_lead_somewhere_take_clicks(walk):
    figure = go.Figure([go.Bar(x=["a"], y=[1], hoverinfo="skip"), go.Scatter(x=["a"], y=[1], hoverinfo="skip")])

    graph(figure, "chart", label="A chart", links={0: [Mark("One customer", "/customers/C01")]})

    assert [trace.hoverinfo for trace in figure.data] == ["none", "skip"]


def test_names_of_customers_are_text_not_markup(words_of):
    name = '<img src=x onerror="alert(1)">'
    drawn = customer_cell("C10", name, "/customers/C10")

    assert name in words_of(drawn)
    assert "dangerously_allow_html" not in str(drawn.to_plotly_json())


def test_a_customer_without_name_shows_the_id_once(words_of):
    assert words_of(customer_cell("C10", None, "/x")).split() == ["10", "C10"]


def test_missing_cells_of_a_table_are_none_whatever_the_column(words_of):
    frame = pd.DataFrame({"day": [pd.NaT], "count": [float("nan")]})
    columns = [Column("Day", lambda row: WORDS.date(row.day)), Column("Count", lambda row: WORDS.count(row.count))]

    assert words_of(table(frame[["day"]], columns[:1], caption="c")).split() == ["c", "Day", "–"]


def test_a_missing_share_has_no_bar():
    assert share_bar(None, WORDS) == "–"
    assert isinstance(share_bar(0.7, WORDS, is_risk=True), html.Div)


def test_a_choice_has_a_label_and_lives_in_the_url(walk):
    drawn = segmented({"a": "A", "b": "B"}, "a", label="Mode", key="mode", default="a")
    radio = next(node for node in walk(drawn) if node["type"] == "RadioItems")

    assert drawn.to_plotly_json()["props"]["aria-label"] == "Mode"
    assert radio["props"]["id"] == {"type": "url", "key": "mode", "default": "a"}


def test_progress_says_its_share_to_screen_readers(walk):
    bar = next(node for node in walk(progress(0.734, "landing")) if node["props"].get("role") == "progressbar")

    assert (bar["props"]["aria-valuenow"], bar["props"]["aria-label"]) == ("73", "landing")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("0 5 * * *", "Daily at 05:00"),
        ("0 4 * * 0", "Sundays at 04:00"),
        ("30 6 1 * *", "On day 1 of the month at 06:30"),
        ("*/10 * * * *", "Every 10 minutes"),
        ("0 5 * * 1-5", "0 5 * * 1-5"),
        ("", "On request"),
    ],
    ids=str,
)
def test_usual_cron_lines_are_put_into_words(line, text):
    assert cron_words(line) == text
