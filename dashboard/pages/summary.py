"""How are our customers doing, and what should we do?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from dash import html, register_page

from dashboard import theme
from dashboard.charts.summary import equity_bridge, returning_share
from dashboard.components import (
    Bar,
    Column,
    Mark,
    card,
    empty,
    graph,
    grid,
    head,
    kpi,
    kpis,
    link,
    not_trained,
    page,
    ranked,
    region,
    segment_colour,
    table,
)
from dashboard.data import Door, day_of, door
from dashboard.format import is_missing
from dashboard.report import pdf_button
from dashboard.summary_words import STEPS, advice, horizon, sign_words

register_page(
    __name__,
    path="/",
    name="Executive summary",
    title="Executive summary · Retain",
    group="Analyse",
    order=10,
    icon="clipboard-data",
    question="How are our customers doing, and what should we do?",
)


def layout(**query: str) -> html.Div:
    """The page for a URL's query."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    return [
        head(
            "Executive summary",
            "How are our customers doing, and what should we do? "
            f"Everything known before {ask.words.date(ask.handle.as_of)}",
            region(pdf_button, ask, "executive-summary"),
        ),
        region(_headline, ask),
        grid(
            region(_recommendations, ask),
            region(_segments, ask),
            region(_bridge, ask),
            region(_returning, ask),
            region(_at_risk, ask),
            region(_personas, ask),
        ),
    ]


def _headline(ask: Door) -> html.Div:
    answer = ask.ask("summary/headline")
    row, words = answer.row, ask.words
    change = None
    if not is_missing(row.revenue_previous_365d) and row.revenue_previous_365d > 0:
        change = row.revenue_365d / row.revenue_previous_365d - 1
    interval = "not predicted yet"
    if not is_missing(row.expected_revenue_lo):
        interval = f"80% interval {words.money(row.expected_revenue_lo)} – {words.money(row.expected_revenue_hi)}"
    elif not is_missing(row.expected_revenue):
        interval = "the interval comes with the next training"
    return kpis(
        kpi(
            "Customers",
            row.n_customers,
            "count",
            words,
            note=link(f"{words.count(row.n_new_90d)} new in 90 days", ask.href("/customers", tenure_days="..90")),
            help_text="With at least one purchase; who has only returned something is none",
            source=answer,
        ),
        kpi(
            "Revenue, last 365 days",
            row.revenue_365d,
            "money",
            words,
            previous=row.revenue_previous_365d if change is not None else None,
            change=change,
            note="net of returns",
            source=answer,
        ),
        kpi(
            f"Customer equity, next {horizon(ask)}",
            row.expected_revenue,
            "money",
            words,
            note=interval,
            help_text="Sum of expected revenue over all customers: residual, undiscounted, net of returns",
            source=answer,
        ),
        kpi(
            "Repeat customers",
            row.repeat_rate,
            "share",
            words,
            note=link(
                f"{words.count(row.n_repeat_customers)} bought more than once", ask.href("/customers", n_orders="2..")
            ),
            source=answer,
        ),
        kpi(
            "Bought in 90 days",
            row.n_active_90d,
            "count",
            words,
            note=link("customers with a purchase", ask.href("/customers", recency_days="..90")),
            source=answer,
        ),
    )


def _recommendations(ask: Door) -> html.Section:
    answer = ask.ask("summary/recommendations")
    words = ask.words
    columns = [
        Column(
            "What to do",
            lambda row: html.Div(
                [
                    html.B(advice(row.kind)[0]),
                    html.Div([advice(row.kind)[1], f"; money: {row.money_is}"], className="panel-sub"),
                ]
            ),
        ),
        Column("Who", lambda row: link(words.label(row.subject), ask.kept(row.link))),
        Column("Customers", lambda row: words.count(row.n_customers), True),
        Column("Money", lambda row: html.Span(words.money(row.money), title=row.money_is), True),
    ]
    return card(
        "What to do next",
        table(answer.frame, columns, caption="Recommendations", class_name="list-wraps")
        if not answer.is_empty
        else empty("Nothing stands out", "Recommendations are computed from the segments and the predictions."),
        sub="Found in the data, the most money first",
        source=answer,
        span=8,
        is_flush=not answer.is_empty,
    )


def _segments(ask: Door) -> html.Section:
    def bar(row: Any) -> tuple[str, str, str]:
        return row.segment, segment_colour(row.segment), ask.href("/customers", segment=row.segment)

    return _by_money(ask, "Segments", "summary/segments", bar, empty("No customers yet"))


def _by_money(
    ask: Door,
    title: str,
    query: str,
    bar: Callable[[Any], tuple[str, str, str]],
    nobody: html.Div,
    *,
    unknown: float = math.nan,
    part: str | None = None,
) -> html.Section:
    """Groups of customers by their expected revenue, or by that of the last year while there is no model.

    Args:
        ask: the door.
        title: of the card.
        query: gives `expected_revenue, revenue_365d, n_customers` a group.
        bar: label, colour and address of a group.
        nobody: what stands there without groups.
        unknown: taken for a group's money that is not known.
        part: of the Segments page, where they stand; None for the first one.
    """
    answer = ask.ask(query)
    words = ask.words
    is_predicted = answer.frame["expected_revenue"].notna().any()
    money = answer.frame["expected_revenue" if is_predicted else "revenue_365d"]
    largest = max(float(money.max()), 0.0) if len(money) else 0.0
    bars = []
    for row, value in zip(answer.rows, money.fillna(unknown), strict=True):
        if largest > 0:
            label, colour, href = bar(row)
            share = max(float(value), 0.0) / largest
            bars.append(Bar(label, words.money(value), share, colour, href, words.count(row.n_customers)))
    return card(
        title,
        ranked(bars) if bars else nobody,
        sub=f"Expected revenue, next {horizon(ask)} · customers"
        if is_predicted
        else "Revenue of the last 365 days · customers",
        tools=link("Details", ask.href("/segments", part=part)),
        source=answer,
        span=4,
    )


def _bridge(ask: Door) -> html.Section:
    answer = ask.ask("summary/bridge")
    shown: Any
    if answer.is_empty:
        shown = (
            not_trained("Customer equity")
            if is_missing(ask.ask("summary/headline").row.expected_revenue)
            else empty("Nothing to compare with yet", "It appears when the customers have been scored a second time.")
        )
    else:
        marks = [
            Mark(
                f"{STEPS[row.step]}: {ask.words.money(row.money)}, {ask.words.counted(row.n_customers, 'customer')}",
                ask.listed("summary/customers_in", step=row.step, horizon_days=row.horizon_days),
            )
            for row in answer.rows
        ]
        shown = graph(
            equity_bridge(answer.frame, STEPS, ask.words),
            "summary-bridge",
            label="Customer equity",
            height=280,
            links={0: marks},
        )
    sub = None
    if not answer.is_empty:
        row, words = answer.row, ask.words
        since = f"{words.date(row.before_as_of)} to {words.date(row.present_as_of)}"
        sub = f"{since}, next {row.horizon_days} days; adds up to the cent"
    compare = link("Compare builds", ask.href("/compare")) if len(ask.site.warehouse.builds()) > 1 else None
    return card("Why customer equity changed", shown, sub=sub, tools=compare, source=answer, span=8)


def _returning(ask: Door) -> html.Section:
    answer = ask.ask("summary/retention_trend")
    words = ask.words
    marks = [
        Mark(
            f"{words.month(row.activity_month)}: {words.counted(row.n_returning, 'customer')} came back",
            ask.listed(
                "summary/customers_in",
                month=day_of(row.activity_month),
                horizon_days=ask.horizon_days,
            ),
        )
        for row in answer.rows
    ]
    return card(
        "Who came back",
        graph(
            returning_share(answer.frame, words),
            "summary-returning",
            label="Share who bought again",
            height=280,
            links={0: marks},
        )
        if not answer.is_empty
        else empty("Not two months yet"),
        sub="Share of earlier customers with a purchase in the month; hollow: not over",
        tools=link("Cohorts", ask.href("/cohorts")),
        source=answer,
        span=4,
    )


def _at_risk(ask: Door) -> html.Section:
    answer = ask.ask("summary/at_risk")
    words = ask.words

    def who(row: Any) -> Any:
        label, chosen = sign_words(row.sign, horizon(ask))
        return label if chosen is None else link(label, ask.href("/customers", **chosen))

    columns = [
        Column("Warning sign", who),
        Column("Customers", lambda row: words.count(row.n_customers), True),
        Column("Revenue to date", lambda row: words.money(row.revenue), True),
        Column("Revenue, last 365 days", lambda row: words.money(row.revenue_365d), True),
        Column(f"Expected revenue, next {horizon(ask)}", lambda row: words.money(row.expected_revenue), True),
    ]
    return card(
        "Value at risk",
        table(answer.frame, columns, caption="Warning signs", class_name="list-wraps")
        if not answer.is_empty
        else empty("No warning sign"),
        sub="Customers and money behind each sign; the signs overlap",
        source=answer,
        span=8,
        is_flush=not answer.is_empty,
    )


def _personas(ask: Door) -> html.Section:
    def bar(row: Any) -> tuple[str, str, str]:
        kind = "persona" if row.is_given else "behaviour_persona"
        return ask.words.label(row.persona), theme.SERIES_VARS[5], ask.href("/customers", **{kind: row.persona})

    nobody = empty("No personas", "They are derived once there are a hundred customers.")
    return _by_money(ask, "Personas", "summary/personas", bar, nobody, unknown=0.0, part="personas")
