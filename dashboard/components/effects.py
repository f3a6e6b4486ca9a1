"""What moves the forecasts of all customers: facts by weight, whom they move and how, from the explanation sample."""

from __future__ import annotations

from typing import Any

from dash import html

from clv.explain import TERMS, in_words
from dashboard.charts import explain as charts
from dashboard.components.bars import Bar, legend, ranked
from dashboard.components.card import card
from dashboard.components.controls import select
from dashboard.components.graph import customer_mark, graph
from dashboard.components.states import empty
from dashboard.data import Door

N_FACTS, N_SWARM_FACTS, N_SWARM_CUSTOMERS, N_DEPENDENCE = 12, 12, 200, 600


def importance(ask: Door, days: int) -> html.Section:
    """By how much each fact moves forecasts on average; a bar leads to its dependence."""
    answer = ask.ask("model/importance", horizon_days=days, max_rows=N_FACTS)
    words = ask.words
    top = answer.row.mean_effect or 1.0
    bars = [
        Bar(
            words.label(in_words(row.feature)),
            words.money(row.mean_effect),
            row.mean_effect / top,
            href=ask.href("/model", fact=row.feature) + "#dependence",
            note=f"{words.share(row.effect_share, 0)} of all; raises {words.share(row.up_share, 0)}",
        )
        for row in answer.rows
    ]
    return card(
        "What moves the forecasts",
        ranked(bars),
        sub=f"Expected revenue, next {words.days(days)}: by how much each fact moves a customer's forecast, up or "
        f"down, on average over {words.counted(answer.row.n_explained, 'customer')} drawn at random",
        source=answer,
        span=5,
    )


def beeswarm(ask: Door, days: int) -> html.Section:
    """What the strongest facts add, customer by customer."""
    answer = ask.ask("model/beeswarm", horizon_days=days, max_facts=N_SWARM_FACTS, max_customers=N_SWARM_CUSTOMERS)
    rows = answer.rows
    unknown = [customer_mark(ask, row) for row in rows if row.value_rank is None]
    known = [customer_mark(ask, row) for row in rows if row.value_rank is not None]
    return card(
        "Whom they move, and how",
        graph(
            charts.beeswarm(answer.frame, ask.words),
            "model-beeswarm",
            label="What each of the strongest facts adds to the forecast, customer by customer",
            links={0: unknown, 1: known},
            is_listed=False,
            height=460,
        ),
        sub="A point is a customer: right of the line the fact raises the forecast, left of it lowers it; money by "
        "factors of ten",
        tools=html.Div(
            [html.Span("Fact: low"), html.Span(className="swarm-scale"), html.Span("high")], className="swarm-legend"
        ),
        source=answer,
        span=7,
    )


def dependence(ask: Door, days: int, asked: str) -> html.Section:
    """What one fact adds to the forecast by its size; *asked* names it, else it is the strongest."""
    names = [row.feature for row in ask.ask("model/importance", horizon_days=days, max_rows=N_FACTS).rows]
    # Any fact may be named in the address, not only the strongest.
    feature = asked if asked and asked not in TERMS else names[0]
    points = ask.ask("model/dependence", horizon_days=days, feature=feature, max_rows=N_DEPENDENCE)
    trend = ask.ask("model/dependence_trend", horizon_days=days, feature=feature)
    words = ask.words
    if points.is_empty:
        body: Any = empty("Nobody has this fact", "Choose another one.")
    else:
        body = graph(
            charts.dependence(points.frame, trend.frame, feature, words),
            "model-dependence",
            label=f"What {in_words(feature)} adds to the forecast",
            links={0: [customer_mark(ask, row) for row in points.rows]},
            is_listed=False,
            height=320,
        )
    options = {name: words.label(in_words(name)) for name in dict.fromkeys([*names, feature])}
    return card(
        "How one fact moves them",
        body,
        sub=f"{words.label(in_words(feature))} against what it adds to expected revenue, next {words.days(days)}",
        tools=[
            legend([("Customer", "var(--c1)", "box"), ("Middle of a tenth", "var(--c3)", "line")]),
            select(options, feature, label="Fact", key="fact", default=names[0]),
        ],
        source=[points, trend],
        span=12,
        id="dependence",
    )
