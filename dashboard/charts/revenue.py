"""Revenue over time, and by month."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format

N_TICKS = 6
"""As many dates as fit beside each other on a phone."""


def revenue_over_time(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Revenue of the period as a line over a fading area; the period before as a dotted line.

    Args:
        frame: period_start, last_day, revenue, previous_revenue (NaN where it is not known); one row per point.
        words: the shop's wording.
    """
    figure = theme.figure()
    colour = theme.series(0)
    days = pd.to_datetime(frame["period_start"])
    before = frame["previous_revenue"].astype(float)
    if before.notna().any():
        figure.add_scatter(
            x=days,
            y=before,
            name="Period before",
            line={"color": theme.MUTED, "width": 1.5, "dash": "dot"},
            customdata=[words.money(value) for value in before],
            hovertemplate="%{customdata}",
        )
    figure.add_scatter(
        x=days,
        y=frame["revenue"],
        name="This period",
        line={"color": colour, "width": 2},
        fill="tozeroy",
        fillgradient={
            "type": "vertical",
            "colorscale": [[0, theme.rgba(colour, 0)], [1, theme.rgba(colour, 0.20)]],
        },
        customdata=[words.money(value) for value in frame["revenue"]],
        hovertemplate="%{customdata}",
    )
    low = float(min(frame["revenue"].min(), before.min() if before.notna().any() else 0))
    high = float(max(frame["revenue"].max(), before.max() if before.notna().any() else 0))
    figure.update_yaxes(**value_axis(low, high, "money", words))
    figure.update_xaxes(**_time_axis(frame, words))
    return figure


def revenue_by_month(frame: pd.DataFrame, words: Format) -> go.Figure:
    """A bar a month; months that the period does not wholly cover are lighter.

    Args:
        frame: order_month, revenue, is_partial; one row per month. `to_date` and `from_date` make the bars links.
        words: the shop's wording.
    """
    figure = theme.figure()
    colour = theme.series(0)
    labels = [words.month(month) for month in pd.to_datetime(frame["order_month"])]
    figure.add_bar(
        x=labels,
        y=frame["revenue"],
        name="Revenue",
        marker={"color": [theme.rgba(colour, 0.45) if partial else colour for partial in frame["is_partial"]]},
        customdata=[
            words.money(revenue) + (" so far in the period" if partial else "")
            for revenue, partial in zip(frame["revenue"], frame["is_partial"], strict=True)
        ],
        hovertemplate="%{customdata}",
    )
    figure.update_yaxes(**value_axis(float(frame["revenue"].min()), float(frame["revenue"].max()), "money", words))
    figure.update_layout(bargap=max(0.35, 1 - 0.1 * len(labels)))
    every = max(1, -(-len(labels) // N_TICKS))
    figure.update_xaxes(
        type="category",
        tickvals=labels[::every],
        ticktext=[label[:3] if len(labels) <= 12 else label for label in labels[::every]],
        showspikes=False,
    )
    return figure


def _time_axis(frame: pd.DataFrame, words: Format) -> dict[str, object]:
    """At most eight ticks on points of the line, worded by the locale; months once the span is long."""
    days = pd.to_datetime(frame["period_start"])
    every = max(1, -(-len(days) // N_TICKS))
    shown = days.iloc[every // 2 :: every]
    span_days = (days.max() - days.min()).days if len(days) else 0
    text = [words.day(day) if span_days <= 200 else words.month(day) for day in shown]
    # The unified hover label wears the date in the locale's words, too.
    return {"tickvals": shown, "ticktext": text, "hoverformat": "%d %b %Y"}
