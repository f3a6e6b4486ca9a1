"""Should I trust the predictions?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from dash import ALL, Input, Output, State, callback, ctx, dcc, html, no_update, register_page

from clv.errors import NoBuildError, RequestError
from dashboard import data, model_card
from dashboard.charts.model import (
    totals_over_time,
)
from dashboard.components import (
    Column,
    card,
    chip,
    effects,
    empty,
    graph,
    grid,
    head,
    insight,
    judged,
    kpi,
    kpis,
    legend,
    link,
    not_trained,
    page,
    region,
    segmented,
    table,
)
from dashboard.components import model as parts
from dashboard.data import Door, day_of, door, one_of
from dashboard.expected import default_horizon, horizon_of
from dashboard.model_card import card_of

register_page(
    __name__,
    path="/model",
    name="Model evaluation",
    title="Model evaluation · Retain",
    group="Trust",
    order=90,
    icon="clipboard-check",
    question="Should I trust the predictions?",
)

POLL_MS = 1500
MAX_DRAWN = 120
"""Cards that are kept as they were drawn: wording thousands of points takes longer than everything else."""
BY = "the Model evaluation page"
LOCATION = "_pages_location"


def layout(**query: str) -> html.Div:
    """The page for a URL's query: `horizon`, `by` (kind of slice), `fact` (of the dependence chart)."""
    is_watching = bool(parts.active_runs(door(query)))
    return page(
        region(_content, query),
        html.Div(region(_live, query), id="model-live"),
        dcc.Interval(id="model-poll", interval=POLL_MS, disabled=not is_watching),
        parts.dialog(),
    )


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    versions = ask.ask("model/versions")
    title, question = "Model evaluation", "Should I trust the predictions?"
    if versions.is_empty:
        return [head(title, question), not_trained("How good the predictions are")]
    horizons = sorted({row.horizon_days for row in ask.ask("model/origins").rows})
    if not horizons:
        return [
            head(title, question),
            insight(
                html.B("Not judged yet."), " No window has passed that the model could be judged on; see its card."
            ),
            grid(region(_card, ask)),
        ]
    default = default_horizon(horizons, ask.settings.model.primary_horizon_days)
    days = horizon_of(query, horizons, default)
    picker = segmented(
        {str(one): ask.words.days(one) for one in horizons},
        str(days),
        label="Horizon",
        key="horizon",
        default=str(default),
    )
    return [
        head(title, _line(ask, days), link("Champion and challengers", "#versions", as_button=True), picker),
        region(_verdict, ask, days),
        region(_sufficiency, ask, days),
        region(_headline, ask, days),
        grid(
            region(_kept, judged.leaderboard, ask, days),
            region(_kept, judged.gini, ask, days),
            region(_kept, judged.calibration, ask, days),
            region(_kept, judged.scatter, ask, days),
            region(_kept, judged.residuals, ask, days),
            region(_kept, judged.coverage, ask, days),
            region(_kept, judged.slice_coverage, ask, days, _kind(query)),
            region(_kept, judged.slices, ask, days, _kind(query)),
            *region_list(_why, ask, query),
            region(_kept, _origins_chart, ask),
            region(_kept, _origins, ask),
            region(_card, ask),
        ),
    ]


def _kept(draw: Any, ask: Door, *params: Any) -> Any:
    """What `draw(ask, *params)` gives; as it was drawn before, where only the build and the address decide."""
    return _drawn(draw, ask, ask.handle.id, *params)


@lru_cache(maxsize=MAX_DRAWN)
def _drawn(draw: Any, ask: Door, _build_id: str, *params: Any) -> Any:
    return draw(ask, *params)


def region_list(draw: Any, *args: Any) -> list[Any]:
    """The parts that *draw* gives, or the one state that says why it gave none."""
    found = region(draw, *args)
    return found if isinstance(found, list) else [found]


def _kind(query: Mapping[str, str]) -> str:
    return one_of(query, "by", judged.SLICES, next(iter(judged.SLICES)))


def _line(ask: Door, days: int) -> str:
    row, words = ask.ask("model/verdict", horizon_days=days).row, ask.words
    start = day_of(row.as_of)
    window = words.period(start, start + dt.timedelta(days=days))
    return (
        f"Should I trust the predictions? Judged on {words.counted(row.n_customers, 'customer')} over {window}, "
        "which the judged model had not seen"
    )


def _verdict(ask: Door, days: int) -> html.Div:
    answer = ask.ask("model/verdict", horizon_days=days)
    row = answer.row
    champion = "the champion" if row.is_champion else f"a challenger of {row.champion_version or 'nobody yet'}"
    said = [html.B(f"Version {row.model_version}, {champion}, {_ranks(row)} the purchase model alone")]
    if row.gini is None or row.baseline_gini is None:
        said.append(f": too few customers differ in what they brought. {_total(ask, row)}")
    else:
        said.append(
            f": normalised Gini {_with_interval(ask, row.gini, row.gini_lo, row.gini_hi)} against "
            f"{_with_interval(ask, row.baseline_gini, row.baseline_gini_lo, row.baseline_gini_hi)}"
            f"{'; the intervals overlap' if _overlap(row) else ''}. {_total(ask, row)}"
        )
    return insight(*said, action=link("Model card", ask.href("/model/card")), source=answer)


def _ranks(row: Any) -> str:
    """How well ours ranks customers, as far as the two intervals allow to say."""
    if row.gini is None or row.baseline_gini is None:
        return "cannot be compared with"
    if None not in (row.gini_lo, row.baseline_gini_lo) and not _overlap(row):
        return f"ranks customers {'better' if row.gini > row.baseline_gini else 'worse'} than"
    return f"ranks customers {'slightly better than' if row.gini > row.baseline_gini else 'no better than'}"


def _overlap(row: Any) -> bool:
    ends = (row.gini_lo, row.gini_hi, row.baseline_gini_lo, row.baseline_gini_hi)
    return None not in ends and row.gini_lo <= row.baseline_gini_hi and row.baseline_gini_lo <= row.gini_hi


def _total(ask: Door, row: Any) -> str:
    if row.total_bias is None:
        return ""
    words = ask.words
    way = "too high" if row.total_bias > 0 else "too low"
    told = f"Its total was {words.share(abs(row.total_bias), 1)} {way}"
    within = row.total_bias_lo is not None and row.total_bias_lo <= 0 <= row.total_bias_hi
    return f"{told}, which is within chance." if within else f"{told}, which is more than chance."


def _with_interval(ask: Door, value: Any, low: Any, high: Any) -> str:
    words = ask.words
    return f"{words.decimal(value, 3)} ({words.decimal(low, 3)} – {words.decimal(high, 3)})"


def _sufficiency(ask: Door, days: int) -> html.Div | None:
    version = ask.ask("model/verdict", horizon_days=days).row.model_version
    return parts.sufficiency_line(ask, card_of(ask.settings, version), days)


def _headline(ask: Door, days: int) -> html.Div:
    answer = ask.ask("model/verdict", horizon_days=days)
    row, words = answer.row, ask.words

    def span(name: str, say: Callable[[Any], str]) -> str:
        low, high = getattr(row, f"{name}_lo"), getattr(row, f"{name}_hi")
        if getattr(row, name) is None:
            return "cannot be judged on this window"
        return "too few customers for an interval" if low is None else f"{say(low)} – {say(high)}, 95%"

    def whole(share: Any) -> str:
        return words.share(share, 0)

    return kpis(
        kpi(
            "Normalised Gini",
            row.gini,
            "decimal",
            words,
            note=span("gini", words.decimal),
            help_text="How well customers are put in order of value: 1 is perfect, 0 is chance",
            source=answer,
        ),
        kpi(
            "Error of the total",
            row.total_bias,
            "share",
            words,
            note=span("total_bias", whole),
            help_text="All predicted ÷ all that happened − 1",
            source=answer,
        ),
        kpi(
            "Value in the top tenth",
            row.top_decile_capture,
            "share",
            words,
            note=span("top_decile_capture", whole),
            help_text="Share of the revenue that came from the tenth predicted to be best",
            source=answer,
        ),
        kpi(
            "AUC, who buys again",
            row.auc,
            "decimal",
            words,
            note=span("auc", words.decimal),
            help_text="Chance that a buyer was ranked above someone who did not buy",
            source=answer,
        ),
        kpi(
            "Inside 80% interval",
            row.coverage_80,
            "share",
            words,
            note="of customers" if row.coverage_80 is not None else "intervals were not judged here",
            help_text="More than 80% is usual: those who buy nothing are inside any interval that starts at zero",
            source=answer,
        ),
    )


def _why(ask: Door, query: Mapping[str, str]) -> list[Any]:
    """What moves the forecasts: of the primary horizon, which is the one that is explained."""
    days = ask.horizon_days
    facts = ask.ask("model/importance", horizon_days=days, max_rows=effects.N_FACTS)
    if facts.is_empty:
        return [
            card(
                "What moves the forecasts",
                empty("No reasons in this build", "They come with the next score, when the model has trees."),
                source=facts,
                span=12,
            )
        ]
    return [
        region(_kept, effects.importance, ask, days),
        region(_kept, effects.beeswarm, ask, days),
        region(_kept, effects.dependence, ask, days, query.get("fact", "")),
    ]


def _origins_chart(ask: Door) -> html.Section:
    answer = ask.ask("model/origins")
    days = ask.settings.model.primary_horizon_days
    frame = answer.frame[answer.frame["horizon_days"] == days]
    if frame.empty:
        days = int(answer.frame["horizon_days"].max())
        frame = answer.frame[answer.frame["horizon_days"] == days]
    return card(
        "Does the total hold over time?",
        [
            legend([("This product", "var(--c1)", "box"), ("Purchase model", "var(--c3)", "box")]),
            graph(totals_over_time(frame, ask.words), "model-origins", label="Error of the total, window by window"),
        ],
        sub=f"Predicted ÷ happened − 1 in each window of {ask.words.days(days)}, rolled through the history",
        source=answer,
        span=4,
    )


def _origins(ask: Door) -> html.Section:
    answer = ask.ask("model/origins")
    words = ask.words

    def beside(ours: Any, theirs: Any, say: Any, digits: int) -> Any:
        return [say(ours, digits), html.Div(say(theirs, digits), className="muted")]

    columns = [
        Column(
            "Window",
            lambda row: [
                words.days(row.horizon_days),
                html.Div(words.period(day_of(row.as_of), day_of(row.end_date)), className="muted"),
            ],
        ),
        Column("Customers", lambda row: words.count(row.n_customers), True),
        Column("Gini", lambda row: beside(row.gini, row.baseline_gini, words.decimal, 3), True),
        Column("Error of the total", lambda row: beside(row.total_bias, row.baseline_total_bias, words.share, 1), True),
        Column("In the top tenth", lambda row: words.share(row.top_decile_capture), True),
        Column("In 80% interval", lambda row: words.share(row.coverage_80), True),
    ]
    return card(
        "Every window that was judged",
        table(answer.frame, columns, caption="Every window that was judged"),
        sub="The recipe fitted anew at the start of each window, which it could not know; below each number that of "
        "the purchase model",
        source=answer,
        span=8,
        is_flush=True,
    )


def _card(ask: Door) -> html.Section:
    versions = ask.ask("model/versions")
    champion = model_card.registry_of(ask.settings).champion()
    row = next((one for one in versions.rows if one.version == champion), versions.row)
    found, words = card_of(ask.settings, row.version), ask.words
    if found is None:
        body: Any = empty("The card is not in the registry", f"Version {row.version} was removed from it.")
    else:
        said = [
            ("Enough history?", html.Div([html.Div(words) for words in found.get("sufficiency", [])] or "–")),
            (
                "Keep in mind",
                html.Div([html.Div(words) for words in model_card.notes(found)] or "Nothing"),
            ),
            ("Knows all before", words.date(day_of(found["as_of"]))),
        ]
        body = html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in said], className="facts")
    return card(
        "Model card",
        body,
        sub=[chip("Champion", "good", "trophy"), " ", html.Code(row.version)]
        if row.version == champion
        else f"Newest version {row.version}",
        tools=link("What is predicted, how, and when not to trust it", ask.href("/model/card", version=row.version)),
        source=versions,
        span=12,
        id="model-card",
    )


def _live(query: Mapping[str, str]) -> list[Any]:
    """What changes while somebody watches: notices, the versions with their buttons, and the last preview."""
    ask = door(query)
    try:
        versions = ask.ask("model/versions")
    except NoBuildError:
        return []  # the page above says so
    if versions.is_empty:
        return []
    return [
        html.H2("Promotion", className="section-title"),
        *parts.notices(ask, ask.ask("model/scored")),
        grid(region(parts.versions_card, ask, versions)),
        region(parts.preview_card, ask, ask.settings.model.primary_horizon_days),
    ]


@callback(
    Output("model-live", "children"),
    Output("model-poll", "disabled"),
    Output("model-dialog", "is_open"),
    Output("model-dialog", "children"),
    Input("model-poll", "n_intervals"),
    Input({"type": "model-ask", "job": ALL, "version": ALL}, "n_clicks"),
    Input({"type": "model-confirm", "job": ALL, "version": ALL, "at": ALL}, "n_clicks"),
    Input({"type": "model-cancel", "at": ALL}, "n_clicks"),
    State(LOCATION, "search"),
    prevent_initial_call=True,
)
def follow(_n: int | None, _ask: Any, _confirm: Any, _cancel: Any, search: str | None) -> tuple[Any, Any, Any, Any]:
    """Ask for a job when a button was pressed, open or close the dialog, and show how things stand."""
    ask = door(search)
    pressed = ctx.triggered_id
    is_pressed = isinstance(pressed, dict) and bool(ctx.triggered[0]["value"])
    if is_pressed and pressed["type"] == "model-cancel":
        return no_update, no_update, False, no_update
    if is_pressed and pressed["type"] == "model-confirm":
        content = parts.dialog_content(ask, str(pressed["job"]), str(pressed["version"]))
        return no_update, no_update, True, content
    if is_pressed:
        request(ask, str(pressed["job"]), str(pressed["version"]))
    elif pressed != "model-poll":
        # Buttons have been drawn, nobody pressed one.
        return (no_update,) * 4
    is_open = False if is_pressed else no_update
    return region(_live, data.query_of(search)), not parts.active_runs(ask), is_open, no_update


def request(ask: Door, job: str, version: str) -> None:
    """Put what a button asked for into the journal.

    Raises:
        RequestError: it is not one of this page's buttons.
    """
    if job == "score":
        # A score is seen once it is published.
        for one in ("score", "build"):
            ask.journal.audit.note(BY, "run", one, {"run_id": ask.journal.runs.request(one, BY)})
        return
    if job not in parts.ACTIONS or (
        job != "rollback" and version not in model_card.registry_of(ask.settings).versions()
    ):
        raise RequestError(f"there is no model version {version[:40]!r} to {job[:20]}")
    ask.journal.audit.note(
        BY, f"ask to {job}", version, {"run_id": ask.journal.runs.request(job, BY, {"version": version})}
    )
