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
    note: str = ""
    """A second line below the text."""


def heat_table(
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[HeatCell | None]]],
    *,
    caption: str,
    colour: str = "var(--c1)",
    row_head: str = "",
    foot: tuple[str, Sequence[HeatCell | None]] | None = None,
    is_wide: bool = False,
    is_tall: bool = False,
) -> html.Div:
    """A heat map of *rows* (label, cells) under *columns*.

    Args:
        columns: heads.
        rows: label and cells of each row.
        caption: what is shown, for screen readers.
        colour: of the highest values.
        row_head: what the labels are.
        foot: a last row apart from the others, such as their average.
        is_wide: cells keep their width; what does not fit is scrolled to, and the labels stay in sight.
        is_tall: cells have two lines, text and note.
    """
    head = html.Tr([html.Th(row_head, scope="col"), *(html.Th(name, scope="col") for name in columns)])
    parts = [html.Caption(caption, className="visually-hidden"), html.Thead(head), html.Tbody([*map(_row, rows)])]
    if foot is not None:
        parts.append(html.Tfoot(_row(foot)))
    table = html.Table(
        parts,
        className=" ".join(["heat", *(["heat-wide"] if is_wide else []), *(["heat-tall"] if is_tall else [])]),
        style={"--heat": colour, "--n-columns": str(len(columns))},
    )
    return html.Div(table, className="scroll-x")


def _row(row: tuple[str, Sequence[HeatCell | None]]) -> html.Tr:
    label, cells = row
    return html.Tr([html.Th(label, scope="row"), *map(_cell, cells)])


def _cell(cell: HeatCell | None) -> html.Td:
    if cell is None:
        return html.Td(className="heat-none")
    intensity = min(1.0, max(0.0, cell.intensity))
    words: Any = [cell.text, html.Small(cell.note)] if cell.note else cell.text
    content: Any = dcc.Link(words, href=cell.href) if cell.href else words
    return html.Td(
        content,
        className="heat-running" if cell.is_running else None,
        title=cell.title or None,
        style={"--v": f"{intensity * 100:.0f}"},
    )
