"""A Plotly figure on a page, with the house's settings, and its marks as links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from dashboard.data import Door
from dashboard.format import called
from dashboard.theme import GRAPH_CONFIG

MAX_LISTED = 400
"""So many marks are links for the keyboard, too: one stop of the Tab key, and arrow keys from mark to mark."""


@dataclass(frozen=True)
class Mark:
    """Where a mark of a figure leads, in words for those who do not see it."""

    words: str
    href: str


def customer_mark(door: Door, row: Any) -> Mark:
    """A customer, by name where there is one, as a mark that leads to their page.

    Args:
        door: keeps looking at its build.
        row: customer_id, name.
    """
    return Mark(called(row.customer_id, row.name), door.customer_href(row.customer_id))


def graph(
    figure: go.Figure,
    id: str,  # noqa: A002 - Dash's own word
    *,
    label: str,
    height: int = 260,
    links: Mapping[int, Sequence[Mark | None]] | None = None,
    is_listed: bool = True,
) -> html.Div:
    """*figure*, as tall as its card and at least *height* pixels.

    Args:
        figure: from `dashboard.charts`.
        id: of the figure.
        label: says to a screen reader what is drawn.
        height: in pixels.
        links: trace of the figure → where each of its points leads, in their order; None for a point that leads
            nowhere. A click follows it; links that show when they have the focus do so for the keyboard (`MAX_LISTED`,
            the first ones).
        is_listed: False where the points are single customers of a sample, whom a list beside it offers.
    """
    marks: dict[str, Mark] = {}
    for trace, points in (links or {}).items():
        # `assets/60-shell.js` reads it when a mark is clicked.
        drawn = figure.data[trace]
        drawn.meta = {**(drawn.meta or {}), "hrefs": [point.href if point else None for point in points]}
        if drawn.hoverinfo == "skip":
            drawn.hoverinfo = "none"  # Plotly takes the clicks of what is skipped, too.
        marks |= {point.href: point for point in points if point}
    chart = dcc.Graph(figure=figure, id=id, config=GRAPH_CONFIG, responsive=True, className="chart-figure")
    role = {"role": "img", "aria-label": label}
    size = {"minHeight": f"{height}px"}
    if not marks:
        return html.Div(chart, className="chart", style=size, **role)
    if not is_listed:
        return html.Div(html.Div(chart, className="chart-drawn", **role), className="chart is-linked", style=size)
    listed = [
        html.Li(dcc.Link(mark.words, href=mark.href, className="chart-link"))
        for mark in list(marks.values())[:MAX_LISTED]
    ]
    return html.Div(
        [
            html.Div(chart, className="chart-drawn", **role),
            html.Ul(
                listed,
                className="chart-links",
                **{
                    "aria-label": f"{label}: the customers behind it",
                    "aria-description": "Arrow keys go from mark to mark",
                },
            ),
        ],
        className="chart is-linked",
        style=size,
    )
