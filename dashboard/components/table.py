"""A short table in HTML, for what is read rather than searched; long lists are AG Grid's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from dash import dcc, html

from dashboard import data
from dashboard.components.marks import avatar
from dashboard.format import Format, called, is_missing

HIGH_RISK, SOME_RISK = 0.66, 0.33


@dataclass(frozen=True)
class Column:
    """One column: its head, and how a row (a named tuple of the frame) becomes a cell."""

    head: str
    cell: Callable[[Any], Any]
    is_number: bool = False
    """Aligned right, tabular figures."""
    help_text: str = ""


def table(frame: pd.DataFrame, columns: Sequence[Column], *, caption: str, class_name: str = "") -> html.Div:
    """The rows of *frame* under *columns*; *caption* says to a screen reader what is listed."""
    head = [
        html.Th(
            column.head,
            scope="col",
            className="is-number" if column.is_number else None,
            title=column.help_text or None,
        )
        for column in columns
    ]
    body = [html.Tr([_cell(column, row) for column in columns]) for row in data.records(frame)]
    return html.Div(
        html.Table(
            [html.Caption(caption, className="visually-hidden"), html.Thead(html.Tr(head)), html.Tbody(body)],
            className=f"list {class_name}".rstrip(),
        ),
        className="scroll-x",
    )


def _cell(column: Column, row: Any) -> html.Td:
    # A phone has no room for heads: there each cell says its own (assets/55-phone.css).
    head = {"data-head": column.head} if column.head else {}
    return html.Td(column.cell(row), className="is-number" if column.is_number else None, **head)


def customer_cell(customer_id: str, name: str | None, href: str) -> dcc.Link:
    """A customer: initials, name and id, linked to their page; the id alone where no name was given."""
    shown = called(customer_id, name)
    lines = [html.Span(shown, className="customer-name")]
    if shown != str(customer_id):
        lines.append(html.Span(str(customer_id), className="customer-id"))
    return dcc.Link(
        [avatar(shown, str(customer_id)), html.Span(lines, className="customer-words")], href=href, className="customer"
    )


def share_bar(share: float | None, words: Format, *, is_risk: bool = False) -> html.Div | str:
    """A share as a number and a short bar; as a risk, its colour says how high it is."""
    if share is None or is_missing(share):
        return words.share(None)
    colour = "var(--c1)"
    if is_risk:
        colour = "var(--c4)" if share >= HIGH_RISK else "var(--c3)" if share >= SOME_RISK else "var(--c2)"
    bar = html.Div(html.Div(style={"width": f"{share * 100:.0f}%", "background": colour}), className="share-track")
    return html.Div([html.Span(words.share(share, 0)), bar], className="share-bar")
