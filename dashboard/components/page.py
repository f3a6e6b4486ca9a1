"""The frame of a page: head with title, the line below it and its controls; then what the page shows."""

from __future__ import annotations

from typing import Any

from dash import html


def page(*children: Any) -> html.Div:
    """A page's content, top to bottom; lists among *children* are taken apart, and what is None is left out."""
    flat = [part for child in children for part in (child if isinstance(child, list) else [child])]
    return html.Div([part for part in flat if part is not None], className="page")


def head(title: str, sub: Any = None, *actions: Any) -> html.Header:
    """The head of a page.

    Args:
        title: the page's name; its question when the name does not say it.
        sub: the line below: period and what it is compared with.
        actions: controls at the right, the one primary button last.
    """
    return html.Header(
        [
            html.Div(
                [html.H1(title, className="page-title"), html.Div(sub, className="page-sub") if sub else None],
                className="page-words",
            ),
            html.Div(list(actions), className="page-actions") if actions else None,
        ],
        className="page-head",
    )
