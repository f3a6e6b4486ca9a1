"""Whether as much comes in as usual."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format

N_TICKS = 4
"""As many dates as fit beside each other on a phone."""


def weekly_volume(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Orders of each week as bars, the usual number as a dotted line; unusual weeks in amber, a running one lighter.

    Args:
        frame: period_start, is_running, n_orders, usual_orders (NaN in the first weeks), is_unusual.
        words: the shop's wording.
    """
    figure = theme.figure()
    weeks = pd.to_datetime(frame["period_start"])
    figure.add_bar(
        x=weeks,
        y=frame["n_orders"],
        name="Orders",
        marker={
            "color": [
                theme.series(2) if unusual else theme.rgba(theme.series(0), 0.45 if running else 1)
                for unusual, running in zip(frame["is_unusual"], frame["is_running"], strict=True)
            ]
        },
        customdata=[
            words.count(n) + (" · unusual" if unusual else "") + (" so far" if running else "")
            for n, unusual, running in zip(frame["n_orders"], frame["is_unusual"], frame["is_running"], strict=True)
        ],
        hovertemplate="%{customdata}",
    )
    usual = frame["usual_orders"].astype(float)
    figure.add_scatter(
        x=weeks,
        y=usual,
        name="Usual",
        mode="lines",
        line={"color": theme.MUTED, "width": 1.5, "dash": "dot"},
        customdata=[words.count(value) for value in usual],
        hovertemplate="%{customdata}",
    )
    figure.update_yaxes(
        **value_axis(0, float(max(frame["n_orders"].max(), usual.max(skipna=True) or 0)), "count", words)
    )
    every = max(1, -(-len(weeks) // N_TICKS))
    shown = weeks.iloc[every // 2 :: every]
    figure.update_xaxes(
        tickvals=shown, ticktext=[words.month(week) for week in shown], hoverformat="%d %b %Y", tickangle=0
    )
    return figure
