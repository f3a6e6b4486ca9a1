import pandas as pd
import pytest

from dashboard.charts.jobs import duration_history
from dashboard.charts.revenue import revenue_by_month, revenue_over_time
from dashboard.charts.ticks import nice_step, value_axis
from dashboard.format import Format

WORDS = Format("GBP", "en_GB")


def days(n, before=100.0):
    return pd.DataFrame(
        {
            "period_start": pd.date_range("2024-01-01", periods=n),
            "revenue": [float(number) for number in range(n)],
            "previous_revenue": before,
        }
    )


@pytest.mark.parametrize(("span", "step"), [(10.4, 2.5), (192, 50), (1, 0.25), (0, 1), (0.03, 0.01)], ids=str)
def test_steps_of_an_axis_are_round(span, step):
    assert nice_step(span) == pytest.approx(step)


def test_an_axis_always_has_zero_and_room_above():
    axis = value_axis(300.0, 1_040.0, "money", WORDS)

    assert axis["range"][0] == 0
    assert axis["range"][1] > 1_040
    assert axis["ticktext"] == ["£0", "£250", "£500", "£750", "£1K"]


def test_an_axis_reaches_below_zero_when_returns_win():
    assert value_axis(-50.0, 100.0, "money", WORDS)["range"][0] <= -50


@pytest.mark.parametrize(
    ("most", "said"),
    [(1, ["0", "1"]), (3, ["0", "1", "2", "3"]), (11, ["0", "2", "4", "6", "8", "10"])],
)
def test_what_is_counted_has_whole_ticks(most, said):
    axis = value_axis(0, most, "count", WORDS)

    assert axis["ticktext"] == said
    assert [str(int(value)) for value in axis["tickvals"]] == said


def test_an_axis_of_nothing_stands():
    assert value_axis(0.0, 0.0, "money", WORDS)["ticktext"][0] == "£0"


def test_revenue_is_a_line_over_the_dotted_period_before():
    before, now = revenue_over_time(days(30), WORDS).data

    assert (before.name, before.line.dash) == ("Period before", "dot")
    assert (now.name, list(now.y)[:3]) == ("This period", [0.0, 1.0, 2.0])


def test_an_unknown_period_before_is_not_drawn():
    figure = revenue_over_time(days(30, before=float("nan")), WORDS)

    assert [trace.name for trace in figure.data] == ["This period"]


def test_one_day_can_be_drawn():
    assert len(revenue_over_time(days(1), WORDS).data) == 2


def test_hover_words_are_the_shops():
    assert revenue_over_time(days(2), Format("INR", "en_IN")).data[1].customdata[1] == "₹1.00"


def test_months_that_are_not_whole_are_lighter_and_say_so():
    frame = pd.DataFrame(
        {
            "order_month": pd.to_datetime(["2024-01-01", "2024-02-01"]),
            "revenue": [1000.0, 500.0],
            "is_partial": [False, True],
        }
    )
    bars = revenue_by_month(frame, WORDS).data[0]

    assert bars.marker.color[1].startswith("rgba")
    assert bars.customdata[1] == "£500 so far in the period"
    assert list(bars.x) == ["Jan 2024", "Feb 2024"]


def test_runs_are_coloured_by_how_they_ended():
    at = pd.Timestamp("2024-01-01 10:00")
    frame = pd.DataFrame(
        {
            "run_id": ["b", "a"],
            "status": ["failed", "done"],
            "started_at": [at + pd.Timedelta(days=1), at],
            "finished_at": [at + pd.Timedelta(days=1, seconds=5), at + pd.Timedelta(seconds=20)],
        }
    )
    bars = duration_history(frame, WORDS).data[0]

    assert list(bars.y) == [20.0, 5.0]
    assert bars.customdata[1] == "02 Jan 2024, 10:00 · 5.0 s · failed"
    assert bars.marker.color[0] != bars.marker.color[1]


@pytest.mark.parametrize(
    ("longest", "ticks"),
    [
        (0.4, ["0.0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s"]),
        (17, ["0 s", "5 s", "10 s", "15 s"]),
        (130, ["0 s", "30 s", "60 s", "90 s", "120 s"]),
        (240, ["0 min", "1 min", "2 min", "3 min", "4 min"]),
        (6000, ["0 min", "30 min", "60 min", "90 min"]),
        (8000, ["0 min", "30 min", "60 min", "90 min", "120 min"]),
        (10_800, ["0 h", "1 h", "2 h", "3 h"]),
    ],
    ids=["parts of a second", "seconds", "a minute and a half", "minutes", "an hour and a half", "two hours", "hours"],
)
def test_durations_have_ticks_that_are_round_on_a_clock(longest, ticks):
    at = pd.Timestamp("2024-01-01 10:00")
    frame = pd.DataFrame(
        {"run_id": ["a"], "status": ["done"], "started_at": [at], "finished_at": [at + pd.Timedelta(seconds=longest)]}
    )

    shown = list(duration_history(frame, WORDS).layout.yaxis.ticktext)

    assert shown == ticks


def test_figures_leave_titles_and_legends_to_the_card():
    layout = revenue_over_time(days(3), WORDS).layout

    assert layout.title.text is None
    assert layout.template.layout.showlegend is False
    assert layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
