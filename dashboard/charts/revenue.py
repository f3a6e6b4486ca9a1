"""Revenue over time, and by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format, is_missing

N_TICKS = 6
"""As many dates as fit beside each other on a phone."""
N_SHORT = 12
"""As many months by their first letters."""


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
            line={"color": theme.series(7), "width": 1.5, "dash": "dot"},
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


def revenue_by_month(frame: pd.DataFrame, words: Format, forecast: pd.DataFrame | None = None) -> go.Figure:
    """A bar a month, lighter where the period does not cover it; what is expected as a dashed line within its band.

    Args:
        frame: order_month, revenue, is_partial; one row per month. `to_date` and `from_date` make the bars links.
        words: the shop's wording.
        forecast: order_month, is_running, revenue_to_date, expected_revenue, month_revenue, month_revenue_lo and _hi
            (NaN without an interval); one row per month that is not over. None draws what was alone.
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
    low, high = float(frame["revenue"].min()), float(frame["revenue"].max())
    if forecast is not None and len(forecast):
        coming = [words.month(month) for month in pd.to_datetime(forecast["order_month"])]
        _add_forecast(figure, coming, forecast, words)
        if coming[0] not in labels:
            _add_today(figure, len(labels))
        labels += [label for label in coming if label not in labels]
        high = max(high, float(forecast[["month_revenue", "month_revenue_hi"]].max().max()))
        low = min(low, float(forecast[["month_revenue", "month_revenue_lo"]].min().min()))
    figure.update_yaxes(**value_axis(low, high, "money", words))
    figure.update_layout(bargap=max(0.35, 1 - 0.1 * len(labels)))
    is_short = len(labels) <= N_SHORT
    every = 1 if is_short else max(1, -(-len(labels) // N_TICKS))
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=labels,
        tickvals=labels[::every],
        ticktext=[label[:3] if is_short else label for label in labels[::every]],
        tickangle=0,
        showspikes=False,
    )
    return figure


def _add_forecast(figure: go.Figure, labels: list[str], frame: pd.DataFrame, words: Format) -> None:
    """The band from its low to its high edge, and the dashed line that it surrounds."""
    colour = theme.series(1)
    shade = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    if frame["month_revenue_lo"].notna().any():
        figure.add_scatter(x=labels, y=frame["month_revenue_lo"], name="Low edge", **shade)
        figure.add_scatter(
            x=labels,
            y=frame["month_revenue_hi"],
            name="High edge",
            fill="tonexty",
            fillcolor=theme.rgba(colour, 0.16),
            **shade,
        )
    figure.add_scatter(
        x=labels,
        y=frame["month_revenue"],
        name="Expected",
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": "dash"},
        marker={"size": 6, "color": colour},
        customdata=[_expected_in_words(row, words) for row in frame.to_dict("records")],
        hovertemplate="%{customdata}",
    )


def _add_today(figure: go.Figure, n_months: int) -> None:
    """A line between the last of *n_months* that are over and the first that is expected."""
    figure.add_vline(
        x=n_months - 0.5,
        line={"color": theme.MUTED, "width": 1},
        annotation={
            "text": "Known so far",
            "font": {"size": 11, "color": theme.MUTED},
            "xanchor": "right",
            "xshift": -4,
        },
        annotation_position="top left",
    )


def _expected_in_words(row: Mapping[Any, Any], words: Format) -> str:
    said = words.money(row["month_revenue"])
    if not is_missing(row["month_revenue_lo"]):
        said += f" ({words.money(row['month_revenue_lo'])} – {words.money(row['month_revenue_hi'])})"
    if row["is_running"]:
        said += f"<br>in progress: {words.money(row['expected_revenue'])} of it still to come"
    return said


def _time_axis(frame: pd.DataFrame, words: Format) -> dict[str, object]:
    """At most eight ticks on points of the line, worded by the locale; months once the span is long."""
    days = pd.to_datetime(frame["period_start"])
    every = max(1, -(-len(days) // N_TICKS))
    shown = days.iloc[every // 2 :: every]
    span_days = (days.max() - days.min()).days if len(days) else 0
    text = [words.day(day) if span_days <= 200 else words.month(day) for day in shown]
    # The unified hover label wears the date in the locale's words, too.
    return {"tickvals": shown, "ticktext": text, "hoverformat": "%d %b %Y"}
