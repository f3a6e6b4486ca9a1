"""A heat map as a real table: it prints, it is read aloud, its cells are links, and CSS mixes its colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html


@dataclass(frozen=True)
class HeatCell:
    """One cell; None in its place is a cell that cannot exist yet and stays blank."""

    text: str
    intensity: float
    """0 (ground) to 1 (full colour)."""
    title: str = ""
    href: str | None = None
    is_running: bool = False
    """Its time is not over: hatched."""


def heat_table(
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[HeatCell | None]]],
    *,
    caption: str,
    colour: str = "var(--c1)",
    row_head: str = "",
) -> html.Div:
    """A heat map of *rows* (label, cells) under *columns*; *caption* says to a screen reader what is shown."""
    head = html.Tr([html.Th(row_head, scope="col"), *(html.Th(name, scope="col") for name in columns)])
    body = [html.Tr([html.Th(label, scope="row"), *(_cell(cell) for cell in cells)]) for label, cells in rows]
    table = html.Table(
        [html.Caption(caption, className="visually-hidden"), html.Thead(head), html.Tbody(body)],
        className="heat",
        style={"--heat": colour},
    )
    return html.Div(table, className="scroll-x")


def _cell(cell: HeatCell | None) -> html.Td:
    if cell is None:
        return html.Td(className="heat-none")
    intensity = min(1.0, max(0.0, cell.intensity))
    content: Any = dcc.Link(cell.text, href=cell.href) if cell.href else cell.text
    return html.Td(
        content,
        className="heat-running" if cell.is_running else None,
        title=cell.title or None,
        style={"--v": f"{intensity * 100:.0f}"},
    )
