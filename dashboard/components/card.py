"""Cards and the twelve-column grid that they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from dashboard.components.marks import icon
from dashboard.components.sql import sql_button
from dashboard.data import Answer


def grid(*children: Any, id: str | None = None) -> html.Div:  # noqa: A002 - Dash's own word
    """Twelve columns; cards say how many they span, phones put them under each other.

    Args:
        children: cards; what is None is left out.
        id: only when a callback fills the grid.
    """
    shown = [child for child in children if child is not None]
    return html.Div(shown, className="grid", **({"id": id} if id else {}))


def card(
    title: str,
    body: Any,
    *,
    sub: Any = None,
    source: Answer | Sequence[Answer] | None = None,
    tools: Any = None,
    span: int = 4,
    is_flush: bool = False,
    id: str | None = None,  # noqa: A002 - Dash's own word
) -> html.Section:
    """A card: title, a line that says unit and period, tools at its right, and what it shows.

    Args:
        title: what is shown, in sentence case.
        body: component or components.
        sub: unit, period, historic or predicted.
        source: the answers that the card shows; each gets its show-the-SQL button.
        tools: links, legend or controls at the right of the head.
        span: columns of twelve.
        is_flush: the body reaches the card's edges (tables, grids).
        id: only when a callback speaks to the card.
    """
    answers = [source] if isinstance(source, Answer) else list(source or [])
    right = [*_listed(tools), *(sql_button(answer, title) for answer in answers)]
    head = html.Div(
        [
            html.Div(
                [html.H2(title, className="card-title"), html.Div(sub, className="card-sub") if sub else None],
                className="card-words",
            ),
            html.Div(right, className="card-tools") if right else None,
        ],
        className="card-head",
    )
    body = html.Div(body, className="card-content card-content-flush" if is_flush else "card-content")
    return html.Section([head, body], className=f"panel span-{span}", **({"id": id} if id else {}))


def insight(*words: Any, action: Any = None, source: Answer | None = None) -> html.Div:
    """One sentence that was computed from the data, with the link that acts on it."""
    return html.Div(
        [
            icon("lightning-charge"),
            html.P(list(words), className="insight-words"),
            html.Div([action, sql_button(source, "Insight") if source else None], className="card-tools"),
        ],
        className="insight",
        role="note",
    )


def _listed(children: Any) -> list[Any]:
    return list(children) if isinstance(children, (list, tuple)) else [] if children is None else [children]
