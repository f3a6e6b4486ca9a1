"""Jobs and runs: status, progress, schedule, the log of a run."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from dash import dcc, html

from dashboard.components.marks import chip, icon
from dashboard.components.states import empty
from dashboard.components.table import Column, table
from dashboard.data import Door, records
from dashboard.format import is_missing
from dashboard.logs import LogLine
from dashboard.theme import Tone
from warehouse.journal import TERMINAL

STATUS_TONES: dict[str, Tone] = {
    "queued": "info",
    "running": "accent",
    "done": "good",
    "failed": "bad",
    "aborted": "warn",
    "skipped": "mute",
}
STATUS_ICONS = {
    "queued": "hourglass",
    "running": "play-fill",
    "done": "check2",
    "failed": "x-lg",
    "aborted": "slash-circle",
    "skipped": "dash",
}
N_HISTORY = 16
WEEKDAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def status_chip(status: str) -> html.Span:
    """How a run stands, in its tone and with its sign."""
    return chip(status.capitalize(), STATUS_TONES.get(status, "mute"), STATUS_ICONS.get(status))


def progress(share: float, message: str) -> html.Div:
    """A bar that is full at 1, and what is being done."""
    percent = round(min(1.0, max(0.0, share)) * 100)
    said = {"valuenow": str(percent), "valuemin": "0", "valuemax": "100", "label": message or "Progress"}
    bar = html.Div(
        html.Div(className="progress-fill", style={"width": f"{percent}%"}),
        className="progress-track",
        role="progressbar",
        **{f"aria-{name}": value for name, value in said.items()},
    )
    words = html.Span([html.B(f"{percent}%"), f" {message}"], className="progress-words")
    return html.Div([bar, words], className="progress-line")


def schedule_table(door: Door, schedule: pd.DataFrame, runs: pd.DataFrame, now: dt.datetime) -> html.Div:
    """One row a job: what it answers, when it runs, how the last runs went, and a button to run it now or to stop it.

    Args:
        door: the page's door.
        schedule: `Journal.schedule()`.
        runs: `Journal.runs()`, newest first.
        now: UTC without zone.
    """
    by_job = {str(job): records(rows) for job, rows in runs.groupby("job")}
    columns = [
        Column("Job", lambda row: _job_cell(row)),
        Column("Schedule", lambda row: html.Span(cron_words(row.cron), title=row.cron or "No cron line in [jobs]")),
        Column("Next run", lambda row: _next_run(door, row.next_run_at, now)),
        Column("Last result", lambda row: _last_result(door, by_job.get(row.job, []), now)),
        Column("Recent runs", lambda row: _history(door, by_job.get(row.job, []))),
        Column("", lambda row: _run_now(row.job, by_job.get(row.job, [])), True),
    ]
    return table(schedule, columns, caption="Jobs, their schedule and their last runs", class_name="list-jobs")


def run_table(door: Door, runs: pd.DataFrame, chosen: str | None) -> html.Div:
    """The latest runs; each leads to its log."""
    columns = [
        Column("Started", lambda row: _run_link(door, row, chosen)),
        Column("Job", lambda row: row.job),
        Column("Result", lambda row: status_chip(row.status)),
        Column("Took", lambda row: door.words.duration(_seconds(row)), True),
        Column("Asked for by", lambda row: row.requested_by),
    ]
    return table(runs, columns, caption="The latest runs")


def run_detail(door: Door, run: Any) -> html.Div:
    """The facts of one run: when, by whom, what it did, what went wrong."""
    words = door.words
    facts: list[tuple[str, Any]] = [
        ("Result", status_chip(run.status)),
        ("Asked for", f"{words.moment(run.requested_at)}, by {run.requested_by}"),
        ("Started", words.moment(run.started_at)),
        ("Took", words.duration(_seconds(run))),
    ]
    facts += [(_words_of(key), _fact(value)) for key, value in (run.params or {}).items()]
    facts += [(_words_of(key), _fact(value)) for key, value in (run.detail or {}).items()]
    if not is_missing(run.error):
        facts.append(("Error", html.Span(run.error, className="is-bad")))
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="facts")


def log_lines(door: Door, lines: Sequence[LogLine]) -> html.Div:
    """A log, oldest line first: time, level, words, facts."""
    if not lines:
        return empty("No log lines", "The run wrote none, or its log file has been put aside.")
    return html.Div([_log_line(door, line) for line in lines], className="log", role="log", tabIndex=0)


def cron_words(line: str | None) -> str:
    """A cron line in words where it is one of the usual ones, else the line itself."""
    if not line:
        return "On request"
    fields = line.split()
    if len(fields) == 5 and fields[0].isdigit() and fields[1].isdigit() and fields[3] == "*":
        at = f"{int(fields[1]):02d}:{int(fields[0]):02d}"
        if fields[2] == fields[4] == "*":
            return f"Daily at {at}"
        if fields[2] == "*" and fields[4].isdigit() and int(fields[4]) < len(WEEKDAYS):
            return f"{WEEKDAYS[int(fields[4])]} at {at}"
        if fields[2].isdigit() and fields[4] == "*":
            return f"On day {fields[2]} of the month at {at}"
    if len(fields) == 5 and fields[1:] == ["*"] * 4 and fields[0].startswith("*/"):
        return f"Every {fields[0][2:]} minutes"
    return line


def _job_cell(row: Any) -> html.Div:
    return html.Div(
        [html.Span(row.job.capitalize(), className="customer-name"), html.Span(row.question, className="job-question")],
        className="customer-words",
    )


def _next_run(door: Door, at: Any, now: dt.datetime) -> Any:
    if is_missing(at):
        return html.Span("–", className="muted")
    left = html.Span(f"in {door.words.duration((at - now).total_seconds())}", className="muted")
    return html.Div([html.Span(door.words.moment(at)), left], className="customer-words")


def _last_result(door: Door, runs: list[Any], now: dt.datetime) -> Any:
    if not runs:
        return html.Span("Never ran", className="muted")
    run = runs[0]
    if run.status == "running":
        return progress(run.progress, run.message)
    if run.status == "queued":
        waits = html.Span("waiting for the worker", className="muted")
        return html.Div([status_chip("queued"), waits], className="cell-line")
    said = html.Span(door.words.ago(run.finished_at or run.requested_at, now), className="muted")
    link = dcc.Link(status_chip(run.status), href=door.href("/jobs", run=run.run_id), title="Open its log")
    return html.Div([link, said], className="cell-line", title=run.error or None)


def _history(door: Door, runs: list[Any]) -> html.Div:
    """A bar a run, oldest first: as tall as it took long, coloured by how it ended."""
    ended = [run for run in runs if not is_missing(_seconds(run))][:N_HISTORY][::-1]
    longest = max((_seconds(run) or 0.0 for run in ended), default=0.0) or 1.0
    bars = [
        html.Span(
            className=f"tick tick-{run.status}",
            style={"height": f"{15 + 85 * (_seconds(run) or 0.0) / longest:.0f}%"},
            title=f"{door.words.moment(run.started_at)}: {run.status} in {door.words.duration(_seconds(run))}",
        )
        for run in ended
    ]
    return html.Div(bars, className="ticks", role="img", **{"aria-label": f"Durations of the last {len(bars)} runs"})


def _run_now(job: str, runs: list[Any]) -> html.Button:
    is_active = bool(runs) and runs[0].status in ("queued", "running")
    if is_active and runs[0].requested_by != TERMINAL:
        return html.Button(
            [icon("stop"), "Stop"],
            id={"type": "stop-run", "run": runs[0].run_id},
            type="button",
            className="button button-small",
            **{"aria-label": f"Stop {job}"},
        )
    return html.Button(
        [icon("play"), "Run now"],
        id={"type": "run-job", "job": job},
        type="button",
        disabled=is_active,
        className="button button-small",
        **{"aria-label": f"Run {job} now"},
    )


def _run_link(door: Door, row: Any, chosen: str | None) -> dcc.Link:
    at = row.started_at or row.requested_at
    return dcc.Link(
        door.words.moment(at),
        href=door.href("/jobs", run=row.run_id),
        className="text-link is-chosen" if row.run_id == chosen else "text-link",
        title=f"Open the log of run {row.run_id}",
    )


def _log_line(door: Door, line: LogLine) -> html.Div:
    facts = "  ".join(f"{key}={value}" for key, value in line.facts.items())
    return html.Div(
        [
            html.Time(door.words.clock(line.at), title=f"{line.at.isoformat(sep=' ')} UTC"),
            html.Span(line.level, className=f"log-level log-{line.level.lower()}"),
            html.Span(
                [
                    line.message,
                    html.Span(facts, className="log-facts") if facts else None,
                    html.Span(line.traceback, className="log-facts is-bad") if line.traceback else None,
                ],
                className="log-message",
                title=line.module,
            ),
        ],
        className="log-line",
    )


def _seconds(run: Any) -> float | None:
    if is_missing(run.started_at) or is_missing(run.finished_at):
        return None
    return float((run.finished_at - run.started_at).total_seconds())


def _words_of(key: str) -> str:
    return re.sub(r"_", " ", key.removeprefix("n_")).capitalize()


def _fact(value: Any) -> Any:
    """A value of a run's detail; a list or table within it is only counted, the log has its lines."""
    return f"{len(value)} entries" if isinstance(value, (dict, list)) else str(value)
