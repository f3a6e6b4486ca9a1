"""What ran, what runs next?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ALL, Input, Output, State, callback, ctx, dcc, html, register_page
from dash.exceptions import PreventUpdate

from clv.errors import RequestError
from dashboard import data
from dashboard.charts.jobs import duration_history
from dashboard.components import card, chip, empty, graph, grid, head, icon, legend, link, page, region, select
from dashboard.components.jobs import log_lines, run_detail, run_table, schedule_table
from dashboard.data import Door, door
from dashboard.logs import run_log

register_page(
    __name__,
    path="/jobs",
    name="Jobs",
    title="Jobs · Retain",
    group="Operate",
    order=120,
    icon="clock-history",
    question="What ran, what runs next?",
)

POLL_MS = 1500
N_RUNS = 20
BY = "the Jobs page"


def layout(**query: str) -> html.Div:
    """The page for a URL's query: `run` opens a run's log, `job` chooses the history."""
    return page(
        region(_content, query),
        dcc.Interval(id="jobs-poll", interval=POLL_MS),
        html.Div(id="jobs-stopped", className="visually-hidden", role="status"),
    )


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    return [
        head("Jobs", f"What ran, what runs next? Times in {ask.settings.business.timezone}."),
        html.Div(_live(ask, query), id="jobs-live"),
        grid(html.Div(_runs(ask, query), id="jobs-runs", className="span-7"), region(_durations, ask, query)),
    ]


@callback(
    Output("jobs-live", "children"),
    Output("jobs-runs", "children"),
    Input("jobs-poll", "n_intervals"),
    Input({"type": "run-job", "job": ALL}, "n_clicks"),
    State("_pages_location", "search"),
    prevent_initial_call=True,
)
def refresh(_n: int | None, _clicks: list[int | None], search: str | None) -> tuple[Any, Any]:
    """Ask for a run when a button was pressed; in any case show how things stand."""
    ask = door(search)
    query = data.query_of(search)
    pressed = ctx.triggered_id
    if isinstance(pressed, dict) and ctx.triggered[0]["value"]:
        _request(ask, str(pressed["job"]))
    return _live(ask, query), _runs(ask, query)


@callback(
    Output("jobs-stopped", "children"),
    Input({"type": "stop-run", "run": ALL}, "n_clicks"),
    State("_pages_location", "search"),
    prevent_initial_call=True,
)
def stop(_clicks: list[int | None], search: str | None) -> str:
    """End a run; the table shows it at the next look."""
    pressed = ctx.triggered_id
    if not isinstance(pressed, dict) or not ctx.triggered[0]["value"]:
        raise PreventUpdate
    ask, run_id = door(search), str(pressed["run"])
    job = ask.journal.runs.one(run_id).job
    if not ask.journal.runs.stop(run_id, BY):
        return f"{job} had ended already"
    ask.journal.audit.note(BY, "stop", job, {"run_id": run_id})
    return f"{job} is stopped"


def _request(ask: Door, job: str) -> None:
    if job not in set(ask.journal.schedule.table()["job"]):
        raise RequestError(f"there is no job {job!r}")
    run_id = ask.journal.runs.request(job, BY)
    ask.journal.audit.note(BY, "run", job, {"run_id": run_id})


def _live(ask: Door, query: Mapping[str, str]) -> list[Any]:
    return [part for part in (_worker(ask), grid(_schedule(ask), _chosen(ask, query))) if part is not None]


def _worker(ask: Door) -> html.Div | None:
    if ask.worker_is_alive():
        return None
    commands = [html.Code("clv worker"), " or ", html.Code("clv up")]
    words = html.Span(["The worker is not running: what you ask for waits. Start it with ", *commands, "."])
    return html.Div([icon("exclamation-triangle"), words], className="notice notice-warn", role="status")


def _schedule(ask: Door) -> html.Section:
    schedule, runs, now = ask.journal.schedule.table(), ask.journal.runs.table(), data.now()
    body = (
        empty("No jobs yet", ["They appear when the worker has started once: ", html.Code("clv worker"), "."])
        if schedule.empty
        else schedule_table(ask, schedule, runs, now)
    )
    state = chip("Worker running", "good", "check2") if ask.worker_is_alive() else chip("Worker not running", "warn")
    sub = "When each job runs, and how its last runs went"
    return card("Schedule", body, sub=sub, tools=state, span=12, is_flush=True)


def _chosen(ask: Door, query: Mapping[str, str]) -> Any:
    run_id = query.get("run")
    return region(_run, ask, run_id) if run_id else None


def _run(ask: Door, run_id: str) -> html.Section:
    run = ask.journal.runs.one(run_id)
    lines = run_log(ask.settings.paths.logs, run_id)
    body = html.Div([run_detail(ask, run), log_lines(ask, lines)], className="run")
    return card(f"Run of {run.job}", body, sub=run_id, tools=link("Close", ask.href("/jobs")), span=12, id="run-log")


def _runs(ask: Door, query: Mapping[str, str]) -> html.Section:
    runs = ask.journal.runs.table(limit=N_RUNS)
    body = empty("Nothing has run yet") if runs.empty else run_table(ask, runs, query.get("run"))
    return card("Latest runs", body, sub="Choose one to read its log", span=12, is_flush=True)


def _durations(ask: Door, query: Mapping[str, str]) -> html.Section:
    runs = ask.journal.runs.table()
    ended = runs[runs["started_at"].notna() & runs["finished_at"].notna()]
    jobs = list(dict.fromkeys(ended["job"]))
    if not jobs:
        return card("Duration history", empty("Nothing has ended yet"), span=5)
    job = query.get("job") if query.get("job") in jobs else jobs[0]
    figure = duration_history(ended[ended["job"] == job], ask.words)
    return card(
        "Duration history",
        [
            legend([("Done", "var(--c2)", "box"), ("Failed", "var(--c4)", "box"), ("Aborted", "var(--c3)", "box")]),
            graph(figure, "jobs-durations", label=f"Durations of {job}, run by run", height=220),
        ],
        sub="Run by run, the latest at the right",
        tools=select({name: name.capitalize() for name in jobs}, str(job), label="Job", key="job", default=jobs[0]),
        span=5,
    )
