"""The executive summary on paper: the numbers of its page, by the same queries, in three pages.

The reader has no screen before them: the answer stands first, every number says what it is, and the end says how far
to trust it and what the words mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import plotly.graph_objects as go
from plotly.graph_objects import Figure as Chart

from clv.errors import ClvError
from dashboard import theme
from dashboard.charts.summary import equity_bridge, returning_share
from dashboard.data import BUILD_KEY, Answer, Door
from dashboard.format import MISSING, is_missing
from dashboard.model_card import card_of
from dashboard.summary_words import STEPS, advice, horizon, sign_words
from jobs.pdf import parts
from jobs.pdf.book import CONTENT, GAP, LEFT, Book, Runs
from jobs.pdf.parts import PAD, Bar, Cell, Column, Figure

BRIDGE, TREND = "bridge", "trend"
BRIDGE_HEIGHT, TREND_HEIGHT = 168.0, 190.0
NO_BREAK = "\u00a0"
N_MONTHS = 13
"""Months of the trend's table, where it stands in place of the chart."""
QUESTION = "How are our customers doing, and what should we do?"


def charts(ask: Door) -> Mapping[str, tuple[Chart, float, float]]:
    """Name → figure, width and height: what has to be drawn before the pages are written."""
    found: dict[str, tuple[go.Figure, float, float]] = {}
    bridge = ask.ask("summary/bridge")
    if not bridge.is_empty:
        found[BRIDGE] = (equity_bridge(bridge.frame, STEPS, ask.words), CONTENT - 2 * PAD, BRIDGE_HEIGHT)
    trend = ask.ask("summary/retention_trend")
    if not trend.is_empty:
        found[TREND] = (returning_share(trend.frame, ask.words), CONTENT - 2 * PAD, TREND_HEIGHT)
    return found


def write(book: Book, ask: Door, pictures: Mapping[str, bytes], missing_charts: str = "") -> None:
    """Write the report.

    Args:
        book: empty.
        ask: the door to the build that it is about.
        pictures: those of `charts` that could be drawn; a table stands in place of any other.
        missing_charts: why some could not.
    """
    words = ask.words
    since = f"Everything known before {words.date(ask.handle.as_of)}; revenue is net of returns"
    parts.title(book, "Executive summary", QUESTION, since)
    parts.answer(book, _answer(ask))
    parts.strip(book, _figures(book, ask))
    _recommendations(book, ask)
    is_told = not ask.ask("summary/bridge").is_empty
    if is_told:
        _bridge(book, ask, pictures.get(BRIDGE))
    _customers(book, ask)
    if not is_told:
        # That there is nothing to tell yet must not push the segments off the first page.
        _bridge(book, ask, None)
    _trend(book, ask, pictures.get(TREND))
    _at_risk(book, ask)
    _trust(book, ask)
    _data(book, ask)
    _definitions(book, ask)
    if missing_charts:
        parts.note(book, f"Tables stand in place of charts: {missing_charts}.", tone="warn")


def _answer(ask: Door) -> Runs:
    """How things stand and where to begin, in sentences that are computed."""
    row, words = ask.ask("summary/headline").row, ask.words
    if not row.n_customers:
        return [("Nobody has bought yet.", "semibold"), ("The numbers come with the first orders.", "regular")]
    said: list[tuple[str, Any]] = [
        (words.counted(row.n_customers, "customer"), "semibold"),
        ("brought", "regular"),
        (words.money(row.revenue_365d), "semibold"),
        ("in the last 365 days", "regular"),
    ]
    if (change := _change(row.revenue_365d, row.revenue_previous_365d)) is not None:
        less = "more" if change >= 0 else "less"
        said.append((f", {words.share(abs(change), 1)} {less} than in the 365 days before", "regular"))
    said.append((".", "regular"))
    if not is_missing(row.expected_revenue):
        said += [
            ("They are expected to bring", "regular"),
            (words.money(row.expected_revenue), "semibold"),
            (f"in the next {words.days(row.horizon_days)}", "regular"),
        ]
        if not is_missing(row.expected_revenue_lo):
            low, high = words.money(row.expected_revenue_lo), words.money(row.expected_revenue_hi)
            said.append((f"(80% interval {low} – {high})", "regular"))
        said.append((".", "regular"))
    signs = {sign.sign: sign for sign in ask.ask("summary/at_risk").rows}
    if (silent := signs.get("unlikely_to_buy")) is not None:
        said += [
            (f"{words.count(silent.n_customers)} of them, who brought", "regular"),
            (words.money(silent.revenue_365d), "semibold"),
            (f"of it, {'is' if silent.n_customers == 1 else 'are'} unlikely to buy again within that time.", "regular"),
        ]
    found = ask.ask("summary/recommendations")
    if not found.is_empty:
        first = found.rows[0]
        said += [
            ("Where to begin:", "regular"),
            (advice(first.kind)[0].lower(), "semibold"),
            (f"({words.label(first.subject)}), {words.money(first.money)} of {first.money_is}.", "regular"),
        ]
    return said


def _figures(book: Book, ask: Door) -> list[Figure]:
    row, words = ask.ask("summary/headline").row, ask.words
    terms = book.place("definitions")
    revenue = _change(row.revenue_365d, row.revenue_previous_365d)
    equity = _equity_change(ask)
    interval = "not predicted yet"
    if not is_missing(row.expected_revenue_lo):
        interval = (
            f"80%: {words.money(row.expected_revenue_lo)}{NO_BREAK}–{NO_BREAK}{words.money(row.expected_revenue_hi)}"
        )
    elif not is_missing(row.expected_revenue):
        interval = "the interval comes with the next training"
    return [
        Figure("Customers", words.count(row.n_customers), notes=[f"{words.count(row.n_new_90d)} new in 90 days"]),
        _changed(
            ask, Figure("Revenue, 365 days", words.money(row.revenue_365d), link=terms), revenue, "vs 365 days before"
        ),
        _changed(
            ask,
            Figure(
                "Customer equity",
                words.money(row.expected_revenue),
                notes=[
                    *([f"next {words.days(row.horizon_days)}"] if not is_missing(row.horizon_days) else []),
                    interval,
                ],
                link=terms,
            ),
            equity[0] if equity else None,
            equity[1] if equity else "",
        ),
        Figure(
            "Repeat customers",
            words.share(row.repeat_rate),
            notes=[f"{words.count(row.n_repeat_customers)} bought again"],
            link=terms,
        ),
        Figure("Bought in 90 days", words.count(row.n_active_90d), notes=["with a purchase"]),
    ]


def _changed(ask: Door, figure: Figure, change: float | None, before: str) -> Figure:
    """*figure* with its change against *before*."""
    if change is None:
        return figure
    return Figure(
        figure.label,
        figure.value,
        change=ask.words.share(abs(change), 1),
        against=before,
        is_up=change >= 0,
        is_good=change >= 0,
        notes=figure.notes,
        link=figure.link,
    )


def _change(now: float | None, before: float | None) -> float | None:
    if now is None or before is None or is_missing(now) or is_missing(before) or before <= 0:
        return None
    return float(now) / float(before) - 1


def _equity_change(ask: Door) -> tuple[float, str] | None:
    """By how much customer equity changed since it was last computed, and when that was."""
    bridge = ask.ask("summary/bridge")
    if bridge.is_empty:
        return None
    steps = {row.step: row for row in bridge.rows}
    change = _change(steps["closing"].money, steps["opening"].money)
    return None if change is None else (change, f"since {ask.words.day(steps['opening'].before_as_of)}")


def _recommendations(book: Book, ask: Door) -> None:
    found, words = ask.ask("summary/recommendations"), ask.words
    if found.is_empty:
        why = "Recommendations are computed from the segments and the predictions."
        parts.nothing(book, "What to do next", "Nothing stands out", why)
        return
    parts.heading(book, "What to do next", "Found in the data, the most money first", then=70)
    columns = [
        Column("What to do", lambda row: Cell(advice(row.kind)[0], advice(row.kind)[1], is_strong=True), 0.35),
        Column("Who", lambda row: Cell(words.label(row.subject), link=_app(ask, row.link)), 0.24),
        Column("Customers", lambda row: words.count(row.n_customers), 0.1, True),
        Column("Money", lambda row: Cell(words.money(row.money), row.money_is, is_strong=True), 0.31, True),
    ]
    parts.table(book, columns, found.rows)


def _bridge(book: Book, ask: Door, png: bytes | None) -> None:
    name, bridge, words = "Why customer equity changed", ask.ask("summary/bridge"), ask.words
    if bridge.is_empty:
        if is_missing(ask.ask("summary/headline").row.expected_revenue):
            why = "Predictions come with the first training, which needs history that is at least two horizons long."
            parts.nothing(book, name, "Not trained yet", why)
        else:
            why = "It appears when the customers have been scored a second time."
            parts.nothing(book, name, "Nothing to compare with yet", why)
        return
    row = bridge.row
    span = f"{words.date(row.before_as_of)} to {words.date(row.present_as_of)}"
    sub = f"{span}, next {words.days(row.horizon_days)}; adds up to the cent"
    if png is not None:
        says = "; ".join(f"{STEPS[step.step]} {words.money(step.money)}" for step in bridge.rows)
        parts.picture(book, name, sub, png, BRIDGE_HEIGHT, says=says)
        _exact(book, ask, bridge)
        return
    parts.heading(book, name, sub, then=70)
    columns = [
        Column("Step", lambda step: STEPS[step.step], 0.4),
        Column("Customers", lambda step: words.count(step.n_customers), 0.3, True),
        Column("Money", lambda step: words.money_exact(step.money), 0.3, True),
    ]
    parts.table(book, columns, bridge.rows)


def _exact(book: Book, ask: Door, bridge: Answer) -> None:
    """The bridge's steps to the cent, below its chart: a reader may add them up."""
    words = ask.words
    steps = [f"{STEPS[row.step]} {words.money_exact(row.money)}" for row in bridge.rows]
    text = f"{steps[0]} → " + ", ".join(steps[1:-1]) + f" → {steps[-1]}"
    book.need(24)
    book.y -= GAP / 2
    book.y += book.paragraph(LEFT + 2, book.y, text, 7, CONTENT - 4, colour=theme.MUTED) + GAP


def _customers(book: Book, ask: Door) -> None:
    """Segments and personas beside each other."""
    segments, personas, words = ask.ask("summary/segments"), ask.ask("summary/personas"), ask.words
    if segments.is_empty:
        parts.nothing(book, "Segments", "No customers yet", "Segments come with the first orders.")
        return
    is_predicted = bool(segments.frame["expected_revenue"].notna().any())
    column = "expected_revenue" if is_predicted else "revenue_365d"
    money_is = f"expected revenue, next {horizon(ask)}" if is_predicted else "revenue of the last 365 days"
    looks = theme.segment_looks((rule.segment, rule.standing) for rule in ask.ask("segments/rules").rows)
    bars = [
        Bar(
            row.segment,
            words.count(row.n_customers),
            float(row.customer_share or 0.0),
            theme.series(looks.get(row.segment, theme.OTHER_LOOK).colour),
            words.share(row.customer_share),
            words.money(getattr(row, column)),
            _app(ask, f"/customers?{urlencode({'segment': row.segment})}"),
        )
        for row in segments.rows
    ]
    kept = personas.rows[:9]
    most = max((float(getattr(row, column) or 0.0) for row in kept), default=0.0)
    named = [
        Bar(
            words.label(str(row.persona).replace("_", " ")),
            words.money(getattr(row, column)),
            max(float(getattr(row, column) or 0.0), 0.0) / most if most > 0 else 0.0,
            theme.series(0),
            words.count(row.n_customers),
            link=_app(ask, f"/customers?{urlencode({_persona_column(row): row.persona})}"),
        )
        for row in kept
    ]
    inside = max(parts.rows_height(bars) + 15, parts.ranked_height(named))
    height = inside + parts.HEAD + 4 + PAD / 2
    gap = 10.0
    wide = CONTENT * 0.53 if named else CONTENT
    book.need(height)
    y = parts.card(book, LEFT, wide, height, "Segments", f"Customers, their share, and {money_is}")
    parts.stacked(book, LEFT + PAD, y + 1, wide - 2 * PAD, bars)
    heads = ("Segment", "Customers", "Share", money_is.capitalize())
    parts.rows(book, LEFT + PAD, y + 14, wide - 2 * PAD, bars, heads)
    if named:
        x = LEFT + wide + gap
        y = parts.card(book, x, CONTENT - wide - gap, height, "Personas", f"{money_is.capitalize()} · customers")
        parts.ranked(book, x + PAD, y, CONTENT - wide - gap - 2 * PAD, named, inside)
    book.y += height + GAP


def _persona_column(row: Any) -> str:
    """Of the grid: personas are given by the shop, or derived from how customers buy."""
    return "persona" if row.is_given else "behaviour_persona"


def _trend(book: Book, ask: Door, png: bytes | None) -> None:
    name, trend, words = "Who came back", ask.ask("summary/retention_trend"), ask.words
    sub = "Share of earlier customers with a purchase in the month; hollow: the month is not over"
    if trend.is_empty:
        parts.nothing(book, name, "Not two months yet", "It compares each month's buyers with all earlier customers.")
        return
    if png is not None:
        last = trend.rows[-1]
        says = f"In {words.month(last.activity_month)}: {words.share(last.returning_share, 1)}"
        parts.picture(book, name, sub, png, TREND_HEIGHT, says=says)
        return
    parts.heading(book, name, "Share of earlier customers with a purchase in the month, the latest first", then=70)
    columns = [
        Column("Month", lambda row: words.month(row.activity_month) + (", not over" if row.is_running else ""), 0.34),
        Column("Earlier customers", lambda row: words.count(row.n_earlier_customers), 0.22, True),
        Column("Bought again", lambda row: words.count(row.n_returning), 0.22, True),
        Column("Share", lambda row: words.share(row.returning_share, 1), 0.22, True),
    ]
    parts.table(book, columns, trend.rows[::-1][:N_MONTHS])


def _at_risk(book: Book, ask: Door) -> None:
    found, words = ask.ask("summary/at_risk"), ask.words
    if found.is_empty:
        parts.nothing(
            book, "Value at risk", "No warning sign", "No customer shows one of the signs that are looked for."
        )
        return
    parts.heading(book, "Value at risk", "Customers and money behind each sign; the signs overlap", then=70)

    def sign(row: Any) -> Cell:
        label, chosen = sign_words(row.sign, horizon(ask))
        return Cell(label, link=_app(ask, f"/customers?{urlencode(chosen)}") if chosen else None)

    columns = [
        Column("Warning sign", sign, 0.41),
        Column("Customers", lambda row: words.count(row.n_customers), 0.11, True),
        Column("Revenue to date", lambda row: words.money(row.revenue), 0.14, True),
        Column("Last 365 days", lambda row: words.money(row.revenue_365d), 0.14, True),
        Column(f"Expected, next {horizon(ask)}", lambda row: words.money(row.expected_revenue), 0.2, True),
    ]
    parts.table(book, columns, found.rows)


def _trust(book: Book, ask: Door) -> None:
    """How the predictions did on time that the model had not seen, and what its history allows."""
    name, headline, words = "How far to trust it", ask.ask("summary/headline").row, ask.words
    days = headline.horizon_days or ask.handle.parameters["primary_horizon_days"]
    row = ask.ask("model/verdict", horizon_days=int(days)).row
    if is_missing(headline.expected_revenue):
        parts.nothing(
            book, name, "No predictions yet", "What is expected, and how far to trust it, comes with a model."
        )
        return
    if is_missing(row.as_of):
        why = "No model has been judged on a window of this horizon that is over; see Model evaluation."
        parts.nothing(book, name, "Not judged yet", why)
        return
    judged = f"Forecast made on {words.date(row.as_of)} without what came after, beside the {words.days(days)} since"
    entries = [
        ("Total was off by", _signed(ask, row.total_bias), _beside(ask, row, "total_bias", _signed)),
        ("80% intervals held", words.share(row.coverage_80), "of the customers' outcomes; 80% is what they promise"),
        (
            "Ranking, Gini",
            words.decimal(row.gini),
            _beside(ask, row, "gini", lambda ask, value: ask.words.decimal(value)),
        ),
        ("Best tenth brought", words.share(row.top_decile_capture), "of all revenue, of those it had ranked highest"),
        ("Judged on", f"{words.counted(row.n_customers, 'customer')}", _version(row, headline.model_version)),
    ]
    known = [entry for entry in entries if entry[1] != MISSING]
    history = " ".join(_sufficiency(ask, headline.model_version))
    below = parts.facts_height(book, known) + (parts.note_height(book, history) if history else 0.0)
    parts.heading(book, name, judged, then=below)
    parts.facts(book, known)
    if history:
        book.y -= GAP / 2
        parts.note(book, history)


def _version(row: Any, scoring: Any) -> str:
    """Which version was judged; whose challenger it is, when another one made the forecasts."""
    said = f"model {row.model_version}"
    return said if row.model_version == scoring else f"{said}, a challenger of {scoring}, which scored"


def _signed(ask: Door, value: Any) -> str:
    return ("+" if not is_missing(value) and value > 0 else "") + ask.words.share(value, 1)


def _beside(ask: Door, row: Any, metric: str, say: Any) -> str:
    low, high, alone = (getattr(row, name) for name in (f"{metric}_lo", f"{metric}_hi", f"baseline_{metric}"))
    said = [] if is_missing(low) else [f"95% interval {say(ask, low)} to {say(ask, high)}"]
    said += [] if is_missing(alone) else [f"the purchase model alone: {say(ask, alone)}"]
    return "; ".join(said)


def _sufficiency(ask: Door, version: Any) -> list[str]:
    try:
        card = card_of(ask.settings, str(version))
    except ClvError:
        return []
    said = [f"{one.rstrip('.')}." for one in (card or {}).get("sufficiency", [])]
    return [one.replace(" days", NO_BREAK + "days") for one in said]


def _data(book: Book, ask: Door) -> None:
    row, totals, words = ask.ask("data/headline").row, ask.ask("data/totals"), ask.words
    n_rows = (row.n_accepted or 0) + (row.n_quarantined or 0)
    checks = f"{words.count(row.n_checks)} checks, {words.count(row.n_failed)} failed"
    warned = f", {words.count(row.n_warnings)} with a warning" if row.n_warnings else ""
    sub = (
        f"{words.count(n_rows)} rows in = {words.count(row.n_accepted)} loaded + "
        f"{words.count(row.n_quarantined)} quarantined; {checks}{warned}"
    )
    parts.heading(book, "Can the data be trusted?", sub, then=50)
    if totals.is_empty:
        book.y += GAP
        return
    columns = [
        Column("Source", lambda one: words.label(str(one.source).replace("_", " ")), 0.24),
        Column("Rows in", lambda one: words.count(one.n_accepted + one.n_quarantined), 0.17, True),
        Column("Loaded", lambda one: words.count(one.n_accepted), 0.17, True),
        Column("Quarantined", lambda one: words.count(one.n_quarantined), 0.17, True),
        Column("Share", lambda one: words.share(one.quarantined_share), 0.09, True),
        Column("Amount quarantined", lambda one: words.money(one.amount_quarantined), 0.2, True),
    ]
    parts.table(book, columns, totals.rows)


def _definitions(book: Book, ask: Door) -> None:
    days = horizon(ask)
    parts.heading(book, "What the words mean", then=60)
    book.here("definitions")
    parts.small_print(
        book,
        [
            ("Revenue", "what customers paid, net of returns, up to and without the as-of date."),
            (
                "Customer equity",
                f"the sum of expected revenue over all customers for the next {days}: residual, undiscounted, net "
                "of returns. Its 80% interval is the spread of the model's errors in totals at past cut-offs.",
            ),
            (
                "Expected revenue",
                f"what a customer is expected to bring in the next {days}; never what they brought.",
            ),
            ("Repeat customers", "customers with two orders or more, as a share of all customers with a purchase."),
            (
                "Bridge",
                "realised: bought since, no longer expected; new customers: not there before; behaviour: what the days "
                "since have shown about who was there; model: what another model says of the same data.",
            ),
            (
                "Unlikely to buy",
                "a probability below 20% of an order in the horizon, of customers who bought within a year.",
            ),
            ("Gini", "how well customers are ranked by what they went on to spend: 1 is perfect, 0 is chance."),
        ],
    )
    book.y += GAP / 2


def _app(ask: Door, link: str) -> str:
    """*link* as an address of the app, looking at this build; reaches whoever sits where the app runs."""
    host, port = ask.settings.dashboard.host, ask.settings.dashboard.port
    parted = urlsplit(link)
    query = "&".join(filter(None, [parted.query, urlencode({BUILD_KEY: ask.handle.id})]))
    return f"http://{'127.0.0.1' if host in ('', '0.0.0.0') else host}:{port}{parted.path}?{query}"  # noqa: S104 compared, not bound
