"""Do newer customers come back as often as older ones did?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from dash import html, register_page

from dashboard import theme
from dashboard.charts.cohorts import (
    N_COLOURS,
    by_channel,
    channels_by_size,
    cohort_sizes,
    continued,
    decay_curves,
    spread_out,
)
from dashboard.components import (
    UNKNOWN,
    Column,
    Mark,
    card,
    empty,
    graph,
    grid,
    head,
    kpi,
    kpis,
    legend,
    link,
    not_named,
    not_trained,
    page,
    region,
    segmented,
    select,
    share_bar,
    table,
    tabs,
)
from dashboard.components.cohorts import CohortMode, cohort_table, curve_marks
from dashboard.data import Answer, Door, day_of, door, one_of
from dashboard.format import Format

register_page(
    __name__,
    path="/cohorts",
    name="Cohorts",
    title="Cohorts · Retain",
    group="Analyse",
    order=50,
    icon="layers",
    question="Do newer customers come back as often as older ones did?",
)


MODES = {
    "bought": CohortMode(
        "Bought in month", "bought_share", "share", "Share of the cohort with a purchase in the month", "bought"
    ),
    "later": CohortMode(
        "Bought in or after",
        "bought_or_later_share",
        "share",
        "Share of the cohort whose last purchase so far is in the month or after it",
        "bought_or_later",
    ),
    "revenue": CohortMode(
        "Revenue",
        "net_revenue_retention",
        "share",
        "Net revenue retention: revenue of the month, of the revenue of the month of the first order",
        "bought",
    ),
    "margin": CohortMode(
        "Margin", "margin_per_customer", "money", "Margin of the month per customer of the cohort", "bought", 0
    ),
    "value": CohortMode(
        "Cumulative value",
        "cumulative_revenue_per_customer",
        "money",
        "Net revenue to date per customer of the cohort, added up month by month",
        "cohort",
        0,
    ),
}
DEFAULT_MODE = "bought"
CELL_QUERY = "cohorts/customers_in"
ALL_CHANNELS = "all"


GOES_ON = {"revenue": "Revenue", "margin": "Margin"}
PARTS = {"return": "Who comes back", "value": "What they bring"}
DEFAULT_PART = "return"
N_RECENT = 36
"""An older shop shows so many cohorts, until all of them are asked for."""
RECENT, ALL = "recent", "all"
N_CONTINUED = 4
"""Cohorts whose lines go on: more bands would hide each other."""


def layout(**query: str) -> html.Div:
    """The page for a URL's query."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    name = one_of(query, "mode", MODES, DEFAULT_MODE)
    mode = MODES[name]
    part = one_of(query, "part", PARTS, DEFAULT_PART)
    channels = {row.channel: ask.words.label(row.channel) for row in ask.ask("cohorts/channels").rows}
    channel = query.get("channel") if query.get("channel") in channels else None
    picker = select(
        {ALL_CHANNELS: "All channels", **channels},
        channel or ALL_CHANNELS,
        label="Channel of the first order",
        key="channel",
        default=ALL_CHANNELS,
    )
    who = f"customers who first came through {channels[channel]}" if channel else "all customers"
    n_cohorts = len(ask.ask("cohorts/sizes", channel=channel).frame)
    n_shown = n_cohorts if query.get("cohorts") == ALL else min(n_cohorts, N_RECENT)
    return [
        head(
            "Cohorts",
            f"Do newer customers come back as often as older ones did? {who[0].upper()}{who[1:]}, "
            f"known up to {ask.words.date(ask.handle.as_of)}",
            _how_many(ask, query, n_cohorts) if n_cohorts > N_RECENT else None,
            picker if len(channels) > 1 or channel else None,
        ),
        tabs(PARTS, part, default=DEFAULT_PART),
        region(_headline, ask, channel) if part == DEFAULT_PART else None,
        grid(
            *(
                [
                    region(_heat, ask, name, mode, channel, n_shown),
                    region(_decay, ask, name, mode, channel),
                    region(_channels, ask, mode),
                    region(_sizes, ask, channel),
                ]
                if part == DEFAULT_PART
                else [
                    region(_goes_on, ask, query.get("goes_on", "revenue"), channel),
                    region(_worth, ask, channel, n_shown),
                    region(_payback, ask, n_shown) if channel is None else None,
                ]
            )
        ),
    ]


def _how_many(ask: Door, query: Mapping[str, str], n_cohorts: int) -> html.Label:
    options = {RECENT: f"Newest {ask.words.count(N_RECENT)} cohorts", ALL: f"All {ask.words.count(n_cohorts)} cohorts"}
    chosen = ALL if query.get("cohorts") == ALL else RECENT
    return select(options, chosen, label="Cohorts that are listed", key="cohorts", default=RECENT)


def _newest_of(answer: Answer, ask: Door, n_shown: int) -> pd.DataFrame:
    """The rows of *answer*, which may lack cohorts, that belong to the newest *n_shown* cohorts of the shop."""
    newest = ask.ask("cohorts/sizes", channel=None).frame["cohort_month"].tail(n_shown)
    return answer.frame[answer.frame["cohort_month"].isin(newest)]


def _headline(ask: Door, channel: str | None) -> html.Div | None:
    answer = ask.ask("cohorts/newer", channel=channel)
    words = ask.words
    if answer.is_empty:
        return None
    return kpis(
        *(
            kpi(
                f"Bought in month {row.month_number}",
                row.newer_share,
                "share",
                words,
                change=row.difference,
                is_share_change=True,
                note=_newest(ask, channel, row),
                help_text="Share of new customers with a purchase in that month after their first, weighted by size",
                source=answer,
            )
            for row in answer.rows
        )
    )


def _newest(ask: Door, channel: str | None, row: Any) -> list[Any]:
    """Who is behind a share of the newest cohorts, and what that of the ones before was."""
    words = ask.words
    behind = ask.listed(
        CELL_QUERY, month_number=row.month_number, mode="bought", channel=channel, n_newest=row.n_newer_cohorts
    )
    who = words.counted(row.newer_buyers, "customer")
    before = (
        f"{words.share(row.older_share)} in the {words.count(row.n_older_cohorts)} before"
        if row.n_older_cohorts
        else "there are no older ones"
    )
    return [link(who, behind), f" of the newest {_cohorts(row.n_newer_cohorts, words)}; {before}"]


def _cohorts(count: int, words: Format) -> str:
    return "cohort" if count == 1 else f"{words.count(count)} cohorts"


def _heat(ask: Door, name: str, mode: CohortMode, channel: str | None, n_shown: int) -> html.Section:
    answer = ask.ask("cohorts/retention", channel=channel)
    average = ask.ask("cohorts/average", channel=channel)
    has_months = (answer.frame["month_number"] >= mode.first_month).any()
    heat = cohort_table(
        answer.frame,
        mode.measure,
        mode.kind,
        ask.words,
        caption=f"{mode.says}, by month of the first order and months since",
        href=lambda row: _behind(ask, mode, channel, row.month_number, row.cohort_month),
        first_month=mode.first_month,
        n_cohorts=n_shown,
        average=average.frame,
        average_href=lambda row: _behind(ask, mode, channel, row.month_number),
    )
    picker = segmented(
        {key: one.label for key, one in MODES.items()},
        name,
        label="What a cell shows",
        key="mode",
        default=DEFAULT_MODE,
    )
    return card(
        "Retention by cohort",
        [
            html.Div(picker, className="card-controls"),
            heat if has_months else empty("No cohorts yet", "The first ones stand here from their second month on."),
        ],
        sub=f"{mode.says}. Hatched: the month is not over; the average leaves it out. Choose a cell to see who it is",
        source=[answer, average],
        span=12,
    )


def _behind(ask: Door, mode: CohortMode, channel: str | None, month_number: int, cohort_month: Any = None) -> str:
    """The list of exactly the customers behind a cell or a point; without a cohort, behind an average."""
    cohort = None if cohort_month is None else day_of(cohort_month).isoformat()
    return ask.listed(CELL_QUERY, cohort_month=cohort, month_number=month_number, mode=mode.behind, channel=channel)


def _decay(ask: Door, name: str, mode: CohortMode, channel: str | None) -> html.Section:
    answer = ask.ask("cohorts/retention", channel=channel)
    average = ask.ask("cohorts/average", channel=channel)
    coming = ask.ask("cohorts/still_buying", channel=channel) if name == "later" else None
    has_coming = coming is not None and not coming.is_empty
    words, horizon = ask.words, ask.horizon_days
    figure = decay_curves(
        answer.frame,
        average.frame,
        mode.measure,
        mode.kind,
        words,
        counted=(mode.counted, mode.counted_on_average),
        first_month=mode.first_month,
        coming=coming.frame if coming else None,
    )
    entries = [("Average", "var(--c1)", "line"), ("Each cohort", "var(--c8)", "line")]
    links = curve_marks(figure, lambda **point: _behind(ask, mode, channel, **point))
    if coming is not None and has_coming:
        entries.append((f"Still to buy, {horizon} days", "var(--c2)", "diamond"))
        links[len(figure.data) - 1] = [
            Mark(said, _cohort_href(ask, row.cohort_month, channel, p_buys="any"))
            for row, said in zip(coming.rows, figure.data[-1].customdata, strict=True)
        ]
    says = f"{mode.says}; the average is weighted by size over the cohorts that completed the month"
    if has_coming:
        says += f"; diamonds: the mean P(buys) of a cohort over the next {horizon} days"
    elif coming is not None:
        says += ". Who will still buy appears after the first training"
    return card(
        "Cohort by cohort",
        graph(figure, "cohorts-decay", label="Curve of each cohort and their average", height=260, links=links)
        if not average.is_empty
        else empty("No month is over yet"),
        sub=f"{says}. Choose a point to see who it is",
        tools=legend(entries),
        source=[answer, average, *([coming] if coming else [])],
        span=6,
    )


def _cohort_href(ask: Door, cohort_month: Any, channel: str | None, **only: str) -> str:
    """The list of a cohort's customers."""
    return ask.href("/customers", cohort_month=day_of(cohort_month).isoformat(), channel=channel, **only)


def _goes_on(ask: Door, named: str, channel: str | None) -> html.Section:
    measure = named if named in GOES_ON else "revenue"
    answer = ask.ask("cohorts/forecast", channel=channel)
    title = "Where the cohorts are going"
    if answer.is_empty:
        return card(title, not_trained("What a customer of each cohort is expected to bring"), source=answer, span=12)
    words = ask.words
    cohorts = spread_out(answer.frame, N_CONTINUED)
    frame = answer.frame[answer.frame["cohort_month"].isin(cohorts)]
    figure = continued(frame, f"{measure}_per_customer", words)
    marks = curve_marks(figure, lambda cohort_month, **_month: _cohort_href(ask, cohort_month, channel))
    entries = [(words.month(cohort), theme.SERIES_VARS[place], "line") for place, cohort in enumerate(cohorts)]
    return card(
        title,
        [
            html.Div(
                segmented(GOES_ON, measure, label="What is added up", key="goes_on", default="revenue"),
                className="card-controls",
            ),
            graph(figure, "cohorts-goes-on", label=f"Cumulative {measure} per customer", height=300, links=marks),
            html.P(_band_words(answer), className="chart-note"),
        ],
        sub=f"Cumulative {measure} per customer of the cohort, net of returns; dashed: expected by the end of a month, "
        "where there is nobody to list yet",
        tools=legend([*entries, ("Expected", "var(--text-3)", "dash")]),
        source=answer,
        span=12,
    )


def _band_words(answer: Answer) -> str:
    if not answer.frame["revenue_per_customer_lo"].notna().any():
        return "A band appears once the model's past totals have been judged."
    return (
        "Band, 80%: how far the shop's totals were off over such horizons at past cut-offs, and the customers' own "
        "intervals, taken as independent: the smaller a cohort, the wider."
    )


def _channels(ask: Door, mode: CohortMode) -> html.Section:
    answer = ask.ask("cohorts/by_channel")
    names = [] if answer.is_empty else channels_by_size(answer.frame)
    if names == [UNKNOWN]:
        return card("By acquisition channel", not_named("channel"), source=answer, span=6)
    entries = [(ask.words.label(name), theme.SERIES_VARS[at], "line") for at, name in enumerate(names[:N_COLOURS])]
    if len(names) > N_COLOURS:
        entries.append(("Others", theme.SERIES_VARS[-1], "line"))
    figure = by_channel(
        answer.frame,
        mode.measure,
        mode.kind,
        ask.words,
        counted=mode.counted_on_average,
        first_month=mode.first_month,
    )
    links = curve_marks(figure, lambda channel, month_number: _behind(ask, mode, channel, month_number))
    return card(
        "By acquisition channel",
        graph(figure, "cohorts-channels", label="Average of the cohorts of each channel", height=260, links=links)
        if names
        else empty("No month is over yet"),
        sub=f"{mode.says}; channel of the first order, average over completed months. Choose a point to see who",
        tools=legend(entries),
        source=answer,
        span=6,
    )


def _sizes(ask: Door, channel: str | None) -> html.Section:
    answer = ask.ask("cohorts/sizes", channel=channel)
    marks = [
        Mark(
            f"{ask.words.month(row.cohort_month)}: {ask.words.count(row.n_cohort)} customers",
            _cohort_href(ask, row.cohort_month, channel),
        )
        for row in answer.rows
    ]
    return card(
        "Size of the cohorts",
        graph(
            cohort_sizes(answer.frame, ask.words),
            "cohorts-sizes",
            label="New customers by month",
            height=220,
            links={0: marks},
        )
        if not answer.is_empty
        else empty("No cohorts yet"),
        sub="Customers by month of their first order; lighter: the month is not over. Choose a bar to see who",
        source=answer,
        span=12,
    )


def _worth(ask: Door, channel: str | None, n_shown: int) -> html.Section:
    answer = ask.ask("cohorts/sizes", channel=channel)
    words = ask.words
    horizon = ask.horizon_days
    is_predicted = answer.frame["expected_revenue"].notna().any()

    def customers(row: Any) -> Any:
        return link(words.count(row.n_cohort), _cohort_href(ask, row.cohort_month, channel))

    def came_back(row: Any) -> Any:
        again = _cohort_href(ask, row.cohort_month, channel, n_purchase_days="2..")
        shown = [link(words.count(row.n_came_back), again), share_bar(row.came_back_share, words)]
        return html.Div(shown, className="share-bar")

    columns = [
        Column("First order", lambda row: words.month(row.cohort_month)),
        Column("Customers", customers, True),
        Column("Came back", came_back, True, "Bought on a second day"),
        Column("Revenue to date", lambda row: words.money(row.revenue), True),
        Column("Margin to date", lambda row: words.money(row.margin), True),
        Column("Revenue per customer", lambda row: words.money(row.revenue_per_customer), True),
    ]
    if is_predicted:
        columns += [
            Column(f"Expected revenue, next {horizon} days", lambda row: words.money(row.expected_revenue), True),
            Column("Expected per customer", lambda row: words.money(row.expected_per_customer), True),
        ]
    body = empty("No cohorts yet") if answer.is_empty else table(answer.frame.tail(n_shown), columns, caption="Cohorts")
    return card(
        "What each cohort has brought, and will",
        body if is_predicted or answer.is_empty else [body, not_trained(f"Expected revenue, next {horizon} days,")],
        sub="Net revenue and margin since the first order",
        source=answer,
        span=12,
        is_flush=True,
    )


def _payback(ask: Door, n_shown: int) -> html.Section:
    answer = ask.ask("cohorts/payback")
    words = ask.words
    columns = [
        Column("First order", lambda row: words.month(row.cohort_month)),
        Column(
            "Customers",
            lambda row: link(words.count(row.n_cohort), _cohort_href(ask, row.cohort_month, None)),
            True,
        ),
        Column("Cost known for", lambda row: words.count(row.n_with_cost), True),
        Column("Cost per customer", lambda row: words.money(row.cost_per_customer), True, "Mean of the known ones"),
        Column("Margin per customer to date", lambda row: words.money(row.margin_per_customer), True),
        Column("Net per customer to date", lambda row: words.money_change(row.net_per_customer), True),
        Column("Paid back in", lambda row: _paid_back(row.payback_month_number), True),
    ]
    return card(
        "Payback",
        table(_newest_of(answer, ask, n_shown), columns, caption="Payback of the cohorts")
        if not answer.is_empty
        else empty(
            "No acquisition cost is known",
            ["Map a column ", html.Code("acquisition_cost"), " of the customer file to see it."],
        ),
        sub="First month whose cumulative margin per customer covers the cost of acquiring one",
        source=answer,
        span=12,
        is_flush=not answer.is_empty,
    )


def _paid_back(month: int | None) -> str:
    return "not yet" if month is None else "the first month" if month == 0 else f"month {month}"
