"""A Plotly figure on a page, with the house's settings."""

from __future__ import annotations

import plotly.graph_objects as go
from dash import dcc, html

from dashboard.theme import GRAPH_CONFIG


def graph(figure: go.Figure, id: str, *, label: str, height: int = 260) -> html.Div:  # noqa: A002 - Dash's own word
    """*figure*, as tall as its card and at least *height* pixels; *label* says to a screen reader what is drawn."""
    chart = dcc.Graph(figure=figure, id=id, config=GRAPH_CONFIG, responsive=True, className="chart-figure")
    return html.Div(chart, role="img", className="chart", style={"minHeight": f"{height}px"}, **{"aria-label": label})
