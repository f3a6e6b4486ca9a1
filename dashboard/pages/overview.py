"""How is the business performing?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from dash import html, register_page

from dashboard.charts.revenue import revenue_by_month, revenue_over_time
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
    not_named,
    page,
    period_picker,
    ranked,
    region,
    rows,
    segment_chip,
    segment_colour,
    share_bar,
    stacked,
    table,
)
from dashboard.components.cohorts import cohort_table
from dashboard.data import Answer, Door, Period, day_of, door
from dashboard.format import Kind, is_missing

register_page(
    __name__,
    path="/overview",
    name="Overview",
    title="Overview · Retain",
    group="Analyse",
    order=20,
    icon="grid-1x2",
    question="How is the business performing?",
)

METRICS: Mapping[str, tuple[str, Kind, str, str]] = {
    "n_customers": ("Customers who bought", "count", "var(--c2)", "Customers with a purchase in the period"),
    "revenue": ("Revenue", "money", "var(--c1)", "Net of returns, in the period"),
    "n_orders": ("Orders", "count", "var(--c5)", "Orders with a purchase; pure returns do not count"),
    "avg_order_value": ("Average order value", "money", "var(--c1)", "Net revenue ÷ orders, in the period"),
    "repeat_rate": (
        "Repeat rate",
        "share",
        "var(--c3)",
        "Share of the period's customers with two orders or more by its end, in or before it",
    ),
    "avg_tenure_days": ("Average tenure", "days", "var(--c6)", "Days since the first purchase, mean over the buyers"),
    "orders_per_customer": ("Orders per customer", "decimal", "var(--c2)", "Orders ÷ customers who bought"),
}
"""Metric of `overview/headline` and column of `overview/sparklines` → label, wording, colour, definition."""

CELL_QUERY = "cohorts/customers_in"
N_SAVED, N_COHORTS, N_MONTHS, N_COMING = 8, 9, 9, 6


def layout(**query: str) -> html.Div:
    """The page for a URL's query."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    period = ask.period(query)
    if is_missing(period.start):
        nobody = empty(
            "No orders yet", "The build has no purchase. Put an order log into the data folder, and run the pipeline."
        )
        return [head("Overview", "How is the business performing?"), nobody]
    return [
        head("Overview", _period_line(ask, period), *period_picker(period)),
        region(_headline, ask, period),
        region(_insight, ask, period),
        grid(
            region(_revenue, ask, period),
            region(_customer_base, ask),
            region(_ranked, ask, period, "channel", "var(--c1)"),
            region(_ranked, ask, period, "category", "var(--c2)"),
            region(_cohorts, ask),
            region(_months, ask, period),
            region(_worth_saving, ask),
        ),
    ]


def _period_line(ask: Door, period: Period) -> str:
    line = f"How is the business performing? {ask.words.period(period.start, period.end)}"
    return f"{line}, compared with the {ask.words.days(period.n_days)} before" if period.is_comparable else line


def _headline(ask: Door, period: Period) -> html.Div:
    answer = ask.ask("overview/headline", **period.bounds)
    lines = ask.ask("overview/sparklines", **period.bounds).frame
    return kpis(*(_kpi(ask, answer, row, lines[row.metric]) for row in answer.rows if row.metric in METRICS))


def _kpi(ask: Door, answer: Answer, row: Any, points: Any) -> html.Section:
    label, kind, colour, definition = METRICS[row.metric]
    return kpi(
        label,
        row.value,
        kind,
        ask.words,
        previous=row.previous_value,
        change=row.change,
        is_share_change=row.unit == "share",
        note="in the period",
        points=points,
        colour=colour,
        help_text=definition,
        source=answer,
    )


def _insight(ask: Door, period: Period) -> html.Div | None:
    answer = ask.ask("overview/insight", **period.bounds)
    if answer.is_empty:
        return None
    row, words = answer.row, ask.words
    up_or_down = html.B(f"Revenue is {'up' if row.change > 0 else 'down'} {words.share(abs(row.change), 1)}.")
    if row.channel == UNKNOWN:
        return insight(up_or_down, f" {words.money_change(row.difference)} against the period before.", source=answer)
    return insight(
        up_or_down,
        f" {words.label(row.channel)} moved furthest: {words.money_change(row.channel_difference)}"
        f" against the period before, of {words.money_change(row.difference)} in all.",
        action=link("See the channels", "#by-channel"),
        source=answer,
    )


def _revenue(ask: Door, period: Period) -> html.Section:
    answer = ask.ask("overview/revenue_over_time", **period.bounds)
    entries = [("This period", "var(--c1)", "line")]
    if period.is_comparable:
        entries.append(("Period before", "var(--c8)", "dash"))
    grain = {"day": "daily", "week": "weekly", "month": "monthly"}[answer.row.grain]
    figure = revenue_over_time(answer.frame, ask.words)
    points = [
        Mark(
            f"{ask.words.date(row.period_start)}: {ask.words.money(row.revenue)}",
            _who(ask, from_date=day_of(row.period_start), to_date=day_of(row.last_day) + dt.timedelta(days=1)),
        )
        for row in answer.rows
    ]
    links = {len(figure.data) - 1: points}
    return card(
        "Revenue",
        graph(figure, "overview-revenue", label="Revenue over time", height=290, links=links),
        sub=f"Net of returns, {grain}; choose a point to see its customers",
        tools=legend(entries),
        source=answer,
        span=8,
    )


def _customer_base(ask: Door) -> html.Section:
    answer = ask.ask("overview/customer_base")
    words = ask.words
    bars = [
        Bar(
            row.segment,
            words.count(row.n_customers),
            row.customer_share,
            segment_colour(row.segment),
            ask.href("/customers", segment=row.segment),
            words.share(row.customer_share),
        )
        for row in answer.rows
    ]
    total = html.Div([words.count(answer.row.n_all if bars else 0), html.Small("customers")], className="big-number")
    return card(
        "Customer base",
        [total, stacked(bars), rows(bars)] if bars else empty("No customers yet"),
        sub="All customers to date, by segment",
        tools=link("View all", ask.href("/customers")),
        source=answer,
        span=4,
    )


def _ranked(ask: Door, period: Period, dimension: str, colour: str) -> html.Section:
    answer = ask.ask(f"overview/by_{dimension}", **period.bounds)
    words = ask.words
    top = answer.rows[0].revenue if answer.rows else 0
    bars = [
        Bar(
            words.label(getattr(row, dimension)),
            words.money(row.revenue),
            row.revenue / top,
            colour,
            _who(ask, **period.bounds, **{dimension: getattr(row, dimension)}),
            words.share(row.revenue_share),
        )
        for row in answer.rows
        if top > 0
    ]
    if {getattr(row, dimension) for row in answer.rows} == {UNKNOWN}:
        body = not_named(dimension)
    else:
        body = ranked(bars) if bars else empty("No revenue in this period")
    return card(
        f"Revenue by {dimension}",
        body,
        sub="Net of returns, in the period; choose a bar to see its customers",
        source=answer,
        span=4,
        id=f"by-{dimension}",
    )


def _who(ask: Door, **chosen: Any) -> str:
    """The list of exactly the customers with order lines in some days, of a channel or category when one is named."""
    return ask.listed("overview/customers_in", **chosen)


def _cohorts(ask: Door) -> html.Section:
    answer = ask.ask("cohorts/retention", channel=None)
    heat = cohort_table(
        answer.frame,
        "bought_share",
        "share",
        ask.words,
        caption="Share of each monthly cohort that bought again, by months since the first order",
        href=lambda row: ask.listed(
            CELL_QUERY, cohort_month=day_of(row.cohort_month), month_number=row.month_number, mode="bought"
        ),
        n_months=N_MONTHS,
        n_cohorts=N_COHORTS,
    )
    return card(
        "Retention by cohort",
        heat if not answer.is_empty else empty("No cohorts yet"),
        sub="Share of customers who bought in the month; hatched: not over. Choose a cell to see who",
        tools=link("Details", ask.href("/cohorts")),
        source=answer,
        span=4,
    )


def _months(ask: Door, period: Period) -> html.Section:
    answer = ask.ask("overview/by_month", **period.bounds)
    forecast = ask.ask("overview/forecast", max_months=N_COMING)
    words = ask.words
    is_forecast = not forecast.is_empty and period.end == ask.handle.as_of
    figure = revenue_by_month(answer.frame, words, forecast.frame if is_forecast else None)
    bars = [
        Mark(
            f"{words.month(row.order_month)}: {words.money(row.revenue)}",
            _who(ask, from_date=day_of(row.from_date), to_date=day_of(row.to_date)),
        )
        for row in answer.rows
    ]
    legend_entries = [("Revenue", "var(--c1)", "box")]
    if is_forecast:
        legend_entries += [("Expected", "var(--c2)", "dash")]
        if forecast.frame["month_revenue_lo"].notna().any():
            legend_entries += [("80% band", "var(--c2)", "band")]
    return card(
        "Revenue by month",
        [
            graph(figure, "overview-months", label="Revenue by month", height=220, links={0: bars}),
            html.P(_coming(ask, period, forecast), className="chart-note"),
        ],
        sub="Net of returns; lighter: the period does not cover the whole month. Choose a bar to see its customers",
        tools=legend(legend_entries),
        source=[answer, forecast],
        span=12,
    )


def _coming(ask: Door, period: Period, forecast: Answer) -> str:
    """What the dashed line is, or why there is none."""
    if period.end != ask.handle.as_of:
        return "The coming months are shown for periods that reach up to now."
    if forecast.is_empty:
        return "Coming months appear after the first training."
    said = "Expected: from the customers known today; revenue of customers yet to come is not in it."
    running = next((row for row in forecast.rows if row.is_running), None)
    if running is not None:
        words = ask.words
        said += (
            f" {words.month(running.order_month)} is in progress: {words.money(running.revenue_to_date)} so far, "
            f"{words.money(running.expected_revenue)} still expected."
        )
    if forecast.frame["month_revenue_lo"].notna().any():
        said += " Band: how far totals over such horizons were off at past cut-offs; a single month can be further off."
    return said


def _worth_saving(ask: Door) -> html.Section:
    answer = ask.ask("overview/worth_saving", max_rows=N_SAVED)
    words = ask.words
    is_predicted = bool(answer.frame["expected_revenue"].notna().any())
    has = {name: (answer.frame[name] != UNKNOWN).any() for name in ("country", "channel")}
    horizon = ask.horizon_days
    value = (
        Column(f"Expected, next {horizon} days", lambda row: words.money_whole(row.expected_revenue), True, "Revenue")
        if is_predicted
        else Column("Revenue, last 365 days", lambda row: words.money_whole(row.revenue_365d), True)
    )
    columns = [
        Column("Customer", lambda row: customer_cell(row.customer_id, row.name, ask.customer_href(row.customer_id))),
        Column("Segment", lambda row: segment_chip(row.segment)),
        *([Column("Country", lambda row: words.label(row.country))] if has["country"] else []),
        *([Column("First channel", lambda row: words.label(row.channel))] if has["channel"] else []),
        Column("Last order", lambda row: words.date(row.last_order_date)),
        Column("Orders", lambda row: words.count(row.n_orders), True),
        Column("Revenue to date", lambda row: words.money_whole(row.revenue), True),
        value,
    ]
    if is_predicted:
        columns.append(Column("Churn risk", lambda row: share_bar(row.churn_risk, words, is_risk=True), True))
    return card(
        "Worth saving now",
        table(answer.frame, columns, caption="Customers worth saving", class_name="list-wraps")
        if not answer.is_empty
        else empty("Nobody is slipping away"),
        sub=_who_is_saved(is_predicted, horizon),
        tools=_all_worth_saving(ask, answer),
        source=answer,
        span=12,
        is_flush=True,
    )


def _who_is_saved(is_predicted: bool, horizon_days: int) -> str:
    """Whom the card shows, in which order."""
    if not is_predicted:
        return "Customers of the segments that are slipping away, the most revenue of the last 365 days first"
    return (
        "Of the segments that are slipping away, or late for their own rhythm with a churn risk of a fifth and more; "
        f"the most expected revenue, next {horizon_days} days, first"
    )


def _all_worth_saving(ask: Door, answer: Answer) -> Any:
    """A link to all customers of whom the card shows the first: the same query without its limit."""
    if answer.is_empty:
        return None
    n_all = answer.row.n_customers
    first = "revenue_365d" if is_missing(answer.row.expected_revenue) else "expected_revenue"
    words = f"All {ask.words.count(n_all)} customers" if n_all > 1 else "The 1 customer"
    return link(words, ask.href("/customers", list=answer.name, sort=f"-{first}"))
