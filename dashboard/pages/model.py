"""Should I trust the predictions?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from dash import ALL, Input, Output, State, callback, ctx, dcc, html, no_update, register_page

from clv.errors import NoBuildError, RequestError
from clv.explain import TERMS, in_words
from dashboard import data, model_card
from dashboard.charts.explain import beeswarm, dependence
from dashboard.charts.model import (
    MOST,
    calibration,
    contenders,
    coverage,
    error_words,
    predicted_against_actual,
    residuals,
    slice_coverage,
    totals_over_time,
)
from dashboard.components import (
    Bar,
    Column,
    Mark,
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
    select,
    table,
)
from dashboard.components import model as parts
from dashboard.data import Answer, Door, day_of, door
from dashboard.expected import default_horizon
from dashboard.format import called
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
SLICES = {"segment": "Segment", "orders": "Orders", "recency": "Recency", "channel": "Channel"}
"""Kind of slice, in the URL as `by` → what it is called."""
SLICE_HEADS = {
    "segment": "Segment then",
    "orders": "Orders until then",
    "recency": "Last purchase, before",
    "channel": "Acquired through",
}
N_FACTS, N_SWARM_FACTS, N_SWARM_CUSTOMERS, N_DEPENDENCE, N_SCATTER = 12, 12, 200, 600, 600
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
        return [head(title, question), not_trained("How good the predictions are will")]
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
        head(title, _line(ask, days), link("Champion and challengers", "#versions", as_button=True), picker),
        region(_verdict, ask, days),
        region(_sufficiency, ask, days),
        region(_headline, ask, days),
        grid(
            region(_kept, _leaderboard, ask, days),
            region(_kept, _gini, ask, days),
            region(_kept, _calibration, ask, days),
            region(_kept, _scatter, ask, days),
            region(_kept, _residuals, ask, days),
            region(_kept, _coverage, ask, days),
            region(_kept, _slice_coverage, ask, days, _kind(query)),
            region(_kept, _slices, ask, days, _kind(query)),
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
    asked = query.get("by", "")
    return asked if asked in SLICES else next(iter(SLICES))


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
        sub=f"Same customers, same window of {words.days(days)}; below each number its 95% bootstrap interval",
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
    return card("Order of customers", body, sub="Normalised Gini with 95% interval", source=answer, span=6)


def _judged(ask: Door, days: int, n_listed: int, n_all: int, words: str, **chosen: Any) -> Mark | None:
    """The customers behind a mark; None where none of them is kept."""
    if not n_listed:
        return None
    said = ask.words.counted(n_listed, "customer")
    listed = {f"list.{name}": value for name, value in chosen.items()}
    href = ask.href("/customers", list="model/customers_in", **{"list.horizon_days": days, **listed})
    return Mark(
        f"{words}: {said}"
        if n_listed == n_all
        else f"{words}: {ask.words.count(n_listed)} of {ask.words.count(n_all)}",
        href,
    )


def _tenths(ask: Door, days: int, answer: Answer) -> list[Mark | None]:
    """Where our tenths lead, the lowest first."""
    return [
        _judged(ask, days, row.n_listed, row.n_customers, f"Tenth {row.decile}", decile=row.decile)
        for row in answer.rows
        if row.model == "value"
    ]


def _calibration(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/deciles", horizon_days=days)
    marks = _tenths(ask, days, answer)
    return card(
        "Calibration",
        graph(
            calibration(answer.frame, ask.words),
            "model-calibration",
            label="Predicted and happened by tenth",
            links={0: marks, 1: marks},
        ),
        sub="Mean revenue per customer by tenth of the forecast; a bar leads to its customers",
        tools=legend([("Predicted", "var(--c1)", "box"), ("Happened", "var(--c2)", "box")]),
        source=answer,
        span=6,
    )


def _scatter(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/predicted_actual", horizon_days=days, max_rows=N_SCATTER)
    words = ask.words
    rows = answer.rows
    inside = [_customer(ask, row) for row in rows if row.is_inside is not False]
    outside = [_customer(ask, row) for row in rows if row.is_inside is False]
    body = (
        graph(
            predicted_against_actual(answer.frame, words),
            "model-scatter",
            label="Predicted against happened revenue, customer by customer",
            links={1: inside, 2: outside},
            is_listed=False,
            height=320,
        )
        if rows
        else _not_kept()
    )
    return card(
        "Predicted against happened",
        body,
        sub=f"{words.counted(len(rows), 'customer')} drawn at random, revenue in the window; on the dotted line both "
        "are equal, on the floor nothing came"
        if rows
        else None,
        tools=legend([("Inside 80%", "var(--c1)", "box"), ("Outside", "var(--c4)", "box")]),
        source=answer,
        span=6,
    )


def _customer(ask: Door, row: Any) -> Mark:
    return Mark(called(row.customer_id, row.name), ask.customer_href(row.customer_id))


def _residuals(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/residuals", horizon_days=days)
    words = ask.words
    marks = [
        _judged(
            ask,
            days,
            row.n_customers,
            row.n_customers,
            error_words(row.error_from, row.error_to, words),
            error_from=row.error_from if row.error_from > -MOST else None,
            error_to=row.error_to if row.error_to < MOST else None,
        )
        for row in answer.rows
    ]
    return card(
        "By how much single forecasts were off",
        _not_kept()
        if answer.is_empty
        else graph(
            residuals(answer.frame, words),
            "model-residuals",
            label="Customers by happened less predicted",
            links={0: marks},
            height=320,
        ),
        sub="Customers by revenue that came less revenue that was predicted; steps of about three times",
        tools=legend([("Came less", "var(--c3)", "box"), ("Came more", "var(--c2)", "box")]),
        source=answer,
        span=6,
    )


def _not_kept() -> html.Div:
    return empty("Not kept by this version", "Forecast and outcome of single customers come with the next training.")


def _coverage(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/deciles", horizon_days=days)
    marks = _tenths(ask, days, answer)
    body = (
        graph(
            coverage(answer.frame, ask.words),
            "model-coverage",
            label="Interval coverage by tenth",
            links={1: marks, 3: marks},
        )
        if answer.frame["coverage_80"].notna().any()
        else empty("Not judged at this horizon", "Intervals are judged on the latest window that has passed.")
    )
    return card(
        "Do the intervals hold, by tenth?",
        body,
        sub="Share of customers inside, by tenth of the forecast; dotted: what was promised",
        tools=legend([("80%", "var(--c1)", "line"), ("90%", "var(--c2)", "line")]),
        source=answer,
        span=6,
    )


def _slice_marks(ask: Door, days: int, kind: str, rows: Sequence[Any]) -> list[Mark | None]:
    return [_judged(ask, days, row.n_listed, row.n_customers, row.slice, **{kind: row.slice}) for row in rows]


def _slice_coverage(ask: Door, days: int, kind: str) -> html.Section:
    answer = ask.ask("model/slices", horizon_days=days, slice_kind=kind)
    marks = _slice_marks(ask, days, kind, answer.rows)[::-1]
    body = (
        graph(
            slice_coverage(answer.frame, ask.words),
            "model-slice-coverage",
            label=f"Interval coverage by {SLICES[kind].lower()}",
            links={0: marks, 1: marks},
        )
        if answer.frame["coverage_80"].notna().any()
        else empty("Not judged at this horizon", "Intervals are judged on the latest window that has passed.")
    )
    return card(
        f"And by {SLICES[kind].lower()}?",
        body,
        sub="Share of customers inside; dotted: what was promised",
        tools=legend([("80%", "var(--c1)", "box"), ("90%", "var(--c2)", "box")]),
        source=answer,
        span=6,
    )


def _slices(ask: Door, days: int, kind: str) -> html.Section:
    answer = ask.ask("model/slices", horizon_days=days, slice_kind=kind)
    words = ask.words
    marks = dict(zip((row.slice for row in answer.rows), _slice_marks(ask, days, kind, answer.rows), strict=True))

    def customers(row: Any) -> Any:
        mark, said = marks[row.slice], words.count(row.n_customers)
        if mark is None:
            return said
        if row.n_listed == row.n_customers:
            return link(said, mark.href)
        return [said, html.Div(link(f"{words.count(row.n_listed)} kept", mark.href))]

    columns = [
        Column(
            SLICE_HEADS[kind],
            lambda row: segment_chip(row.slice) if kind == "segment" else words.label(row.slice),
        ),
        Column("Customers", customers, True),
        Column("Predicted, each", lambda row: words.money(row.mean_predicted), True),
        Column("Happened, each", lambda row: words.money(row.mean_actual), True),
        Column("Error, each", lambda row: words.money_change(row.mean_error), True),
        Column("Bias", lambda row: words.share(row.bias, 1), True, "Predicted ÷ happened − 1"),
        Column("Error, in all", lambda row: words.money_change(row.total_error), True),
        Column("MAE", lambda row: words.money(row.mae), True, "Mean absolute error of one customer"),
        Column("In 80%", lambda row: words.share(row.coverage_80), True, "Inside their 80% interval"),
        Column("In 90%", lambda row: words.share(row.coverage_90), True, "Inside their 90% interval"),
    ]
    return card(
        "For whom it is off",
        table(answer.frame, columns, caption=f"Errors by {SLICES[kind].lower()}")
        if not answer.is_empty
        else empty("No such slices were judged", "They come with the next training."),
        sub="Revenue in the window, by how customers stood at its start; the largest error first; + is predicted too "
        "much",
        tools=segmented(SLICES, kind, label="Slices by", key="by", default="segment"),
        source=answer,
        span=12,
        is_flush=True,
    )


def _why(ask: Door, query: Mapping[str, str]) -> list[Any]:
    """What moves the forecasts: of the primary horizon, which is the one that is explained."""
    days = ask.horizon_days
    facts = ask.ask("model/importance", horizon_days=days, max_rows=N_FACTS)
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
        region(_kept, _importance, ask, days),
        region(_kept, _beeswarm, ask, days),
        region(_kept, _dependence, ask, days, query.get("fact", "")),
    ]


def _importance(ask: Door, days: int) -> html.Section:
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


def _beeswarm(ask: Door, days: int) -> html.Section:
    answer = ask.ask("model/beeswarm", horizon_days=days, max_facts=N_SWARM_FACTS, max_customers=N_SWARM_CUSTOMERS)
    rows = answer.rows
    unknown = [_customer(ask, row) for row in rows if row.value_rank is None]
    known = [_customer(ask, row) for row in rows if row.value_rank is not None]
    return card(
        "Whom they move, and how",
        graph(
            beeswarm(answer.frame, ask.words),
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


def _dependence(ask: Door, days: int, asked: str) -> html.Section:
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
            dependence(points.frame, trend.frame, feature, words),
            "model-dependence",
            label=f"What {in_words(feature)} adds to the forecast",
            links={0: [_customer(ask, row) for row in points.rows]},
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
