"""How good the forecasts were on windows that have passed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format

OURS, BASELINE = "value", "btyd"
NOMINAL = {"coverage_80": 0.8, "coverage_90": 0.9}


def contenders(frame: pd.DataFrame, names: Mapping[str, str], words: Format) -> go.Figure:
    """Normalised Gini of each contender with its interval, the best on top.

    Args:
        frame: model, gini, gini_lo, gini_hi; one row per contender, the best first.
        names: model → what it is called.
        words: the shop's wording.
    """
    figure = theme.figure()
    rows = frame[frame["gini"].notna()].iloc[::-1]
    labels = [names.get(model, model) for model in rows["model"]]
    figure.add_scatter(
        x=rows["gini"],
        y=labels,
        mode="markers",
        marker={"size": 9, "color": [theme.series(0 if model == OURS else 7) for model in rows["model"]]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": rows["gini_hi"] - rows["gini"],
            "arrayminus": rows["gini"] - rows["gini_lo"],
            "color": theme.MUTED,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=[
            f"{words.decimal(row.gini, 3)} ({words.decimal(row.gini_lo, 3)} – {words.decimal(row.gini_hi, 3)})"
            for row in rows.itertuples()
        ],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    # Steps of a twentieth, as many as fit beside each other.
    first = math.floor(20 * float(rows["gini_lo"].fillna(rows["gini"]).min()))
    low = first / 20
    ticks = [step / 20 for step in range(20, first - 1, -max(1, -(-(20 - first) // 4)))]
    figure.update_xaxes(
        range=[low - 0.01, 1.02],
        tickvals=ticks,
        ticktext=[words.decimal(tick, 2) for tick in ticks],
        showgrid=True,
        gridcolor=theme.HAIRLINE,
        showspikes=False,
    )
    figure.update_yaxes(type="category", showgrid=False)
    figure.update_layout(hovermode="closest")
    return figure


def calibration(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Mean forecast beside mean outcome for each tenth of our forecast.

    Args:
        frame: model, decile, n_customers, mean_predicted, mean_actual.
        words: the shop's wording.
    """
    figure = theme.figure()
    ours = frame[frame["model"] == OURS]
    labels = [str(decile) for decile in ours["decile"]]
    for name, column, place in (("Predicted", "mean_predicted", 0), ("Happened", "mean_actual", 1)):
        figure.add_bar(
            x=labels,
            y=ours[column],
            name=name,
            marker={"color": theme.series(place)},
            customdata=[words.money(value) for value in ours[column]],
            hovertemplate="%{customdata}",
        )
    high = float(ours[["mean_predicted", "mean_actual"]].max().max())
    low = float(ours[["mean_predicted", "mean_actual"]].min().min())
    figure.update_yaxes(**value_axis(low, high, "money", words))
    figure.update_xaxes(type="category", showspikes=False)
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.06)
    return figure


def predicted_against_actual(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Each tenth as a point, by factors of ten; on the dotted line, forecast and outcome are equal.

    Args:
        frame: model, decile, n_customers, mean_predicted, mean_actual; points that are not positive have no place.
        words: the shop's wording.
    """
    figure = theme.figure()
    shown = frame[(frame["mean_predicted"] > 0) & (frame["mean_actual"] > 0)]
    if shown.empty:
        return figure
    both = shown[["mean_predicted", "mean_actual"]]
    low, high = float(both.min().min()) / 1.5, float(both.max().max()) * 1.5
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": theme.MUTED, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    for model, name, place, symbol in (
        (BASELINE, "Purchase model", 2, "diamond-open"),
        (OURS, "This product", 0, "circle"),
    ):
        points = shown[shown["model"] == model]
        figure.add_scatter(
            x=points["mean_predicted"],
            y=points["mean_actual"],
            mode="markers",
            marker={"color": theme.series(place), "size": 9, "symbol": symbol},
            customdata=[
                f"{name}, tenth {row.decile} ({words.count(row.n_customers)} customers)<br>"
                f"predicted {words.money(row.mean_predicted)}, happened {words.money(row.mean_actual)}"
                for row in points.itertuples()
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    powers = list(range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1))
    axis = {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": [10.0**power for power in powers],
        "ticktext": words.ticks([10.0**power for power in powers], "money"),
    }
    figure.update_yaxes(title={"text": "Happened"}, **axis)
    figure.update_xaxes(title={"text": "Predicted"}, showspikes=False, **axis)
    figure.update_layout(hovermode="closest")
    return figure


def coverage(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Share of customers inside their 80 % and 90 % intervals by tenth of our forecast; dotted: what was promised.

    Args:
        frame: model, decile, coverage_80, coverage_90.
        words: the shop's wording.
    """
    figure = theme.figure()
    ours = frame[frame["model"] == OURS]
    labels = [str(decile) for decile in ours["decile"]]
    for place, (column, promised) in enumerate(NOMINAL.items()):
        colour = theme.series(place)
        figure.add_scatter(
            x=labels,
            y=[promised] * len(labels),
            mode="lines",
            line={"color": colour, "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=labels,
            y=ours[column],
            name=f"{words.share(promised, 0)} interval",
            mode="lines+markers",
            line={"color": colour, "width": 2},
            customdata=[words.share(value) for value in ours[column]],
            hovertemplate="%{customdata}",
        )
    least = min(0.7, float(ours[list(NOMINAL)].min().min()))
    low = math.floor(10 * least) / 10
    n_steps = round((1 - low) * 10)
    ticks = [low + step / 10 for step in range(0, n_steps + 1, max(1, n_steps // 4))]
    figure.update_yaxes(range=[low, 1.02], tickvals=ticks, ticktext=[words.share(tick, 0) for tick in ticks])
    figure.update_xaxes(type="category")
    return figure
