"""Which customers get which name? The editor of the segment rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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

from clv.errors import ClvError, NoBuildError, SettingsError
from clv.segments import Problem, Rule, rules_of
from dashboard.components import button, card, empty, grid, head, icon, link, page, region
from dashboard.components.jobs import progress
from dashboard.components.rules import DO, FIELD, change_table, fields_of, move_table, problem_list, rule_rows
from dashboard.data import Door, door
from warehouse import segment_rules

register_page(
    __name__,
    path="/segments/rules",
    name="Rules",
    title="Segment rules · Retain",
    parent="/segments",
    question="Which customers get which name?",
)

BY = "the Segments page"
POLL_MS = 1000
LOCATION = "_pages_location"
_FIELDS = {"type": FIELD, "place": ALL, "field": ALL}


def layout(**query: str) -> html.Div:
    """The page for a URL's query."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    rules, broken = _present(ask)
    problems = rules_of(map(fields_of, rules))[1]
    is_saved = not broken and _is_published(ask, rules)
    has_previous = segment_rules.previous_path(ask.settings).is_file()
    return [
        head(
            "Segment rules",
            "Which customers get which name? The first rule that fits wins; scores go from 1 to 5, 5 is best.",
            button("Previous rules", "rules-previous", icon_name="arrow-counterclockwise", disabled=not has_previous),
            button("Defaults", "rules-house", icon_name="arrow-repeat"),
            button("Save and build", "rules-save", icon_name="check2", is_primary=True, disabled=is_saved),
        ),
        html.Div(_notice(broken, "bad") if broken else None, id="rules-status", **{"aria-live": "polite"}),
        grid(
            card(
                "Rules",
                [
                    html.Div(rule_rows(list(map(fields_of, rules))), id="rules-rows"),
                    html.Div(button("Add a rule", "rules-add", icon_name="plus-lg"), className="rules-foot"),
                    html.Div(problem_list(problems), id="rules-problems", className="rules-foot", role="status"),
                ],
                sub="Nothing changes for anybody until you save. Days are counted from a customer's first order",
                tools=link("Back to the segments", ask.href("/segments")),
                span=12,
                is_flush=True,
            ),
            html.Div(region(_preview, ask, rules, problems), id="rules-preview", className="span-12"),
        ),
        dcc.Store(id="rules-seen", data=segment_rules.mark(ask.settings)),
        dcc.Store(id="rules-typed"),
        dcc.Store(id="rules-drawn"),
        dcc.Store(id="rules-run"),
        dcc.Store(id="rules-built"),
        dcc.Interval(id="rules-poll", interval=POLL_MS, disabled=True),
    ]


def _present(ask: Door) -> tuple[list[Rule], str]:
    """The rules in force; those of the house, and why, when the shop's own cannot be used."""
    try:
        return segment_rules.rules_in_force(ask.settings), ""
    except SettingsError as error:
        return segment_rules.house_rules(ask.settings), f"{error}. Below are the rules of the house instead."


def _preview(ask: Door, rules: Sequence[Rule], problems: Sequence[Problem]) -> Any:
    """What a draft would change, over the customers of the build."""
    if any(one.is_error for one in problems):
        return card("What would change", empty("Not yet", "Mend what is marked as an error to see it."), span=12)
    draft = _parameters(rules)
    segments = ask.ask("segments/preview", **draft)
    moves = ask.ask("segments/preview_moves", **draft)
    words = ask.words
    n_moved = 0 if moves.is_empty else moves.row.n_customers_all
    who = f"{words.counted(n_moved, 'customer')} would change their segment"
    return grid(
        card(
            "What would change",
            change_table(ask, segments) if not segments.is_empty else empty("No customers yet"),
            sub=who if n_moved else "Nobody would change their segment",
            source=[segments, moves],
            span=12,
            is_flush=True,
        ),
        card(
            "Who would move",
            move_table(ask, moves),
            sub="From which segment to which, the largest first",
            source=moves,
            span=12,
            is_flush=True,
        )
        if n_moved
        else None,
    )


def _parameters(rules: Sequence[Rule]) -> dict[str, Any]:
    """A draft as the parameters of `segments/preview`, one list a column."""
    rows = segment_rules.table_rows(rules)
    return {name: [row[name] for row in rows] for name in segment_rules.COLUMNS if name != "description"}


clientside_callback(
    ClientsideFunction("retain", "settle"),
    Input(_FIELDS, "value"),
    State("rules-typed", "id"),
    prevent_initial_call=True,
)


@callback(
    Output("rules-problems", "children"),
    Output("rules-preview", "children"),
    Output("rules-save", "disabled"),
    Input("rules-typed", "data"),
    Input("rules-drawn", "data"),
    Input("rules-built", "data"),
    State(_FIELDS, "value"),
    State(_FIELDS, "id"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def look(
    _typed: Any, _drawn: Any, _built: Any, values: list[Any], ids: list[dict[str, Any]], search: str | None
) -> tuple[Any, ...]:
    """Say what is wrong with the draft, and what it would change."""
    ask = door(search)
    rules, problems = rules_of(_rows(values, ids))
    is_refused = any(one.is_error for one in problems)
    is_saved = not is_refused and rules == _present(ask)[0] and _is_published(ask, rules)
    return problem_list(problems), region(_preview, ask, rules, problems), is_refused or is_saved


@callback(
    Output("rules-rows", "children"),
    Output("rules-drawn", "data"),
    Input({"type": DO, "place": ALL, "do": ALL}, "n_clicks"),
    Input("rules-add", "n_clicks"),
    Input("rules-house", "n_clicks"),
    Input("rules-previous", "n_clicks"),
    State(_FIELDS, "value"),
    State(_FIELDS, "id"),
    State("rules-drawn", "data"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def edit(
    _do: list[int | None],
    _add: int | None,
    _house: int | None,
    _previous: int | None,
    values: list[Any],
    ids: list[dict[str, Any]],
    drawn: int | None,
    search: str | None,
) -> tuple[Any, Any]:
    """Move, remove or add a row, or take other rules as the draft."""
    if not ctx.triggered[0]["value"]:  # rows were drawn, nobody clicked
        return no_update, no_update
    settings = door(search).settings
    pressed = ctx.triggered_id
    if pressed == "rules-house":
        rows = list(map(fields_of, segment_rules.house_rules(settings)))
    elif pressed == "rules-previous":
        before = segment_rules.read(segment_rules.previous_path(settings))[0]
        rows = list(map(fields_of, before or segment_rules.house_rules(settings)))
    else:
        rows = _rows(values, ids)
        if pressed == "rules-add":
            rows.append({})
        else:
            place = int(pressed["place"])
            row = rows.pop(place)
            if pressed["do"] != "remove":
                rows.insert(max(0, place + (1 if pressed["do"] == "down" else -1)), row)
    return rule_rows(rows), (drawn or 0) + 1


@callback(
    Output("rules-status", "children"),
    Output("rules-run", "data"),
    Output("rules-poll", "disabled"),
    Output("rules-seen", "data"),
    Output("rules-previous", "disabled"),
    Input("rules-save", "n_clicks"),
    State(_FIELDS, "value"),
    State(_FIELDS, "id"),
    State("rules-seen", "data"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def save(
    clicks: int | None, values: list[Any], ids: list[dict[str, Any]], seen: str | None, search: str | None
) -> tuple[Any, ...]:
    """Put the draft in force and ask for a build."""
    if not clicks:
        return (no_update,) * 5
    ask = door(search)
    rules, problems = rules_of(_rows(values, ids))
    wrong = [one.message for one in problems if one.is_error]
    try:
        if wrong:
            raise SettingsError("; ".join(wrong))
        if rules == segment_rules.house_rules(ask.settings):
            segment_rules.reset(ask.settings, seen=seen)
        else:
            segment_rules.save(ask.settings, rules, seen=seen)
    except ClvError as error:
        return _notice(f"Not saved: {error}", "bad"), no_update, no_update, no_update, no_update
    run_id = ask.journal.runs.request("build", BY)
    ask.journal.audit.note(
        BY, "segment rules", "saved", {"segments": [rule.segment for rule in rules], "run_id": run_id}
    )
    return _run_status(ask, run_id), run_id, False, segment_rules.mark(ask.settings), False


@callback(
    Output("rules-status", "children", allow_duplicate=True),
    Output("rules-run", "data", allow_duplicate=True),
    Output("rules-poll", "disabled", allow_duplicate=True),
    Output("rules-built", "data"),
    Input("rules-poll", "n_intervals"),
    State("rules-run", "data"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def watch(_n: int | None, run_id: str | None, search: str | None) -> tuple[Any, ...]:
    """How far the build is."""
    if not run_id:
        return no_update, no_update, True, no_update
    ask = door(search)
    run = ask.journal.runs.one(run_id)
    if run.is_active:
        return _run_status(ask, run_id), no_update, no_update, no_update
    if run.status == "done" and not _is_published(ask, _present(ask)[0]):
        # It had begun before the rules were saved, and has not read them: once more.
        again = ask.journal.runs.request("build", BY)
        return _run_status(ask, again), again, no_update, no_update
    return _run_status(ask, run_id), None, True, run_id


def _is_published(ask: Door, rules: Sequence[Rule]) -> bool:
    """Whether the published build was made with *rules*."""
    try:
        made = ask.site.warehouse.query("segments/rules")
    except NoBuildError:
        return False
    columns = [name for name in segment_rules.COLUMNS if name in made]
    plain = made[columns].astype(object).where(made[columns].notna(), None)
    return plain.to_dict("records") == segment_rules.table_rows(rules)


def _run_status(ask: Door, run_id: str) -> Any:
    run = ask.journal.runs.one(run_id)
    log = link("See the run", ask.href("/jobs", run=run_id))
    if run.status == "queued" and not ask.worker_is_alive():
        words = ["Saved. The worker is not running, so the build waits. Start it with ", html.Code("clv worker"), "."]
        return _notice(words, "warn", log)
    if run.is_active:
        said = "waiting for the worker" if run.status == "queued" else run.message
        return html.Div(["Saved; building", progress(run.progress, said), log], className="notice rules-running")
    if run.status in ("done", "skipped"):
        return _notice(
            "Saved and published: every page uses these rules.", "good", link("See the segments", "/segments")
        )
    return _notice(f"Saved, but the build {run.status}: {run.error or run.message}", "bad", log)


def _notice(words: Any, tone: str, action: Any = None) -> html.Div:
    name = {"good": "check2", "bad": "x-lg", "warn": "exclamation-triangle"}[tone]
    parts = [icon(name), html.Span(words, className="notice-words"), action]
    return html.Div([part for part in parts if part is not None], className=f"notice notice-{tone}")


def _rows(values: Sequence[Any], ids: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fields that the browser holds, row by row."""
    rows: dict[int, dict[str, Any]] = {}
    for at, value in zip(ids, values, strict=True):
        rows.setdefault(int(at["place"]), {})[str(at["field"])] = value
    return [rows[place] for place in sorted(rows)]
