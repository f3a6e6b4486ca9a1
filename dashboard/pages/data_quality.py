"""Can I trust the data?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html, register_page

from dashboard import quarantine
from dashboard.charts.quality import weekly_volume
from dashboard.components import (
    Bar,
    Column,
    Mark,
    card,
    customer_cell,
    empty,
    graph,
    grid,
    head,
    icon,
    kpi,
    kpis,
    legend,
    link,
    page,
    ranked,
    region,
    table,
)
from dashboard.components.quality import (
    balance_chip,
    how_read,
    offending,
    raw_line,
    read_as,
    reason_meaning,
    reason_words,
    status_chip,
)
from dashboard.data import Door, day_of, door
from dashboard.format import MISSING

register_page(
    __name__,
    path="/data",
    name="Data quality",
    title="Data quality · Retain",
    group="Trust",
    order=110,
    icon="shield-check",
    question="Can I trust the data?",
)

N_SAMPLES = 20
N_LARGEST = 6
KINDS = {
    "purchase": "Purchases",
    "free": "Purchases for nothing",
    "return": "Returns and cancellations",
    "all": html.B("All that count"),
    "later": "Dated later than this build knows",
}
"""`kind` of `data/kinds` in words."""
ABSURD = "absurd_amount"
"""The reason whose amounts are in no sum."""


def layout(**query: str) -> html.Div:
    """The page for a URL's query."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    return [
        head(
            "Data quality",
            f"Can I trust the data? Everything that was read for this build, known up to "
            f"{ask.words.date(ask.handle.as_of)}",
            region(_download_all, ask),
        ),
        region(_headline, ask),
        grid(
            region(_balance, ask),
            region(_reasons, ask),
            region(_volume, ask),
            region(_kinds, ask),
            region(_largest, ask),
            region(_samples, ask, query),
            region(_files, ask),
            region(_file_reasons, ask),
            region(_freshness, ask),
            region(_checks, ask),
        ),
    ]


def _download_all(ask: Door) -> html.A | None:
    """The button, where there is something to download."""
    if not ask.ask("data/headline").row.n_quarantined:
        return None
    return _download(ask, "Download rows put aside", {}, is_primary=True)


def _download(ask: Door, text: str, chosen: Mapping[str, str | None], *, is_primary: bool = False) -> html.A:
    return html.A(
        [icon("download"), " ", text] if not is_primary else [icon("download"), text],
        href=quarantine.href(ask, **chosen),
        className="button button-primary" if is_primary else "text-link",
        download="",
    )


def _headline(ask: Door) -> html.Div:
    answer = ask.ask("data/headline")
    row, words = answer.row, ask.words
    return kpis(
        kpi(
            "Lines read",
            row.n_lines,
            "count",
            words,
            note=f"in {words.counted(row.n_files, 'file')}",
            help_text="Headers and blank lines included",
            source=answer,
        ),
        kpi(
            "Rows loaded",
            row.n_accepted,
            "count",
            words,
            note="all lines add up" if not row.n_unaccounted else f"{words.count(row.n_unaccounted)} lines are missing",
            help_text="Lines read = headers + blank + loaded + put aside",
            source=answer,
        ),
        kpi(
            "Rows put aside",
            row.n_quarantined,
            "count",
            words,
            note=f"{words.share(row.quarantined_share)} of the rows; {words.count(row.n_duplicates)} duplicates",
            help_text="Quarantined: kept with their text and their reasons, used nowhere",
            source=answer,
        ),
        kpi(
            "Money put aside",
            row.amount_quarantined,
            "money",
            words,
            note=f"without absurd amounts; {words.money(row.amount_accepted)} loaded",
            help_text="Net amount of transactions put aside, where one could be read; absurd amounts left out",
            source=answer,
        ),
        kpi(
            "Checks that fail",
            row.n_failed,
            "count",
            words,
            note=[
                link(f"of {words.count(row.n_checks)}", f"{ask.href('/data')}#checks"),
                f"; {words.counted(row.n_warnings, 'warning')}",
            ],
            help_text="Claims about the data that were tried on this build",
            source=answer,
        ),
    )


def _balance(ask: Door) -> html.Section:
    answer = ask.ask("data/totals")
    words = ask.words

    def aside(row: Any) -> Any:
        return link(words.count(row.n_quarantined), _here(ask, source=row.source)) if row.n_quarantined else "0"

    columns = [
        Column("Source", lambda row: _source(ask, row.source)),
        Column("Files", lambda row: words.count(row.n_files), True),
        Column("Lines read", lambda row: words.count(row.n_lines), True),
        Column("= headers", lambda row: words.count(row.n_header), True),
        Column("+ blank", lambda row: words.count(row.n_blank), True),
        Column("+ loaded", lambda row: words.count(row.n_accepted), True),
        Column("+ put aside", aside, True),
        Column("Balance", lambda row: balance_chip(row.n_unaccounted, words)),
        Column("Share put aside", lambda row: words.share(row.quarantined_share), True),
        Column("Money put aside", lambda row: _put_aside(ask, row), True, "Net, without absurd amounts"),
    ]
    return card(
        "Every line is accounted for",
        empty("No file has been read yet")
        if answer.is_empty
        else table(answer.frame, columns, caption="Sources", class_name="list-wraps"),
        sub="Lines of all files of a source: headers, blank, loaded, put aside",
        source=answer,
        span=12,
        is_flush=True,
    )


def _put_aside(ask: Door, row: Any) -> Any:
    """Money that could have been real; rows with absurd amounts beside it, not in it."""
    money = ask.words.money_exact(row.amount_quarantined)
    if not row.n_absurd:
        return money
    rows = f"{ask.words.counted(row.n_absurd, 'row')} with absurd amounts"
    return html.Div([money, html.Div(["and ", rows], className="panel-sub")])


def _reasons(ask: Door) -> html.Section:
    answer = ask.ask("data/reasons")
    words = ask.words
    top = answer.rows[0].n_rows if answer.rows else 1
    bars = [
        Bar(
            f"{words.label(reason_words(row.reason))}, {_source(ask, row.source)}",
            words.counted(row.n_rows, "row"),
            row.n_rows / top,
            "var(--c3)",
            _here(ask, source=row.source, reason=row.reason),
            words.money(row.absolute_amount)
            if row.n_with_amount
            else "in no sum"
            if row.reason == ABSURD
            else "no amount",
        )
        for row in answer.rows
    ]
    return card(
        "Why rows were put aside",
        ranked(bars) if bars else empty("No row was put aside", "All rows of all files could be used."),
        sub="Rows, and the money on them without its sign; a row with several reasons counts under each",
        source=answer,
        span=5,
    )


def _checks(ask: Door) -> html.Section:
    answer = ask.ask("data/checks")
    words = ask.words
    columns = [
        Column("", lambda row: status_chip(row.status)),
        Column("Claim", lambda row: html.Div([row.claim, html.Code(row.name)], className="claim")),
        Column("Rows that break it", lambda row: words.count(row.n_offending), True),
        Column("", lambda row: offending(row.sample)),
    ]
    return card(
        "Checks",
        empty("No checks were run") if answer.is_empty else table(answer.frame, columns, caption="Checks"),
        sub="Claims about the data, tried on this build; what fails stands first",
        source=answer,
        span=12,
        is_flush=True,
        id="checks",
    )


def _kinds(ask: Door) -> html.Section:
    answer = ask.ask("data/kinds")
    words = ask.words
    columns = [
        Column("Kind", lambda row: KINDS[row.kind]),
        Column("Rows", lambda row: words.count(row.n_lines), True),
        Column("Customers", lambda row: words.count(row.n_customers), True, "With such a row"),
        Column("Money", lambda row: words.money_exact(row.amount), True, "Net: returns are negative"),
        Column("From", lambda row: words.date(row.first_ts)),
        Column("To", lambda row: words.date(row.last_ts)),
    ]
    return card(
        "What was loaded",
        table(answer.frame, columns, caption="Kinds of rows", class_name="list-wraps")
        if any(row.n_lines for row in answer.rows)
        else empty("No transaction was loaded"),
        sub="Rows of transactions by what they are; all other pages count these and no others",
        source=answer,
        span=12,
        is_flush=True,
    )


def _largest(ask: Door) -> html.Section | None:
    answer = ask.ask("data/largest", max_rows=N_LARGEST)
    words = ask.words
    if answer.is_empty:
        return None
    columns = [
        Column("Customer", lambda row: customer_cell(row.customer_id, row.name, ask.customer_href(row.customer_id))),
        Column("When", lambda row: words.stamp(row.order_ts)),
        Column("Order", lambda row: row.order_id),
        Column("Product", lambda row: row.product or MISSING),
        Column("Quantity", lambda row: words.decimal(row.quantity, 0), True),
        Column("Amount", lambda row: words.money_exact(row.amount), True, "Net: returns are negative"),
    ]
    return card(
        "The largest amounts that were loaded",
        table(answer.frame, columns, caption="The largest amounts", class_name="list-wraps"),
        sub="Single rows, whichever way the money went: where a slip of the pen would show",
        source=answer,
        span=12,
        is_flush=True,
    )


def _samples(ask: Door, query: Mapping[str, str]) -> html.Section:
    chosen = {name: query.get(name) for name in quarantine.FILTERS}
    params = {param: chosen[name] for name, param in quarantine.FILTERS.items()}
    answer = ask.ask("data/samples", **params, max_rows=N_SAMPLES)
    words = ask.words
    columns = [
        Column("File", lambda row: row.file_name),
        Column("Line", lambda row: words.count(row.line_no), True),
        Column("Reasons", lambda row: words.label(reason_words(row.reasons))),
        Column("Amount", lambda row: words.money_exact(row.amount), True),
        Column("As it stood in the file", lambda row: raw_line(row.raw_text)),
    ]
    is_filtered = any(chosen.values())
    what = ", ".join(reason_words(value) for name, value in chosen.items() if value and name != "file")
    tools = [link("Show all", _here(ask))] if is_filtered else []
    if not answer.is_empty:
        tools.append(_download(ask, "Download these", chosen))
    return card(
        "Rows put aside",
        table(answer.frame, columns, caption="Rows put aside") if not answer.is_empty else empty("No such rows"),
        sub=f"{words.label(what) if what else 'Of one file' if is_filtered else 'All'}; "
        f"at most {words.count(N_SAMPLES)} are shown, the download has all",
        tools=tools,
        source=answer,
        span=12,
        is_flush=True,
        id="samples",
    )


def _files(ask: Door) -> html.Section:
    answer = ask.ask("data/files")
    words = ask.words

    def aside(row: Any) -> Any:
        return link(words.count(row.n_quarantined), _here(ask, file=row.file_id)) if row.n_quarantined else "0"

    columns = [
        Column("File", lambda row: [row.file_name, how_read(row.mapping, row.notes)]),
        Column("Source", lambda row: _source(ask, row.source)),
        Column("Read at", lambda row: words.moment(row.landed_at)),
        Column("Lines", lambda row: words.count(row.n_lines), True),
        Column("Loaded", lambda row: words.count(row.n_accepted), True),
        Column("Put aside", aside, True),
        Column("Duplicates", lambda row: words.count(row.n_duplicates), True, "Part of those put aside"),
        Column("Balance", lambda row: balance_chip(row.n_unaccounted, words)),
        Column("Money loaded", lambda row: words.money_exact(row.amount_accepted), True),
        Column("Money put aside", lambda row: _put_aside(ask, row), True, "Net, without absurd amounts"),
        Column("Read as", lambda row: read_as(row.encoding, row.delimiter)),
    ]
    return card(
        "Files",
        empty("No file has been read yet")
        if answer.is_empty
        else table(answer.frame, columns, caption="Files", class_name="list-wraps"),
        sub=["The account of each file, newest first; ", html.Code("clv files remove"), " takes one back"],
        source=answer,
        span=12,
        is_flush=True,
    )


def _file_reasons(ask: Door) -> html.Section | None:
    answer = ask.ask("data/file_reasons")
    words = ask.words
    if answer.is_empty:
        return None
    columns = [
        Column("File", lambda row: row.file_name),
        Column("Reason", lambda row: words.label(reason_words(row.reason))),
        Column("Meaning", lambda row: words.label(reason_meaning(row.reason))),
        Column(
            "Rows", lambda row: link(words.count(row.n_rows), _here(ask, file=row.file_id, reason=row.reason)), True
        ),
        Column("Money", lambda row: words.money_exact(row.amount), True, "Net, where an amount could be read"),
    ]
    return card(
        "Reasons by file",
        table(answer.frame, columns, caption="Reasons by file"),
        sub="A row with several reasons counts under each",
        source=answer,
        span=12,
        is_flush=True,
    )


def _freshness(ask: Door) -> html.Section:
    answer = ask.ask("data/freshness")
    words = ask.words
    columns = [
        Column("Source", lambda row: _source(ask, row.source)),
        Column("Newest row", lambda row: words.date(row.last_ts)),
        Column(
            "Before this build's date",
            lambda row: words.days(row.age_days),
            True,
            "The newest row; 1 is the day before",
        ),
        Column("Last read", lambda row: words.moment(row.last_landed_at)),
        Column("Old when read", lambda row: words.days(row.age_at_reading_days), True, "The newest row, on that day"),
    ]
    return card(
        "Freshness",
        empty("No file has been read yet")
        if answer.is_empty
        else table(answer.frame, columns, caption="Freshness", class_name="list-wraps"),
        sub="How new each source is: against the date of the build, and when it was last read",
        source=answer,
        span=12,
        is_flush=True,
    )


def _volume(ask: Door) -> html.Section:
    answer = ask.ask("data/volume")
    words = ask.words
    bars = [
        Mark(
            f"Week of {words.date(row.period_start)}: {words.counted(row.n_orders, 'order')}",
            ask.listed("overview/customers_in", from_date=day_of(row.period_start), to_date=day_of(row.period_end)),
        )
        for row in answer.rows
    ]
    figure = weekly_volume(answer.frame, words)
    return card(
        "Volume",
        graph(figure, "data-volume", label="Orders by week", height=240, links={0: bars})
        if not answer.is_empty
        else empty("No orders yet"),
        sub="Orders by week; unusual is less than half or more than twice the median of the eight weeks before. "
        "Choose a bar to see its customers",
        tools=legend(
            [("Orders", "var(--c1)", "box"), ("Unusual", "var(--c3)", "box"), ("Usual", "var(--text-3)", "dash")]
        ),
        source=answer,
        span=7,
    )


def _source(ask: Door, source: str) -> str:
    return ask.words.label(source.replace("_", " "))


def _here(ask: Door, **chosen: str) -> str:
    """This page with the rows put aside that were *chosen*."""
    return f"{ask.href('/data', **chosen)}#samples"
