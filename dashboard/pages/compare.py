"""What has changed between two builds?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dash import html, register_page

from dashboard import builds, theme
from dashboard.charts.summary import equity_bridge
from dashboard.components import (
    Bar,
    Column,
    Mark,
    card,
    chip,
    customer_cell,
    empty,
    graph,
    grid,
    head,
    insight,
    kpi,
    kpis,
    link,
    page,
    region,
    rows,
    segment_chip,
    select,
    table,
)
from dashboard.data import LATEST, Door, door
from dashboard.format import Format, Kind, is_missing
from dashboard.summary_words import STEPS
from warehouse.ask import BuildHandle

register_page(
    __name__,
    path="/compare",
    name="Compare builds",
    title="Compare builds · Retain",
    parent="/",
    question="What has changed between two builds?",
)

METRICS: Mapping[str, tuple[str, Kind, bool | None]] = {
    "n_customers": ("Customers", "count", True),
    "n_repeat_customers": ("Repeat customers", "count", True),
    "n_orders": ("Orders to date", "count", True),
    "revenue": ("Revenue to date", "money", True),
    "margin": ("Margin to date", "money", True),
    "revenue_365d": ("Revenue, last 365 days", "money", True),
    "expected_revenue": ("Customer equity, next {horizon} days", "money", True),
    "expected_per_customer": ("Expected revenue per customer", "money", True),
    "expected_alive": ("Still customers, expected", "count", True),
    "n_slipping": ("Slipping away", "count", False),
}
"""Metric of `compare/headline` → label, wording, whether more is good."""
FIRST = ("n_customers", "revenue", "expected_revenue", "n_slipping")
"""Metrics at the top of the page."""
STEP_WORDS = STEPS | {"gone": "Gone", "behaviour_and_model": "Behaviour and model"}
BEHIND = "compare/customers_in"
N_CHANGES, N_MOVES = 12, 10


def layout(**query: str) -> html.Div:
    """The page for a URL's query: `a` is the build that is looked back at, `b` the other one."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    known = ask.site.warehouse.builds()
    ask = replace(ask, build=None if query.get("b", ask.build) in (None, LATEST) else query.get("b", ask.build))
    present = ask.handle
    others = [build for build in known if build.id != present.id]
    question = "What has changed between two builds?"
    if not others:
        nothing = empty("There is only one build", "Another one is made by the pipeline; then the two can be compared.")
        return [head("Compare builds", question, *_pickers(ask, known, None)), nothing]
    asked = query.get("a") or _previous(present, others).id
    before = ask.site.warehouse.current(None if asked == LATEST else asked)
    pair = replace(ask, before=before.id)
    words = ask.words
    line = f"{question} {_known(before, present, words)}"
    return [
        head("Compare builds", line, *_pickers(ask, known, before)),
        insight("Both are the same build: nothing differs.") if before.id == present.id else None,
        region(_headline, pair),
        grid(
            region(_bridge, pair),
            region(_totals, pair),
            region(_moves, pair),
            region(_made, pair, before),
            region(_changes, pair),
            region(_side_by_side, pair),
            region(_files, pair),
        ),
    ]


def _known(before: BuildHandle, present: BuildHandle, words: Format) -> str:
    """Up to when the two builds know the shop."""
    if before.as_of == present.as_of:
        return f"Both know everything before {words.date(present.as_of)}"
    return f"One knows everything before {words.date(before.as_of)}, the other before {words.date(present.as_of)}"


def _previous(present: BuildHandle, others: list[BuildHandle]) -> BuildHandle:
    """The newest build before *present* that knows another day; else simply the one before; else the newest."""
    older = [build for build in others if build.id < present.id]
    of_another_day = [build for build in older if build.as_of != present.as_of]
    return (of_another_day or older or others)[0]


def _pickers(ask: Door, known: list[BuildHandle], before: BuildHandle | None) -> list[Any]:
    names = builds.names(known, ask.words)
    if before is None:
        return []
    return [
        select(names, before.id, label="Build to compare with", key="a"),
        html.Span("to", className="muted"),
        select({LATEST: "Latest build", **names}, ask.build or LATEST, label="Build", key="b", default=LATEST),
    ]


def _label(ask: Door, metric: str) -> str:
    return METRICS[metric][0].format(horizon=ask.horizon_days)


def _headline(pair: Door) -> html.Div:
    answer = pair.ask("compare/headline")
    words = pair.words
    found = {row.metric: row for row in answer.rows}
    return kpis(
        *(
            kpi(
                _label(pair, metric),
                found[metric].present_value,
                METRICS[metric][1],
                words,
                change=found[metric].change,
                good_when_up=METRICS[metric][2],
                note=_other(found[metric].before_value, METRICS[metric][1], words),
                help_text="R score 2, or R score 1 with an F score of 3 and more" if metric == "n_slipping" else "",
                source=answer,
            )
            for metric in FIRST
        )
    )


def _other(value: Any, kind: Kind, words: Format) -> str:
    return "not predicted in the other build" if is_missing(value) else f"{words.words(value, kind)} in the other build"


def _bridge(pair: Door) -> html.Section:
    answer = pair.ask("compare/bridge")
    if answer.is_empty:
        return card(
            "Why customer equity differs",
            _no_predictions(),
            source=answer,
            span=8,
        )
    words, row = pair.words, answer.row
    labels = {step: STEP_WORDS[step] for step in answer.frame["step"]}
    marks = [
        Mark(
            f"{labels[row.step]}: {words.money(row.money)}, {words.counted(row.n_customers, 'customer')}",
            _step_href(pair, row.step, row.horizon_days),
        )
        for row in answer.rows
    ]
    figure = equity_bridge(answer.frame, labels, words)
    since = f"{words.date(row.before_as_of)} to {words.date(row.present_as_of)}"
    sub = f"Expected revenue, next {row.horizon_days} days, as scored; {since}; adds up to the cent"
    if "behaviour_and_model" in labels:
        sub += ". Another model scored, and was not asked again: what it makes of the customers cannot be told apart"
    return card(
        "Why customer equity differs",
        graph(figure, "compare-bridge", label="Customer equity", height=280, links={0: marks}),
        sub=sub,
        source=answer,
        span=8,
    )


def _no_predictions() -> html.Div:
    return empty("No predictions to compare", "Both builds need predictions of the primary horizon.")


def _step_href(pair: Door, step: str, horizon_days: int) -> str:
    """Who is behind a step; who is gone can only be looked at in the other build."""
    if step in ("opening", "gone"):
        other = replace(pair, build=pair.before)
        if step == "opening":
            return other.href("/customers", expected_revenue="any")
        return other.listed(BEHIND, before=pair.handle.id, step="new_customers", horizon_days=horizon_days)
    if step == "closing":
        return pair.href("/customers", expected_revenue="any")
    named = "behaviour_change" if step == "behaviour_and_model" else step
    return pair.listed(BEHIND, before=pair.before, step=named, horizon_days=horizon_days)


def _made(pair: Door, before: BuildHandle) -> html.Section:
    answer = pair.ask("compare/models")
    words, models = pair.words, answer.row
    found = builds.facts(before, pair.handle, words)
    found.append(
        builds.Fact("Model", str(models.before_model_version or "none"), str(models.present_model_version or "none"))
    )
    lines = [
        html.Div(
            [
                html.Dt(fact.name),
                html.Dd(
                    [html.Span(fact.before), html.Span(" → ", **{"aria-label": "became"}), html.B(fact.present)]
                    if fact.is_different
                    else fact.present
                ),
            ]
        )
        for fact in found
    ]
    return card(
        "What they were made with",
        html.Dl(lines, className="customer-facts"),
        sub="From the builds' manifests; what became something else is in bold",
        source=answer,
        span=4,
        id="manifests",
    )


def _moves(pair: Door) -> html.Section:
    answer = pair.ask("compare/moves", max_rows=N_MOVES)
    words = pair.words

    def customers(row: Any) -> Any:
        return link(words.count(row.n_customers), _behind(pair, row.step, row.segment_before, row.segment))

    columns = [
        Column("Before", lambda row: segment_chip(row.segment_before) or chip("Not there")),
        Column("Now", lambda row: segment_chip(row.segment) or chip("Gone")),
        Column("Customers", customers, True),
        Column("Expected before", lambda row: words.money(row.expected_before), True, "Over the primary horizon"),
        Column("Expected now", lambda row: words.money(row.expected_revenue), True, "Over the primary horizon"),
        Column("Revenue, last 365 days", lambda row: words.money(row.money_365d), True, "In the build that has them"),
    ]
    return card(
        "New, gone, moved",
        table(answer.frame, columns, caption="Customers who are new, gone or in another segment")
        if not answer.is_empty
        else empty("Nobody is in another segment"),
        sub=f"Customers by segment before and now, the most first; at most {N_MOVES} lines",
        source=answer,
        span=8,
        is_flush=not answer.is_empty,
    )


def _behind(pair: Door, step: str, segment_before: str | None = None, segment: str | None = None) -> str:
    """The customers behind a difference; who is gone is new in the other build, seen from this one."""
    horizon = pair.horizon_days
    if step == "gone":
        other = replace(pair, build=pair.before)
        return other.listed(BEHIND, before=pair.handle.id, step="new", segment=segment_before, horizon_days=horizon)
    return pair.listed(
        BEHIND,
        before=pair.before,
        step=step,
        segment_before=segment_before,
        segment=segment,
        horizon_days=horizon,
    )


def _totals(pair: Door) -> html.Section:
    answer = pair.ask("compare/totals")
    words, row = pair.words, answer.row
    shown = {
        "new": ("New", row.n_new, theme.SERIES_VARS[1]),
        "gone": ("Gone", row.n_gone, theme.SERIES_VARS[3]),
        "moved": ("In another segment", row.n_moved, theme.SERIES_VARS[2]),
        "stayed": ("In the same segment", row.n_stayed, theme.SERIES_VARS[7]),
    }
    bars = [
        Bar(label, words.count(n_customers), 0.0, colour, _behind(pair, step))
        for step, (label, n_customers, colour) in shown.items()
    ]
    return card("All customers", rows(bars), sub="Of both builds together", source=answer, span=4)


def _changes(pair: Door) -> html.Section:
    answer = pair.ask("compare/largest_changes", max_rows=N_CHANGES)
    words = pair.words
    columns = [
        Column("Customer", lambda row: customer_cell(row.customer_id, row.name, pair.customer_href(row.customer_id))),
        Column("Segment before", lambda row: segment_chip(row.segment_before)),
        Column("Segment now", lambda row: segment_chip(row.segment)),
        Column("Expected before", lambda row: words.money(row.expected_before), True),
        Column("Expected now", lambda row: words.money(row.expected_revenue), True),
        Column("Difference", lambda row: words.money_change(row.difference), True),
        Column("Revenue between", lambda row: words.money_change(row.revenue_between), True, "Net of returns"),
    ]
    if not answer.is_empty:
        body = table(answer.frame, columns, caption="Customers with the largest differences")
    elif pair.ask("compare/bridge").is_empty:
        body = _no_predictions()
    else:
        body = empty("Nobody is expected to bring more or less")
    return card(
        "Largest differences in expected value",
        body,
        sub=f"Expected revenue, next {pair.horizon_days} days",
        source=answer,
        span=12,
        is_flush=not answer.is_empty,
    )


def _side_by_side(pair: Door) -> html.Section:
    answer = pair.ask("compare/headline")
    words = pair.words

    def change(row: Any) -> str:
        kind = METRICS[row.metric][1]
        if kind == "money":
            return words.money_change(row.difference)
        said = words.count(row.difference)
        return f"+{said}" if row.difference and row.difference > 0 and not said.startswith("+") else said

    columns = [
        Column("Number", lambda row: _label(pair, row.metric)),
        Column("Before", lambda row: words.words(row.before_value, METRICS[row.metric][1]), True),
        Column("Now", lambda row: words.words(row.present_value, METRICS[row.metric][1]), True),
        Column("Difference", change, True),
    ]
    return card(
        "Side by side",
        table(answer.frame, columns, caption="Numbers of both builds"),
        sub="Net of returns; predictions as each build has them",
        source=answer,
        span=6,
        is_flush=True,
    )


def _files(pair: Door) -> html.Section:
    answer = pair.ask("compare/files")
    words = pair.words
    columns = [
        Column("", lambda row: chip("Landed since", "good") if row.step == "new" else chip("No longer read", "warn")),
        Column("File", lambda row: html.Div([row.file_name, html.Div(row.source, className="panel-sub")])),
        Column("Rows loaded", lambda row: words.count(row.n_accepted), True),
        Column("Put aside", lambda row: words.count(row.n_quarantined), True),
        Column("Amount", lambda row: words.money(row.amount_accepted), True),
    ]
    return card(
        "Files landed between them",
        table(answer.frame, columns, caption="Files of one build only")
        if not answer.is_empty
        else empty("The same files", "Both builds have read the same files."),
        sub="Files that one of the two has read and the other has not",
        tools=link("Data quality", pair.href("/data")),
        source=answer,
        span=6,
        is_flush=not answer.is_empty,
    )
