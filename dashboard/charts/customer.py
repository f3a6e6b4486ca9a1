"""One customer over time, and why they are worth what is expected of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format

N_TICKS = 4
SHORTEST_DAYS = 30
LONG_DAYS = 200
"""A longer span has months on its axis."""
DAY_MS = 86_400_000
N_BARS = 140
"""A bar is as wide as this part of the time axis, so that a single day can be seen on it."""


def customer_timeline(
    frame: pd.DataFrame,
    words: Format,
    *,
    as_of: dt.date,
    next_order_from: dt.date | None = None,
    next_order_to: dt.date | None = None,
) -> go.Figure:
    """A bar for each day with orders, one downwards for returns, and the time in which the next order is expected.

    Args:
        frame: order_date, gross_amount, return_amount (zero or negative); one row per day.
        words: the shop's wording.
        as_of: the first day that is not known.
        next_order_from: first day on which the next order is expected; None without a prediction.
        next_order_to: the last such day.
    """
    figure = theme.figure()
    days = pd.to_datetime(frame["order_date"])
    end = max(as_of, next_order_to) if next_order_from and next_order_to else as_of
    span_days = max(SHORTEST_DAYS, (pd.Timestamp(end) - days.min()).days if len(days) else 0)
    width = span_days * DAY_MS / N_BARS
    for name, column, colour in (
        ("Orders", "gross_amount", theme.series(0)),
        ("Returns", "return_amount", theme.series(3)),
    ):
        shown = frame[frame[column] != 0]
        figure.add_bar(
            x=pd.to_datetime(shown["order_date"]),
            y=shown[column],
            name=name,
            width=width,
            marker={"color": colour},
            customdata=[words.money_exact(value) for value in shown[column]],
            hovertemplate="%{customdata}",
        )
    # All at once: each change of a figure is checked anew, and this one is drawn for every customer.
    figure.update_layout(
        barmode="relative",
        shapes=_spans(as_of, next_order_from, next_order_to),
        xaxis=_time_axis(days.min(), pd.Timestamp(end), words),
        yaxis=value_axis(float(frame["return_amount"].min()), float(frame["gross_amount"].max()), "money", words),
    )
    return figure


def _spans(as_of: dt.date, next_from: dt.date | None, next_to: dt.date | None) -> list[dict[str, Any]]:
    """The time in which the next order is expected, and the line of the day up to which we know, at full height."""
    tall = {"yref": "y domain", "y0": 0, "y1": 1}
    line = {"type": "line", "x0": _moment(as_of), "x1": _moment(as_of), "line": {"color": theme.MUTED, "width": 1}}
    if not (next_from and next_to):
        return [{**tall, **line}]
    band = {"type": "rect", "x0": _moment(next_from), "x1": _moment(next_to), "line": {"width": 0}}
    return [{**tall, **band, "fillcolor": theme.series(1), "opacity": 0.14}, {**tall, **line}]


def _moment(day: dt.date) -> str:
    return pd.Timestamp(day).isoformat()


def _time_axis(first: pd.Timestamp, last: pd.Timestamp, words: Format) -> dict[str, Any]:
    """A few ticks in the locale's words: days evenly spaced, beginnings of months once the span is long."""
    first = min(first, last - pd.Timedelta(days=SHORTEST_DAYS))
    room = max(pd.Timedelta(days=15), (last - first) * 0.02)
    is_long = (last - first).days > LONG_DAYS
    months = pd.date_range(first, last, freq="MS")
    shown = months[:: -(-len(months) // N_TICKS)] if is_long else pd.date_range(first, last, periods=N_TICKS + 2)[1:-1]
    return {
        "type": "date",
        "range": [(first - room).isoformat(), (last + room).isoformat()],
        "tickvals": list(shown),
        "ticktext": [words.month(day) if is_long else words.day(day) for day in shown],
        "tickangle": 0,
        "hoverformat": "%d %b %Y",
    }
