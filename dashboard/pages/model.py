"""Should I trust the predictions?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from dash import html, register_page

from clv.explain import in_words
from dashboard.charts.model import calibration, contenders, coverage, predicted_against_actual
from dashboard.components import (
    Bar,
    Column,
    card,
    chip,
    empty,
    graph,
    grid,
    head,
    insight,
    kpi,
    kpis,
    legend,
    link,
    not_trained,
    page,
    ranked,
    region,
    segment_chip,
    segmented,
    table,
)
from dashboard.data import Door, day_of, door
from dashboard.expected import default_horizon
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

CONTENDERS = {
    "value": "This product",
    "btyd": "Purchase model alone",
    "past_period": "Same as last period",
    "historic_rate": "Average rate so far",
}
N_FACTS = 12


def layout(**query: str) -> html.Div:
    """The page for a URL's query: `horizon`."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    versions = ask.ask("model/versions")
    title, question = "Model evaluation", "Should I trust the predictions?"
    if versions.is_empty:
        return [head(title, question), not_trained("How good the predictions are will")]
    horizons = sorted({row.horizon_days for row in ask.ask("model/origins").rows})
    if not horizons:
        return [
            head(title, question),
            insight(
                html.B("Not judged yet."), " No window has passed that the model could be judged on; see its card."
            ),
            grid(region(_card, ask), region(_versions, ask)),
        ]
    default = default_horizon(horizons, ask.settings.model.primary_horizon_days)
    asked = query.get("horizon", "")
    days = int(asked) if asked.isdecimal() and int(asked) in horizons else default
    picker = segmented(
        {str(one): ask.words.days(one) for one in horizons},
        str(days),
        label="Horizon",
        key="horizon",
        default=str(default),
    )
    return [
        head(title, _line(ask, days), picker),
        region(_verdict, ask, days),
        region(_headline, ask, days),
        grid(
            region(_leaderboard, ask, days),
            region(_gini, ask, days),
            region(_calibration, ask, days),
            region(_scatter, ask, days),
            region(_coverage, ask, days),
            region(_segments, ask, days),
            region(_importance, ask, days),
            region(_origins, ask),
            region(_card, ask),
            region(_versions, ask),
        ),
    ]


def _line(ask: Door, days: int) -> str:
    row, words = ask.ask("model/verdict", horizon_days=days).row, ask.words
    start = day_of(row.as_of)
    window = words.period(start, start + dt.timedelta(days=days))
    return (
        f"Should I trust the predictions? Judged on {words.count(row.n_customers)} customers over {window}, "
        "which the judged model had not seen"
    )


def _verdict(ask: Door, days: int) -> html.Div:
    answer = ask.ask("model/verdict", horizon_days=days)
    row = answer.row
    champion = "the champion" if row.is_champion else f"a challenger of {row.champion_version or 'nobody yet'}"
    said = [html.B(f"Version {row.model_version}, {champion}, {_ranks(row)} the purchase model alone")]
    said.append(
        f": normalised Gini {_with_interval(ask, row.gini, row.gini_lo, row.gini_hi)} against "
        f"{_with_interval(ask, row.baseline_gini, row.baseline_gini_lo, row.baseline_gini_hi)}"
        f"{'; the intervals overlap' if _overlap(row) else ''}. {_total(ask, row)}"
    )
    return insight(*said, action=link("Model card", "#model-card"), source=answer)


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


def _headline(ask: Door, days: int) -> html.Div:
    answer = ask.ask("model/verdict", horizon_days=days)
    row, words = answer.row, ask.words
    spans = {
        name: f"{words.share(getattr(row, f'{name}_lo'), 0)} – {words.share(getattr(row, f'{name}_hi'), 0)}, 95 %"
        for name in ("total_bias", "top_decile_capture")
    }
    return kpis(
        kpi(
            "Normalised Gini",
            row.gini,
            "decimal",
            words,
            note=f"{words.decimal(row.gini_lo)} – {words.decimal(row.gini_hi)}, 95 %",
            help_text="How well customers are put in order of value: 1 is perfect, 0 is chance",
            source=answer,
        ),
        kpi(
            "Error of the total",
            row.total_bias,
            "share",
            words,
            note=spans["total_bias"],
            help_text="All predicted ÷ all that happened − 1",
            source=answer,
        ),
        kpi(
            "Value in the top tenth",
            row.top_decile_capture,
            "share",
            words,
            note=spans["top_decile_capture"],
            help_text="Share of the revenue that came from the tenth predicted to be best",
            source=answer,
        ),
        kpi(
            "AUC, who buys again",
            row.auc,
            "decimal",
            words,
            note=f"{words.decimal(row.auc_lo)} – {words.decimal(row.auc_hi)}, 95 %",
            help_text="Chance that a buyer was ranked above someone who did not buy",
            source=answer,
        ),
        kpi(
            "Inside their 80 % interval",
            row.coverage_80,
            "share",
            words,
            note="of customers" if row.coverage_80 is not None else "intervals were not judged here",
            help_text="More than 80 % is usual: those who buy nothing are inside any interval that starts at zero",
            source=answer,
        ),
    )


def _leaderboard(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/leaderboard", horizon_days=days)
    words = ask.words

    def cell(metric: str, kind: Any) -> Any:
        def drawn(row: Any) -> Any:
            low, high = getattr(row, f"{metric}_lo"), getattr(row, f"{metric}_hi")
            span = None if low is None else html.Div(f"{say(low, kind)} – {say(high, kind)}", className="muted")
            return [say(getattr(row, metric), kind), span]

        return drawn

    def say(value: Any, kind: Any) -> str:
        return words.decimal(value, 3) if kind == "decimal" else words.words(value, kind)

    columns = [
        Column("Forecast by", lambda row: CONTENDERS.get(row.model, row.model)),
        Column("Gini", cell("gini", "decimal"), True, "Normalised; more is better, 1 is perfect"),
        Column("Error of the total", cell("total_bias", "share"), True, "Predicted ÷ happened − 1; 0 is best"),
        Column("Error by tenths", cell("decile_error", "share"), True, "Mean error of the tenths; less is better"),
        Column("In the top tenth", cell("top_decile_capture", "share"), True, "More is better"),
        Column("AUC", cell("auc", "decimal"), True, "Who buys again; more is better"),
        Column("Spearman", cell("spearman", "decimal"), True, "Rank correlation; more is better"),
        Column("MAE", cell("mae", "money"), True, "Mean absolute error per customer; not what models are chosen by"),
        Column("RMSE", cell("rmse", "money"), True, "Root mean squared error; ruled by the few largest customers"),
    ]
    return card(
        "Leaderboard",
        table(answer.frame, columns, caption="Contenders on the same customers and window"),
        sub=f"Same customers, same window of {words.days(days)}; below each number its 95 % bootstrap interval",
        source=answer,
        span=12,
        is_flush=True,
    )


def _gini(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/leaderboard", horizon_days=days)
    body = (
        graph(contenders(answer.frame, CONTENDERS, ask.words), "model-gini", label="Gini of the contenders")
        if answer.frame["gini"].notna().any()
        else empty("Nobody bought in this window")
    )
    return card("Order of customers", body, sub="Normalised Gini with 95 % interval", source=answer, span=6)


def _calibration(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/deciles", horizon_days=days)
    return card(
        "Calibration",
        graph(calibration(answer.frame, ask.words), "model-calibration", label="Predicted and happened by tenth"),
        sub="Mean revenue per customer by tenth of the forecast",
        tools=legend([("Predicted", "var(--c1)", "box"), ("Happened", "var(--c2)", "box")]),
        source=answer,
        span=6,
    )


def _scatter(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/deciles", horizon_days=days)
    return card(
        "Predicted against happened",
        graph(
            predicted_against_actual(answer.frame, ask.words),
            "model-scatter",
            label="Mean predicted against mean happened revenue",
        ),
        sub="Each tenth of the forecast, per customer; on the dotted line both are equal",
        tools=legend([("This product", "var(--c1)", "box"), ("Purchase model", "var(--c3)", "box")]),
        source=answer,
        span=6,
    )


def _coverage(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/deciles", horizon_days=days)
    body = (
        graph(coverage(answer.frame, ask.words), "model-coverage", label="Interval coverage by tenth")
        if answer.frame["coverage_80"].notna().any()
        else empty("Not judged at this horizon", "Intervals are judged on the latest window that has passed.")
    )
    return card(
        "Do the intervals hold?",
        body,
        sub="Share of customers inside, by tenth of the forecast; dotted: what was promised",
        tools=legend([("80 %", "var(--c1)", "line"), ("90 %", "var(--c2)", "line")]),
        source=answer,
        span=6,
    )


def _segments(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/segments", horizon_days=days)
    words = ask.words
    columns = [
        Column("Segment then", lambda row: segment_chip(row.segment)),
        Column("Customers", lambda row: words.count(row.n_customers), True),
        Column("Predicted, each", lambda row: words.money(row.mean_predicted), True),
        Column("Happened, each", lambda row: words.money(row.mean_actual), True),
        Column("Error, each", lambda row: words.money_change(row.mean_error), True),
        Column("Error, in all", lambda row: words.money_change(row.total_error), True),
        Column("In 80 % interval", lambda row: words.share(row.coverage_80), True),
        Column("In 90 % interval", lambda row: words.share(row.coverage_90), True),
    ]
    return card(
        "Errors by segment",
        table(answer.frame, columns, caption="Errors by segment")
        if not answer.is_empty
        else empty("No segments were judged"),
        sub="Revenue in the window, by the segment at its start; the largest error first; + is predicted too much",
        source=answer,
        span=12,
        is_flush=True,
    )


def _importance(ask: Door, days: int) -> html.Section | None:
    answer = ask.ask("model/importance", horizon_days=days, max_rows=N_FACTS)
    if answer.is_empty:
        return None
    words = ask.words
    top = answer.row.total_effect or 1.0
    bars = [
        Bar(
            words.label(in_words(row.feature)),
            words.money(row.total_effect),
            row.total_effect / top,
            note=f"net {words.money_change(row.net_effect)}",
        )
        for row in answer.rows
    ]
    return card(
        "What moves the forecasts",
        ranked(bars),
        sub=f"Expected revenue, next {words.days(days)}, moved up or down by each fact: the main reasons of the "
        f"{words.count(answer.row.n_explained)} customers who were explained, the most valuable ones",
        source=answer,
        span=12,
    )


def _origins(ask: Door) -> html.Section:
    answer = ask.ask("model/origins")
    words = ask.words
    columns = [
        Column("Horizon", lambda row: words.days(row.horizon_days)),
        Column("Window", lambda row: words.period(day_of(row.as_of), day_of(row.end_date))),
        Column("Customers", lambda row: words.count(row.n_customers), True),
        Column("Gini", lambda row: words.decimal(row.gini, 3), True),
        Column("Purchase model", lambda row: words.decimal(row.baseline_gini, 3), True, "Its Gini"),
        Column("Error of the total", lambda row: words.share(row.total_bias, 1), True),
        Column("Purchase model", lambda row: words.share(row.baseline_total_bias, 1), True, "Error of its total"),
        Column("In the top tenth", lambda row: words.share(row.top_decile_capture), True),
        Column("In 80 % interval", lambda row: words.share(row.coverage_80), True),
    ]
    return card(
        "Does it hold over time?",
        table(answer.frame, columns, caption="Every window that was judged"),
        sub="The recipe fitted anew at the start of each window, which it could not know",
        source=answer,
        span=12,
        is_flush=True,
    )


def _card(ask: Door) -> html.Section:
    versions = ask.ask("model/versions")
    row = next((one for one in versions.rows if one.is_champion), versions.row)
    found, words = card_of(ask.settings, row.version), ask.words
    if found is None:
        body: Any = empty("The card is not in the registry", f"Version {row.version} was removed from it.")
    else:
        body = [
            html.Dl(
                [html.Div([html.Dt(name), html.Dd(said)]) for name, said in _facts(found, words)], className="facts"
            ),
            html.Details(
                [
                    html.Summary(f"{words.count(len(found.get('features', {})))} facts about each customer"),
                    html.P(", ".join(in_words(name) for name in found.get("features", {})), className="muted"),
                ]
            ),
        ]
    return card(
        "Model card",
        body,
        sub=f"{'Champion' if row.is_champion else 'Newest version'} {row.version}",
        source=versions,
        span=12,
        id="model-card",
    )


def _facts(found: Mapping[str, Any], words: Any) -> list[tuple[str, Any]]:
    """What the card says, in the order in which a person asks."""
    settings = found.get("settings", {})
    snapshots = found.get("snapshots", [])
    correlation = found.get("spend_frequency_correlation")
    first = min((day for day, _ in snapshots), default=None)
    return [
        ("Knows all before", words.date(day_of(found["as_of"]))),
        ("Enough history?", html.Div([html.Div(said) for said in found.get("sufficiency", [])] or "–")),
        ("Keep in mind", html.Div([html.Div(said) for said in found.get("notes", [])] or "Nothing")),
        (
            "Learnt from",
            f"up to {words.count(found.get('n_rows'))} rows a horizon"
            + (f"; {words.count(len(snapshots))} snapshots since {words.date(day_of(first))}" if first else ""),
        ),
        (
            "Scores",
            f"{words.count(found.get('n_customers'))} customers, {words.count(found.get('n_features'))} facts each",
        ),
        (
            "Level of the shop",
            html.Div(
                [
                    html.Div(f"{words.days(one['horizon_days'])}: {words.decimal(one['level'])} × the purchase model")
                    for one in found.get("horizons", [])
                    if one.get("level") is not None
                ]
                or "–"
            ),
        ),
        (
            "Spend and frequency",
            f"rank correlation {words.decimal(correlation)}; the spend model assumes 0",
        ),
        (
            "Settings",
            f"primary horizon {words.days(found.get('primary_horizon_days'))}, seed {found.get('seed')}, "
            f"at most {words.count(settings.get('max_snapshots'))} earlier dates and "
            f"{words.count(settings.get('max_training_rows'))} rows",
        ),
        ("Build and code", f"{found.get('build_id', '–')}, {found.get('code_commit') or 'no commit known'}"),
    ]


def _versions(ask: Door) -> html.Section:
    answer = ask.ask("model/versions")
    words = ask.words
    columns = [
        Column("Version", lambda row: html.Code(row.version)),
        Column("", lambda row: chip("Champion", "good", "trophy") if row.is_champion else None),
        Column("Trained", lambda row: words.moment(row.created_at)),
        Column("Knows all before", lambda row: words.date(row.as_of)),
        Column("Rows learnt from", lambda row: words.count(row.n_rows), True),
        Column("Facts", lambda row: words.count(row.n_features), True),
        Column("Build", lambda row: html.Code(row.build_id)),
    ]
    return card(
        "Versions",
        table(answer.frame, columns, caption="Versions of the model"),
        sub=["The champion scores. To change it: ", html.Code("clv models promote"), " or ", html.Code("rollback")],
        source=answer,
        span=12,
        is_flush=True,
    )
