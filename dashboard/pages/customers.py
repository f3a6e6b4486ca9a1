"""Find and list: all customers, sorted and filtered by the server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from dash import (
    ALL,
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    ctx,
    dcc,
    html,
    no_update,
    register_page,
)

from clv.errors import RequestError
from dashboard import customer_list, data, export, saved_lists
from dashboard.components import button, head, icon, insight, labelled, link, page, region
from dashboard.components.served_grid import column_defs, served_grid
from dashboard.components.sql import statement_panel
from dashboard.customer_list import FACETS, KEY, LABELLED, LISTS, PATH, SAVED, SHOWN
from dashboard.data import BUILD_KEY, Door, door
from dashboard.saved_lists import OWNER
from dashboard.summary_words import STEPS
from warehouse.grid import Members, Wanted

register_page(
    __name__,
    path=PATH,
    name="Customers",
    title="Customers · Retain",
    group="Analyse",
    order=60,
    icon="people",
    question="Who are they, one by one?",
)

LOCATION = "_pages_location"
PARAM_WORDS = {
    "from_date": "from",
    "to_date": "before",
    "cohort_month": "cohort of",
    "n_newest": "newest cohorts:",
    "segment_before": "from",
    "segment": "to",
    "segment_draft": "as",
    "segment_now": "now in",
    "step": "step:",
    "month": "came back in the month from",
    "horizon_days": "horizon in days",
    "decile": "tenth",
    "best_percent": "best so many per cent:",
    "is_discounted": "discounted:",
    "is_inside": "inside the 80% interval:",
}
"""Parameters of a list → how they are said."""
LIST_STEPS = {name: words.lower() for name, words in STEPS.items()} | {
    "new": "not there before",
    "moved": "in another segment",
    "stayed": "in the same segment",
}
"""Steps of the bridges and of a comparison → how they are said."""
MAX_VIEWS = 100
MAX_VIEW_NAME = 80


def layout(**query: Any) -> html.Div:
    """The page for a URL's query; `dashboard.customer_list` says what it may hold."""
    return page(region(_content, query))


def _content(query: Mapping[str, Any]) -> list[Any]:
    ask = door(query)
    search = f"?{urlencode(query, doseq=True)}" if query else ""
    asked = customer_list.wanted(search)
    filled = {row.column_name: row.n_customers for row in ask.ask("customers/filled").rows}
    hidden = {shown.column.id for shown in SHOWN if shown.optional and not filled.get(shown.optional)}
    if not asked.sort:
        first = "revenue" if "expected_revenue" in hidden else "expected_revenue"
        asked = Wanted(asked.filters, ((first, True),), asked.members)
    return [
        head(
            "Customers",
            html.Span(_count(ask, asked), id="customers-count", **{"aria-live": "polite"}),
            _views(ask, search),
            _lists(ask),
            button("Clear filters", "customers-clear"),
            button("Export CSV", "customers-export", icon_name="download", is_primary=True),
        ),
        _not_trained(ask) if "expected_revenue" in hidden else None,
        _list_note(ask, asked),
        html.Div(
            [*(_facet(ask, name, words, asked) for name, words in FACETS.items()), _selection(), _sql()],
            className="grid-tools",
        ),
        html.Section(
            served_grid(
                "customers-grid",
                column_defs(SHOWN, asked.sort, hidden, horizon=ask.horizon_days),
                key=KEY,
                filters=asked.filters,
                label="Customers",
                none_text="No customer fits these filters.",
                page_size=ask.settings.dashboard.page_size,
            ),
            className="panel grid-page",
        ),
        dcc.Store(id="customers-shown"),
        dcc.Store(id="customers-published"),
        dcc.Store(id="customers-file"),
    ]


def _count(ask: Door, asked: Wanted, n_rows: int | None = None) -> str:
    words = ask.words
    n_all = ask.ask("customers/totals").row.n_customers
    if n_rows is None:
        n_rows = customer_list.grid_of(ask.site.warehouse).count(saved_lists.ready(ask, asked), ask.build)
    return (
        ask.words.counted(n_all, "customer")
        if n_rows == n_all
        else f"{words.count(n_rows)} of {words.count(n_all)} customers"
    )


def _not_trained(ask: Door) -> html.Div:
    return insight(
        "Not trained yet: expected revenue and the other predictions appear here after the first training.",
        action=link("Train a model", ask.href("/jobs")),
    )


def _list_note(ask: Door, asked: Wanted) -> html.Div | None:
    if asked.members is None:
        return None
    if asked.members.query.startswith(SAVED):
        return _kept_note(ask, asked.members.query.removeprefix(SAVED))
    given = {
        name: value
        for name, value in asked.members.params.items()
        if value is not None and name not in customer_list.BOUNDS
    }
    if "step" in given:
        given["step"] = LIST_STEPS.get(given["step"], given["step"])
    parts = [f"{PARAM_WORDS.get(name, name.replace('_', ' '))} {_said(ask, value)}" for name, value in given.items()]
    if asked.members.before:
        parts.append(f"compared with build {asked.members.before}")
    said = ", ".join(parts)
    return insight(
        html.B(f"Only customers {LISTS[asked.members.query]}"),
        f": {said}." if said else ".",
        action=link("Show all", ask.href(PATH)),
    )


def _kept_note(ask: Door, name: str) -> html.Div:
    found = next((row for row in data.records(saved_lists.all_lists(ask)) if row.name == name), None)
    if found is None:
        raise RequestError(f"no list is called {name[:80]!r}")
    words = ask.words
    return insight(
        html.B(f"The list “{name}”"),
        f": {words.counted(found.n_customers, 'customer')}, kept for a plan on {words.date(found.saved_at)}. "
        "Who is no longer in the build that you look at is not shown.",
        action=link("Show all", ask.href(PATH)),
    )


def _said(ask: Door, value: Any) -> str:
    return ask.words.date(value) if isinstance(value, dt.date) else str(value)


def _facet(ask: Door, name: str, words: str, asked: Wanted) -> html.Div:
    facets = ask.ask("customers/facets").frame
    values = facets[facets["column_name"] == name]
    say = ask.words.label if name in LABELLED else str
    options = [{"label": say(value), "value": value} for value in values["value"]]
    dropdown = dcc.Dropdown(
        id={"type": "customers-facet", "column": name},
        options=options,
        value=customer_list.choice(asked.filters.get(name)) or [],
        multi=True,
        placeholder=f"All {words}",
        maxHeight=420,
    )
    # All alike leave nothing to choose. The control stays: the grid's callback writes to each of them.
    is_idle = len(options) < 2 and name not in asked.filters
    return html.Div(labelled(f"Only these {words}", dropdown), className="grid-facet", hidden=is_idle)


def _selection() -> html.Div:
    return html.Div(
        [
            html.Button(
                [icon("check2-square"), html.Span(id="customers-ticked")],
                id="customers-export-ticked",
                type="button",
                className="button",
                disabled=True,
            ),
        ],
        className="grid-selection",
    )


def _sql() -> html.Button:
    return html.Button(
        icon("code-slash"),
        id="customers-sql",
        type="button",
        className="sql-button",
        title="Show the SQL",
        **{"aria-label": "Show the SQL of the list", "data-title": "Customers"},
    )


def _views(ask: Door, search: str) -> html.Details:
    return html.Details(
        [
            html.Summary([icon("bookmark"), "Views"], className="button"),
            html.Div(
                [
                    html.Div(_view_links(ask), id="customers-views", className="views"),
                    _name_line("view", MAX_VIEW_NAME, "Save"),
                ],
                className="drop",
            ),
        ],
        className="alerts grid-views",
    )


def _lists(ask: Door) -> html.Details:
    scopes = [{"label": "Selected", "value": "ticked"}, {"label": "All that match", "value": "all"}]
    return html.Details(
        [
            html.Summary([icon("people"), "Lists"], className="button"),
            html.Div(
                [
                    html.Div(_list_lines(ask), id="customers-lists", className="views"),
                    html.Div(id="customers-lists-said", className="lists-said", **{"aria-live": "polite"}),
                    html.Div(
                        html.Div(
                            dcc.RadioItems(
                                id="customers-list-scope", options=scopes, value="all", className="segmented"
                            ),
                            role="group",
                            **{"aria-label": "Which customers to keep"},
                        ),
                        className="lists-scope",
                    ),
                    _name_line("list", saved_lists.MAX_NAME, "Keep"),
                ],
                className="drop",
            ),
        ],
        className="alerts grid-views",
        id="customers-lists-menu",
    )


def _name_line(what: str, most: int, verb: str) -> html.Div:
    """Where a view or a list gets its name."""
    name = dcc.Input(
        id=f"customers-{what}-name",
        type="text",
        maxLength=most,
        placeholder=f"Name this {what}",
        className="form-control",
    )
    return html.Div(
        [labelled(f"Name of the {what}", name), button(verb, f"customers-{what}-save")], className="views-new"
    )


def _list_lines(ask: Door) -> list[Any]:
    frame = saved_lists.all_lists(ask)
    if frame.empty:
        text = "Customers can be kept for a plan under a name: just these, whatever the filters give later."
        return [html.Div(text, className="search-none")]
    return [_list_line(ask, row) for row in data.records(frame)]


def _list_line(ask: Door, row: Any) -> html.Div:
    def small(kind: str, icon_name: str, title: str) -> html.Button:
        return html.Button(
            icon(icon_name),
            id={"type": f"customers-list-{kind}", "name": row.name},
            type="button",
            className="sql-button",
            title=title,
            **{"aria-label": f"{title}: {row.name}"},
        )

    new_name = dcc.Input(
        id={"type": "customers-list-rename", "name": row.name},
        type="text",
        value=row.name,
        maxLength=saved_lists.MAX_NAME,
        className="form-control",
    )
    return html.Div(
        [
            dcc.Link(
                [row.name, html.Small(ask.words.counted(row.n_customers, "customer"))],
                href=ask.href(PATH, list=f"{SAVED}{row.name}"),
                className="view-link",
            ),
            html.Details(
                [
                    html.Summary(icon("pencil"), className="sql-button", title="Rename", **{"aria-label": "Rename"}),
                    labelled(f"New name of {row.name}, then Enter", new_name),
                ],
                className="list-rename",
            ),
            small("export", "download", "Export as CSV"),
            small("drop", "x-lg", "Delete this list"),
        ],
        className="view",
    )


def _view_links(ask: Door) -> list[Any]:
    frame = ask.journal.views.table(OWNER, PATH)
    if frame.empty:
        return [html.Div("Filters and order can be kept under a name.", className="search-none")]
    return [
        html.Div(
            [
                dcc.Link(view.name, href=f"{PATH}{view.query}", className="view-link"),
                html.Button(
                    icon("x-lg"),
                    id={"type": "customers-view-drop", "name": view.name},
                    type="button",
                    className="sql-button",
                    title="Forget this view",
                    **{"aria-label": f"Forget the view {view.name}"},
                ),
            ],
            className="view",
        )
        for view in data.records(frame)
    ]


def _asked(search: str | None, request: Mapping[str, Any] | None) -> Wanted:
    """What the grid holds now, with what the address adds to it."""
    before = customer_list.wanted(search or "")
    if not request:
        return before
    return customer_list.moved(before, request.get("filterModel"), request.get("sortModel"))


@callback(
    Output("customers-grid", "getRowsResponse"),
    Output("customers-count", "children"),
    Output("customers-shown", "data"),
    Output({"type": "customers-facet", "column": ALL}, "value"),
    Input("customers-grid", "getRowsRequest"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def rows(request: dict[str, Any] | None, search: str | None) -> tuple[Any, Any, Any, Any]:
    """The block of rows that the grid asks for."""
    if not request:
        return no_update, no_update, no_update, [no_update] * len(FACETS)
    ask = door(search)
    asked = _asked(search, request)
    wanted = saved_lists.ready(ask, asked)
    block = customer_list.grid_of(ask.site.warehouse).block(wanted, request["startRow"], request["endRow"], ask.build)
    shown = {"search": customer_list.search_of(asked, ask.build), "build": block.build_id, "n_rows": block.n_rows}
    choices = [customer_list.choice(asked.filters.get(name)) or [] for name in FACETS]
    return {"rowData": block.rows, "rowCount": block.n_rows}, _count(ask, asked, block.n_rows), shown, choices


@callback(
    Output("customers-published", "data"),
    Input("shell-tick", "n_intervals"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def published(_n: int | None, search: str | None) -> str:
    """The build that the list reads now."""
    return door(search).handle.id


@callback(
    Output(LOCATION, "search", allow_duplicate=True),
    Input("customers-clear", "n_clicks"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def clear(clicks: int | None, search: str | None) -> Any:
    """The page without filters; a build that was picked stays."""
    build = door(search).build
    return no_update if not clicks else f"?{urlencode({BUILD_KEY: build})}" if build else ""


@callback(
    Output("customers-file", "data"),
    Input("customers-export", "n_clicks"),
    Input("customers-export-ticked", "n_clicks"),
    Input({"type": "customers-list-export", "name": ALL}, "n_clicks"),
    State("customers-shown", "data"),
    State("customers-grid", "selectedRows"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def file(
    _all: int | None,
    _ticked: int | None,
    _lists: list[int | None],
    shown: Mapping[str, Any] | None,
    ticked: Any,
    search: str | None,
) -> Any:
    """A link to the file of what is shown, of what is ticked, or of a kept list."""
    if not ctx.triggered[0]["value"]:
        return no_update
    ids = None
    if isinstance(ctx.triggered_id, dict):
        kept = Wanted(members=Members(f"{SAVED}{ctx.triggered_id['name']}", {}))
        return export.link(door(search), customer_list.search_of(kept))
    if ctx.triggered_id == "customers-export-ticked":
        ids = [str(row[KEY]) for row in ticked or []]
    return export.link(door(search), (shown or {}).get("search", search or ""), ids)


@callback(
    Output("customers-views", "children"),
    Output("customers-view-name", "value"),
    Input("customers-view-save", "n_clicks"),
    Input("customers-view-name", "n_submit"),
    Input({"type": "customers-view-drop", "name": ALL}, "n_clicks"),
    State("customers-view-name", "value"),
    State("customers-shown", "data"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def keep_view(
    _save: int | None,
    _submit: int | None,
    _drop: list[int | None],
    name: str | None,
    shown: Mapping[str, Any] | None,
    search: str | None,
) -> tuple[Any, Any]:
    """Keep what is shown under a name, or forget a view."""
    ask = door(search)
    pressed = ctx.triggered_id
    if not ctx.triggered[0]["value"]:
        return no_update, no_update
    if isinstance(pressed, dict):
        ask.journal.views.delete(OWNER, PATH, pressed["name"])
        return _view_links(ask), no_update
    name = (name or "").strip()[:MAX_VIEW_NAME]
    if not name:
        return no_update, no_update
    if len(ask.journal.views.table(OWNER, PATH)) >= MAX_VIEWS:
        raise RequestError(f"there are {MAX_VIEWS} views already; forget one first")
    asked = customer_list.wanted((shown or {}).get("search", search or ""))
    ask.journal.views.save(OWNER, PATH, name, customer_list.search_of(asked))
    return _view_links(ask), ""


@callback(
    Output("customers-lists", "children"),
    Output("customers-lists-said", "children"),
    Output("customers-list-name", "value"),
    Input("customers-list-save", "n_clicks"),
    Input("customers-list-name", "n_submit"),
    Input({"type": "customers-list-drop", "name": ALL}, "n_clicks"),
    Input({"type": "customers-list-rename", "name": ALL}, "n_submit"),
    Input({"type": "customers-list-undo", "id": ALL}, "n_clicks"),
    State("customers-list-name", "value"),
    State("customers-list-scope", "value"),
    State({"type": "customers-list-rename", "name": ALL}, "value"),
    State({"type": "customers-list-rename", "name": ALL}, "id"),
    State("customers-shown", "data"),
    State("customers-grid", "selectedRows"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def keep_list(
    _save: int | None,
    _submit: int | None,
    _drop: list[int | None],
    _rename: list[int | None],
    _undo: list[int | None],
    name: str | None,
    scope: str,
    new_names: list[str | None],
    renamed: list[dict[str, str]],
    shown: Mapping[str, Any] | None,
    ticked: Any,
    search: str | None,
) -> tuple[Any, Any, Any]:
    """Keep customers under a name; rename a list, delete it, or bring it back."""
    ask = door(search)
    pressed = ctx.triggered_id
    if not ctx.triggered[0]["value"]:
        return no_update, no_update, no_update
    said: Any = None
    try:
        if not isinstance(pressed, dict):
            asked = customer_list.wanted((shown or {}).get("search", search or ""))
            ids = [str(row[KEY]) for row in ticked or []] if scope == "ticked" else None
            saved_lists.keep(ask, name or "", asked, ids)
            name = ""
        elif pressed["type"] == "customers-list-rename":
            at = next(place for place, one in enumerate(renamed) if one["name"] == pressed["name"])
            saved_lists.rename(ask, pressed["name"], new_names[at] or "")
        elif pressed["type"] == "customers-list-undo":
            saved_lists.restore(ask, pressed["id"])
        else:
            said = _deleted(pressed["name"], saved_lists.delete(ask, pressed["name"]))
    except RequestError as error:
        said = html.Span(str(error)[:1].upper() + str(error)[1:] + ".", role="alert")
    return _list_lines(ask), said, name


def _deleted(name: str, list_id: str) -> list[Any]:
    undo = html.Button(
        "Undo", id={"type": "customers-list-undo", "id": list_id}, type="button", className="button lists-undo"
    )
    return [html.Span(f"“{name}” is deleted."), undo]


@callback(
    Output("sql-panel", "is_open", allow_duplicate=True),
    Output("sql-content", "children", allow_duplicate=True),
    Input("customers-sql", "n_clicks"),
    State("customers-shown", "data"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def show_sql(clicks: int | None, shown: Mapping[str, Any] | None, search: str | None) -> tuple[Any, Any]:
    """The statement behind the list, ready for the shell."""
    if not clicks:
        return no_update, no_update
    ask = door(search)
    asked = customer_list.wanted((shown or {}).get("search", search or ""))
    text = customer_list.grid_of(ask.site.warehouse).shell_sql(saved_lists.ready(ask, asked), ask.build)
    return True, statement_panel(ask, "the list of customers", text)


clientside_callback(ClientsideFunction("customers", "shown"), Input("customers-shown", "data"))
clientside_callback(ClientsideFunction("customers", "published"), Input("customers-published", "data"))
clientside_callback(ClientsideFunction("customers", "download"), Input("customers-file", "data"))
clientside_callback(ClientsideFunction("customers", "ready"), Input("customers-grid", "columnDefs"))
clientside_callback(
    ClientsideFunction("customers", "choose"),
    Input({"type": "customers-facet", "column": ALL}, "value"),
    State({"type": "customers-facet", "column": ALL}, "id"),
)
clientside_callback(
    ClientsideFunction("customers", "ticked"),
    Output("customers-ticked", "children"),
    Output("customers-export-ticked", "disabled"),
    Output("customers-list-scope", "value"),
    Input("customers-grid", "selectedRows"),
)
