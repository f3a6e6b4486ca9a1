"""A report of the build on screen as PDF: the button of a page, what it says meanwhile, and the route of the file.

| how it stands            | what the page shows                                              |
|--------------------------|------------------------------------------------------------------|
| made                     | a link that downloads it                                         |
| not made                 | a button that asks for it: a row in the journal, the worker does it |
| asked for, queued        | that it waits; for the worker, when none is running              |
| being made               | how far it is                                                    |
| failed                   | why, a link to the run's log, and the button again               |

The file is looked up among those that are there; what an address says is never joined to a path.
"""

from __future__ import annotations

from typing import Any

import flask
from dash import MATCH, Dash, Input, Output, State, ctx, dcc, html

from dashboard import data
from dashboard.components.controls import link
from dashboard.components.jobs import progress
from dashboard.components.marks import icon
from dashboard.data import Door
from dashboard.format import MISSING
from warehouse import reports
from warehouse.journal import Run
from warehouse.reports import Made, report_named

ROUTE = "/export/report"
BY = "a PDF button"
JOB = "report"
POLL_MS = 1200
FAILED = ("failed", "aborted")
HIDDEN = {"display": "none"}


def register(app: Dash) -> None:
    """The route, and what the button does."""
    server: flask.Flask = app.server
    app.callback(
        Output({"type": "report-said", "name": MATCH}, "children"),
        Output({"type": "report-make", "name": MATCH}, "style"),
        Output({"type": "report-make", "name": MATCH}, "children"),
        Output({"type": "report-poll", "name": MATCH}, "disabled"),
        Output({"type": "report-asked", "name": MATCH}, "data"),
        Input({"type": "report-make", "name": MATCH}, "n_clicks"),
        Input({"type": "report-poll", "name": MATCH}, "n_intervals"),
        State({"type": "report-asked", "name": MATCH}, "data"),
        State({"type": "report-asked", "name": MATCH}, "id"),
        prevent_initial_call=True,
    )(follow)

    @server.get(f"{ROUTE}/<build_id>/<name>.pdf")
    def report_pdf(build_id: str, name: str) -> flask.Response:
        door = data.door()
        found = reports.find(door.settings.paths.reports, build_id, name)
        if found is None:
            return flask.Response("There is no such report.", status=404, mimetype="text/plain")
        day = str(found.facts.get("as_of", build_id))
        response = flask.send_file(
            found.path,
            mimetype="application/pdf",
            as_attachment=True,
            download_name=f"{found.report.stem}_{day}.pdf",
            max_age=0,
        )
        response.headers["Cache-Control"] = "private, no-cache"
        door.journal.audit.note(BY, "export", "report", {"name": name, "build": build_id})
        return response


def href(build_id: str, name: str) -> str:
    """The address of a report that is made."""
    return f"{ROUTE}/{build_id}/{name}.pdf"


def pdf_button(ask: Door, name: str) -> html.Div:
    """The report called *name* of the build that is looked at: to be downloaded, or to be asked for."""
    build_id = ask.handle.id
    said, button_style, words, is_waiting = _shown(ask, build_id, name, is_asked=False)
    return html.Div(
        [
            html.Button(
                words,
                id={"type": "report-make", "name": name},
                type="button",
                className="button",
                style=button_style,
                title=f"Make the {report_named(name).title.lower()} of this build as a PDF",
            ),
            html.Div(
                said, id={"type": "report-said", "name": name}, className="report-said", **{"aria-live": "polite"}
            ),
            dcc.Store(id={"type": "report-asked", "name": name}, data={"build": build_id, "is_asked": False}),
            dcc.Interval(id={"type": "report-poll", "name": name}, interval=POLL_MS, disabled=not is_waiting),
        ],
        className="report",
    )


def follow(
    _clicks: int | None, _n: int | None, asked: dict[str, Any], own_id: dict[str, str]
) -> tuple[Any, Any, Any, bool, dict[str, Any]]:
    """Ask for the report when the button was pressed; in any case show how it stands."""
    name = report_named(own_id["name"]).name
    # The build of the screen, not the newest one: the reader asks for what they see.
    ask = data.door({data.BUILD_KEY: asked["build"]})
    build_id = ask.handle.id
    pressed = ctx.triggered_id or {}
    is_asked = bool(asked.get("is_asked")) or pressed.get("type") == "report-make"
    if is_asked and reports.find(ask.settings.paths.reports, build_id, name) is None:
        is_asked = _request(ask, build_id, name, is_new=pressed.get("type") == "report-make")
    said, style, words, is_waiting = _shown(ask, build_id, name, is_asked=is_asked)
    return said, style, words, not is_waiting, {"build": build_id, "is_asked": is_asked and is_waiting}


def _request(ask: Door, build_id: str, name: str, *, is_new: bool) -> bool:
    """Make sure that a run for this report is on its way; False when it has failed since it was asked for."""
    if not is_new and (last := _last(ask, build_id, name)) is not None and last.status in FAILED:
        return False
    # While the report of another build is being made, the journal gives that run; ours is asked for when it has ended.
    run = ask.journal.runs.one(ask.journal.runs.request(JOB, BY, {"name": name, "build": build_id}))
    if is_new and _is_of(run, build_id, name):
        ask.journal.audit.note(BY, "run", JOB, {"run_id": run.run_id, "name": name, "build": build_id})
    return True


def _shown(ask: Door, build_id: str, name: str, *, is_asked: bool) -> tuple[Any, Any, Any, bool]:
    """What is said beside the button, the button's style and words, and whether something is being waited for."""
    made = reports.find(ask.settings.paths.reports, build_id, name)
    if made is not None:
        return _download(made), HIDDEN, "", False
    words = [icon("file-earmark-pdf"), "Make PDF"]
    ours = next((run for run in ask.journal.runs.active(JOB) if _is_of(run, build_id, name)), None)
    if ours is not None or is_asked:
        return _waiting(ask, ours), HIDDEN, words, True
    last = _last(ask, build_id, name)
    if last is not None and last.status in FAILED:
        return _failed(ask, last), None, [icon("arrow-clockwise"), "Try again"], False
    return None, None, words, False


def _download(made: Made) -> Any:
    pages = made.facts.get("n_pages", MISSING)
    about = f"{made.report.title}, {pages} pages, PDF"
    button = html.A(
        [icon("file-earmark-pdf"), "Download PDF"],
        href=href(made.build_id, made.report.name),
        download="",
        className="button button-primary",
        title=about,
    )
    if not made.missing_charts:
        return button
    return [button, html.Span(f"With tables in place of charts: {made.missing_charts}.", className="report-note")]


def _waiting(ask: Door, run: Run | None) -> Any:
    if run is not None and run.status == "running":
        return progress(run.progress, run.message or "beginning")
    if not ask.worker_is_alive():
        commands = [html.Code("clv worker"), " or ", html.Code("clv up")]
        words = html.Span(["The PDF waits: the worker is not running. Start it with ", *commands, "."])
        return html.Span([icon("exclamation-triangle"), words], className="report-note is-warn")
    others = ask.journal.runs.active()
    behind = next((one for one in others if one.status == "running"), None)
    words = f"Waiting for {behind.job} to end" if behind is not None else "Queued"
    return progress(0.0, words)


def _failed(ask: Door, run: Run) -> Any:
    why = run.error or "it ended without a word"
    return html.Span(
        [
            icon("exclamation-triangle"),
            f"The PDF could not be made: {why} ",
            link("Its log", ask.href("/jobs", run=run.run_id)),
        ],
        className="report-note is-bad",
    )


def _last(ask: Door, build_id: str, name: str) -> Run | None:
    """The latest run that ended, if it was for this report."""
    run = ask.journal.runs.last(JOB)
    return run if run is not None and _is_of(run, build_id, name) else None


def _is_of(run: Run, build_id: str, name: str) -> bool:
    return run.params.get("build") == build_id and run.params.get("name", name) == name
