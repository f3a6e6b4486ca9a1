"""Parts of Model evaluation: the versions with what may be done with them, the preview of a promotion, its dialog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from dashboard import model_card
from dashboard.components.card import card, grid
from dashboard.components.controls import button, link
from dashboard.components.jobs import progress
from dashboard.components.kpi import kpi, kpis
from dashboard.components.marks import chip, icon, segment_chip
from dashboard.components.states import empty
from dashboard.components.table import Column, customer_cell, table
from dashboard.data import Answer, Door, day_of, records
from dashboard.format import is_missing
from dashboard.theme import Tone

ACTIONS = ("preview", "promote", "rollback")
"""Jobs that the page asks for with a version."""
FOLLOWED = (*ACTIONS, "score", "build", "pipeline", "train")
"""Jobs whose progress the page shows."""
MAX_VERSIONS = 12
N_MOVERS = 8
STATUS: dict[str, tuple[str, Tone, str | None]] = {
    "champion": ("Champion", "good", "trophy"),
    "challenger": ("Challenger", "accent", None),
    "retired": ("Was champion", "mute", None),
}
DOING = {
    "preview": "Comparing {version} with the champion",
    "promote": "Promoting {version}",
    "rollback": "Rolling back",
    "score": "Scoring every customer",
    "build": "Publishing",
    "pipeline": "Bringing everything up to date",
    "train": "Training",
}


def ask_id(job: str, version: str = "") -> dict[str, str]:
    """The id of a button that asks for a job."""
    return {"type": "model-ask", "job": job, "version": version}


def confirm_id(job: str, version: str, at: str = "versions") -> dict[str, str]:
    """The id of a button that opens the dialog; *at* tells apart two of them for the same version."""
    return {"type": "model-confirm", "job": job, "version": version, "at": at}


def active_runs(door: Door) -> list[Any]:
    """Runs that this page waits for, the first asked for first."""
    runs = records(door.journal.runs.table(limit=50))
    return [run for run in reversed(runs) if run.job in FOLLOWED and run.status in ("queued", "running")]


def notices(door: Door, scored: Answer) -> list[Any]:
    """What goes on, what went wrong, and whether the pages show the champion's predictions yet."""
    active = active_runs(door)
    found: list[Any] = [_running(run) for run in active]
    if active and not door.worker_is_alive():
        commands = [html.Code("clv worker"), " or ", html.Code("clv up")]
        found.append(notice("warn", ["The worker is not running: what you ask for waits. Start it with ", *commands]))
    failed = _last_failure(door)
    if failed is not None:
        found.append(notice("bad", [html.B(f"{failed.job.capitalize()} was refused. "), failed.error]))
    champion, shown = model_card.registry_of(door.settings).champion(), scored.row.version
    if champion and shown and champion != shown and not any(run.job in ("score", "pipeline") for run in active):
        said = [
            html.B(f"{champion} is the champion"),
            f"; the predictions on the pages are still those of {shown}. The next score obeys. ",
        ]
        now = button("Score now", ask_id("score"), icon_name="play", is_primary=True)
        found.append(notice("warn", [html.Span(said), now]))
    return found


def notice(tone: str, words: Any) -> html.Div:
    """A line that stands out; *tone* is info, warn or bad."""
    sign = {"info": "info-circle", "warn": "exclamation-triangle", "bad": "x-octagon"}[tone]
    return html.Div(
        [icon(sign), html.Div(words, className="notice-words")], className=f"notice notice-{tone}", role="status"
    )


def _running(run: Any) -> html.Div:
    doing = DOING[run.job].format(version=(run.params or {}).get("version", ""))
    said = "waits for the worker" if run.status == "queued" else run.message
    return notice("info", [html.B(f"{doing}. "), progress(run.progress, said)])


def _last_failure(door: Door) -> Any | None:
    """The run of our jobs that failed, when nothing of theirs has succeeded since."""
    latest = [run for run in records(door.journal.runs.table(limit=50)) if run.job in ACTIONS]
    return latest[0] if latest and latest[0].status == "failed" else None


def versions_card(door: Door, versions: Answer) -> html.Section:
    """Every version, how good it was, and what may be done with it."""
    words = door.words
    registry = model_card.registry_of(door.settings)
    champion, before = registry.champion(), registry.before_champion()
    is_busy = any(run.job in ACTIONS for run in active_runs(door))
    problems = {row.version: model_card.problem_of(door.settings, row.version) for row in versions.rows[:MAX_VERSIONS]}

    def status(row: Any) -> str:
        known = "champion" if row.version == champion else str(row.status)
        return "retired" if known == "champion" and row.version != champion else known

    columns = [
        Column("Version", lambda row: _named(door, row, status(row), problems[row.version])),
        Column("Judged on", lambda row: _window(door, row)),
        Column("Gini", lambda row: _gini(door, row), True, "Normalised; below it that of the purchase model"),
        Column("Error of the total", lambda row: words.share(row.total_bias, 1), True, "Predicted ÷ happened − 1"),
        Column("Gate said", lambda row: _gate(door, row)),
        Column("", lambda row: _actions(row, status(row), problems[row.version], is_busy), True),
    ]
    tools = []
    if before:
        text = f"Roll back to {before}"
        tools.append(button(text, confirm_id("rollback", before), icon_name="arrow-counterclockwise", disabled=is_busy))
    return card(
        "Champion and challengers",
        table(versions.frame.head(MAX_VERSIONS), columns, caption="Versions of the model", class_name="list-versions"),
        sub=_state(door, [status(row) for row in versions.rows]),
        tools=tools,
        source=versions,
        span=12,
        is_flush=True,
        id="versions",
    )


def _state(door: Door, statuses: list[str]) -> str:
    window = "Each was judged on the latest window that it had not seen, so the windows differ"
    if len(statuses) == 1:
        return "One version only: the next training brings a challenger, which is promoted only when it is better"
    if "challenger" not in statuses:
        return f"No challenger waits: each version has been champion. {window}"
    rule = "is promoted by itself when it is better" if door.settings.model.promotion.automatic else "waits for you"
    return f"The champion scores; a challenger {rule}. {window}"


def _named(door: Door, row: Any, status: str, problem: str) -> html.Div:
    label, tone, sign = STATUS[status]
    marks: list[Any] = [chip(label, tone, sign)]
    if problem:
        marks.append(html.Span(chip("Tampered with", "bad", "shield-exclamation"), title=problem))
    href = door.href("/model/card", version=row.version)
    known = html.Span(f"knows all before {door.words.date(row.as_of)}", className="muted")
    return html.Div(
        [link(row.version, href), html.Div(marks, className="cell-line"), known],
        className="customer-words",
        title=f"Trained {door.words.moment(row.created_at)}",
    )


def _window(door: Door, row: Any) -> Any:
    if is_missing(row.judged_from):
        return html.Span("no window has passed yet", className="muted")
    start = day_of(row.judged_from)
    window = door.words.period(start, start + dt.timedelta(days=row.horizon_days))
    return _two(window, door.words.counted(row.n_judged, "customer"))


def _gini(door: Door, row: Any) -> Any:
    words = door.words
    if is_missing(row.gini):
        return words.decimal(None)
    return _two(words.decimal(row.gini, 3), f"{words.decimal(row.baseline_gini, 3)} without trees")


def _gate(door: Door, row: Any) -> Any:
    said = [html.Span(row.verdict or "Not known", className="cell-words")]
    if not is_missing(row.promoted_at):
        when = f"champion on {door.words.moment(row.promoted_at)}, by {row.promoted_by}"
        said.append(html.Span(when, className="cell-words muted"))
    return html.Div(said, className="customer-words")


def _two(first: str, second: str) -> html.Div:
    return html.Div([html.Span(first), html.Span(second, className="muted")], className="customer-words")


def _actions(row: Any, status: str, problem: str, is_busy: bool) -> Any:
    if status == "champion":
        return html.Span("scores", className="muted")
    if problem:
        return html.Span(problem, className="cell-words is-bad")
    return html.Div(
        [
            html.Button(
                "Preview",
                id=ask_id("preview", row.version),
                type="button",
                disabled=is_busy,
                className="button button-small",
                **{"aria-label": f"Preview what {row.version} would change"},
            ),
            html.Button(
                "Promote …",
                id=confirm_id("promote", row.version),
                type="button",
                disabled=is_busy,
                className="button button-small",
                **{"aria-label": f"Promote {row.version}"},
            ),
        ],
        className="cell-buttons",
    )


def preview_card(door: Door, primary_days: int) -> Any | None:
    """Who and what money would move, as the last preview found it; None before there was one."""
    totals = door.ask("model/preview")
    row = next((one for one in totals.rows if one.horizon_days == primary_days), None)
    if row is None:
        return None
    if row.version == model_card.registry_of(door.settings).champion():
        return None
    words = door.words
    segments = door.ask("model/preview_segments", horizon_days=primary_days)
    movers = door.ask("model/preview_movers", horizon_days=primary_days, max_rows=N_MOVERS)
    share = row.change / row.total_now if row.total_now else None
    days = words.days(primary_days)

    def behind(text: str, **more: Any) -> Any:
        listed = {"list.horizon_days": primary_days, **{f"list.{name}": value for name, value in more.items()}}
        return link(text, door.href("/customers", list="model/previewed_customers", **listed))

    headline = kpis(
        kpi(
            "Expected by the champion",
            row.total_now,
            "money",
            words,
            note=f"revenue, next {days}, {row.champion_version}",
            help_text="Sum over all customers, scored on the data of this build",
            source=totals,
        ),
        kpi(
            "Expected by the other",
            row.total_then,
            "money",
            words,
            note=f"{words.money_change(row.change)}, {words.share(share, 1)}",
            help_text=f"The same customers, scored by {row.version}",
            source=totals,
        ),
        kpi(
            "Worth more",
            row.n_up,
            "count",
            words,
            note=behind("see them", way="up"),
            help_text="Customers whose expected revenue would rise by more than 1%",
            source=totals,
        ),
        kpi(
            "Worth less",
            row.n_down,
            "count",
            words,
            note=behind("see them", way="down"),
            help_text="Customers whose expected revenue would fall by more than 1%",
            source=totals,
        ),
    )
    by_segment = [
        Column("Segment today", lambda one: segment_chip(one.segment)),
        Column("Customers", lambda one: behind(words.count(one.n_customers), segment=one.segment), True),
        Column("Champion", lambda one: words.money(one.total_now), True),
        Column("The other", lambda one: words.money(one.total_then), True),
        Column("Change", lambda one: words.money_change(one.change), True),
        Column("Up", lambda one: behind(words.count(one.n_up), segment=one.segment, way="up"), True),
        Column("Down", lambda one: behind(words.count(one.n_down), segment=one.segment, way="down"), True),
    ]
    by_customer = [
        Column("Customer", lambda one: customer_cell(one.customer_id, one.name, door.customer_href(one.customer_id))),
        Column("Champion", lambda one: words.money(one.expected_now), True),
        Column("The other", lambda one: words.money(one.expected_then), True),
        Column("Change", lambda one: words.money_change(one.change), True),
    ]
    title = f"If {row.version} became champion"
    return html.Div(
        [
            html.Div(
                [
                    html.H2(title, className="section-title"),
                    html.Span(
                        f"Expected revenue, next {days}, on the data of {words.date(day_of(row.as_of))}; nothing has "
                        "been changed",
                        className="page-sub",
                    ),
                    button(
                        "Promote …", confirm_id("promote", row.version, "preview"), icon_name="trophy", is_primary=True
                    ),
                ],
                className="section-head",
            ),
            headline,
            grid(
                card(
                    "Where the money would move",
                    table(segments.frame, by_segment, caption="Change by segment")
                    if not segments.is_empty
                    else empty("Nobody is scored"),
                    sub="Total expected revenue by segment; the largest change first",
                    source=segments,
                    span=7,
                    is_flush=True,
                ),
                card(
                    "Who would move most",
                    table(movers.frame, by_customer, caption="Largest changes of single customers"),
                    sub=f"The {N_MOVERS} largest changes, either way",
                    source=movers,
                    span=5,
                    is_flush=True,
                ),
            ),
        ],
        id="preview",
        className="section",
    )


def dialog() -> dbc.Modal:
    """The dialog that asks once more; what is in it comes when it opens."""
    return dbc.Modal(id="model-dialog", is_open=False, centered=True, className="dialog", children=[])


def dialog_content(door: Door, job: str, version: str) -> list[Any]:
    """What is asked once more, with what is known of the money."""
    champion = model_card.registry_of(door.settings).champion() or "none"
    is_rollback = job == "rollback"
    title = f"Roll back to {version}?" if is_rollback else f"Make {version} the champion?"
    said: list[Any] = [
        html.P([f"Champion now: {champion}. ", _money(door, version)]),
        html.P(
            "The predictions on the pages stay as they are until the next score, which obeys. Files are checked "
            "first; who asked is kept in the audit trail. It can be taken back at any time."
        ),
    ]
    verb = "Roll back" if is_rollback else "Promote"
    return [
        dbc.ModalHeader(dbc.ModalTitle(title), close_button=True),
        dbc.ModalBody(said),
        dbc.ModalFooter(
            [
                button("Cancel", {"type": "model-cancel", "at": "dialog"}),
                button(verb, ask_id(job, version), icon_name="check2", is_primary=True),
            ]
        ),
    ]


def _money(door: Door, version: str) -> str:
    words, days = door.words, door.settings.model.primary_horizon_days
    row = next((one for one in door.ask("model/preview").rows if one.horizon_days == days), None)
    if row is None or row.version != version:
        return "What money would move has not been looked at: close this and press Preview first, if you want to know."
    return (
        f"Expected revenue, next {words.days(days)}, would go from {words.money(row.total_now)} to "
        f"{words.money(row.total_then)} ({words.money_change(row.change)}): {words.counted(row.n_up, 'customer')} up, "
        f"{words.count(row.n_down)} down."
    )


def sufficiency_line(door: Door, card_found: Mapping[str, Any] | None, horizon_days: int) -> html.Div | None:
    """What the history is enough for, at this horizon, with a link to the card; None where nothing is known."""
    found = model_card.sufficiency(card_found, horizon_days) if card_found else None
    if card_found is None or found is None:
        return None
    start = "Enough history" if found.is_enough else "Too little history to be sure"
    said = [html.B(f"{start} for {door.words.days(horizon_days)}: "), f"{found.words}. "]
    return notice(
        "info" if found.is_enough else "warn",
        [*said, link("Model card", door.href("/model/card", version=card_found["version"]))],
    )
