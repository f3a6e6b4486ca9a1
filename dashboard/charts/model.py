"""How good the forecasts were on windows that have passed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import Factors, value_axis
from dashboard.format import Format, called

OURS, BASELINE = "value", "btyd"
MOST = 1e14
"""An error beyond it is one without end."""
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
    _dots_up_to_one(figure, low - 0.01, ticks, [words.decimal(tick, 2) for tick in ticks])
    return figure


def _dots_up_to_one(figure: go.Figure, low: float, ticks: Sequence[float], said: Sequence[str]) -> None:
    """Axes for a dot a line, each somewhere from *low* to 1."""
    figure.update_xaxes(
        range=[low, 1.02],
        tickvals=ticks,
        ticktext=said,
        showgrid=True,
        gridcolor=theme.HAIRLINE,
        showspikes=False,
    )
    figure.update_yaxes(type="category", showgrid=False)
    figure.update_layout(hovermode="closest")


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
    """Each customer as a point, by factors of ten; on the dotted line, forecast and outcome are equal.

    Args:
        frame: customer_id, name, predicted, actual, is_inside (its 80 % interval; missing without one).
        words: the shop's wording.
    """
    figure = theme.figure()
    both = frame[["predicted", "actual"]].to_numpy(float)
    scale = Factors.of(frame["predicted"])
    low, high = float(both.min(initial=0.0)), float(both.max(initial=scale.unit))
    ends = scale.place([0.0, high])
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": theme.MUTED, "width": 1.5, "dash": "dot"}, hoverinfo="skip"
    )
    is_outside = frame["is_inside"].eq(False)
    for part, place, said in ((~is_outside, 0, "inside its interval"), (is_outside, 3, "outside its interval")):
        points = frame[part]
        figure.add_scatter(
            x=scale.place(points["predicted"]),
            y=scale.place(points["actual"]),
            meta=scale.shown(points["actual"]),
            mode="markers",
            marker={
                "color": theme.rgba(theme.series(place), 0.6),
                "size": 6,
                "symbol": "circle" if place == 0 else "x",
            },
            customdata=[
                f"{called(row.customer_id, row.name)}: predicted {words.money(row.predicted)}, "
                f"happened {words.money(row.actual)}" + ("" if row.is_inside is None else f"<br>{said}")
                for row in points.itertuples(index=False)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    axis = scale.axis(low, high, "money", words, most=5)
    figure.update_yaxes(title={"text": "Happened"}, **axis)
    figure.update_xaxes(title={"text": "Predicted"}, showspikes=False, **axis)
    figure.update_layout(hovermode="closest")
    return figure


def residuals(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Customers by how far their forecast was off; all steps equally wide, a step is about three times the one before.

    Args:
        frame: error_from, error_to, n_customers, total; happened less predicted, rising.
        words: the shop's wording.
    """
    figure = theme.figure()
    steps: list[Any] = list(frame.itertuples())
    names = [error_words(row.error_from, row.error_to, words) for row in steps]
    figure.add_bar(
        x=names,
        y=frame["n_customers"],
        marker={"color": [_error_colour(row.error_from, row.error_to) for row in steps]},
        customdata=[
            f"{words.counted(row.n_customers, 'customer')} {name}<br>{words.money_change(row.total)} in all"
            for name, row in zip(names, steps, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_yaxes(**value_axis(0, float(frame["n_customers"].max()), "count", words))
    every = max(1, -(-len(names) // 7))
    zero = next((place for place, row in enumerate(steps) if row.error_from < 0 < row.error_to), 0)
    shown = [place for place in range(len(names)) if (place - zero) % every == 0]
    # A step is labelled with its end that is nearer to zero.
    ends = [row.error_to if row.error_to <= 0 else row.error_from for row in steps]
    figure.update_xaxes(
        type="category",
        tickvals=[names[place] for place in shown],
        ticktext=words.ticks([0.0 if place == zero else ends[place] for place in shown], "money"),
        tickangle=0,
        showspikes=False,
    )
    figure.update_layout(bargap=0.12, hovermode="closest")
    return figure


def error_words(low: Any, high: Any, words: Format) -> str:
    """A step of errors in words, low to high, happened less predicted."""
    if low < 0 < high:
        return f"within {words.money(high)}"
    side = "more" if low > 0 else "less"
    near, far = sorted((abs(low), abs(high)))
    span = f"more than {words.money(near)}" if far > MOST else f"{words.money(near)} – {words.money(far)}"
    return f"brought {span} {side} than predicted"


def _error_colour(low: Any, high: Any) -> str:
    return theme.series(7) if low < 0 < high else theme.series(1 if low > 0 else 2)


def slice_coverage(frame: pd.DataFrame, words: Format) -> go.Figure:
    """Share of customers inside their 80 % and 90 % intervals, slice by slice; the lines: what was promised.

    Args:
        frame: slice, n_customers, coverage_80, coverage_90.
        words: the shop's wording.
    """
    figure = theme.figure()
    rows = frame.iloc[::-1]
    for place, (column, promised) in enumerate(NOMINAL.items()):
        colour = theme.series(place)
        figure.add_scatter(
            x=rows[column],
            y=rows["slice"],
            mode="markers",
            marker={"color": colour, "size": 10, "symbol": "circle" if place == 0 else "diamond"},
            customdata=[
                f"{row.slice}: {words.share(getattr(row, column))} of {words.count(row.n_customers)} inside their "
                f"{words.share(promised, 0)} interval"
                for row in rows.itertuples()
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
        figure.add_vline(x=promised, line={"color": colour, "width": 1.5, "dash": "dot"})
    low, ticks = _coverage_ticks(rows)
    _dots_up_to_one(figure, low - 0.02, ticks, [words.share(tick, 0) for tick in ticks])
    figure.update_yaxes(tickvals=rows["slice"])
    return figure


def totals_over_time(frame: pd.DataFrame, words: Format) -> go.Figure:
    """By how much the total was off in each window, ours beside the purchase model; the oldest window first.

    Args:
        frame: as_of, end_date, total_bias, baseline_total_bias; one row per window.
        words: the shop's wording.
    """
    figure = theme.figure()
    rows = frame.sort_values("as_of")
    labels = [words.month(day) for day in rows["as_of"]]
    for name, column, place in (("This product", "total_bias", 0), ("Purchase model", "baseline_total_bias", 2)):
        figure.add_bar(
            x=labels,
            y=rows[column],
            name=name,
            marker={"color": theme.series(place)},
            customdata=[words.share(value, 1) for value in rows[column]],
            hovertemplate="%{customdata}",
        )
    both = rows[["total_bias", "baseline_total_bias"]]
    figure.update_yaxes(**value_axis(float(both.min().min()), float(both.max().max()), "share", words), zeroline=True)
    figure.update_xaxes(type="category", showspikes=False, title={"text": "Window that began in"})
    figure.update_layout(barmode="group", bargap=0.4, bargroupgap=0.06)
    return figure


def _coverage_ticks(rows: pd.DataFrame) -> tuple[float, list[float]]:
    """Where an axis of coverage begins, and its ticks."""
    least = min(0.7, float(rows[list(NOMINAL)].min().min()))
    low = math.floor(10 * least) / 10
    n_steps = round((1 - low) * 10)
    return low, [low + step / 10 for step in range(0, n_steps + 1, max(1, n_steps // 4))]


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
    low, ticks = _coverage_ticks(ours)
    figure.update_yaxes(range=[low, 1.02], tickvals=ticks, ticktext=[words.share(tick, 0) for tick in ticks])
    figure.update_xaxes(type="category")
    return figure
