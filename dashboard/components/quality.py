"""Parts of Data quality: states of checks, raw lines as text, offending rows."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.components.marks import chip
from dashboard.format import Format
from dashboard.theme import Tone
from warehouse.typed import REASONS

STATUS: dict[str, tuple[str, Tone, str]] = {
    "pass": ("holds", "good", "check-lg"),
    "warning": ("warning", "warn", "exclamation-lg"),
    "fail": ("fails", "bad", "x-lg"),
}
"""Status of `data/checks` → word, tone, icon."""

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}


def status_chip(status: str) -> html.Span:
    """Whether a check holds."""
    return chip(*STATUS[status])


def balance_chip(n_unaccounted: int, words: Format) -> html.Span:
    """Whether the lines of a file add up."""
    if not n_unaccounted:
        return chip("adds up", "good", "check-lg")
    return chip(f"{words.count(n_unaccounted)} lines missing", "bad", "x-lg")


def raw_line(text: str | None) -> html.Code:
    """A line as it stood in its file: text and nothing else, whatever is in it."""
    return html.Code("" if text is None else text, className="raw-line", title=text)


def reason_words(reasons: str) -> str:
    """Codes of reasons in words: `bad_date;no_customer` is "bad date, no customer"."""
    return ", ".join(code.replace("_", " ") for code in reasons.split(";"))


def reason_meaning(code: str) -> str:
    """What a reason means, in a sentence."""
    return REASONS.get(code, reason_words(code))


def read_as(encoding: str | None, delimiter: str | None) -> str:
    """The form of a file in words: its encoding, and what stands between the fields where it has such a sign."""
    return ", ".join(filter(None, (encoding, DELIMITERS.get(delimiter or "", delimiter))))


def how_read(mapping: str | None, notes: str | None) -> html.Details | None:
    """What was taken for what in a file, and what had to be decided, behind a word that opens them."""
    lines = [html.Div(line) for said in (mapping, notes) for line in (said or "").splitlines()]
    return html.Details([html.Summary("How it was read", className="text-link"), *lines]) if lines else None


def offending(sample: str | None) -> Any:
    """The first rows that break a check, behind a word that opens them."""
    if sample in (None, "", "[]"):
        return None
    return html.Details([html.Summary("Show rows", className="text-link"), html.Pre(sample, className="raw-rows")])
