"""The editor of the segment rules: a row of fields a rule, what is wrong in words, and what they would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from clv.segments import DIMENSIONS, MAX_DAYS, MAX_DESCRIPTION, MAX_NAME, SCORES, Problem, Rule
from dashboard.components.controls import labelled, link
from dashboard.components.marks import chip, icon, segment_chip
from dashboard.components.table import Column, table
from dashboard.customer_list import BOUNDS, PATH, search_of
from dashboard.data import Answer, Door
from warehouse.grid import Members, Wanted

FIELD, DO = "rule-field", "rule-do"
DRAFTED = "segments/drafted_customers"
DIMENSION_WORDS = {"r": "recency", "f": "frequency", "m": "money"}
HEADS = ("", "Segment", "Recency (R)", "Frequency (F)", "Money (M)", "First order within", "In words", "")
_OPTIONS = [{"label": str(score), "value": str(score)} for score in SCORES]


def rule_rows(rules: Sequence[Mapping[str, Any]]) -> html.Div:
    """The fields of *rules* (`clv.segments.FIELDS`, as text or numbers), in the order in which they are tried."""
    head = html.Tr([html.Th(name, scope="col") for name in HEADS])
    body = [_row(place, rule, len(rules)) for place, rule in enumerate(rules)]
    caption = html.Caption("Rules of the segments; the first that fits wins", className="visually-hidden")
    return html.Div(
        html.Table([caption, html.Thead(head), html.Tbody(body)], className="list rules"), className="scroll-x"
    )


def fields_of(rule: Rule) -> dict[str, Any]:
    """A rule as the values of its row's fields."""
    return {
        name: "" if value is None else str(value) if name.endswith(("_min", "_max")) else value
        for name, value in vars(rule).items()
    }


def problem_list(problems: Sequence[Problem]) -> html.Div:
    """What is wrong with the rules, or that nothing is."""
    if not problems:
        said = [icon("check2"), html.Span("Every combination of scores has a segment, and every rule is reached.")]
        return html.Div(said, className="rules-fine")
    return html.Div(
        html.Ul(
            [
                html.Li(
                    [
                        chip("Error", "bad", "x-lg") if one.is_error else chip("Note", "warn", "exclamation-triangle"),
                        html.Span(one.message[:1].upper() + one.message[1:]),
                    ]
                )
                for one in problems
            ]
        ),
        className="rules-problems",
    )


def change_table(ask: Door, answer: Answer) -> html.Div:
    """Customers and money of each segment, now and with the draft (`segments/preview`)."""
    words = ask.words
    horizon = ask.horizon_days

    def then(now: Any, draft: Any) -> html.Span:
        changed = words.money(now) != words.money(draft)
        arrow = [html.Span(f"{words.money(now)} → ", className="muted")] if changed else []
        return html.Span([*arrow, words.money(draft)])

    def name(row: Any) -> Any:
        is_gone = row.place is None
        return html.Span(
            [row.segment, " ", chip("goes away", "warn")] if is_gone else row.segment, className="rules-segment"
        )

    def now(row: Any) -> Any:
        if not row.n_customers_now:
            return words.count(0)
        return link(words.count(row.n_customers_now), ask.href("/customers", segment=row.segment))

    def draft(row: Any) -> Any:
        if not row.n_customers_draft:
            return words.count(0)
        return link(words.count(row.n_customers_draft), _drafted(ask, answer, row.place, row.segment))

    columns = [
        Column("Segment", name),
        Column("Customers now", now, True),
        Column("With these rules", draft, True),
        Column("Change", lambda row: _change(row.n_customers_change, words), True),
        Column("Revenue to date", lambda row: then(row.revenue_now, row.revenue_draft), True),
    ]
    if answer.frame["expected_revenue_draft"].notna().any():
        columns.append(
            Column(
                f"Expected revenue, next {horizon} days",
                lambda row: then(row.expected_revenue_now, row.expected_revenue_draft),
                True,
            )
        )
    return table(answer.frame, columns, caption="Segments now and with these rules")


def move_table(ask: Door, answer: Answer) -> html.Div:
    """From which segment to which customers would go (`segments/preview_moves`)."""
    words = ask.words

    def who(row: Any) -> Any:
        href = _drafted(ask, answer, row.place, row.segment_draft, row.segment_now)
        return link(words.count(row.n_customers), href)

    columns = [
        Column("From, to", lambda row: html.Span([segment_chip(row.segment_now), " → ", chip(row.segment_draft)])),
        Column("Customers", who, True),
        Column("Revenue to date", lambda row: words.money(row.revenue), True),
        Column("Expected revenue", lambda row: words.money(row.expected_revenue), True),
    ]
    return table(answer.frame, columns, caption="Customers who would change their segment")


def _drafted(ask: Door, answer: Answer, rule: int, segment: str, now: str | None = None) -> str:
    """The list of the customers whom a rule of the draft behind *answer* would hold.

    Names and words of rules are no part of who they are, so the address has their bounds alone: it stays short, and
    opens the same customers for whoever gets it.
    """
    bounds = {name: answer.params[name] for name in BOUNDS}
    given = {"rule": int(rule), "segment_draft": segment, "segment_now": now, **bounds}
    return f"{PATH}{search_of(Wanted(members=Members(DRAFTED, given)), ask.build)}"


def _row(place: int, rule: Mapping[str, Any], n_rules: int) -> html.Tr:
    what = f"of rule {place + 1}"
    name = dbc.Input(
        id=_id(place, "segment"),
        value=rule.get("segment", ""),
        maxLength=MAX_NAME,
        placeholder="Name",
    )
    days = dbc.Input(
        id=_id(place, "first_order_within_days"),
        type="number",
        min=1,
        max=MAX_DAYS,
        step=1,
        value=rule.get("first_order_within_days", ""),
        placeholder="any",
    )
    words = dbc.Input(
        id=_id(place, "description"),
        value=rule.get("description", ""),
        maxLength=MAX_DESCRIPTION,
    )
    moves = html.Div(
        [
            _button(place, "up", "arrow-up", f"Try rule {place + 1} earlier", place == 0),
            _button(place, "down", "arrow-down", f"Try rule {place + 1} later", place == n_rules - 1),
            _button(place, "remove", "trash", f"Remove rule {place + 1}", n_rules == 1),
        ],
        className="rules-do",
    )
    return html.Tr(
        [
            html.Td(str(place + 1), className="is-number muted"),
            html.Td(labelled(f"Name {what}", name), className="rules-name"),
            *(
                html.Td(_scores(place, dimension, rule, what), className="rules-score", **{"data-head": head})
                for dimension, head in zip(DIMENSIONS, HEADS[2:5], strict=True)
            ),
            html.Td(
                html.Span(
                    [labelled(f"Days since the first order, at most, {what}", days), "days"], className="rules-days"
                ),
                className="rules-age",
                **{"data-head": HEADS[5]},
            ),
            html.Td(labelled(f"Description {what}", words), className="rules-wide"),
            html.Td(moves, className="rules-moves"),
        ]
    )


def _scores(place: int, dimension: str, rule: Mapping[str, Any], what: str) -> html.Span:
    def end(side: str, words: str, default: int) -> html.Label:
        field = f"{dimension}_{side}"
        value = str(rule.get(field) or default)
        options = _OPTIONS if value in map(str, SCORES) else [*_OPTIONS, {"label": value, "value": value}]
        chosen = dbc.Select(id=_id(place, field), options=options, value=value, size="sm")
        return labelled(f"{words} {DIMENSION_WORDS[dimension]} score {what}", chosen)

    low, high = end("min", "Lowest", SCORES[0]), end("max", "Highest", SCORES[-1])
    return html.Span([low, html.Span("–", className="muted"), high], className="rules-scores")


def _button(place: int, do: str, icon_name: str, label: str, is_disabled: bool) -> html.Button:
    return html.Button(
        icon(icon_name),
        id={"type": DO, "place": place, "do": do},
        type="button",
        className="sql-button",
        title=label,
        disabled=is_disabled,
        **{"aria-label": label},
    )


def _id(place: int, field: str) -> dict[str, Any]:
    return {"type": FIELD, "place": place, "field": field}


def _change(value: int, words: Any) -> Any:
    if not value:
        return html.Span("–", className="muted")
    return html.B(f"+{words.count(value)}" if value > 0 else words.count(value))
