"""Show the SQL: the `</>` button of a card, and the panel that opens from it.

The button carries the query's name, its parameters and the build; the panel reads the text by name, so nothing that a
browser sends is ever run. The button copies the query with its parameters as literals, ready for the `duckdb` shell.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update

from clv.errors import RequestError
from dashboard import data
from dashboard.components.marks import icon
from dashboard.components.states import region
from dashboard.data import Answer, Door

_DATE = "$date"
_TOKENS = re.compile(
    r"""
    (?P<comment> --[^\n]* )
    | (?P<string> '(?:[^']|'')*' )
    | (?P<param> \$[a-z_]+ )
    | (?P<number> \b\d+(?:\.\d+)?(?:e\d+)?\b )
    | (?P<word> \b(?: all|and|any|as|asc|between|by|case|cast|cross|date|desc|distinct|else|end|exists|false|from|full
        |group|having|in|inner|interval|is|join|left|like|limit|not|null|nulls|on|or|order|over|partition|qualify
        |select|then|true|union|using|values|when|where|window|with )\b )
    """,
    re.VERBOSE,
)


def sql_button(answer: Answer, title: str) -> html.Button:
    """The `</>` button of a card called *title* that shows *answer*."""
    at = re.sub(r"[^a-z0-9]+", "-", f"{answer.name} {title}".lower())
    return html.Button(
        icon("code-slash"),
        id={"type": "show-sql", "at": at},
        value=_packed(answer),
        type="button",
        className="sql-button",
        title="Show the SQL",
        **{"aria-label": f"Show the SQL of {title}", "data-title": title},
    )


def sql_panel() -> dbc.Offcanvas:
    """The panel; one for the whole app."""
    return dbc.Offcanvas(
        html.Div(id="sql-content"),
        id="sql-panel",
        title="The SQL behind this",
        placement="end",
        is_open=False,
        className="sql-panel",
    )


def register(app: Dash) -> None:
    """The callbacks of button, panel and copy."""

    @app.callback(
        Output("sql-panel", "is_open"),
        Output("sql-content", "children"),
        Input({"type": "show-sql", "at": ALL}, "n_clicks"),
        State({"type": "show-sql", "at": ALL}, "value"),
        prevent_initial_call=True,
    )
    def open_panel(_clicks: list[int | None], _values: list[str]) -> tuple[Any, Any]:
        pressed = ctx.triggered_id
        if pressed is None or not ctx.triggered[0]["value"]:  # a page was drawn, nobody clicked
            return no_update, no_update
        packed = next(entry["value"] for entry in ctx.states_list[0] if entry["id"] == pressed)
        return True, region(_content, packed)

    app.clientside_callback(
        ClientsideFunction("retain", "copyText"),
        Output("sql-copy", "data-copied"),
        Input("sql-copy", "n_clicks"),
        State("sql-shell", "children"),
        prevent_initial_call=True,
    )


def _content(packed: str) -> html.Div:
    name, params, build_id, before = _unpacked(packed)
    door: Door = data.door({data.BUILD_KEY: build_id})
    facts = [("Query", html.Code(f"sql/queries/{name}.sql")), *_build_facts(door)]
    if before is not None:
        facts.append(("Compared with", html.Code(before)))
    facts += [(f"${key}", html.Code(_said(value))) for key, value in params.items()]
    warehouse = door.site.warehouse
    return _shown(facts, warehouse.sql_text(name), warehouse.shell_sql(name, params, build_id, before))


def statement_panel(door: Door, what: str, sql: str) -> html.Div:
    """The panel's content for a statement that has no file: *what* it answers, and *sql* without parameters."""
    return _shown([("Answers", what), *_build_facts(door)], sql, sql)


def _build_facts(door: Door) -> list[tuple[str, Any]]:
    handle = door.handle
    return [("Build", html.Code(handle.id)), ("Known up to", door.words.date(handle.as_of))]


def _shown(facts: list[tuple[str, Any]], text: str, shell_text: str) -> html.Div:
    return html.Div(
        [
            html.Dl([html.Div([html.Dt(key), html.Dd(value)]) for key, value in facts], className="facts"),
            html.Div(
                [
                    html.Button(
                        [icon("clipboard"), html.Span("Copy for the duckdb shell")],
                        id="sql-copy",
                        type="button",
                        className="button button-primary",
                    ),
                    html.Span(["Paste it after ", html.Code("clv sql")], className="muted"),
                ],
                className="sql-actions",
            ),
            html.Pre(highlighted(text), className="sql-text", tabIndex=0),
            html.Pre(shell_text, id="sql-shell", hidden=True),
        ]
    )


def highlighted(sql: str) -> list[Any]:
    """*sql* cut into text and spans that CSS colours."""
    parts: list[Any] = []
    done = 0
    for found in _TOKENS.finditer(sql):
        parts += [sql[done : found.start()], html.Span(found[0], className=f"sql-{found.lastgroup}")]
        done = found.end()
    return [*parts, sql[done:]]


def _packed(answer: Answer) -> str:
    params = {
        key: {_DATE: value.isoformat()} if isinstance(value, dt.date) else value for key, value in answer.params.items()
    }
    packed = {"query": answer.name, "params": params, "build": answer.build_id}
    return json.dumps(packed if answer.before is None else packed | {"before": answer.before})


def _unpacked(text: str) -> tuple[str, dict[str, Any], str, str | None]:
    """What `_packed` packed; anything else is refused."""
    try:
        packed = json.loads(text)
        params = {str(key): _value(value) for key, value in packed["params"].items()}
        before = packed.get("before")
        return str(packed["query"]), params, str(packed["build"]), None if before is None else str(before)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise RequestError("the button did not say which query it belongs to; load the page again") from error


def _value(value: Any) -> Any:
    return dt.date.fromisoformat(value[_DATE]) if isinstance(value, Mapping) else value


def _said(value: Any) -> str:
    return "NULL" if value is None else value.isoformat() if isinstance(value, dt.date) else str(value)
