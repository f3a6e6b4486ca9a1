"""Who are our customers?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html, register_page

from dashboard.components import (
    Bar,
    Column,
    card,
    chip,
    empty,
    grid,
    head,
    insight,
    link,
    not_trained,
    page,
    region,
    segment_chip,
    segment_colour,
    segmented,
    share_bar,
    stacked,
    table,
    tabs,
)
from dashboard.components.alive import alive_answer, alive_note
from dashboard.components.segments import (
    SCORES,
    Span,
    bubbles,
    distinction,
    flow_cell,
    flows,
    persona_matrix,
    rule_cells,
    score_edges,
    score_matrix,
    span_of,
    stability_cell,
)
from dashboard.data import Answer, Door, door, one_of
from dashboard.format import Kind, is_missing

register_page(
    __name__,
    path="/segments",
    name="Segments",
    title="Segments · Retain",
    group="Analyse",
    order=40,
    icon="pie-chart",
    question="Who are our customers?",
)

MEASURES: Mapping[str, tuple[str, str, Kind]] = {
    "customers": ("Customers", "n_customers", "count"),
    "revenue": ("Revenue", "revenue", "money"),
    "expected": ("Expected revenue", "expected_revenue", "money"),
}
"""Value of the URL's `show` → words, column of `segments/matrix`, wording."""
DEFAULT_MEASURE = "customers"
MOVED_QUERY = "segments/moved_customers"
N_MOVES = 10
MAX_UNUSED = 2
"""More scores that nobody has are not named: a shop of three customers has hardly any."""
N_FACTS = 3
"""Features that are said of each persona."""
PARTS = {
    "segments": "Segments",
    "movement": "Movement",
    "scores": "Scores and rules",
    "personas": "Personas",
}
DEFAULT_PART = "segments"


def layout(**query: str) -> html.Div:
    """The page for a URL's query."""
    return page(region(_content, query))


def _content(query: Mapping[str, str]) -> list[Any]:
    ask = door(query)
    part = one_of(query, "part", PARTS, DEFAULT_PART)
    return [
        head(
            "Segments",
            f"Who are our customers? All customers to date, scored against each other; known up to "
            f"{ask.words.date(ask.handle.as_of)}",
            link("Edit rules", ask.href("/segments/rules"), as_button=True, icon_name="pencil"),
        ),
        tabs(PARTS, part, default=DEFAULT_PART),
        region(_insight, ask) if part == DEFAULT_PART else None,
        grid(*_part(ask, part, query)),
    ]


def _part(ask: Door, part: str, query: Mapping[str, str]) -> list[Any]:
    """The cards of a part."""
    if part == "movement":
        return [region(_flows, ask), region(_moves, ask)]
    if part == "scores":
        return [region(_edges, ask), region(_rules, ask)]
    if part == "personas":
        return [
            region(_personas, ask),
            region(_persona_segments, ask),
            region(_given, ask),
            region(_cross, ask),
            region(_given_segments, ask),
        ]
    return [region(_segments, ask), region(_matrix, ask, query), region(_bubbles, ask)]


def _insight(ask: Door) -> html.Div | None:
    answer = ask.ask("segments/insight")
    if answer.is_empty:
        return None
    row, words = answer.row, ask.words
    said: list[Any] = [
        html.B(f"{row.segment} brought {words.share(row.revenue_share, 0)} of the revenue to date"),
        f" and are {words.share(row.customer_share, 0)} of the customers",
    ]
    if not is_missing(row.expected_share):
        said.append(
            f"; {words.share(row.expected_share, 0)} of the revenue expected in the next "
            f"{words.days(row.horizon_days)} is theirs"
        )
    if row.moved_to is None:
        return insight(*said, ".", source=answer)
    return insight(
        *said,
        f". Largest movement since {words.date(row.before_date)}: {words.counted(row.n_moved, 'customer')} from "
        f"{row.moved_from} to {row.moved_to}, with {words.money(row.monetary_before)} {_span(ask).then} and "
        f"{words.money(row.next_revenue)} since.",
        action=link("See the movement", ask.href("/segments", part="movement")),
        source=answer,
    )


def _span(ask: Door) -> Span:
    return span_of(ask.handle.parameters["rfm_window_days"], ask.words)


def _unused(rows: Sequence[Any], *dimensions: str) -> str:
    """Which scores nobody has, where they are few: "; nobody has F 2, as equal values share the lower score"."""
    missing = [
        f"{dimension.upper()} {score}"
        for dimension in dimensions
        for score in SCORES
        if score not in {getattr(row, dimension) for row in rows}
    ]
    if not missing or len(missing) > MAX_UNUSED:
        return ""
    return f". Nobody has {' or '.join(missing)}: equal values share the lower score"


def _segments(ask: Door) -> html.Section:
    answer = ask.ask("segments/summary")
    words = ask.words
    horizon = ask.horizon_days
    is_predicted = answer.frame["expected_revenue"].notna().any()

    def customers(row: Any) -> Any:
        return link(words.count(row.n_customers), ask.href("/customers", segment=row.segment))

    columns = [
        Column("Segment", lambda row: html.Span(segment_chip(row.segment), title=row.description)),
        Column("Customers", customers, True),
        Column("Share", lambda row: share_bar(row.customer_share, words), True, "Of all customers"),
        Column("Orders", lambda row: words.count(row.n_orders), True),
        Column("Revenue to date", lambda row: words.money(row.revenue), True, "Net of returns"),
        Column("Share of revenue", lambda row: share_bar(row.revenue_share, words), True),
    ]
    if is_predicted:
        columns += [
            Column(f"Expected revenue, next {horizon} days", lambda row: words.money(row.expected_revenue), True),
            Column("Per customer", lambda row: words.money(row.expected_per_customer), True, "Expected revenue, mean"),
            Column("P(alive)", lambda row: share_bar(row.avg_p_alive, words), True, "Mean chance to still be active"),
        ]
    bars = [
        Bar(row.segment, words.count(row.n_customers), row.customer_share, segment_colour(row.segment))
        for row in answer.rows
    ]
    body = [html.Div(stacked(bars), className="card-lead"), table(answer.frame, columns, caption="Segments")]
    if not is_predicted:
        body.append(not_trained(f"Expected revenue, next {horizon} days,"))
    doubt = alive_note(ask)
    body.append(doubt)
    return card(
        "Segments",
        empty("No customers yet") if answer.is_empty else body,
        sub="Customers, orders and net revenue to date, by segment; choose a number to see the customers",
        tools=link("What the names mean", ask.href("/segments", part="scores")),
        source=[answer, alive_answer(ask)] if doubt else answer,
        span=12,
        is_flush=True,
    )


def _matrix(ask: Door, query: Mapping[str, str]) -> html.Section:
    answer = ask.ask("segments/matrix")
    is_predicted = answer.frame["expected_revenue"].notna().any()
    options = {key: label for key, (label, _, _) in MEASURES.items() if key != "expected" or is_predicted}
    name = one_of(query, "show", options, DEFAULT_MEASURE)
    _, measure, kind = MEASURES[name]
    matrix = score_matrix(answer.rows, measure, kind, ask.words, lambda row: ask.href("/customers", r=row.r, f=row.f))
    picker = segmented(options, name, label="What the colour shows", key="show", default=DEFAULT_MEASURE)
    horizon = f"; expected over the next {ask.horizon_days} days" if name == "expected" else ""
    return card(
        "Recency and frequency",
        empty("Nobody has scores yet") if answer.is_empty else [html.Div(picker, className="card-controls"), matrix],
        sub=f"R 5 is most recent, F 5 most often; net revenue to date{horizon}{_unused(answer.rows, 'f')}",
        source=answer,
        span=6,
    )


def _bubbles(ask: Door) -> html.Section:
    answer = ask.ask("segments/bubble")
    return card(
        "Frequency and money",
        bubbles(answer.rows, ask.words, lambda row: ask.href("/customers", f=row.f, m=row.m), _span(ask).now)
        if not answer.is_empty
        else empty("Nobody has scores yet"),
        sub=f"Area: customers. Colour: the stronger, the more recent. F 5: most orders, M 5: most net revenue "
        f"{_span(ask).now}",
        source=answer,
        span=6,
    )


def _flows(ask: Door) -> html.Section:
    answer = ask.ask("segments/moves")
    since = None if answer.is_empty else ask.words.date(answer.row.before_date)
    return card(
        "Movement between segments",
        flows(answer.rows, ask.words, lambda row: _moved(ask, row), _span(ask).then)
        if not answer.is_empty
        else empty(
            "Nothing to compare with",
            f"The history does not reach {ask.words.days(ask.horizon_days)} back yet.",
        ),
        sub=f"Segment on {since} and now: customers, and their net revenue {_span(ask).then}. Grey: stayed"
        if since
        else "Segment one horizon ago and now",
        tools=link("Between two builds", ask.href("/compare")),
        source=answer,
        span=12,
    )


def _moves(ask: Door) -> html.Section | None:
    answer = ask.ask("segments/largest_moves", max_rows=N_MOVES)
    words = ask.words
    if answer.is_empty:
        return None
    horizon = ask.horizon_days
    columns = [
        Column("From, to", flow_cell),
        Column("Customers", lambda row: link(words.count(row.n_customers), _moved(ask, row)), True),
        Column(f"Revenue {_span(ask).then}", lambda row: words.money(row.monetary_before), True),
        Column("Revenue since then", lambda row: words.money(row.next_revenue), True),
        Column(f"Expected revenue, next {horizon} days", lambda row: words.money(row.expected_revenue), True),
    ]
    return card(
        "Where the money went",
        table(answer.frame, columns, caption="Largest movements"),
        sub=f"The {N_MOVES} movements whose customers had brought most net revenue {_span(ask).then}",
        source=answer,
        span=12,
        is_flush=True,
    )


def _moved(ask: Door, row: Any) -> str:
    """The list of exactly the customers that moved from one segment to another."""
    chosen = {"list.segment_before": row.segment_before, "list.segment": row.segment}
    return ask.href("/customers", list=MOVED_QUERY, **chosen)


def _edges(ask: Door) -> html.Section:
    answer = ask.ask("segments/edges")
    return card(
        "Which values get which score",
        score_edges(
            answer.rows,
            ask.words,
            lambda dimension, score: ask.href("/customers", **{dimension: score}),
            _span(ask).now,
        )
        if not answer.is_empty
        else empty("Nobody has scores yet"),
        sub="Each customer is compared with all others; equal values get equal scores, at the low end",
        source=answer,
        span=12,
    )


def _rules(ask: Door) -> html.Section:
    answer = ask.ask("segments/rules")
    words = ask.words
    columns = [
        Column("", lambda row: words.count(row.priority), True),
        Column("Segment", lambda row: segment_chip(row.segment)),
        Column("R", lambda row: rule_cells(row, "r"), True),
        Column("F", lambda row: rule_cells(row, "f"), True),
        Column("M", lambda row: rule_cells(row, "m"), True),
        Column("First order at most", lambda row: words.days(row.max_age_days), True, "This long ago"),
        Column("In words", lambda row: words.label(row.description)),
    ]
    return card(
        "What the names mean",
        table(answer.frame, columns, caption="Rules of the segments"),
        sub="The first rule that fits names the segment"
        + ("; your own rules" if answer.frame["is_own"].any() else "; the rules of the house"),
        tools=link("Edit rules", ask.href("/segments/rules")),
        source=answer,
        span=12,
        is_flush=True,
    )


def _personas(ask: Door) -> html.Section:
    answer = ask.ask("segments/behaviour_personas")
    facts = ask.ask("segments/persona_features", max_features=N_FACTS)
    words = ask.words
    horizon = ask.horizon_days
    of_persona: dict[str, list[Any]] = {}
    for row in facts.rows:
        of_persona.setdefault(row.persona_id, []).append(row)

    def customers(row: Any) -> Any:
        return link(words.count(row.n_customers), ask.href("/customers", behaviour_persona=row.persona))

    def name(row: Any) -> html.Span:
        return html.Span([html.B(row.persona), " ", chip("new", "info")] if row.is_new else html.B(row.persona))

    columns = [
        Column("Persona", name),
        Column("Customers", customers, True),
        Column("Share", lambda row: share_bar(row.customer_share, words), True, "Of all customers with a purchase"),
        Column("Revenue to date", lambda row: words.money(row.revenue), True, "Net of returns"),
        Column(f"Expected, {horizon} days", lambda row: words.money(row.expected_revenue), True, "Expected revenue"),
        Column("What sets them apart", lambda row: distinction(of_persona.get(row.persona_id, []), words)),
        Column(
            "Found again",
            lambda row: stability_cell(row, words),
            True,
            "Mean overlap with the nearest group when the customers are drawn again; 10th to 90th percentile",
        ),
    ]
    return card(
        "Personas",
        table(answer.frame, columns, caption="Personas by behaviour", class_name="list-personas list-wraps")
        if not answer.is_empty
        else empty(
            "No personas yet",
            ["They are derived from a hundred customers on, by the job ", html.Code("personas"), "."],
            link("Jobs", ask.href("/jobs")),
        ),
        sub=_persona_words(ask, answer),
        source=[answer, facts],
        span=12,
        is_flush=not answer.is_empty,
    )


def _persona_words(ask: Door, answer: Answer) -> str:
    if answer.is_empty:
        return "Derived from how customers buy; a name stays while its group is found where it was"
    words, of = ask.words, answer.row
    span = f"{words.decimal(of.agreement_lo)} to {words.decimal(of.agreement_hi)}; 1 is the same each time"
    return (
        f"{of.n_personas} groups by how customers buy, up to {words.date(of.as_of)}. Agreement when customers are "
        f"drawn again: {words.decimal(of.agreement)} ({span})"
    )


def _persona_segments(ask: Door) -> html.Section | None:
    return _persona_matrix(
        ask,
        "segments/behaviour_mix",
        ("behaviour_persona", "segment"),
        "Personas and segments",
        "How customers buy, against how recently, how often and for how much; with net revenue to date",
        caption="Customers and money by persona and segment",
    )


def _given(ask: Door) -> html.Section | None:
    answer = ask.ask("segments/personas")
    words = ask.words
    horizon = ask.horizon_days
    if answer.is_empty:
        return None

    def customers(row: Any) -> Any:
        return link(words.count(row.n_customers), ask.href("/customers", persona=row.persona))

    columns = [
        Column("Given persona", lambda row: words.label(row.persona)),
        Column("Customers", customers, True),
        Column("Share", lambda row: share_bar(row.customer_share, words), True, "Of all customers with a persona"),
        Column("Orders per customer", lambda row: words.decimal(row.orders_per_customer, 1), True),
        Column("Revenue to date", lambda row: words.money(row.revenue), True),
        Column("Revenue per customer", lambda row: words.money(row.revenue_per_customer), True),
        Column(f"Expected revenue, next {horizon} days", lambda row: words.money(row.expected_revenue), True),
        Column("P(alive)", lambda row: share_bar(row.avg_p_alive, words), True, "Mean chance to still be active"),
    ]
    return card(
        "Given personas",
        table(answer.frame, columns, caption="Given personas"),
        sub="As the shop gave them in its customer file; nothing is computed from them",
        source=answer,
        span=12,
        is_flush=True,
    )


def _given_segments(ask: Door) -> html.Section | None:
    return _persona_matrix(
        ask,
        "segments/persona_mix",
        ("persona", "segment"),
        "Given personas and segments",
        "Customers, and their net revenue to date",
        caption="Customers and money by given persona and segment",
    )


def _cross(ask: Door) -> html.Section | None:
    return _persona_matrix(
        ask,
        "segments/persona_cross",
        ("persona", "behaviour_persona"),
        "Given and derived personas",
        "What the shop says of its customers, against how they buy; with net revenue to date",
        caption="Customers and money by given and derived persona",
        row_head="Given ↓ derived →",
    )


def _persona_matrix(
    ask: Door, query: str, filters: tuple[str, str], title: str, sub: str, **more: Any
) -> html.Section | None:
    """Personas against something else; a cell leads to its customers by the two *filters*. None without personas."""
    answer = ask.ask(query)
    if answer.is_empty:
        return None
    by_persona, column = filters
    cells = persona_matrix(
        answer.rows,
        column,
        ask.words,
        lambda row: ask.href("/customers", **{by_persona: row.persona, column: getattr(row, column)}),
        **more,
    )
    return card(title, cells, sub=sub, source=answer, span=12)
