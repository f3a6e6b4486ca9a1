"""What is predicted, how, how good is it, and when is it not to be trusted?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd
from dash import html, register_page

from clv.explain import in_words
from dashboard import model_card
from dashboard.components import (
    Column,
    card,
    chip,
    empty,
    grid,
    head,
    link,
    not_trained,
    page,
    region,
    table,
)
from dashboard.components.model import notice
from dashboard.data import Answer, Door, day_of, door
from dashboard.format import is_missing

register_page(
    __name__,
    path="/model/card",
    name="Model card",
    title="Model card · Retain",
    parent="/model",
    question="What is predicted, how, how good is it, and when is it not to be trusted?",
)

PREDICTED = (
    ("Expected revenue", "net of returns, from the first day that is not known, over the horizon; never falls with it"),
    (
        "80% and 90% interval",
        "where the revenue of this one customer lies in 80 or 90 of 100 cases; not to be added up",
    ),
    ("Expected margin", "the revenue × the shop's margin"),
    ("Expected orders", "days with a purchase"),
    ("P(buys)", "chance of at least one purchase within the horizon; it ranks who comes back"),
    ("P(alive)", "chance that the customer has not left for good"),
    ("Next order", "the middle half of the dates on which customers like this one come back, within a year"),
    ("Overdue index", "silence ÷ usual pause; above 1 is late"),
)
HOW = (
    ("Baseline", "A purchase model (MBG/NBD) says how often and how long, a spend model (gamma-gamma) how much."),
    (
        "Shape",
        "Boosted trees start from it and learn, from several earlier dates, who is worth more or less than it says.",
    ),
    ("Level", "The total is brought to what the baseline missed at the same season a year ago, and lately."),
    ("Range", "Conformal intervals for each tenth of the forecast; in small shops simulated from the baseline."),
    ("Proof", "The same recipe, fitted one horizon ago, is set beside what has happened since."),
)
ALWAYS = (
    "A campaign, a price change or a stock-out after the last known day is in no model's past.",
    "Customers with one purchase are told apart by little: look at groups of them, not at one.",
    "Intervals are of single customers; a total has its own, on Customer value.",
    "A customer may return more than they buy: expected revenue is never below zero.",
)
MAX_BIAS, MAX_CORRELATION = 0.15, 0.3
"""Beyond them the card says so."""


def layout(**query: str) -> html.Div:
    """The page for a URL's query: `version`; the champion without one."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    registry = model_card.registry_of(ask.settings)
    versions = registry.versions()
    title, question = "Model card", "What is predicted, how, how good is it, and when is it not to be trusted?"
    if not versions:
        return [head(title, question), not_trained("The card of a model")]
    champion = registry.champion()
    version = query.get("version") or champion or versions[-1]
    if version not in versions:
        there_is = link("The champion's card", ask.href("/model/card"), as_button=True)
        return [head(title, question), empty(f"There is no version {version[:40]!r}", "It was removed.", there_is)]
    found = registry.card(version)
    problem = model_card.problem_of(ask.settings, version)
    mark = chip("Champion", "good", "trophy") if version == champion else chip("Not in use")
    return [
        head(
            title,
            [html.Code(version), " ", mark, f" {question}"],
            link("All versions", ask.href("/model") + "#versions", as_button=True),
        ),
        notice("bad", [html.B("Not to be used. "), problem]) if problem else None,
        grid(
            region(_doubts, ask, found),
            region(_predicted, found),
            region(_quality, ask, found),
            region(_how),
            region(_origin, ask, found, problem),
            region(_facts, ask, found),
        ),
    ]


def _doubts(ask: Door, found: Mapping[str, Any]) -> html.Section:
    """When not to trust it: what the history does not allow, what was measured, and what no model can know."""
    words = ask.words
    known = [
        (one["horizon_days"], model_card.sufficiency(found, one["horizon_days"])) for one in found.get("horizons", [])
    ]
    rows: list[Any] = [
        html.Li(
            [
                chip("Enough" if said.is_enough else "Not enough", "good" if said.is_enough else "warn"),
                html.Span([html.B(f"{words.days(days)}: "), said.words]),
            ]
        )
        for days, said in known
        if said is not None
    ]
    rows += [html.Li([chip("Seen", "warn"), html.Span(said)]) for said in _seen(ask, found)]
    rows += [html.Li([chip("Always"), html.Span(said)]) for said in ALWAYS]
    return card(
        "When not to trust it",
        html.Ul(rows, className="doubts"),
        sub="What the history allows at each horizon, what was measured, and what no model can know",
        span=7,
    )


def _seen(ask: Door, found: Mapping[str, Any]) -> list[str]:
    """Doubts that this very version's figures raise."""
    words = ask.words
    said = []
    for days, measured in found.get("metrics", {}).items():
        bias, low, high = measured["value"]["total_bias"]
        gini, base = measured["value"]["gini"][0], measured["btyd"]["gini"][0]
        if not is_missing(bias) and abs(bias) > MAX_BIAS and not low <= 0 <= high:
            way = "high" if bias > 0 else "low"
            said.append(
                f"The total of {words.days(int(days))} was {words.share(abs(bias))} too {way} when it was judged."
            )
        if not is_missing(gini) and not is_missing(base) and gini < base:
            said.append(f"Over {words.days(int(days))} it ranked customers no better than the purchase model alone.")
    correlation = found.get("spend_frequency_correlation")
    if correlation is not None and abs(correlation) > MAX_CORRELATION:
        said.append(
            f"Who buys often spends {'more' if correlation > 0 else 'less'} each time (rank correlation "
            f"{words.decimal(correlation)}); the spend model takes the two as independent."
        )
    if found.get("n_customers", 0) < 500:
        said.append(
            f"The shop has {words.counted(found.get('n_customers'), 'customer')}, which is few: figures of single "
            "customers are rough, and so is what is measured here."
        )
    return said


def _predicted(found: Mapping[str, Any]) -> html.Section:
    days = ", ".join(str(one["horizon_days"]) for one in found.get("horizons", []))
    return card(
        "What is predicted",
        html.Dl([html.Div([html.Dt(name), html.Dd(said)]) for name, said in PREDICTED], className="facts"),
        sub=f"For every customer with a transaction, over the next {days} days",
        span=5,
    )


def _how() -> html.Section:
    return card(
        "How",
        html.Dl([html.Div([html.Dt(name), html.Dd(said)]) for name, said in HOW], className="facts"),
        sub="Each step in docs/models.md",
        span=5,
    )


def _quality(ask: Door, found: Mapping[str, Any]) -> html.Section:
    words = ask.words
    rows = [
        {
            "days": int(days),
            "cut_off": day_of(measured["cut_off"]),
            **{f"{who}_{name}": measured[who][name] for who in ("value", "btyd") for name in ("gini", "total_bias")},
            **{name: measured["value"][name] for name in ("top_decile_capture", "auc")},
        }
        for days, measured in sorted(found.get("metrics", {}).items(), key=lambda pair: int(pair[0]))
    ]

    def cell(name: str, kind: Any) -> Any:
        def say(value: Any) -> str:
            return words.decimal(value, 3) if kind == "decimal" else words.words(value, kind)

        def drawn(row: Any) -> Any:
            value, low, high = getattr(row, name)
            return [say(value), html.Div(f"{say(low)} – {say(high)}", className="muted")]

        return drawn

    columns = [
        Column(
            "Window",
            lambda row: [
                words.days(row.days),
                html.Div(words.period(row.cut_off, row.cut_off + dt.timedelta(days=row.days)), className="muted"),
            ],
        ),
        Column("Gini", cell("value_gini", "decimal"), True, "Normalised; 1 is perfect"),
        Column("Purchase model", cell("btyd_gini", "decimal"), True, "Its Gini on the same customers"),
        Column("Error of the total", cell("value_total_bias", "share"), True, "Predicted ÷ happened − 1"),
        Column("Purchase model", cell("btyd_total_bias", "share"), True, "Error of its total"),
        Column("In the top tenth", cell("top_decile_capture", "share"), True),
        Column("AUC", cell("auc", "decimal"), True, "Who buys again"),
    ]
    body = (
        table(pd.DataFrame(rows), columns, caption="How good it was, horizon by horizon")
        if rows
        else empty("Not judged yet", "No window has passed that it could be judged on.")
    )
    return card(
        "How good",
        body,
        sub="Its recipe, fitted before each window and set beside what came; below each number its 95% interval",
        tools=link("Model evaluation", ask.href("/model")),
        span=12,
        is_flush=bool(rows),
    )


def _origin(ask: Door, found: Mapping[str, Any], problem: str) -> html.Section:
    words = ask.words
    settings, snapshots = found.get("settings", {}), found.get("snapshots", [])
    first = min((day for day, _ in snapshots), default=None)
    levels = [
        html.Div(f"{words.days(one['horizon_days'])}: {words.decimal(one['level'])} × the purchase model")
        for one in found.get("horizons", [])
        if one.get("level") is not None
    ]
    files = "not those that were stored" if problem else "as they were stored, each by its checksum"
    facts = [
        ("Knows all before", words.date(day_of(found["as_of"]))),
        (
            "Trained",
            words.moment(_utc(found["created_at"])) if "created_at" in found else "–",
        ),
        (
            "Learnt from",
            f"up to {words.count(found.get('n_rows'))} rows a horizon"
            + (f"; {words.count(len(snapshots))} snapshots since {words.date(day_of(first))}" if first else ""),
        ),
        (
            "Scores",
            f"{words.counted(found.get('n_customers'), 'customer')}, {words.count(found.get('n_features'))} facts each",
        ),
        ("Level of the shop", html.Div(levels or "–")),
        (
            "Spend and frequency",
            f"rank correlation {words.decimal(found.get('spend_frequency_correlation'))}; the spend model assumes 0",
        ),
        (
            "Settings",
            f"primary horizon {words.days(found.get('primary_horizon_days'))}, seed {found.get('seed')}, at most "
            f"{words.count(settings.get('max_snapshots'))} earlier dates and "
            f"{words.count(settings.get('max_training_rows'))} rows",
        ),
        ("Build and code", f"{found.get('build_id', '–')}, {found.get('code_commit') or 'no commit known'}"),
        ("Files", f"{words.count(len(found.get('files', {})))}, {files}"),
        ("Promotion", _history(ask, str(found["version"]))),
    ]
    return card(
        "From what it was made",
        html.Dl([html.Div([html.Dt(name), html.Dd(said)]) for name, said in facts], className="facts"),
        sub="Equal data, settings and seed give the same version",
        source=_versions(ask),
        span=7,
    )


def _versions(ask: Door) -> Answer:
    return ask.ask("model/versions")


def _history(ask: Door, version: str) -> Any:
    """When it became champion, by whom and why; what the gate said when it never did."""
    registry = model_card.registry_of(ask.settings)
    changes = [
        html.Div(f"{ask.words.moment(_utc(one.at))} by {one.by}: {one.reason}")
        for one in registry.history()
        if one.version == version
    ]
    return html.Div(changes) if changes else f"never; {registry.verdicts().get(version, 'the gate said nothing')}"


def _utc(text: str) -> dt.datetime:
    """A moment of the registry, UTC without zone, as the journal counts."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None)


def _facts(ask: Door, found: Mapping[str, Any]) -> html.Section:
    names, words = list(found.get("features", {})), ask.words
    return card(
        "Facts about each customer",
        html.P(" · ".join(words.label(in_words(name)) for name in names) or "None", className="muted"),
        sub=f"{words.counted(len(names), 'fact')}, all from before the first day that is not known; a period is as "
        "long as the horizon",
        span=12,
    )
