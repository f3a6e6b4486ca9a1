"""Controls. Those made with a `key` live in the URL: what they hold is written there, and the page is drawn anew.

One clientside callback (`assets/60-shell.js`, `writeQuery`) serves all of them, so a page has no callback for its
filters: its `layout(**query)` reads the query, and a link reproduces the screen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html

from dashboard.components.marks import icon
from dashboard.data import DEFAULT_PERIOD, PERIODS, Period


def url_id(key: str, default: str = "") -> dict[str, str]:
    """The id of a control whose value is the URL's *key*; the default is left out of the URL."""
    return {"type": "url", "key": key, "default": default}


def segmented(
    options: Mapping[str, str],
    value: str,
    *,
    label: str,
    key: str | None = None,
    default: str = "",
    id: Any = None,  # noqa: A002 - Dash's own word
) -> html.Div:
    """A choice of few, all in sight: *options* are value → words.

    Args:
        options: value → words.
        value: the chosen one.
        label: what is chosen, for screen readers.
        key: name in the URL; then *default* is the value that needs no mention there.
        default: see *key*.
        id: for a control that is not in the URL.
    """
    choices = [{"label": words, "value": option} for option, words in options.items()]
    radio = dcc.RadioItems(id=url_id(key, default) if key else id, options=choices, value=value, className="segmented")
    return html.Div(radio, role="group", **{"aria-label": label})


def tabs(parts: Mapping[str, str], part: str, *, default: str) -> html.Div:
    """The parts of a page that is long, one of them in sight; which one stands in the URL as `part`.

    Args:
        parts: value → words.
        part: the one that is shown.
        default: the one that the page opens with.
    """
    choices = [{"label": words, "value": key} for key, words in parts.items()]
    radio = dcc.RadioItems(id=url_id("part", default), options=choices, value=part, className="tabs")
    return html.Div(radio, role="group", className="tabs-line", **{"aria-label": "Part of the page"})


def select(
    options: Mapping[str, str],
    value: str,
    *,
    label: str,
    key: str | None = None,
    default: str = "",
    id: Any = None,  # noqa: A002 - Dash's own word
) -> html.Label:
    """A choice of many, in the browser's own list; arguments as for `segmented`."""
    choices = [{"label": words, "value": option} for option, words in options.items()]
    return labelled(label, dbc.Select(id=url_id(key, default) if key else id, options=choices, value=value))


def period_picker(period: Period) -> list[Any]:
    """The page's period in the URL: 30, 90, 365 days, all, or from–to."""
    picker = segmented(PERIODS, period.key, label="Period", key="period", default=DEFAULT_PERIOD)
    return [date_range(period), picker] if period.key == "custom" else [picker]


def date_range(period: Period) -> html.Div:
    """First and last day of a custom period, in the URL as `from` and `to`."""
    last_day = period.end - dt.timedelta(days=1)
    return html.Div(
        [
            labelled(
                "First day", dbc.Input(id=url_id("from"), type="date", value=period.start.isoformat(), debounce=True)
            ),
            html.Span("to", className="muted"),
            labelled("Last day", dbc.Input(id=url_id("to"), type="date", value=last_day.isoformat(), debounce=True)),
        ],
        className="date-range",
    )


def labelled(label: str, control: Any) -> html.Label:
    """*control* with a label that is read aloud and not shown; Dash's inputs take no aria attributes."""
    return html.Label([html.Span(label, className="visually-hidden"), control], className="labelled")


def button(
    text: str,
    id: Any,  # noqa: A002 - Dash's own word
    *,
    icon_name: str | None = None,
    is_primary: bool = False,
    **attributes: Any,
) -> html.Button:
    """A button that a callback listens to; one primary button a page."""
    children = [icon(icon_name), text] if icon_name else [text]
    return html.Button(
        children, id=id, type="button", className="button button-primary" if is_primary else "button", **attributes
    )


def link(text: str, href: str, *, as_button: bool = False, icon_name: str | None = None) -> Any:
    """A link inside the app or the page, in words or in the looks of a button."""
    children = [icon(icon_name), text] if icon_name else text
    # A place on the same page is the browser's business: dcc.Link would change the address and not scroll.
    kind = html.A if href.startswith("#") else dcc.Link
    return kind(children, href=href, className="button" if as_button else "text-link")
