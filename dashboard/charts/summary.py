"""Who comes back month by month, and the steps of the customer-equity bridge."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format

N_TICKS = 4
"""As many months as fit beside each other in a third of the page."""
REALISED = "realised"
"""Step of the bridge that is money earned."""
BRIDGE_GAP = 0.3
"""Of a step's width, free between two bars."""


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

    What was realised is neither gain nor loss: it came in, and is no longer expected.

    Args:
        frame: step, money, level_money (after the step), place; the first and the last row are totals.
        labels: step → words.
        words: the shop's wording.
    """
    figure = theme.figure()
    money = [float(value) for value in frame["money"]]
    last = len(money) - 1
    after = [float(value) for value in frame["level_money"]][:last]
    is_total = [place in (0, last) for place in range(len(money))]
    figure.add_bar(
        # On a phone a step is as wide as one word.
        x=[labels[step].replace(" ", "<br>") for step in frame["step"]],
        y=money,
        base=[0.0 if total else after[place - 1] for place, total in enumerate(is_total)],
        marker={
            "color": [
                theme.series(0 if total else 4 if step == REALISED else 1 if value > 0 else 3)
                for total, step, value in zip(is_total, frame["step"], money, strict=True)
            ],
            "cornerradius": 0,
        },
        text=[
            words.money(value) if total else words.money_change(value)
            for total, value in zip(is_total, money, strict=True)
        ],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    for place, level in enumerate(after):
        figure.add_shape(
            type="line",
            x0=place + (1 - BRIDGE_GAP) / 2,
            x1=place + (1 + BRIDGE_GAP) / 2,
            y0=level,
            y1=level,
            line={"color": theme.MUTED, "width": 1, "dash": "dot"},
        )
    low, high = min(0.0, *after, money[last]), max(*after, money[last])
    # Each bar says its money: the scale at the left would say it again, and take room.
    figure.update_yaxes(**value_axis(low, high * 1.1, "money", words))
    figure.update_yaxes(showticklabels=False, showgrid=False)
    figure.update_xaxes(type="category", showspikes=False, tickangle=0)
    figure.update_layout(bargap=BRIDGE_GAP)
    return figure
