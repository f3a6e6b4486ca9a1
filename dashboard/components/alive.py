"""What is said beside P(alive) where it tells nobody apart: a young shop has not seen customers leave yet."""

from __future__ import annotations

from dash import html

from dashboard.data import Answer, Door
from dashboard.format import is_missing

SURE_SHARE = 0.95
"""From so many customers on who are nearly sure to be there, P(alive) is no news."""


def is_telling(door: Door) -> bool:
    """Whether P(alive) tells customers apart; True as well while there is none."""
    return _is_telling(alive_answer(door))


def alive_answer(door: Door) -> Answer:
    """What `alive_note` is made of, for the card that shows it."""
    return door.ask("customers/alive")


def alive_note(door: Door) -> html.P | None:
    """One sentence for below a table with P(alive); None where the numbers speak for themselves."""
    answer = alive_answer(door)
    if _is_telling(answer):
        return None
    row, words = answer.row, door.words
    said = (
        f"P(alive) is {words.share(row.sure_from, 0)} or more for {words.share(row.sure_share, 0)} of the customers: "
        f"in {words.days(row.history_days)} of history hardly anybody can be seen to have left."
    )
    return html.P(said, className="chart-note table-note")


def _is_telling(answer: Answer) -> bool:
    return is_missing(answer.row.sure_share) or answer.row.sure_share < SURE_SHARE
