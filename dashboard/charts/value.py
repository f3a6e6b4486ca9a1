"""How expected value is spread over the customers: distribution, intervals, concentration."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format, is_missing

N_TICKS = 6
"""As many amounts as fit beside each other on a phone."""


def distribution(frame: pd.DataFrame, words: Format) -> go.Figure:
    """A bar a step of expected value, all steps equally wide: the scale is by factors.

    Args:
        frame: value_from, value_to, is_lowest, n_customers, total, value_lo, value_hi; one row per step, rising.
        words: the shop's wording.
    """
    figure = theme.figure()
    names = [
        f"below {words.money(row.value_to)}"
        if row.is_lowest
        else f"{words.money(row.value_from)} to {words.money(row.value_to)}"
        for row in frame.itertuples()
    ]
    figure.add_bar(
        x=names,
        y=frame["n_customers"],
        marker={"color": theme.series(0)},
        customdata=[
            f"{words.counted(row.n_customers, 'customer')}, {words.money(row.total)} in all"
            f"{_mean_interval(row.value_lo, row.value_hi, words)}"
            for row in frame.itertuples()
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_yaxes(**value_axis(0, float(frame["n_customers"].max()), "count", words))
    every = max(1, -(-len(names) // N_TICKS))
    figure.update_xaxes(
        type="category",
        tickvals=names[::every],
        ticktext=words.ticks(list(frame["value_from"].iloc[::every]), "money"),
        tickangle=0,
        showspikes=False,
    )
    figure.update_layout(bargap=0.12)
    return figure


def _mean_interval(low: Any, high: Any, words: Format) -> str:
    """A line of its own; none where nobody is, or no interval was learnt."""
    return "" if is_missing(low) else f"<br>mean 80% interval {words.money(low)} – {words.money(high)}"


def intervals(frame: pd.DataFrame, words: Format) -> go.Figure:
    """The mean 80 % interval of each tenth of the customers as a bar, its expected value as a mark; scale by factors.

    Args:
        frame: decile, n_customers, mean_value, mean_lo, mean_hi; one row per tenth, 10 is best.
        words: the shop's wording.
    """
    figure = theme.figure()
    # A logarithmic scale has no zero: what is below a thousandth of the largest is drawn at its left edge.
    top = float(max(frame["mean_hi"].max(), frame["mean_value"].max())) or 1.0
    least = top / 10_000
    labels = [str(decile) for decile in frame["decile"]]
    low = frame["mean_lo"].fillna(frame["mean_value"]).clip(lower=least)
    high = frame["mean_hi"].fillna(frame["mean_value"]).clip(lower=least)
    figure.add_bar(
        x=labels, y=high - low, base=low, marker={"color": theme.rgba(theme.series(0), 0.35)}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=labels,
        y=frame["mean_value"].clip(lower=least),
        mode="markers",
        marker={"color": theme.series(0), "size": 9, "symbol": "diamond"},
        customdata=[
            f"{words.counted(row.n_customers, 'customer')}: mean {words.money(row.mean_value)}"
            f"{_mean_interval(row.mean_lo, row.mean_hi, words)}"
            for row in frame.itertuples()
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    powers = list(range(math.ceil(math.log10(least)), math.floor(math.log10(top)) + 1))
    figure.update_yaxes(
        type="log",
        range=[math.log10(least) - 0.12, math.log10(top) + 0.1],
        tickvals=[10.0**power for power in powers],
        ticktext=words.ticks([10.0**power for power in powers], "money"),
    )
    figure.update_xaxes(type="category", showspikes=False)
    figure.update_layout(bargap=0.45)
    return figure


def concentration(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Share of the expected value against share of the customers, the best first; dotted: all equal.

    Args:
        frame: customer_percent, n_customers, value_share; one row per hundredth, rising.
        words: the shop's wording.
    """
    figure = theme.figure()
    colour = theme.series(0)
    figure.add_scatter(
        x=[0, 100], y=[0, 1], mode="lines", line={"color": theme.MUTED, "width": 1.5, "dash": "dot"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[0, *frame["customer_percent"]],
        y=[0, *frame["value_share"]],
        mode="lines",
        line={"color": colour, "width": 2},
        fill="tozeroy",
        fillgradient={"type": "vertical", "colorscale": [[0, theme.rgba(colour, 0)], [1, theme.rgba(colour, 0.20)]]},
        customdata=[
            "nobody",
            *(
                f"The best {row.customer_percent}% ({words.counted(row.n_customers, 'customer')}) "
                f"bring {words.share(row.value_share)}"
                for row in frame.itertuples()
            ),
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    steps = [0, 0.25, 0.5, 0.75, 1]
    figure.update_yaxes(range=[0, 1.04], tickvals=steps, ticktext=[words.share(step, 0) for step in steps])
    figure.update_xaxes(
        range=[0, 100], tickvals=[100 * step for step in steps], ticktext=[words.share(step, 0) for step in steps]
    )
    # The last word of the axis needs room beyond it.
    figure.update_layout(hovermode="closest", margin={"r": 18})
    return figure
