"""Who will be worth what?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dash import html, register_page

from dashboard.charts.value import concentration, distribution, intervals
from dashboard.components import (
    UNKNOWN,
    Bar,
    Column,
    Mark,
    card,
    customer_cell,
    empty,
    graph,
    grid,
    head,
    insight,
    kpi,
    kpis,
    legend,
    link,
    no_build,
    not_named,
    not_trained,
    page,
    ranked,
    region,
    segment_chip,
    segment_colour,
    segmented,
    table,
)
from dashboard.components.model import sufficiency_line
from dashboard.data import Answer, Door, day_of, door
from dashboard.expected import BASES, MEASURES, Choice, chosen, default_horizon
from dashboard.format import MISSING, Format
from dashboard.model_card import card_of

register_page(
    __name__,
    path="/value",
    name="Customer value",
    title="Customer value · Retain",
    group="Analyse",
    order=30,
    icon="gem",
    question="Who will be worth what?",
)

DIMENSIONS = {
    "segment": ("By segment", "Of today", "var(--c1)"),
    "behaviour_persona": ("By persona", "Derived from how they buy", "var(--c2)"),
    "channel": ("By first channel", "Channel of the first order", "var(--c5)"),
    "cohort_month": ("By acquisition cohort", "Month of the first order", "var(--c3)"),
}
"""Dimension of `value/by_group`, a column of the customer list → title, meaning, colour."""
GIVEN_PERSONA = ("By given persona", "As given with the customer file", "var(--c2)")
"""The same of the dimension `persona`, which stands in while no personas are derived."""
N_TOP, N_BARS = 10, 12


def layout(**query: str) -> html.Div:
    """The page for a URL's query: `horizon`, `measure`, `basis`."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    if not ask.ask("customers/totals").row.n_customers:
        return [head("Customer value", "Who will be worth what?"), no_build()]
    horizons = [row.horizon_days for row in ask.ask("value/horizons", **Choice(0, "revenue", "").of_value).rows]
    if not horizons:
        return [head("Customer value", "Who will be worth what?"), not_trained("Expected values")]
    choice = chosen(query, horizons, ask.settings.model.primary_horizon_days)
    return [
        head("Customer value", _line(ask, choice), *_pickers(choice, horizons, ask)),
        region(_sufficiency, ask, choice),
        region(_headline, ask, choice),
        region(_insight, ask, choice),
        grid(
            region(_distribution, ask, choice),
            region(_concentration, ask, choice),
            region(_intervals, ask, choice),
            region(_horizons, ask, choice),
            region(_by_group, ask, choice, "segment", span=6),
            # Two short lists are together as long as the one beside them.
            html.Div(
                [region(_by_group, ask, choice, "behaviour_persona"), region(_by_group, ask, choice, "channel")],
                className="pile span-6",
            ),
            region(_by_group, ask, choice, "cohort_month"),
            region(_top, ask, choice),
        ),
    ]


def _pickers(choice: Choice, horizons: list[int], ask: Door) -> list[Any]:
    default = str(default_horizon(horizons, ask.settings.model.primary_horizon_days))
    days = {str(days): ask.words.days(days) for days in horizons}
    return [
        segmented(MEASURES, choice.measure, label="Revenue or margin", key="measure", default="revenue"),
        segmented(BASES, choice.basis, label="Discounted or not", key="basis", default="undiscounted"),
        segmented(days, str(choice.horizon_days), label="Horizon", key="horizon", default=default),
    ]


def _line(ask: Door, choice: Choice) -> str:
    row = ask.ask("value/headline", **choice.params).row
    rate = f" at {ask.words.share(ask.settings.business.discount_rate_annual)} a year" if choice.basis[0] == "d" else ""
    return (
        f"Who will be worth what? {choice.unit}{rate}, from {ask.words.date(day_of(row.as_of))}; "
        f"predicted by version {row.model_version}"
    )


def _headline(ask: Door, choice: Choice) -> html.Div:
    answer = ask.ask("value/headline", **choice.params)
    row, words = answer.row, ask.words
    interval = (
        "no interval: past totals have not been judged yet"
        if row.total_lo is None
        else f"80% interval {words.money(row.total_lo)} – {words.money(row.total_hi)}"
    )
    days = words.days(choice.horizon_days)
    people = words.counted(row.n_customers, "customer")
    return kpis(
        kpi(
            f"Total expected {choice.measure}",
            row.total,
            "money",
            words,
            note=interval,
            help_text=f"Sum over all customers, next {days}; the interval is the total's own",
            source=answer,
        ),
        kpi(
            f"Mean expected {choice.measure}",
            row.mean_value,
            "money",
            words,
            note=f"per customer, next {days}",
            help_text=f"Total ÷ {people}",
            source=answer,
        ),
        kpi(
            f"Median expected {choice.measure}",
            row.median_value,
            "money",
            words,
            note=f"half bring less, next {days}",
            help_text="The customer in the middle",
            source=answer,
        ),
        kpi(
            "Share of the best 5%",
            row.top5_share,
            "share",
            words,
            note=f"of the total, by {words.count(row.n_top5)} of {people}",
            help_text="Expected value of the best 5% of customers ÷ total",
            source=answer,
        ),
    )


def _sufficiency(ask: Door, choice: Choice) -> html.Div | None:
    """Whether the history is enough for this horizon."""
    version = ask.ask("value/headline", **choice.params).row.model_version
    found = card_of(ask.settings, version) if version else None
    return sufficiency_line(ask, found, choice.horizon_days)


def _behind(ask: Door, choice: Choice, words: str, n_customers: int, **chosen: Any) -> Mark | None:
    """The customers behind a mark; None where there are none."""
    if not n_customers:
        return None
    listed = {f"list.{name}": value for name, value in chosen.items()}
    listed |= {"list.horizon_days": choice.horizon_days, "list.measure": choice.measure}
    listed["list.is_discounted"] = str(choice.basis == "discounted").lower()
    people = ask.words.counted(n_customers, "customer")
    return Mark(f"{words}: {people}", ask.href("/customers", list="value/customers_in", **listed))


def _insight(ask: Door, choice: Choice) -> html.Div | None:
    answer = ask.ask("value/by_group", **choice.params)
    segments = _members(answer, "segment")
    if len(segments) < 2 or not segments[0].total > 0:
        return None
    row, words = segments[0], ask.words
    return insight(
        html.B(f"{row.member} bring {words.share(row.value_share)} of what is expected"),
        f": {words.money(row.total)} from {words.counted(row.n_customers, 'customer')}, "
        f"{words.money(row.mean_value)} each.",
        action=link("See them", ask.href("/customers", segment=row.member)),
        source=answer,
    )


def _distribution(ask: Door, choice: Choice) -> html.Section:
    answer = ask.ask("value/distribution", **choice.params)
    words = ask.words
    marks = [
        _behind(
            ask,
            choice,
            f"below {words.money(row.value_to)}"
            if row.is_lowest
            else f"{words.money(row.value_from)} to {words.money(row.value_to)}",
            row.n_customers,
            value_from=None if row.is_lowest else row.value_from,
            value_to=row.value_to,
        )
        for row in answer.rows
    ]
    return card(
        "Distribution",
        empty("Nobody is expected to bring anything")
        if answer.is_empty
        else graph(
            distribution(answer.frame, words),
            "value-distribution",
            label="Customers by expected value",
            height=260,
            links={0: marks},
        ),
        sub=f"Customers by {choice.name[0].lower()}{choice.name[1:]}; each step is about twice the one before",
        source=answer,
        span=8,
    )


def _concentration(ask: Door, choice: Choice) -> html.Section:
    answer = ask.ask("value/concentration", **choice.params)
    best = [
        _behind(ask, choice, f"The best {row.customer_percent}%", row.n_customers, best_percent=row.customer_percent)
        for row in answer.rows
    ]
    return card(
        "Concentration",
        graph(
            concentration(answer.frame, ask.words),
            "value-concentration",
            label="Share of value by share of customers",
            links={1: [None, *best]},
            is_listed=False,
        ),
        sub="Share of expected value by share of customers, the best first; dotted: if all were equal",
        source=answer,
        span=4,
    )


def _intervals(ask: Door, choice: Choice) -> html.Section:
    answer = ask.ask("value/intervals", **choice.params)
    marks = [_behind(ask, choice, f"Tenth {row.decile}", row.n_customers, decile=row.decile) for row in answer.rows]
    body: list[Any] = [empty("No intervals", "This model was trained without intervals.")]
    if answer.frame["mean_hi"].notna().any():
        chart = graph(
            intervals(answer.frame, ask.words),
            "value-intervals",
            label="Intervals by tenth of the customers",
            links={0: marks, 1: marks},
        )
        body = [chart]
        if (answer.frame["mean_hi"] < answer.frame["mean_value"]).any():
            said = (
                "A mark above its interval: most of these customers bring nothing, and the few who buy lift the mean."
            )
            body.append(html.P(said, className="chart-note"))
    return card(
        "How sure each forecast is",
        body,
        sub="Per customer, by tenth of expected value (10 is best); the scale goes by factors of ten",
        tools=legend([("Expected", "var(--c1)", "box"), ("80% interval", "var(--c1)", "band")]),
        source=answer,
        span=8,
    )


def _horizons(ask: Door, choice: Choice) -> html.Section:
    answer = ask.ask("value/horizons", **choice.of_value)
    words = ask.words
    top = max((row.total or 0 for row in answer.rows), default=0)
    default = default_horizon([row.horizon_days for row in answer.rows], ask.settings.model.primary_horizon_days)
    bars = [
        Bar(
            words.days(row.horizon_days),
            words.money(row.total),
            (row.total or 0) / top if top > 0 else 0,
            "var(--c1)" if row.horizon_days == choice.horizon_days else "var(--c8)",
            ask.href("/value", **replace(choice, horizon_days=row.horizon_days).in_url(default)),
            "shown" if row.horizon_days == choice.horizon_days else "",
        )
        for row in answer.rows
    ]
    return card(
        "By horizon",
        ranked(bars),
        sub=f"Total expected {choice.measure}, {choice.basis}",
        source=answer,
        span=4,
    )


def _by_group(ask: Door, choice: Choice, dimension: str, *, span: int = 4) -> html.Section | None:
    answer = ask.ask("value/by_group", **choice.params)
    members = _members(answer, dimension)
    title, meaning, colour = DIMENSIONS[dimension]
    if dimension == "behaviour_persona" and not members:
        dimension, (title, meaning, colour) = "persona", GIVEN_PERSONA
        members = _members(answer, dimension)
        if not members:
            return None
    words = ask.words
    shown = members[:N_BARS]
    top = max((row.total for row in shown), default=0)
    bars = [
        Bar(
            words.month(day_of(row.member)) if dimension == "cohort_month" else words.label(row.member),
            words.money(row.total),
            row.total / top if top > 0 else 0,
            segment_colour(row.member) if dimension == "segment" else colour,
            ask.href("/customers", **{dimension: row.member}),
            f"{words.share(row.value_share)} · {words.count(row.n_customers)} × {words.money(row.mean_value)}",
        )
        for row in shown
    ]
    cut = f"; the {N_BARS} newest of {members[0].n_members}" if len(members) > N_BARS else ""
    if dimension == "channel" and {row.member for row in members} == {UNKNOWN}:
        return card(title, not_named("channel"), sub=meaning, source=answer, span=span)
    return card(
        title,
        ranked(bars) if bars else empty("No customers yet"),
        sub=f"{meaning}{cut}. Total, share, customers × mean",
        source=answer,
        span=span,
    )


def _members(answer: Answer, dimension: str) -> list[Any]:
    """The rows of one dimension, in their order."""
    return [row for row in answer.rows if row.dimension == dimension]


def _interval(row: Any, words: Format) -> str:
    """The ends of a customer's own interval; an en dash where none was learnt."""
    if row.value_lo is None:
        return MISSING
    return f"{words.money_whole(row.value_lo)} – {words.money_whole(row.value_hi)}"


def _top(ask: Door, choice: Choice) -> html.Section:
    answer = ask.ask("value/top", max_rows=N_TOP, **choice.params)
    words = ask.words
    columns = [
        Column("Customer", lambda row: customer_cell(row.customer_id, row.name, ask.customer_href(row.customer_id))),
        Column("Segment", lambda row: segment_chip(row.segment)),
        Column("Revenue to date", lambda row: words.money_whole(row.revenue), True),
        Column(f"Expected {choice.measure}", lambda row: words.money_whole(row.expected_value), True),
        Column("80% interval", lambda row: _interval(row, words), True),
        Column("P(alive)", lambda row: words.share(row.p_alive), True),
    ]
    return card(
        f"The {N_TOP} most valuable",
        table(answer.frame, columns, caption="The most valuable customers", class_name="list-wraps"),
        sub=choice.unit,
        tools=link("All customers", ask.href("/customers", sort=f"-expected_revenue_{choice.horizon_days}d")),
        source=answer,
        span=8,
        is_flush=True,
    )
