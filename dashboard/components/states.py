"""What stands where there is nothing to show: empty, loading, failed, not trained yet, no data yet. Only here.

`region` is how a page guards a part of itself: a part that cannot be drawn becomes one of these, the rest stands.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from dash import dcc, html
from loguru import logger

from clv.errors import ClvError, ModelError, NoBuildError, TamperedModelError
from dashboard import data
from dashboard.components.marks import icon


def state(
    icon_name: str, title: str, text: Any = None, action: Any = None, *, tone: str = "mute", is_tall: bool = False
) -> html.Div:
    """The common look: an icon, what is the matter, and what to do about it."""
    return html.Div(
        [
            html.Span(icon(icon_name), className=f"state-icon state-{tone}"),
            html.Div(title, className="state-title"),
            html.Div(text, className="state-text") if text else None,
            html.Div(action, className="state-action") if action else None,
        ],
        className="state state-tall" if is_tall else "state",
        role="status",
    )


def empty(title: str = "Nothing here", text: Any = None, action: Any = None) -> html.Div:
    """There are no rows, and that is in order."""
    return state("inbox", title, text, action)


UNKNOWN = "Unknown"
"""What the marts call a channel, category or country that no order line names."""


def not_named(what: str) -> html.Div:
    """The orders carry no *what* at all: one bar called Unknown would say nothing."""
    return state(
        "tag",
        f"The orders name no {what}",
        [
            "When a column of them does, say which in ",
            html.Code("config.toml"),
            ": ",
            html.Code(f"[sources.transactions.columns] {what}"),
            ".",
        ],
    )


def failed(text: Any, reference: str | None = None) -> html.Div:
    """It could not be drawn: *text* says why or what to do, *reference* finds it in the log."""
    note = (
        [text, html.Span([" Reference ", html.Code(reference), "."], className="state-reference")]
        if reference
        else text
    )
    return state("exclamation-triangle", "This could not be shown", note, tone="bad")


def not_trained(what: str = "Predictions") -> html.Div:
    """The numbers come from a model, and none has been trained yet."""
    return state(
        "cpu",
        "Not trained yet",
        f"{what} will appear here after the first training. It needs history that is at least two horizons long.",
        dcc.Link("Train a model", href="/jobs", className="button"),
        tone="accent",
    )


def no_build() -> html.Div:
    """Nothing has been published: the first thing that a new user may see."""
    return state(
        "database",
        "No data yet",
        [
            "Put your order log into the data folder, or make a demo shop with ",
            html.Code("clv demo"),
            ", then run the pipeline.",
        ],
        dcc.Link("Open Jobs", href="/jobs", className="button button-primary"),
        tone="accent",
        is_tall=True,
    )


def loading(height: int = 160) -> html.Div:
    """The place of something that is being drawn, *height* pixels tall."""
    return html.Div(className="skeleton", style={"height": f"{height}px"}, role="status", **{"aria-label": "Loading"})


def region(draw: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `draw(*args, **kwargs)` gives, or the state that says why it gave nothing."""
    try:
        return draw(*args, **kwargs)
    except Exception as error:  # the one edge between a page's parts and the screen
        return state_of(error)


def state_of(error: Exception) -> html.Div:
    """The state for *error*: our own say what to do, all others are bugs and go to the log with a reference."""
    if isinstance(error, NoBuildError):
        # Where something is published, it is the one that the URL names which is not there.
        return failed(str(error)) if data.has_builds() else no_build()
    if isinstance(error, ModelError) and not isinstance(error, TamperedModelError):
        return not_trained()
    if isinstance(error, ClvError):
        logger.bind(error=type(error).__name__).warning("a part of a page was refused: {}", error)
        return failed(str(error))
    return failed("An error of ours stopped it; the rest of the page is not affected.", note_bug(error))


def note_bug(error: Exception) -> str:
    """Write *error* with its traceback to the log; give the reference that finds it there."""
    reference = secrets.token_hex(4)
    logger.bind(reference=reference).opt(exception=error).error("a part of a page failed ({})", reference)
    return reference
