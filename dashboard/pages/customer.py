"""Who is this person and what next?"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from dash import html, register_page

from dashboard.charts.customer import customer_timeline
from dashboard.components import (
    UNKNOWN,
    Bar,
    Column,
    avatar,
    card,
    chip,
    customer_cell,
    empty,
    graph,
    grid,
    kpi,
    kpis,
    legend,
    link,
    not_named,
    not_trained,
    page,
    ranked,
    region,
    segment_chip,
    table,
    tabs,
)
from dashboard.components.alive import is_telling
from dashboard.components.served_grid import lines_grid
from dashboard.components.states import state
from dashboard.components.why import change_card, why_card, why_line
from dashboard.data import Answer, Door, door, one_of
from dashboard.format import Kind, is_missing
from dashboard.theme import Tone

register_page(
    __name__,
    path_template="/customers/<customer_id>",
    name="Customer 360",
    title="Customer 360 · Retain",
    parent="/customers",
    question="Who is this person and what next?",
)

MAX_LINES = 5_000
N_LOOK_ALIKES, N_CARTS = 6, 8
PARTS = {"overview": "Overview", "why": "Why", "history": "History"}
DEFAULT_PART = "overview"
PROBABLY_THERE = 0.5
"""P(alive) from which a next order is spoken of as one that will come."""
EXPECTED = (
    "The mean of what may come, net of returns. The interval holds 80 of 100 cases; a few large ones may lift the mean "
    "above it."
)


def layout(customer_id: str = "", **query: str) -> html.Div:
    """The page for a customer's id, as it stands in the address."""
    return page(region(_content, unquote(customer_id), query))


def _content(customer_id: str, query: dict[str, str]) -> Any:
    ask = door(query)
    profile = ask.ask("customer/profile", customer_id=customer_id)
    if profile.is_empty:
        said = ["Nobody in this build has the ID ", html.Code(customer_id), ". IDs are told apart to the last zero."]
        action = link("Find a customer", ask.href("/customers"), as_button=True)
        if ask.build:
            said[-1] = ": it is an older one, and this customer may have come later."
            action = link(
                "Look in the latest build", replace(ask, build=None).customer_href(customer_id), as_button=True
            )
        return state("person-x", "No such customer", said, action, is_tall=True)
    who = profile.row
    part = one_of(query, "part", PARTS, DEFAULT_PART)
    return [
        _head(ask, who),
        region(_headline, ask, profile),
        region(why_line, ask, who) if part == DEFAULT_PART else None,
        tabs(PARTS, part, default=DEFAULT_PART),
        grid(*_part(ask, part, profile)),
    ]


def _part(ask: Door, part: str, profile: Answer) -> list[Any]:
    """The cards of a part."""
    who = profile.row
    if part == "why":
        return [
            region(why_card, ask, who),
            # Both together are about as tall as the reasons.
            html.Div([region(change_card, ask, who), region(_look_alikes, ask, who)], className="pile span-6"),
        ]
    if part == "history":
        return [
            region(_lines, ask, who),
            region(_carts, ask, who),
            region(_categories, ask, who),
            region(_campaigns, ask, who),
        ]
    return [
        region(_timeline, ask, profile),
        region(_scores, ask, profile),
        region(_forecast, ask, who),
        region(_next, ask, profile),
        region(_facts, ask, profile),
    ]


def _whose(who: Any) -> dict[str, Any]:
    """The parameters of queries on the bucketed tables."""
    return {"customer_id": who.customer_id, "customer_bucket": who.bucket}


def _head(ask: Door, who: Any) -> html.Header:
    name = str(who.name or who.customer_id)
    marks: list[Any] = [segment_chip(who.segment)]
    if who.behaviour_persona:
        marks.append(chip(f"Persona: {who.behaviour_persona}", "info"))
    if who.persona:
        marks.append(chip(f"Persona, as given: {ask.words.label(who.persona)}"))
    if who.is_churned_given is not None:
        said = "churned" if who.is_churned_given else "not churned"
        marks.append(chip(f"Status, as given: {said}"))
    if who.value_percentile is not None:
        marks.append(chip(f"Value percentile {ask.words.count(who.value_percentile)}", "accent"))
    if _is_awaited(who):
        window = f"{ask.words.day(who.next_order_from)} – {ask.words.date(who.next_order_to)}"
        marks.append(chip(f"Next order {window}", "info", "calendar-event"))
    if not is_missing(who.overdue_index):
        tone: Tone = "warn" if who.overdue_index > 1 else "good"
        marks.append(chip(f"Overdue index {ask.words.decimal(who.overdue_index)}", tone, "clock-history"))
    known = (who.customer_id if who.name else None, who.email, None if who.country == UNKNOWN else who.country)
    facts = " · ".join(str(fact) for fact in known if fact)
    return html.Header(
        [
            avatar(name, str(who.customer_id)),
            html.Div(
                [
                    html.H1(name, className="page-title"),
                    html.Div(facts, className="page-sub"),
                    html.Div(marks, className="customer-marks"),
                ],
                className="page-words",
            ),
            html.Div(link("All customers", ask.href("/customers"), as_button=True), className="page-actions"),
        ],
        className="page-head customer-head",
    )


def _headline(ask: Door, profile: Answer) -> html.Div:
    who, words = profile.row, ask.words
    horizon = who.horizon_days or ask.horizon_days
    note = "not trained yet"
    if who.expected_revenue is not None:
        note = f"percentile {words.count(who.value_percentile)} of 100"
        if who.revenue_lo is not None:
            note = f"80%: {words.money(who.revenue_lo)} – {words.money(who.revenue_hi)}; {note}"
    last = f"last {words.date(who.last_order_date)}" if who.n_orders else "no purchase yet"
    numbers: list[tuple[str, Any, Kind, str, str]] = [
        (f"Expected revenue, next {horizon} days", who.expected_revenue, "money", note, EXPECTED),
        ("Revenue to date", who.revenue, "money", _returned(ask, who), "Net of returns"),
        (
            "Margin to date",
            who.margin,
            "money",
            f"{words.money(who.avg_order_value)} revenue an order" if who.n_orders else "no purchase yet",
            "Net of returns",
        ),
        (
            "P(alive)",
            who.p_alive,
            "share",
            _alive(ask, who),
            "Chance that the customer has not left for good",
        ),
        ("Orders", who.n_orders, "count", last, "Orders with a purchase"),
    ]
    shown = [
        kpi(label, value, kind, words, note=says, help_text=definition, source=profile)
        for label, value, kind, says, definition in numbers
    ]
    return html.Div(kpis(*shown), className="customer-kpis")


def _is_awaited(who: Any) -> bool:
    """Whether a next order has a time, and the customer is probably still there to place it."""
    return who.next_order_from is not None and not is_missing(who.p_alive) and who.p_alive >= PROBABLY_THERE


def _alive(ask: Door, who: Any) -> str:
    if who.p_alive is None:
        return "not trained yet" if who.expected_revenue is None else "no purchase yet"
    return "chance of still being a customer" if is_telling(ask) else "as for nearly all: the history is short"


def _returned(ask: Door, who: Any) -> str:
    if not who.returned_revenue:
        return "nothing returned"
    return f"after returns of {ask.words.money(who.returned_revenue)}"


def _timeline(ask: Door, profile: Answer) -> html.Section:
    who = profile.row
    answer = ask.ask("customer/timeline", **_whose(who))
    entries = [("Orders", "var(--c1)", "box"), ("Returns", "var(--c4)", "box")]
    is_awaited = _is_awaited(who)
    if is_awaited:
        entries.append(("Next order expected", "var(--c2)", "band"))
    figure = customer_timeline(
        answer.frame,
        ask.words,
        as_of=ask.handle.as_of,
        next_order_from=_day(who.next_order_from) if is_awaited else None,
        next_order_to=_day(who.next_order_to) if is_awaited else None,
    )
    return card(
        "Orders and returns",
        graph(figure, "customer-timeline", label="Orders and returns over time", height=280),
        sub="Revenue a day, returns below zero; the upright line is the day up to which we know",
        tools=legend(entries),
        source=[answer, profile],
        span=8,
    )


def _scores(ask: Door, profile: Answer) -> html.Section:
    who, words = profile.row, ask.words
    if who.r is None:
        return card("RFM", empty("No purchase yet", "Only returns are known of this customer."), source=profile)
    orders = words.counted(who.frequency, "order")
    bars = [
        Bar("Recency", f"{who.r} of 5", who.r / 5, "var(--c1)", note=f"{words.days(who.recency_days)} ago"),
        Bar("Frequency", f"{who.f} of 5", who.f / 5, "var(--c2)", note=orders),
        Bar("Monetary", f"{who.m} of 5", who.m / 5, "var(--c5)", note=words.money(who.monetary)),
    ]
    said: list[Any] = [html.B(who.segment)]
    if who.segment_description:
        said.append(f": {who.segment_description}")
    if who.segment_before:
        was = "the same" if who.segment_before == who.segment else who.segment_before
        said.append(f". On {words.date(who.before_date)}: {was}")
    return card(
        "RFM scores and segment",
        [ranked(bars), html.P([*said, "."], className="customer-said")],
        sub=f"5 is best; score {who.rfm_score}",
        source=profile,
    )


def _next(ask: Door, profile: Answer) -> html.Section:
    who, words = profile.row, ask.words
    if who.expected_revenue is None:
        return card("What next", not_trained("Forecasts"), source=profile)
    window = words.date(None)
    if who.next_order_from is not None:
        window = f"{words.date(who.next_order_from)} – {words.date(who.next_order_to)}"
    facts = [
        ("Next order expected" if _is_awaited(who) else "Next order, if still a customer", window),
        (f"Expected orders, next {who.horizon_days} days", words.decimal(who.expected_orders)),
        (f"P(buys), next {who.horizon_days} days", words.share(who.p_buys)),
        (f"Expected margin, next {who.horizon_days} days", words.money(who.expected_margin)),
        (f"Expected revenue, discounted, next {who.horizon_days} days", words.money(who.expected_revenue_discounted)),
        ("Overdue index", _overdue(ask, who)),
        ("Value percentile", f"{words.count(who.value_percentile)} of 100"),
    ]
    return card("What next", _listed(facts), sub=f"As of {words.date(who.prediction_as_of)}", source=profile)


def _overdue(ask: Door, who: Any) -> str:
    if is_missing(who.overdue_index):
        return ask.words.decimal(None)
    return f"{ask.words.decimal(who.overdue_index)}, {'overdue' if who.overdue_index > 1 else 'within the usual pause'}"


def _forecast(ask: Door, who: Any) -> html.Section:
    answer = ask.ask("customer/forecast", customer_id=who.customer_id)
    words = ask.words
    columns = [
        Column("Horizon", lambda row: f"Next {words.days(row.horizon_days)}"),
        Column("Expected revenue", lambda row: words.money(row.expected_revenue), True),
        Column("80% interval", lambda row: _interval(ask, row.revenue_lo, row.revenue_hi), True),
        Column("90% interval", lambda row: _interval(ask, row.revenue_lo_90, row.revenue_hi_90), True),
        Column("Expected margin", lambda row: words.money(row.expected_margin), True),
        Column("Expected orders", lambda row: words.decimal(row.expected_orders), True),
        Column("P(buys)", lambda row: words.share(row.p_buys), True),
    ]
    return card(
        "Forecast by horizon",
        not_trained("Forecasts")
        if answer.is_empty
        else table(answer.frame, columns, caption="Forecast by horizon", class_name="list-wraps"),
        sub="Net of returns, with the range that holds the truth in 80 or 90 of 100 cases",
        source=answer,
        span=8,
        is_flush=not answer.is_empty,
    )


def _interval(ask: Door, low: Any, high: Any) -> str:
    return ask.words.money(None) if is_missing(low) else f"{ask.words.money(low)} – {ask.words.money(high)}"


def _lines(ask: Door, who: Any) -> html.Section:
    answer = ask.ask("customer/lines", max_rows=MAX_LINES, **_whose(who))
    words = ask.words
    n_lines = 0 if answer.is_empty else answer.rows[0].n_lines
    sub = f"{words.counted(n_lines, 'line')} of orders and returns, the newest first"
    if n_lines > MAX_LINES:
        sub += f"; the newest {words.count(MAX_LINES)} are shown"
    return card(
        "Transactions", lines_grid("customer-lines", answer.frame), sub=sub, source=answer, span=12, is_flush=True
    )


def _campaigns(ask: Door, who: Any) -> html.Section:
    answer = ask.ask("customer/campaigns", **_whose(who))
    words = ask.words

    def revenue(row: Any) -> str:
        return words.money_exact(row.revenue_30d) + (" so far" if row.is_running else "")

    columns = [
        Column("Campaign", lambda row: row.campaign_id),
        Column("Sent", lambda row: words.date(row.sent_ts)),
        Column("Treated", lambda row: chip("Treated", "accent") if row.is_treated else chip("Held out")),
        Column("Action", lambda row: words.label(row.action)),
        Column("Cost", lambda row: words.money_exact(row.cost), True),
        Column("Revenue, 30 days after", revenue, True),
    ]
    return _table_card(
        answer,
        columns,
        "Campaign history",
        "What was bought within 30 days; not an effect by itself",
        empty("In no campaign", "No contact and no holdout is known."),
        span=12,
    )


def _carts(ask: Door, who: Any) -> html.Section:
    answer = ask.ask("customer/carts", customer_id=who.customer_id)
    words = ask.words
    columns = [
        Column("When", lambda row: words.date(row.event_ts)),
        Column("Cart value", lambda row: words.money_exact(row.cart_value), True),
        Column("Category", lambda row: words.label(row.category)),
        Column("Channel", lambda row: words.label(row.channel)),
        Column("Became an order", lambda row: chip("Ordered", "good") if row.is_converted else chip("Left", "warn")),
    ]
    return _table_card(
        answer,
        columns,
        "Cart events",
        f"The latest {N_CARTS}",
        empty("No carts", "No cart event of this customer is known."),
        n_rows=N_CARTS,
    )


def _look_alikes(ask: Door, who: Any) -> html.Section:
    answer = ask.ask("customer/look_alikes", customer_id=who.customer_id, max_rows=N_LOOK_ALIKES)
    words = ask.words
    columns = [
        Column("Customer", lambda row: customer_cell(row.customer_id, row.name, ask.customer_href(row.customer_id))),
        Column("Segment then", lambda row: segment_chip(row.segment_before)),
        Column("Silent then", lambda row: words.days(row.recency_days_before), True),
        Column("Orders then", lambda row: words.count(row.frequency_before), True),
        Column("Revenue then", lambda row: words.money(row.monetary_before), True),
        Column("Since then", lambda row: words.money(row.next_revenue), True, "Net revenue"),
    ]
    sub = None
    if not answer.is_empty:
        first = answer.rows[0]
        sub = (
            f"Who stood on {words.date(first.before_date)} where this customer stands now. Since then they have "
            f"brought {words.money(first.mean_next_revenue)} each, net; {words.share(first.bought_again_share)} "
            "bought again"
        )
    return _table_card(answer, columns, "Look-alikes", sub, empty("Nobody stood here before", _why_nobody(ask, who)))


def _why_nobody(ask: Door, who: Any) -> str:
    if who.r is None:
        return "Only returns are known of this customer."
    return f"The history does not reach {ask.words.days(ask.horizon_days)} back yet."


def _categories(ask: Door, who: Any) -> html.Section:
    answer = ask.ask("customer/categories", **_whose(who))
    words = ask.words
    bars = [
        Bar(
            words.label(row.category),
            words.money(row.revenue),
            row.revenue_share or 0,
            "var(--c2)",
            note=words.share(row.revenue_share),
        )
        for row in answer.rows
    ]
    is_named = any(row.category != UNKNOWN for row in answer.rows)
    return card(
        "What they buy",
        ranked(bars) if is_named else not_named("category") if bars else empty("Nothing yet"),
        sub="Net revenue to date, by category",
        source=answer,
        span=6,
    )


def _facts(ask: Door, profile: Answer) -> html.Section:
    who, words = profile.row, ask.words
    facts = [
        ("First order", words.date(who.first_order_date)),
        ("Last order", words.date(who.last_order_date)),
        ("Customer for", words.days(who.tenure_days)),
        ("Purchase days", words.count(who.n_purchase_days)),
        ("Mean pause between them", words.days(who.mean_gap_days)),
        ("Returns", words.count(who.n_returns)),
        ("Revenue, last 90 days", words.money_exact(who.revenue_90d)),
        ("Revenue, last 365 days", words.money_exact(who.revenue_365d)),
        ("Discounts to date", words.money_exact(who.discount)),
        ("First channel", words.label(who.channel)),
        ("Acquired through", words.label(who.acquisition_channel)),
        ("Acquisition cost", words.money_exact(who.acquisition_cost)),
        ("Signed up", words.date(who.signup_date)),
        ("Subscriber", _yes_no(who.is_subscriber, words.label(who.subscription_plan))),
        ("E-mail consent", _yes_no(who.email_consent)),
    ]
    return card("Facts", _listed(facts, is_wide=True), sub="To date, as known in this build", source=profile, span=12)


def _yes_no(value: Any, detail: str = "") -> str:
    if value is None:
        return "–"
    return f"Yes, {detail}" if value and detail not in ("", "–") else "Yes" if value else "No"


def _listed(facts: list[tuple[str, str]], *, is_wide: bool = False) -> html.Dl:
    name = "customer-facts customer-facts-wide" if is_wide else "customer-facts"
    return html.Dl([html.Div([html.Dt(key), html.Dd(value)]) for key, value in facts], className=name)


def _table_card(
    answer: Answer,
    columns: list[Column],
    title: str,
    sub: str | None,
    nothing: html.Div,
    *,
    span: int = 6,
    n_rows: int = 50,
) -> html.Section:
    if answer.is_empty:
        return card(title, nothing, source=answer, span=span)
    shown = table(answer.frame.head(n_rows), columns, caption=title, class_name="list-wraps")
    return card(title, shown, sub=sub, source=answer, span=span, is_flush=True)


def _day(value: Any) -> dt.date | None:
    return None if value is None else value.date() if isinstance(value, dt.datetime) else value
