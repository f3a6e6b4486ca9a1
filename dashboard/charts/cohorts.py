"""How large cohorts are, and how they come back: sizes, decay curves, channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import value_axis
from dashboard.format import Format, Kind, is_missing

N_TICKS = 5
"""As many months as fit beside each other on a phone."""
N_COLOURS = 5
"""More lines are not told apart by colour; they are grey."""


def cohort_sizes(frame: pd.DataFrame, words: Format) -> go.Figure:
    """A bar a cohort; the month that is not over is lighter.

    Args:
        frame: cohort_month, n_cohort, is_running; one row per cohort, oldest first.
        words: the shop's wording.
    """
    figure = theme.figure()
    colour = theme.series(4)
    labels = [words.month(month) for month in pd.to_datetime(frame["cohort_month"])]
    figure.add_bar(
        x=labels,
        y=frame["n_cohort"],
        name="New customers",
        marker={"color": [theme.rgba(colour, 0.45) if running else colour for running in frame["is_running"]]},
        customdata=[
            words.count(size) + (" so far" if running else "")
            for size, running in zip(frame["n_cohort"], frame["is_running"], strict=True)
        ],
        hovertemplate="%{customdata}",
    )
    figure.update_yaxes(**value_axis(0, float(frame["n_cohort"].max()), "count", words))
    every = max(1, -(-len(labels) // N_TICKS))
    figure.update_xaxes(
        type="category", tickvals=labels[::every], ticktext=labels[::every], tickangle=0, showspikes=False
    )
    figure.update_layout(bargap=max(0.3, 1 - 0.1 * len(labels)))
    return figure


def decay_curves(
    frame: pd.DataFrame,
    average: pd.DataFrame,
    measure: str,
    kind: Kind,
    words: Format,
    *,
    counted: tuple[str, str] = ("buyers", "buyers"),
    first_month: int = 1,
    coming: pd.DataFrame | None = None,
) -> go.Figure:
    """A thin line a cohort, the weighted average of all as a thick one; months that are not over are left out.

    Args:
        frame: cohort_month, month_number, is_running and *measure*.
        average: month_number, n_cohorts and *measure*.
        measure: the column that is drawn.
        kind: how its values are worded.
        words: the shop's wording.
        counted: columns of *frame* and of *average* that say how many customers are behind a point.
        first_month: 0 draws the month of the first purchase, too.
        coming: cohort_month, month_number, n_customers, p_buys; a diamond a cohort, the share that is expected to buy
            again; the last trace. None draws none.

    Returns:
        Curves with their cohort in `meta` (None is the average over all), diamonds without.
    """
    figure = theme.figure()
    shown = frame[(frame["month_number"] >= first_month) & ~frame["is_running"].astype(bool)]
    for cohort, line in shown.groupby("cohort_month"):
        figure.add_scatter(
            x=line["month_number"],
            y=line[measure],
            mode="lines+markers" if len(line) == 1 else "lines",
            line={"color": theme.rgba(theme.series(7), 0.35), "width": 1},
            customdata=_points(words.month(pd.Timestamp(str(cohort))), line, measure, kind, words, counted[0]),
            hovertemplate="%{customdata}<extra></extra>",
            meta={"cohort_month": str(cohort)[:10]},
        )
    mean = average[average["month_number"] >= first_month]
    figure.add_scatter(
        x=mean["month_number"],
        y=mean[measure],
        mode="lines+markers",
        line={"color": theme.series(0), "width": 2.5},
        customdata=[
            f"Average of {words.counted(n, 'cohort')}, {point}"
            for n, point in zip(mean["n_cohorts"], _points("", mean, measure, kind, words, counted[1]), strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
        meta={"cohort_month": None},
    )
    months = shown[["month_number", measure]]
    if coming is not None and len(coming):
        figure.add_scatter(
            x=coming["month_number"],
            y=coming["p_buys"],
            mode="markers",
            marker={"color": theme.series(1), "size": 9, "symbol": "diamond"},
            customdata=[
                f"{words.month(pd.Timestamp(str(cohort)))}: {words.share(share)} expected to buy again, "
                f"mean of {words.counted(n, 'customer')}"
                for cohort, share, n in zip(
                    coming["cohort_month"], coming["p_buys"], coming["n_customers"], strict=True
                )
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
        months = pd.concat([months, coming.rename(columns={"p_buys": measure})[["month_number", measure]]])
    _axes(figure, months, measure, kind, words)
    figure.update_layout(hovermode="closest")
    return figure


def _points(name: str, line: pd.DataFrame, measure: str, kind: Kind, words: Format, counted: str) -> list[str]:
    """What the points of a curve say: its *name*, the month, the value, and how many customers are behind it."""
    start = f"{name}, " if name else ""
    return [
        f"{start}month {month}: {words.words(value, kind)}, {words.counted(n, 'customer')}"
        for month, value, n in zip(line["month_number"], line[measure], line[counted], strict=True)
    ]


def continued(frame: pd.DataFrame, measure: str, words: Format) -> go.Figure:
    """What a customer of some cohorts has brought in all, and, dashed within its band, is expected to have brought.

    Args:
        frame: cohort_month, month_number, is_expected, n_cohort, and *measure* with its `_lo` and `_hi` (NaN without
            an interval); one row per cohort and month, a cohort per colour in order.
        measure: the column that is drawn, money.
        words: the shop's wording.

    Returns:
        For each cohort its band (two traces), the dashed line of what is expected and the full one of what was, from
        whose end it goes on; the full one has its cohort in `meta`.
    """
    figure = theme.figure()
    for place, cohort in enumerate(sorted(frame["cohort_month"].unique())):
        line = frame[frame["cohort_month"] == cohort].sort_values("month_number")
        name = words.month(pd.Timestamp(str(cohort)))
        colour = theme.series(place)
        was, will = line[~line["is_expected"].astype(bool)], line[line["is_expected"].astype(bool)]
        # The dashed line and its band begin where the full one ends.
        will = pd.concat([was.tail(1), will])
        known = will[measure]
        shade = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=will["month_number"], y=will[f"{measure}_lo"].fillna(known), name=f"{name}, low", **shade)
        figure.add_scatter(
            x=will["month_number"],
            y=will[f"{measure}_hi"].fillna(known),
            name=f"{name}, high",
            fill="tonexty",
            fillcolor=theme.rgba(colour, 0.12),
            **shade,
        )
        # What was comes last: where both lines have a point, that of the full one is pointed at.
        for part, dash in ((will, "dash"), (was, "solid")):
            figure.add_scatter(
                x=part["month_number"],
                y=part[measure],
                name=name,
                mode="lines+markers" if len(part) == 1 else "lines",
                line={"color": colour, "width": 2, "dash": dash},
                customdata=[_in_words(name, row, measure, words) for row in part.to_dict("records")],
                hovertemplate="%{customdata}<extra></extra>",
                meta={"cohort_month": str(cohort)[:10]} if part is was else None,
            )
    shown = pd.DataFrame(
        {"month_number": frame["month_number"], measure: frame[f"{measure}_hi"].fillna(frame[measure])}
    )
    _axes(figure, shown, measure, "money", words)
    figure.update_layout(hovermode="closest")
    return figure


def _in_words(cohort: str, row: Mapping[Any, Any], measure: str, words: Format) -> str:
    said = f"{cohort}, month {row['month_number']}: {words.money(row[measure])}"
    if not row["is_expected"]:
        said += f", {words.counted(row['n_cohort'], 'customer')}"
    else:
        said += " expected"
        if not is_missing(row[f"{measure}_lo"]):
            said += f" ({words.money(row[f'{measure}_lo'])} – {words.money(row[f'{measure}_hi'])})"
    return said


def by_channel(
    frame: pd.DataFrame, measure: str, kind: Kind, words: Format, *, counted: str = "buyers", first_month: int = 1
) -> go.Figure:
    """A line a channel, the largest channels in colour; its channel is in its `meta`.

    Args:
        frame: channel, month_number, n_customers and *measure*, averages over completed months.
        measure: the column that is drawn.
        kind: how its values are worded.
        words: the shop's wording.
        counted: column that says how many customers are behind a point.
        first_month: 0 draws the month of the first purchase, too.
    """
    figure = theme.figure()
    shown = frame[frame["month_number"] >= first_month]
    for place, channel in enumerate(channels_by_size(frame)):
        line = shown[shown["channel"] == channel]
        figure.add_scatter(
            x=line["month_number"],
            y=line[measure],
            name=words.label(channel),
            mode="lines+markers" if len(line) == 1 else "lines",
            line={"color": theme.series(place if place < N_COLOURS else 7)},
            customdata=_points(words.label(channel), line, measure, kind, words, counted),
            hovertemplate="%{customdata}<extra></extra>",
            meta={"channel": str(channel)},
        )
    _axes(figure, shown, measure, kind, words)
    # One point at a time: a click leads to the customers of the point that is named.
    figure.update_layout(hovermode="closest")
    return figure


def channels_by_size(frame: pd.DataFrame) -> list[str]:
    """The channels of `cohorts/by_channel`, largest first: the order of their colours."""
    return list(frame.groupby("channel")["n_customers"].max().sort_values(ascending=False, kind="stable").index)


def spread_out(frame: pd.DataFrame, n_cohorts: int) -> list[Any]:
    """At most *n_cohorts* of the cohorts in *frame*, the oldest and the newest among them, evenly apart."""
    cohorts = sorted(frame["cohort_month"].unique())
    last = len(cohorts) - 1
    if last < n_cohorts:
        return cohorts
    return [cohorts[round(place * last / (n_cohorts - 1))] for place in range(n_cohorts)]


def _axes(figure: go.Figure, shown: pd.DataFrame, measure: str, kind: Kind, words: Format) -> None:
    low, high = (float(shown[measure].min()), float(shown[measure].max())) if len(shown) else (0.0, 1.0)
    figure.update_yaxes(**value_axis(low, high, kind, words))
    months = sorted(shown["month_number"].unique())
    every = max(1, -(-len(months) // N_TICKS))
    figure.update_xaxes(
        tickvals=months[::every],
        ticktext=[f"M{month}" for month in months[::every]],
        tickangle=0,
        range=[months[0] - 0.5, months[-1] + 0.5] if months else None,
    )
