"""Segment rules: which R, F and M scores get which name, and what is wrong with a set of rules, in words.

| who asks                   | for what                                                        |
|----------------------------|-----------------------------------------------------------------|
| `warehouse.segment_rules`  | reading and writing a shop's table of rules                     |
| `dashboard` rules editor   | what to say while somebody types                                |

The rules of the house, and the matching itself, are SQL: `sql/features/segment_rules.sql`, `customer_rfm.sql`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCORES = (1, 2, 3, 4, 5)
DIMENSIONS = ("r", "f", "m")
FIELDS = ("segment", "r_min", "r_max", "f_min", "f_max", "m_min", "m_max", "first_order_within_days", "description")
RESERVED = ("Other", "No purchase")
"""Names that the tables give themselves: to customers without a rule, and to those who only ever returned."""
MAX_RULES = 40
MAX_NAME, MAX_DESCRIPTION = 60, 200
MAX_DAYS = 36_500
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
N_GAPS_SAID = 3

Cell = tuple[int, int, int]


@dataclass(frozen=True)
class Rule:
    """One rule: the first whose bounds hold a customer's scores names the segment."""

    segment: str
    r_min: int = 1
    r_max: int = 5
    f_min: int = 1
    f_max: int = 5
    m_min: int = 1
    m_max: int = 5
    first_order_within_days: int | None = None
    """Only for customers whose first order is at most so many days ago; None for all."""
    description: str = ""

    def fits(self, cell: Cell) -> bool:
        """Whether the scores of *cell* lie within the bounds."""
        return all(
            self.bounds(name)[0] <= score <= self.bounds(name)[1] for name, score in zip("rfm", cell, strict=True)
        )

    def bounds(self, dimension: str) -> tuple[int, int]:
        """Lowest and highest score of r, f or m."""
        return getattr(self, f"{dimension}_min"), getattr(self, f"{dimension}_max")


@dataclass(frozen=True)
class Problem:
    """Something about a set of rules that its author should know."""

    message: str
    place: int | None = None
    """Which rule, counted from 0; None for the set as a whole."""
    is_error: bool = True
    """Rules with an error are refused; the others are said and kept."""


def rules_of(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Rule], list[Problem]]:
    """The rules that *rows* of text or numbers describe, and all that is wrong with them, the gravest first.

    Args:
        rows: `FIELDS` of each rule, in the order in which they are tried; what is missing means "any".

    Returns:
        The rules that can be read, and the problems: unless there is an error, all rows are rules.
    """
    rules: list[Rule] = []
    found: list[Problem] = []
    rows = list(rows)
    for place, row in enumerate(rows):
        rule, wrong = _rule(row, place)
        found += wrong
        if rule is not None:
            rules.append(rule)
    if not rows:
        found.append(Problem("there is no rule; at least one is needed"))
    if len(rows) > MAX_RULES:
        found.append(Problem(f"there are {len(rows)} rules; at most {MAX_RULES} can be told apart"))
    found += _same_names(rows)
    if not any(one.is_error for one in found):
        found += _uncovered(rules)
        found += _never_reached(rules)
    return rules, sorted(found, key=lambda one: not one.is_error)


def segment_of(rules: Sequence[Rule], cell: Cell, age_days: int) -> str | None:
    """The segment of a customer with these scores whose first order was *age_days* ago; None when no rule fits."""
    for rule in rules:
        within = rule.first_order_within_days
        if rule.fits(cell) and (within is None or age_days <= within):
            return rule.segment
    return None


def cells() -> Iterator[Cell]:
    """All 125 combinations of scores, the lowest first."""
    return ((r, f, m) for r in SCORES for f in SCORES for m in SCORES)


def _rule(row: Mapping[str, Any], place: int) -> tuple[Rule | None, list[Problem]]:
    name = _text(row.get("segment"))
    what = f"rule {place + 1} (“{name}”)" if name else f"rule {place + 1}"
    wrong: list[str] = []
    if not name:
        wrong.append(f"{what} has no name")
    elif len(name) > MAX_NAME:
        wrong.append(f"{what}: a name has at most {MAX_NAME} characters")
    elif _CONTROL.search(name):
        wrong.append(f"{what}: a name is one line of visible characters")
    elif name.casefold() in [reserved.casefold() for reserved in RESERVED]:
        wrong.append(f"{what}: this name is kept for customers without a rule; choose another")
    scores: dict[str, int] = {}
    for dimension in DIMENSIONS:
        bounds = []
        for side, default in (("min", SCORES[0]), ("max", SCORES[-1])):
            field = f"{dimension}_{side}"
            value = _whole(row.get(field), default)
            if value is None or value not in SCORES:
                said = _text(row.get(field))
                wrong.append(f"{what}: {field} is {said!r}; scores are whole numbers from 1 to 5")
            else:
                scores[field] = value
                bounds.append(value)
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            wrong.append(
                f"{what}: {dimension.upper()} goes from {bounds[0]} to {bounds[1]}; the lower score comes first"
            )
    said = _text(row.get("first_order_within_days"))
    days = _whole(said, 0)
    if said and (days is None or not 1 <= days <= MAX_DAYS):
        wrong.append(f"{what}: first_order_within_days is {said!r}; it is empty, or days from 1 to {MAX_DAYS:,}")
    description = _text(row.get("description"))
    if len(description) > MAX_DESCRIPTION or _CONTROL.search(description):
        wrong.append(f"{what}: a description is one line of at most {MAX_DESCRIPTION} characters")
    if wrong:
        return None, [Problem(message, place) for message in wrong]
    return Rule(name, **scores, first_order_within_days=days or None, description=description), []


def _same_names(rows: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    names = [_text(row.get("segment")).casefold() for row in rows]
    seen = Counter[str]()
    for place, name in enumerate(names):
        if name and seen[name]:
            yield Problem(
                f"rule {place + 1}: the name “{_text(rows[place].get('segment'))}” is taken by rule "
                f"{names.index(name) + 1}; a segment has one rule",
                place,
            )
        seen[name] += 1


def _classes(rules: Sequence[Rule]) -> list[int | None]:
    """The ages of a first order that the rules tell apart, youngest first; None is older than all of them."""
    return [*sorted({rule.first_order_within_days for rule in rules if rule.first_order_within_days}), None]


def _first_that_fits(rules: Sequence[Rule], cell: Cell, within: int | None) -> int | None:
    for place, rule in enumerate(rules):
        limit = rule.first_order_within_days
        if rule.fits(cell) and (limit is None or (within is not None and within <= limit)):
            return place
    return None


def _uncovered(rules: Sequence[Rule]) -> Iterator[Problem]:
    """Scores that no rule names; for the customers whose first order is longest ago, when only they are left out."""
    classes = _classes(rules)
    left_out = {
        within: {cell for cell in cells() if _first_that_fits(rules, cell, within) is None} for within in classes
    }
    everybody = set.intersection(*left_out.values())
    older = f" when the first order is longer ago than {classes[-2]} days" if len(classes) > 1 else ""
    for said, gap in (("", everybody), (older, left_out[None] - everybody)):
        if gap:
            boxes = list(_boxes(gap))
            more = f", and {len(boxes) - N_GAPS_SAID} more" if len(boxes) > N_GAPS_SAID else ""
            yield Problem(
                f"{len(gap)} of the 125 combinations of scores have no segment{said}: "
                f"{'; '.join(map(_said_box, boxes[:N_GAPS_SAID]))}{more}. Widen a rule, or end with one for all others"
            )


def _never_reached(rules: Sequence[Rule]) -> Iterator[Problem]:
    reached = {_first_that_fits(rules, cell, within) for cell in cells() for within in _classes(rules)}
    for place, rule in enumerate(rules):
        if place not in reached:
            yield Problem(
                f"rule {place + 1} (“{rule.segment}”) is never reached: the rules before it take all of its customers",
                place,
                is_error=False,
            )


def _boxes(gap: set[Cell]) -> Iterator[tuple[Cell, Cell]]:
    """*gap* cut into boxes (lowest and highest scores), greedily from the lowest cell on."""
    left = set(gap)
    while left:
        low = min(left)
        high = list(low)
        for axis in (2, 1, 0):
            while high[axis] < SCORES[-1]:
                high[axis] += 1
                if not all(cell in left for cell in _inside(low, (high[0], high[1], high[2]))):
                    high[axis] -= 1
                    break
        box = (low, (high[0], high[1], high[2]))
        left -= set(_inside(*box))
        yield box


def _inside(low: Cell, high: Cell) -> Iterator[Cell]:
    spans = [range(a, b + 1) for a, b in zip(low, high, strict=True)]
    return ((r, f, m) for r in spans[0] for f in spans[1] for m in spans[2])


def _said_box(box: tuple[Cell, Cell]) -> str:
    return ", ".join(
        f"{name.upper()} {low}" if low == high else f"{name.upper()} {low}–{high}"
        for name, low, high in zip(DIMENSIONS, *box, strict=True)
    )


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()


def _whole(value: Any, default: int) -> int | None:
    """*value* as a whole number; *default* when it is empty, None when it is none."""
    text = _text(value)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 1e9 else None
