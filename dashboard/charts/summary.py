"""Who comes back month by month, and the steps of the customer-equity bridge."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format

N_TICKS = 4
"""As many months as fit beside each other in a third of the page."""


def returning_share(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Share of earlier customers who bought again, a point a month; the month that is not over is hollow.

    Args:
        frame: activity_month, is_running, returning_share; one row per month.
        words: the shop's wording.
    """
    figure = theme.figure()
    months = pd.to_datetime(frame["activity_month"])
    colour = theme.series(1)
    figure.add_scatter(
        x=months,
        y=frame["returning_share"],
        name="Bought again",
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={
            "size": 6,
            "color": [theme.rgba(colour, 0.25) if running else colour for running in frame["is_running"]],
            "line": {"color": colour, "width": 1.5},
        },
        customdata=[
            words.share(share, 1) + (", month not over" if running else "")
            for share, running in zip(frame["returning_share"], frame["is_running"], strict=True)
        ],
        hovertemplate="%{customdata}",
    )
    every = max(1, -(-len(months) // N_TICKS))
    shown = months.iloc[every // 2 :: every]
    figure.update_yaxes(**value_axis(0.0, float(frame["returning_share"].max()), "share", words))
    figure.update_xaxes(tickvals=shown, ticktext=[words.month(month) for month in shown], hoverformat="%b %Y")
    return figure


def equity_bridge(frame: pd.DataFrame, labels: dict[str, str], words: Format) -> go.Figure:
    """From the opening to the closing value: totals stand on zero, steps hang between them.

    Args:
        frame: step, money, place; the first and the last row are totals.
        labels: step → words.
        words: the shop's wording.
    """
    figure = theme.figure()
    last = len(frame) - 1
    # On a phone a step is as wide as one word.
    names = [labels[step].replace(" ", "<br>") for step in frame["step"]]
    figure.add_waterfall(
        x=names,
        y=frame["money"],
        measure=["absolute" if place in (0, last) else "relative" for place in range(len(frame))],
        totals={"marker": {"color": theme.series(0)}},
        increasing={"marker": {"color": theme.series(1)}},
        decreasing={"marker": {"color": theme.series(3)}},
        connector={"line": {"color": theme.MUTED, "width": 1, "dash": "dot"}},
        text=[
            words.money(money) if place in (0, last) else words.money_change(money)
            for place, money in enumerate(frame["money"])
        ],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    running = frame["money"].iloc[:-1].cumsum()
    low, high = min(0.0, float(running.min())), max(float(running.max()), float(frame["money"].iloc[-1]))
    # Each bar says its money: the scale at the left would say it again, and take room.
    figure.update_yaxes(**value_axis(low, high * 1.1, "money", words))
    figure.update_yaxes(showticklabels=False, showgrid=False)
    figure.update_xaxes(type="category", showspikes=False, tickangle=0)
    figure.update_layout(waterfallgap=0.3)
    return figure
