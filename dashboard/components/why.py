"""Why a customer is worth what is expected, and why that is not what it was: in words and money that add up."""

from __future__ import annotations

from typing import Any

from dash import html

from clv.explain import BASELINE, TERMS, in_words
from dashboard.charts.explain import fact_words
from dashboard.components.bars import Bar, ranked
from dashboard.components.card import card, insight
from dashboard.components.controls import link
from dashboard.components.states import empty, not_trained
from dashboard.data import Answer, Door, day_of
from dashboard.format import Format, is_missing

CENT = 0.01
UP, DOWN, BASE, TOTAL = "var(--c2)", "var(--c4)", "var(--c8)", "var(--c1)"


def why_card(door: Door, who: Any) -> html.Section:
    """What each fact adds to the expected revenue of the primary horizon, from the baseline to the whole."""
    answer, rows = _reasons(door, who)
    words = door.words
    if not rows:
        nothing = (
            not_trained("Reasons")
            if who.expected_revenue is None
            else empty(
                "No reasons for this customer",
                "They are kept for the most valuable customers, and come with the next score.",
                link("What moves the forecasts of all", door.href("/model")),
            )
        )
        return card("Why", nothing, source=answer, span=6)
    total = rows[0].total
    largest = max(abs(total), *(abs(row.contribution) for row in rows)) or 1.0
    bars = [_bar(row, largest, words) for row in rows]
    whole = f"Expected revenue, next {words.days(who.horizon_days)}"
    bars.append(Bar(whole, words.money_exact(total), abs(total) / largest, TOTAL))
    return card(
        "Why",
        [html.P(_sentence(rows, words), className="customer-said"), ranked(bars)],
        sub="What each part adds, in money; together they are the expected revenue",
        source=answer,
        span=6,
    )


def why_line(door: Door, who: Any) -> html.Div | None:
    """The strongest reasons in one line, where reasons are kept."""
    answer, rows = _reasons(door, who)
    if not rows:
        return None
    words = door.words
    return insight(
        html.B(f"Why {words.money(rows[0].total)} in the next {words.days(who.horizon_days)}: "),
        *_sentence(rows, words, is_start=False),
        action=link("All reasons", door.customer_href(who.customer_id, part="why")),
        source=answer,
    )


def _reasons(door: Door, who: Any) -> tuple[Answer, list[Any]]:
    """What adds up to the expected revenue of the primary horizon; nothing where reasons are not kept."""
    answer = door.ask("customer/contributions", customer_id=who.customer_id)
    return answer, [row for row in answer.rows if row.horizon_days == who.horizon_days]


def _bar(row: Any, largest: float, words: Format) -> Bar:
    is_base = row.feature == BASELINE
    return Bar(
        words.label(in_words(row.feature)),
        words.money_exact(row.contribution) if is_base else _signed(row.contribution, words),
        abs(row.contribution) / largest,
        BASE if is_base else UP if row.contribution >= 0 else DOWN,
        note="" if is_missing(row.value) else fact_words(row.feature, row.value, words),
    )


def _sentence(rows: list[Any], words: Format, *, is_start: bool = True) -> list[Any]:
    """The strongest reason either way, in words; *is_start*: with a capital letter."""
    facts = [row for row in rows if row.feature not in TERMS and abs(row.contribution) >= CENT]
    raising = max((row for row in facts if row.contribution > 0), key=lambda row: row.contribution, default=None)
    lowering = min((row for row in facts if row.contribution < 0), key=lambda row: row.contribution, default=None)
    said: list[Any] = []
    for row, verb in ((raising, "raised most by "), (lowering, "lowered most by ")):
        if row is not None:
            value = "" if is_missing(row.value) else f" ({fact_words(row.feature, row.value, words)})"
            said += [
                "; " if said else "",
                verb.capitalize() if is_start and not said else verb,
                html.B(in_words(row.feature)),
                f"{value}: ",
                html.Span(_signed(row.contribution, words), className="unbroken"),
            ]
    if said:
        return [*said, "."]
    return ["The" if is_start else "the", " purchase model's own forecast; no fact moves it."]


def change_card(door: Door, who: Any) -> html.Section:
    """What the expected revenue was when last scored, what the customer and what the model changed, what it is."""
    answer = door.ask("customer/change", customer_id=who.customer_id, customer_bucket=who.bucket)
    words = door.words
    row = next((one for one in answer.rows if one.horizon_days == who.horizon_days), None)
    if row is None:
        return card(
            "Why it changed",
            empty("Nothing to compare with yet", "It appears when the customer has been scored a second time."),
            source=answer,
            span=6,
        )
    top = max(row.expected_before, row.expected_revenue, abs(row.data_effect), abs(row.model_effect)) or 1.0
    orders = "no order" if not row.n_orders_since else f"{words.count(row.n_orders_since)} orders"
    orders = "1 order" if row.n_orders_since == 1 else orders
    is_same = row.model_version == row.model_version_before
    bars = [
        Bar(
            f"Expected on {words.date(day_of(row.before_as_of))}",
            words.money_exact(row.expected_before),
            row.expected_before / top,
            BASE,
        ),
        Bar(
            "What the customer did since",
            _signed(row.data_effect, words),
            abs(row.data_effect) / top,
            UP if row.data_effect >= 0 else DOWN,
            note=f"{orders}, {words.money_exact(row.revenue_since)}",
        ),
        Bar(
            "What another model makes of it",
            _signed(row.model_effect, words),
            abs(row.model_effect) / top,
            UP if row.model_effect >= 0 else DOWN,
            note="the same model" if is_same else f"{row.model_version_before} → {row.model_version}",
        ),
        Bar(
            f"Expected on {words.date(day_of(row.present_as_of))}",
            words.money_exact(row.expected_revenue),
            row.expected_revenue / top,
            TOTAL,
        ),
    ]
    doubt = (
        None
        if row.is_split
        else html.P(
            "The model before is gone, so the two effects cannot be told apart: all of it stands with the customer.",
            className="customer-said",
        )
    )
    return card(
        "Why it changed",
        [ranked(bars), doubt],
        sub=f"Expected revenue, next {words.days(row.horizon_days)}; the two effects add up to the change, to the cent",
        source=answer,
        span=6,
    )


def _signed(amount: float, words: Format) -> str:
    """Money to the cent with its sign, so that a column of it can be added up."""
    return f"+{words.money_exact(amount)}" if amount > 0 else words.money_exact(amount)
