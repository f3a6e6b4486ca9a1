"""What stands around every page: sidebar, top bar, build picker, customer search, alerts, the SQL panel.

A page appears in the sidebar by registering itself with four more words:

    register_page(__name__, path="/overview", name="Overview", title="Overview · Retain",
                  group="Analyse", order=20, icon="columns-gap", question="How is the business performing?")

A page without a `group` is reached from another page only; `parent` names the path of that one, for the breadcrumb.
Orders are UI.md's places times ten, so that the sidebar keeps its order whichever pages exist.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import dash
import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html

from clv.errors import NoBuildError
from dashboard import builds, data
from dashboard.components import avatar, chip, dot, icon, loading
from dashboard.components.controls import labelled, url_id
from dashboard.components.sql import sql_panel
from dashboard.components.states import note_bug, state, state_of
from dashboard.data import Door
from dashboard.theme import Tone

PRODUCT = "Retain"
GROUPS = ("Analyse", "Act", "Trust", "Operate")
TICK_MS = 15_000
MAX_FOUND = 8
LOCATION, CONTENT = "_pages_location", "_pages_content"
_SEVERITY_TONES: dict[str, Tone] = {"critical": "bad", "warning": "warn", "info": "info"}


def layout(shop: str) -> html.Div:
    """The whole screen; the page stands in the middle of it."""
    return html.Div(
        [
            html.A("Skip to content", href="#content", className="skip-link"),
            html.Div(
                [_sidebar(shop), html.Div([_top_bar(), html.Div(id="build-banner"), _content()], className="main")],
                className="shell",
            ),
            html.Div(className="scrim", **{"data-action": "close-nav"}),
            sql_panel(),
            html.Div(id="toasts", className="toasts", **{"aria-live": "polite"}),
            dcc.Interval(id="shell-tick", interval=TICK_MS),
        ]
    )


def _sidebar(shop: str) -> html.Aside:
    return html.Aside(
        [
            dcc.Link(
                [
                    html.Span(icon("activity"), className="brand-mark"),
                    html.Span([PRODUCT, html.Small(shop)], className="brand-name"),
                ],
                href="/",
                className="brand",
            ),
            html.Nav([_nav_group(group) for group in GROUPS], **{"aria-label": "Pages"}, className="nav"),
            html.Div(id="shell-foot", className="side-foot"),
        ],
        className="side",
        id="side",
    )


def _nav_group(group: str) -> html.Div | None:
    pages = sorted(
        (page for page in dash.page_registry.values() if page.get("group") == group), key=lambda page: page["order"]
    )
    if not pages:
        return None
    links = [
        dcc.Link(
            [icon(page["icon"]), html.Span(page["name"])],
            id={"type": "nav", "path": page["relative_path"]},
            href=page["relative_path"],
            title=page["question"],
            className="nav-item",
        )
        for page in pages
    ]
    return html.Div([html.H2(group, className="nav-group"), *links])


def _top_bar() -> html.Header:
    return html.Header(
        [
            html.Button(
                icon("list"),
                type="button",
                className="icon-button nav-toggle",
                **{
                    "aria-label": "Open the menu",
                    "aria-controls": "side",
                    "aria-expanded": "false",
                    "data-action": "toggle-nav",
                },
            ),
            html.Div(id="shell-crumbs", className="crumbs"),
            html.Div(id="build-slot", className="build-slot"),
            _search(),
            html.Button(
                [icon("moon-stars", "when-light"), icon("sun", "when-dark")],
                id="theme-switch",
                type="button",
                className="icon-button",
                title="Switch between light and dark",
                **{"aria-label": "Switch between light and dark"},
            ),
            html.Details(
                [
                    html.Summary(
                        [icon("bell"), html.Span(id="alert-count")],
                        className="icon-button",
                        title="Alerts",
                        **{"aria-label": "Alerts"},
                    ),
                    html.Div(id="alert-list", className="drop"),
                ],
                className="alerts",
            ),
        ],
        className="top",
    )


def _search() -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    icon("search"),
                    labelled(
                        "Find a customer by name or ID",
                        dcc.Input(
                            id="search-text",
                            type="search",
                            placeholder="Find a customer by name or ID",
                            autoComplete="off",
                            spellCheck=False,
                        ),
                    ),
                    html.Kbd("/", className="key-hint", title="Press / to search"),
                ],
                className="search-box",
            ),
            html.Div(id="search-results", className="search-results"),
            dcc.Store(id="search-asked"),
        ],
        className="search",
        role="search",
    )


def _content() -> html.Main:
    # In the shape of a page: a title, headline numbers, a wide card beside a narrow one.
    shape = [
        loading(28),
        html.Div([loading(98) for _ in range(4)], className="kpis"),
        html.Div([html.Div(loading(320), className=f"span-{columns}") for columns in (8, 4)], className="grid"),
    ]
    page = dcc.Loading(
        dash.page_container,
        delay_show=300,
        custom_spinner=html.Div(shape, className="page page-loading"),
        target_components={CONTENT: "children"},
        overlay_style={"visibility": "visible", "opacity": 0.5},
    )
    return html.Main(page, id="content", tabIndex=-1)


def register(app: Dash) -> None:
    """The shell's callbacks."""

    @app.callback(
        Output("shell-crumbs", "children"),
        Output("build-slot", "children"),
        Output("build-banner", "children"),
        Input(LOCATION, "pathname"),
        Input(LOCATION, "search"),
    )
    def on_navigation(pathname: str | None, search: str | None) -> tuple[Any, Any, Any]:
        door = data.door(search)
        return _crumbs(door, pathname or "/"), _build_picker(door), _build_banner(door, pathname or "/")

    @app.callback(
        Output("shell-foot", "children"),
        Output("alert-count", "children"),
        Output("alert-list", "children"),
        Input("shell-tick", "n_intervals"),
    )
    def on_tick(_n: int | None) -> tuple[Any, Any, Any]:
        door = data.door()
        count, alerts = _alerts(door)
        return _foot(door), count, alerts

    @app.callback(
        Output("search-results", "children"),
        Input("search-asked", "data"),
        State(LOCATION, "search"),
        prevent_initial_call=True,
    )
    def on_search(text: str | None, search: str | None) -> Any:
        return _found(data.door(search), (text or "").strip())

    app.clientside_callback(
        ClientsideFunction("retain", "writeQuery"),
        Output(LOCATION, "search"),
        Input({"type": "url", "key": ALL, "default": ALL}, "value"),
        State(LOCATION, "search"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("retain", "settle"),
        Input("search-text", "value"),
        State("search-asked", "id"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("retain", "markNav"),
        Output({"type": "nav", "path": ALL}, "href"),
        Output({"type": "nav", "path": ALL}, "className"),
        Input(LOCATION, "pathname"),
        Input(LOCATION, "search"),
        State({"type": "nav", "path": ALL}, "id"),
    )
    app.clientside_callback(
        ClientsideFunction("retain", "switchTheme"),
        Output("theme-switch", "data-theme"),
        Input("theme-switch", "n_clicks"),
        prevent_initial_call=True,
    )


def on_error(error: Exception) -> None:
    """A callback failed: a page becomes the failed state; anything else says so in a corner and changes nothing."""
    callback = dash.ctx.outputs_list
    targets = callback if isinstance(callback, list) else [callback]
    if any(isinstance(target, dict) and target.get("id") == CONTENT for target in targets):
        dash.set_props(CONTENT, {"children": html.Div(state_of(error), className="page")})
        return
    reference = note_bug(error)
    toast = dbc.Toast(
        f"That did not work, and nothing was changed. Reference {reference}.",
        header="Something went wrong",
        id=f"toast-{reference}",
        duration=10_000,
        dismissable=True,
    )
    dash.set_props("toasts", {"children": [toast]})


def page_at(pathname: str) -> dict[str, Any] | None:
    """The registered page at *pathname*, or None."""
    for page in dash.page_registry.values():
        template = page.get("path_template")
        if template is None and page["relative_path"] == pathname:
            return page
        if template and re.fullmatch(re.sub(r"<[^>]+>", "[^/]+", template), pathname):
            return page
    return None


def _crumbs(door: Door, pathname: str) -> list[Any]:
    page = page_at(pathname)
    parent = page_at(page["parent"]) if page and page.get("parent") else None
    trail: list[Any] = [html.Span(door.settings.business.name, className="crumb-shop")]
    if parent:
        trail.append(dcc.Link(parent["name"], href=door.href(parent["relative_path"])))
    trail.append(html.B(page["name"] if page else "Not found", **{"aria-current": "page"}))
    parted = [trail[0]]
    for part in trail[1:]:
        parted += [html.Span("/", className="crumb-slash", **{"aria-hidden": "true"}), part]
    return parted


def _build_picker(door: Door) -> Any:
    known = door.site.warehouse.builds()
    if not known:
        return None
    options = [{"label": "Latest build", "value": data.LATEST}]
    options += [{"label": label, "value": name} for name, label in builds.names(known, door.words).items()]
    picker = labelled(
        "Build", dbc.Select(id=url_id(data.BUILD_KEY, data.LATEST), options=options, value=door.build or data.LATEST)
    )
    compare = dcc.Link(
        [icon("arrow-left-right"), html.Span("Compare with another build", className="visually-hidden")],
        href=f"/compare?{urlencode({'a': door.build})}" if door.build else "/compare",
        className="icon-button",
        title="Compare with another build",
    )
    return [picker, compare] if len(known) > 1 else picker


def _build_banner(door: Door, pathname: str) -> Any:
    if door.build is None:
        return None
    try:
        handle = door.handle
    except NoBuildError as error:
        text: Any = str(error)
    else:
        if handle.id == door.site.warehouse.current().id:
            return None
        text = ["You look at an older build: ", html.B(handle.id), f", known up to {door.words.date(handle.as_of)}."]
    back = dcc.Link("Back to the latest", href=pathname, className="text-link")
    return html.Div([icon("clock-history"), html.Span(text), back], className="banner", role="status")


def _foot(door: Door) -> list[Any]:
    health = door.health()
    lines: list[Any] = [html.Div([dot(health.tone, health.text), health.text], className="side-health")]
    if health.build_id:
        lines.append(
            html.Div(
                [
                    html.Span([html.Span("Build ", className="visually-hidden"), health.build_id], title="Build"),
                    html.Span(f"made {door.words.moment(health.made_at)}"),
                ],
                className="side-build",
            )
        )
    return lines


def _alerts(door: Door) -> tuple[Any, Any]:
    frame = door.journal.alerts.table()
    if frame.empty:
        return None, state("bell-slash", "No open alerts", "Failed jobs are announced here.")
    entries = [
        dcc.Link(
            [
                html.Span(
                    [
                        chip(alert.severity.capitalize(), _SEVERITY_TONES.get(alert.severity, "mute")),
                        html.Span(door.words.ago(alert.last_at, data.now())),
                    ],
                    className="alert-when",
                ),
                html.Span(alert.title, className="alert-title"),
                html.Span(alert.remedy, className="alert-remedy") if alert.remedy else None,
            ],
            href=alert.link or "/jobs",
            className="alert-entry",
        )
        for alert in data.records(frame)
    ]
    count = html.Span(str(len(frame)), className="count", title=f"{len(frame)} open alerts")
    return count, entries


def _found(door: Door, text: str) -> Any:
    """The hits for *text*, which they carry: Enter waits for those of what the box holds."""
    if not text:
        return None
    return html.Div(_hits(door, text), **{"data-asked": text})


def _hits(door: Door, text: str) -> Any:
    answer = door.ask("customers/search", text=text, max_rows=MAX_FOUND)
    if answer.is_empty:
        return html.Div(f"Nobody matches “{text}”.", className="search-none", role="status")
    return [
        dcc.Link(
            [
                avatar(row.name or row.customer_id, row.customer_id),
                html.Span(
                    [
                        html.Span(row.name or row.customer_id, className="customer-name"),
                        html.Span(row.customer_id, className="customer-id"),
                    ],
                    className="customer-words",
                ),
                html.Span(row.segment, className="search-segment"),
            ],
            href=door.customer_href(row.customer_id),
            className="search-hit",
        )
        for row in answer.rows
    ]
