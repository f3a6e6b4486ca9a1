"""What moves the forecasts: a swarm of customers per fact, and one fact against its effect."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from clv.explain import in_words, kind_of
from dashboard import theme
from dashboard.charts.ticks import Factors
from dashboard.format import Format, Kind, called, is_missing

LOW, MIDDLE, HIGH = theme.SERIES[4], theme.SERIES[7], theme.SERIES[3]
"""Sky, slate, coral: told apart by colour-blind readers, and seen on both grounds."""
COLOURS = ((0.0, LOW), (0.5, MIDDLE), (1.0, HIGH))
N_BINS = 90
SWARM = 0.42
"""Half the width of a row that a swarm may fill."""
SKEWED, FAR = 20.0, 4.0
"""A fact whose 99th hundredth is so many times its middle, or its greatest value so many times that, is drawn by
factors: a few customers would else press all others to the edge."""


def beeswarm(frame: pd.DataFrame, words: Format) -> go.Figure:
    """One row per fact, one point per customer: right of zero it raises the forecast, left of it lowers it.

    The scale of money goes by factors of ten on both sides of zero.

    Args:
        frame: feature, place (1 is the topmost), customer_id, name, value, value_rank (0–1; missing: not known),
            contribution in money.
        words: the shop's wording.
    """
    figure = theme.figure()
    scale = Factors.of(frame["contribution"])
    x = scale.place(frame["contribution"])
    features = frame.drop_duplicates("place").sort_values("place")
    rows = len(features) - frame["place"].to_numpy(float)
    # Counted so that equally many points share a row's height, whichever fact it is.
    width = max(float(np.ptp(x)) if len(x) else 1.0, 1e-9) / N_BINS
    y = rows + _swarm(rows, np.floor(x / width))
    is_known = frame["value_rank"].notna().to_numpy()
    for part, marker in (
        (~is_known, {"color": theme.rgba(MIDDLE, 0.8), "symbol": "circle-open", "size": 5}),
        (
            is_known,
            {
                "color": frame.loc[is_known, "value_rank"],
                "colorscale": [list(stop) for stop in COLOURS],
                "cmin": 0,
                "cmax": 1,
                "size": 5,
                "opacity": 0.8,
                "showscale": False,
            },
        ),
    ):
        figure.add_scatter(
            x=x[part],
            y=y[part],
            meta=scale.shown(frame.loc[part, "contribution"]),
            mode="markers",
            marker=marker,
            customdata=[
                f"{called(row.customer_id, row.name)}<br>{words.label(in_words(row.feature))}: "
                f"{fact_words(row.feature, row.value, words)}<br>{words.money_change(row.contribution)}"
                for row in _rows(frame[part])
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": theme.MUTED, "width": 1})
    moved = frame["contribution"]
    axis = scale.axis(float(moved.min()), float(moved.max()), "money", words, most=5)
    figure.update_xaxes(showgrid=True, gridcolor=theme.HAIRLINE, showspikes=False, tickangle=0, **axis)
    figure.update_yaxes(
        tickvals=[len(features) - place for place in features["place"]],
        ticktext=[short_words(feature) for feature in features["feature"]],
        range=[-0.6, len(features) - 0.4],
        showgrid=False,
    )
    figure.update_layout(hovermode="closest")
    return figure


def dependence(frame: pd.DataFrame, trend: pd.DataFrame, feature: str, words: Format) -> go.Figure:
    """One point per customer: how much of the fact, and what it moves; the line is the middle of each tenth.

    Args:
        frame: customer_id, name, value, contribution in money.
        trend: value, contribution, n_customers; one row per tenth, rising.
        feature: the fact.
        words: the shop's wording.
    """
    figure = theme.figure()
    money = Factors.of(frame["contribution"])
    kind = AXIS_KINDS[kind_of(feature)]
    values = frame["value"].to_numpy(float)
    is_skewed = _is_skewed(values)
    scale = Factors.of(values)
    figure.add_scatter(
        x=scale.place(values) if is_skewed else values,
        y=money.place(frame["contribution"]),
        meta=money.shown(frame["contribution"]),
        mode="markers",
        marker={"color": theme.rgba(theme.series(0), 0.45), "size": 6},
        customdata=[
            f"{called(row.customer_id, row.name)}<br>{fact_words(feature, row.value, words)}: "
            f"{words.money_change(row.contribution)}"
            for row in _rows(frame)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    middles = trend["value"].to_numpy(float)
    figure.add_scatter(
        x=scale.place(middles) if is_skewed else middles,
        y=money.place(trend["contribution"]),
        meta=money.shown(trend["contribution"]),
        mode="lines+markers",
        line={"color": theme.series(2), "width": 2},
        marker={"size": 7, "symbol": "diamond"},
        customdata=[
            f"middle of {words.count(row.n_customers)} customers<br>{fact_words(feature, row.value, words)}: "
            f"{words.money_change(row.contribution)}"
            for row in _rows(trend)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": theme.MUTED, "width": 1})
    moved = frame["contribution"]
    figure.update_yaxes(**money.axis(float(moved.min()), float(moved.max()), "money", words))
    if is_skewed:
        low, high = float(values.min()), float(values.max())
        axis = scale.axis(low, high, kind, words)
        if low > 0:
            # Nobody is near zero, and the way there by factors is half of the chart.
            start, end = scale.place([low, high])
            room = 0.04 * (end - start)
            axis["range"] = [start - room, end + room]
        figure.update_xaxes(**axis)
    elif kind == "share":
        figure.update_xaxes(tickformat=".0%")
    figure.update_xaxes(showspikes=False, title={"text": words.label(in_words(feature))})
    figure.update_layout(hovermode="closest")
    return figure


AXIS_KINDS: dict[str, Kind] = {"money": "money", "share": "share", "days": "count", "number": "count"}


def fact_words(feature: str, value: Any, words: Format) -> str:
    """What a fact is, in its unit."""
    if is_missing(value):
        return "not known"
    kind = kind_of(feature)
    if kind == "money":
        return words.money(value)
    if kind == "share":
        return words.share(value)
    if kind == "days":
        return words.days(round(value))
    return words.decimal(value, 0 if float(value).is_integer() else 2)


def short_words(feature: str, width: int = 24) -> str:
    """The fact in plain words beside an axis, in two lines where one does not hold them."""
    text = in_words(feature)
    return "<br>".join(textwrap.wrap(text[0].upper() + text[1:], width, max_lines=2, placeholder=" …"))


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))


def _swarm(rows: npt.NDArray[np.float64], bins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[n_points] how far from the middle of its row each point stands, so that few hide each other."""
    table = pd.DataFrame({"row": rows, "bin": bins})
    groups = table.groupby(["row", "bin"])
    place = groups.cumcount().to_numpy(float)
    # 0, +1, −1, +2, −2, … from the middle outwards
    step = np.where(place % 2 == 1, (place + 1) / 2, -place / 2)
    # A row is as wide as its fullest place; one with few points stays narrow.
    size = groups["row"].transform("size")
    fullest = size.groupby(table["row"]).transform("max").clip(lower=8).to_numpy(float)
    return step * 2 * SWARM / fullest


def _is_skewed(values: npt.NDArray[np.float64]) -> bool:
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return False
    usual, high = float(np.median(sizes)), float(np.quantile(sizes, 0.99))
    return high > SKEWED * usual or float(sizes.max()) > FAR * high
