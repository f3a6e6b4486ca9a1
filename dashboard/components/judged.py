"""How the forecasts did on the latest window that has passed: cards of one horizon, each from its query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from dashboard.charts import model as charts
from dashboard.components.bars import legend
from dashboard.components.card import card
from dashboard.components.controls import link, segmented
from dashboard.components.graph import Mark, customer_mark, graph
from dashboard.components.marks import segment_chip
from dashboard.components.states import empty
from dashboard.components.table import Column, table
from dashboard.data import Answer, Door

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
N_SCATTER = 600


def leaderboard(ask: Door, days: int) -> html.Section:
    """All contenders on the same customers and window."""
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


def gini(ask: Door, days: int) -> html.Section:
    """The order of customers, contender by contender."""
    answer = ask.ask("model/leaderboard", horizon_days=days)
    body = (
        graph(charts.contenders(answer.frame, CONTENDERS, ask.words), "model-gini", label="Gini of the contenders")
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


def calibration(ask: Door, days: int) -> html.Section:
    """Predicted and happened, tenth by tenth."""
    answer = ask.ask("model/deciles", horizon_days=days)
    marks = _tenths(ask, days, answer)
    return card(
        "Calibration",
        graph(
            charts.calibration(answer.frame, ask.words),
            "model-calibration",
            label="Predicted and happened by tenth",
            links={0: marks, 1: marks},
        ),
        sub="Mean revenue per customer by tenth of the forecast; a bar leads to its customers",
        tools=legend([("Predicted", "var(--c1)", "box"), ("Happened", "var(--c2)", "box")]),
        source=answer,
        span=6,
    )


def scatter(ask: Door, days: int) -> html.Section:
    """Predicted against happened, customer by customer."""
    answer = ask.ask("model/predicted_actual", horizon_days=days, max_rows=N_SCATTER)
    words = ask.words
    rows = answer.rows
    inside = [customer_mark(ask, row) for row in rows if row.is_inside is not False]
    outside = [customer_mark(ask, row) for row in rows if row.is_inside is False]
    body = (
        graph(
            charts.predicted_against_actual(answer.frame, words),
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


def residuals(ask: Door, days: int) -> html.Section:
    """Customers by how much their forecast was off."""
    answer = ask.ask("model/residuals", horizon_days=days)
    words = ask.words
    marks = [
        _judged(
            ask,
            days,
            row.n_customers,
            row.n_customers,
            charts.error_words(row.error_from, row.error_to, words),
            error_from=row.error_from if row.error_from > -charts.MOST else None,
            error_to=row.error_to if row.error_to < charts.MOST else None,
        )
        for row in answer.rows
    ]
    return card(
        "By how much single forecasts were off",
        _not_kept()
        if answer.is_empty
        else graph(
            charts.residuals(answer.frame, words),
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


def coverage(ask: Door, days: int) -> html.Section:
    """Whether intervals hold, by tenth of the forecast."""
    answer = ask.ask("model/deciles", horizon_days=days)
    marks = _tenths(ask, days, answer)
    body = (
        graph(
            charts.coverage(answer.frame, ask.words),
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


def slice_coverage(ask: Door, days: int, kind: str) -> html.Section:
    """Whether intervals hold, by one kind of slice, a key of `SLICES`."""
    answer = ask.ask("model/slices", horizon_days=days, slice_kind=kind)
    marks = _slice_marks(ask, days, kind, answer.rows)[::-1]
    body = (
        graph(
            charts.slice_coverage(answer.frame, ask.words),
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


def slices(ask: Door, days: int, kind: str) -> html.Section:
    """For whom the forecasts are off, by one kind of slice, a key of `SLICES`."""
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
