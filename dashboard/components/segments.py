"""Who the customers are, as tables of links: score matrices, bubbles, flows between segments, published edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from dashboard.components.heat import HeatCell, heat_table
from dashboard.components.marks import icon, segment_chip
from dashboard.components.table import share_bar
from dashboard.format import Format, Kind

SCORES = (1, 2, 3, 4, 5)
Href = Callable[[Any], str]
BUBBLE_LEAST_PX, BUBBLE_MORE_PX, DIGIT_PX = 6, 44, 7
"""Size of a circle (`assets/37-matrices.css`) and of a digit on it."""


@dataclass(frozen=True)
class Span:
    """The time whose orders F and M count, in words."""

    now: str
    then: str
    """As of a day in the past."""


def span_of(n_days: int, words: Format) -> Span:
    """The window of *n_days*, or all time where it is 0."""
    if not n_days:
        return Span("to date", "up to then")
    return Span(f"in the last {words.days(n_days)}", f"in the {words.days(n_days)} before")


def score_matrix(rows: Sequence[Any], measure: str, kind: Kind, words: Format, href: Href) -> html.Div:
    """R from 5 down to 1 against F from 1 to 5: customers and money in each cell, colour by *measure*.

    Args:
        rows: r, f, n_customers, customer_share, revenue, avg_m, expected_revenue.
        measure: the field that the colour shows.
        kind: how its values are worded.
        words: the shop's wording.
        href: where a cell leads, given its row.
    """
    found = {(row.r, row.f): row for row in rows}
    top = max([float(getattr(row, measure) or 0) for row in rows], default=0)

    def cell(r: int, f: int) -> HeatCell | None:
        row = found.get((r, f))
        if row is None:
            return None
        value = getattr(row, measure)
        customers = f"{words.count(row.n_customers)} customers"
        return HeatCell(
            words.count_compact(row.n_customers) if measure == "n_customers" else words.words(value, kind),
            _intensity(value, top),
            f"R {r}, F {f}: {customers} ({words.share(row.customer_share)}), revenue {words.money(row.revenue)}, "
            f"expected {words.money(row.expected_revenue)}, mean M {words.decimal(row.avg_m, 1)}",
            href(row),
            note=words.money(row.revenue) if measure == "n_customers" else customers,
        )

    return heat_table(
        [f"F {f}" for f in SCORES],
        [(f"R {r}", [cell(r, f) for f in SCORES]) for r in reversed(SCORES)],
        caption="Customers and money by recency and frequency score",
        is_tall=True,
    )


def bubbles(rows: Sequence[Any], words: Format, href: Href, span: str) -> html.Div:
    """F from 1 to 5 against M from 5 down to 1; a circle's area is customers, its colour mean recency score.

    Args:
        rows: f, m, n_customers, revenue, avg_frequency, avg_monetary, avg_r.
        words: the shop's wording.
        href: where a circle leads, given its row.
        span: the time that F and M count, such as "to date".
    """
    found = {(row.f, row.m): row for row in rows}
    top = max([row.n_customers for row in rows], default=1)

    def cell(f: int, m: int) -> html.Td:
        row = found.get((f, m))
        if row is None:
            return html.Td()
        says = (
            f"F {f}, M {m}: {words.count(row.n_customers)} customers, {words.decimal(row.avg_frequency, 1)} orders and "
            f"{words.money(row.avg_monetary)} each {span}, mean R {words.decimal(row.avg_r, 1)}"
        )
        size, count = (row.n_customers / top) ** 0.5, words.count_compact(row.n_customers)
        circle = html.Span(
            className="bubble-circle", style={"--size": f"{size:.3f}", "--v": f"{(row.avg_r - 1) * 25:.0f}"}
        )
        # A number that is wider than its circle stands beside it.
        is_inside = BUBBLE_LEAST_PX + size * BUBBLE_MORE_PX > DIGIT_PX * len(count) + 8
        name = "bubble" if is_inside else "bubble bubble-small"
        return html.Td(
            dcc.Link([circle, html.Span(count, className="bubble-count")], href=href(row), className=name, title=says)
        )

    head = html.Tr([html.Th("", scope="col"), *(html.Th(f"F {f}", scope="col") for f in SCORES)])
    body = [html.Tr([html.Th(f"M {m}", scope="row"), *(cell(f, m) for f in SCORES)]) for m in reversed(SCORES)]
    caption = html.Caption("Customers by frequency and monetary score", className="visually-hidden")
    return html.Div(
        html.Table([caption, html.Thead(head), html.Tbody(body)], className="bubbles"), className="scroll-x"
    )


def flows(rows: Sequence[Any], words: Format, href: Href, span_before: str) -> html.Div:
    """From which segment (down) to which (across) customers moved; who stayed is on the diagonal, without colour.

    Args:
        rows: segment_before, segment, place_before, place, n_customers, monetary_before, next_revenue, is_stayer.
        words: the shop's wording.
        href: where a cell leads, given its row.
        span_before: the time that their revenue of then counts, such as "up to then".
    """
    found = {(row.segment_before, row.segment): row for row in rows}
    before = sorted({(row.place_before, row.segment_before) for row in rows})
    after = sorted({(row.place, row.segment) for row in rows})
    top = max([row.n_customers for row in rows if not row.is_stayer], default=1)

    def cell(start: str, end: str) -> HeatCell | None:
        row = found.get((start, end))
        if row is None:
            return None
        customers = words.count(row.n_customers)
        says = f"{customers} customers stayed {end}" if row.is_stayer else f"{customers} went from {start} to {end}"
        return HeatCell(
            words.count_compact(row.n_customers),
            0.0 if row.is_stayer else _intensity(row.n_customers, top),
            f"{says}; revenue {span_before} {words.money(row.monetary_before)}, "
            f"since then {words.money(row.next_revenue)}",
            href(row),
            note=words.money(row.monetary_before),
        )

    return heat_table(
        [segment for _, segment in after],
        [(start, [cell(start, end) for _, end in after]) for _, start in before],
        caption="Customers and money by segment then and segment now",
        row_head="Then ↓ now →",
        is_wide=True,
        is_tall=True,
    )


def persona_matrix(
    rows: Sequence[Any], across: str, words: Format, href: Href, *, caption: str, row_head: str = "Persona"
) -> html.Div:
    """Personas (down) against something else (across).

    Args:
        rows: persona, *across*, place (of *across*), n_customers, revenue; perhaps persona_place.
        across: the field of the columns.
        words: the shop's wording.
        href: where a cell leads, given its row.
        caption: what is shown, for screen readers.
        row_head: what the labels are.
    """
    found = {(row.persona, getattr(row, across)): row for row in rows}
    columns = sorted({(row.place, getattr(row, across)) for row in rows})
    labels = sorted({(getattr(row, "persona_place", 0), row.persona) for row in rows})
    top = max([row.n_customers for row in rows], default=1)

    def cell(persona: str, column: str) -> HeatCell | None:
        row = found.get((persona, column))
        if row is None:
            return None
        return HeatCell(
            words.count_compact(row.n_customers),
            _intensity(row.n_customers, top),
            f"{words.label(persona)}, {column}: {words.count(row.n_customers)} customers, "
            f"revenue {words.money(row.revenue)}",
            href(row),
            note=words.money(row.revenue),
        )

    return heat_table(
        [column for _, column in columns],
        [(words.label(persona), [cell(persona, column) for _, column in columns]) for _, persona in labels],
        caption=caption,
        row_head=row_head,
        colour="var(--c2)",
        is_wide=True,
        is_tall=True,
    )


FEATURE_WORDS: dict[str, tuple[str, Kind]] = {
    "money": ("revenue each", "money"),
    "frequency": ("orders each", "decimal"),
    "regularity": ("regularity", "decimal"),
    "discount": ("with a discount", "share"),
    "breadth": ("outside their favourite category", "share"),
    "channel_mix": ("outside their main channel", "share"),
}
"""Feature of `segments/persona_features` → what it is, and how its values are worded."""


def distinction(rows: Sequence[Any], words: Format) -> html.Ul:
    """What sets a persona apart: its value and that of all customers, feature by feature.

    Args:
        rows: feature, value, shop_value, z; the most distinguishing first.
        words: the shop's wording.
    """

    def line(row: Any) -> html.Li:
        name, kind = FEATURE_WORDS[row.feature]
        sign = icon("arrow-up" if row.z > 0 else "arrow-down")
        return html.Li(
            [
                sign,
                html.B(words.words(row.value, kind)),
                f" {name}",
                html.Span(f"all: {words.words(row.shop_value, kind)}", className="muted"),
            ]
        )

    return html.Ul([line(row) for row in rows], className="distinction")


def stability_cell(row: Any, words: Format) -> Any:
    """How surely a persona is found again, with its interval."""
    said = f"{words.share(row.stability_lo, 0)} to {words.share(row.stability_hi, 0)}"
    return html.Div([share_bar(row.stability, words), html.Span(said, className="row-note")], className="stability")


EDGES: dict[str, tuple[str, str]] = {
    "r": ("Recency", "days since the last purchase"),
    "f": ("Frequency", "orders {span}"),
    "m": ("Monetary", "net revenue {span}"),
}
"""Dimension of `segments/edges` → its name and the unit of its values."""


def score_edges(rows: Sequence[Any], words: Format, href: Callable[[str, int], str], span: str) -> html.Div:
    """Which values get which score, the three dimensions beside each other.

    Args:
        rows: dimension, score, min_value, max_value, n_customers, revenue.
        words: the shop's wording.
        href: where a score leads, given dimension and score.
        span: the time that F and M count, such as "to date".
    """
    return html.Div(
        [
            html.Section(
                [
                    html.H3([name, html.Small(unit.format(span=span))], className="edges-head"),
                    *(
                        dcc.Link(
                            [
                                html.Span(f"{dimension.upper()} {row.score}", className="edges-score"),
                                html.Span(_range(dimension, row, words), className="edges-range"),
                                html.Span(f"{words.count(row.n_customers)} customers", className="row-note"),
                            ],
                            href=href(dimension, row.score),
                            className="edges-line",
                        )
                        for row in rows
                        if row.dimension == dimension
                    ),
                ]
            )
            for dimension, (name, unit) in EDGES.items()
        ],
        className="edges",
    )


def rule_cells(row: Any, dimension: str) -> str:
    """The scores that a rule of `segments/rules` asks for: 4–5, 1, any."""
    low, high = getattr(row, f"{dimension}_min"), getattr(row, f"{dimension}_max")
    if (low, high) == (SCORES[0], SCORES[-1]):
        return "any"
    return str(low) if low == high else f"{low}–{high}"


def flow_cell(row: Any) -> html.Span:
    """Segment then and segment now, with an arrow between."""
    return html.Span([segment_chip(row.segment_before), " → ", segment_chip(row.segment)])


def _range(dimension: str, row: Any, words: Format) -> str:
    say = words.money_exact if dimension == "m" else words.count
    low, high = say(row.min_value), say(row.max_value)
    return low if low == high else f"{low} – {high}"


def _intensity(value: Any, top: float) -> float:
    return 0.1 + 0.9 * max(0.0, float(value or 0)) / top if top > 0 else 0.1
