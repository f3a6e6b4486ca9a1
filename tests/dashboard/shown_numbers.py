"""Which numbers a card shows, and whether the answer of its SQL has them.

A number counts as shown by the answer when one of the house's wordings of a value (`dashboard.format`) gives the very
same characters. A line of a table, a bar, a cell of a heat map must be covered by *one* row of an answer; a figure's
points must be values of the answer's columns.
"""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from dashboard.format import Format, is_missing

from .site_walk import Node

MARK = "-- next answer --"
TOKEN = re.compile(r"[+−-]?(?:US)?[£$€₹]?\d[\d.,]*(?:[%×]|[KMBTk](?![A-Za-z]))?")
LINES = ("rank", "row-line", "edges-line")
"""Classes of components that are one line each."""
SCALE = re.compile(
    r"\b(80|90|95) ?%|\b80 or 90 of 100|\bof (5|10|100)\b|\b(5|10|100) is (best|most)|\b[RFM] [1-5]\b|"
    r"\b(at most|[Tt]he latest|[Tt]he newest) \d+|\bnext \d+ days"
)
"""Numbers of the words around a number: an interval's promise, a scale's or list's end, a score's name, a horizon."""
UNSAID = {"kpi-label", "card-head", "chart", "visually-hidden"}
"""What is read apart, or not at all."""


def shell_answers(command: Sequence[str], statements: Sequence[str]) -> list[list[dict[str, Any]]]:
    """What the real `duckdb` shell answers when *statements* are pasted into it, one after the other."""
    text = "\n".join(f"{sql}\n.print '{MARK}'" for sql in statements)
    done = subprocess.run([*command, "-bail", "-json"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split(f"{MARK}\n")[:-1]
    assert len(answers) == len(statements), done.stdout[-2000:]
    return [json.loads(answer, strict=False) if answer.strip() not in ("", "[{]") else [] for answer in answers]


def typed(answer: list[dict[str, Any]], like: pd.DataFrame) -> pd.DataFrame:
    """The shell's *answer* with the types of *like*, which the page was drawn from."""
    frame = pd.DataFrame(answer, columns=list(like.columns))
    for name, kind in like.dtypes.items():
        if pd.api.types.is_datetime64_any_dtype(kind) or _is_dates(like[name]):
            frame[name] = pd.to_datetime(frame[name])
        elif pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
            frame[name] = frame[name].astype(float)
    return frame


def differences(shell: pd.DataFrame, page: pd.DataFrame) -> list[str]:
    """Where the shell's answer is not the page's."""
    if len(shell) != len(page):
        return [f"{len(shell)} rows in the shell, {len(page)} on the page"]
    found = []
    for name in page:
        left, right = shell[name], page[name]
        if pd.api.types.is_datetime64_any_dtype(left):
            same = (left == pd.to_datetime(right)) | (left.isna() & right.isna())
        elif pd.api.types.is_float_dtype(left):
            right = right.astype(float)
            same = np.isclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True)
        else:
            same = [_plain(one) == _plain(other) for one, other in zip(left, right, strict=True)]
        wrong = np.flatnonzero(~np.asarray(same, dtype=bool))
        if len(wrong):
            at = wrong[0]
            found.append(f"{name}, row {at}: {left.iloc[at]!r} in the shell, {page[name].iloc[at]!r} on the page")
    return found


def unexplained(card: Node, answers: Sequence[pd.DataFrame], words: Format, known: str = "") -> list[str]:
    """The numbers that *card* shows and that *answers* do not have.

    Args:
        card: as drawn.
        answers: of its statements.
        words: the shop's wording.
        known: statements and parameters; their numbers may stand in running text, such as the days of a window.
    """
    rows = [[_tokens_of(row, words) for row in frame.itertuples(index=False, name=None)] for frame in answers]
    lines = list(_lines(card))
    found = []
    for line in (line for line in lines if not _is_form(line)):
        shown = tokens(line.words(without=_is_apart))
        if shown and not any(shown <= row for frame in rows for row in frame):
            nearest = min((shown - row for frame in rows for row in frame), key=len, default=shown)
            found.append(f"no row of the answer has {sorted(nearest)} of the line {line.words()[:80]!r}")
    spoken = {token.lstrip("0") for token in tokens(known)} | tokens(known)
    counted = {token for n in [*map(len, answers), len(lines)] for token in tokens(words.count(n))}
    everything = frozenset().union(*itertools.chain.from_iterable(rows), spoken, counted)
    for text in _texts(card, lines):
        missing = tokens(text) - everything
        found += [f"no value of the answer is worded {token!r}, in {text[:80]!r}" for token in sorted(missing)]
    for figure in _figures(card):
        found += _strange_points(figure, answers)
    return found


def tokens(text: str) -> frozenset[str]:
    """The numbers in *text*, as they are written."""
    return frozenset(token.rstrip(".,") for token in TOKEN.findall(SCALE.sub(" ", text)))


def has_numbers(card: Node) -> bool:
    """Whether a card shows a number at all, in words or in a figure."""
    words = card.words(without=lambda node: bool(UNSAID & set(node.classes)) or _is_form(node))
    return bool(tokens(words)) or any(True for _ in _figures(card))


def _lines(card: Node) -> Iterator[Node]:
    """What must come from one row of an answer: value and change of a headline number, lines of lists, cells."""
    for node in card.walk():
        table = _table_of(node)
        if (
            {"kpi-row", *LINES} & set(node.classes)
            or node.kind == "Dd"
            or (node.kind == "Td" and {"heat", "bubbles"} & table)
            or (node.kind == "Tr" and "list" in table and any(up.kind == "Tbody" for up in node.up()))
        ):
            yield node


def _is_apart(node: Node) -> bool:
    return bool({"panel-sub", "visually-hidden"} & set(node.classes))


def _is_form(node: Node) -> bool:
    """A line that a reader fills in: what stands there is asked, not said."""
    return node.kind == "Tr" and any(one.kind in ("Input", "Select", "Textarea") for one in node.walk())


def _texts(card: Node, lines: Sequence[Node]) -> Iterator[str]:
    """What may come from anywhere in the answers: notes, sentences, the line under a card's title."""
    apart = {id(line) for line in lines}
    for node in card.find("card-sub"):
        yield node.words()
    yield card.words(
        without=lambda node: (
            id(node) in apart
            or bool(UNSAID & set(node.classes))
            or node.kind in ("Thead", "Th", "Dt", "Caption", "H3", "Summary", "Graph")
        )
    )


def _table_of(node: Node) -> set[str]:
    return next((set(up.classes) for up in node.up() if up.kind == "Table"), set())


def _tokens_of(row: tuple[Any, ...], words: Format) -> frozenset[str]:
    return frozenset().union(*(_worded(_hashable(value), words) for value in row))


@lru_cache(maxsize=500_000, typed=True)
def _worded(value: Any, words: Format) -> frozenset[str]:
    """The numbers in every wording of *value*."""
    if isinstance(value, (list, tuple)):
        return frozenset().union(*(_worded(_hashable(one), words) for one in value))
    if is_missing(value):
        return frozenset()
    if isinstance(value, (dt.date, pd.Timestamp)):
        said = [words.date(value), words.moment(value), words.month(value), str(value)]
        said += [words.date(value - dt.timedelta(days=1))]  # the last day of a period whose end is not in it
        return frozenset().union(*map(tokens, said))
    if isinstance(value, (str, bool)):
        return tokens(str(value)) | tokens(str(value).replace("_", " "))
    number = float(value)
    said = [words.share(number, digits) for digits in (None, 0, 1)] + [words.decimal(number, at) for at in range(4)]
    said += [words.money(number), words.money_exact(number), words.money_whole(number), words.money_change(number)]
    said += [
        f"+{words.count(number)}",
        words.count(number),
        words.count_compact(number),
        words.ratio(number),
        words.points(number),
    ]
    # A change is worded by an arrow, "up" or "down", and its size.
    said += [words.share(abs(number), digits) for digits in (None, 0, 1)]
    return frozenset().union(*map(tokens, said))


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return tuple(value) if isinstance(value, list) else value.item() if isinstance(value, np.generic) else value


def _figures(card: Node) -> Iterator[Mapping[str, Any]]:
    return (node.props["figure"] for node in card.walk() if node.kind == "Graph")


def _strange_points(figure: Mapping[str, Any], answers: Sequence[pd.DataFrame]) -> list[str]:
    """Lengths of bars and heights of points that no column of the answers has. Figures may hold half the bits."""
    values = [
        pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
        for frame in answers
        for name in frame
        if not pd.api.types.is_datetime64_any_dtype(frame[name])
    ]
    known = np.unique(np.concatenate([*values, np.zeros(1)]))
    known = known[np.isfinite(known)]
    found = []
    for at, trace in enumerate(figure["data"]):
        if _is_guide(trace):
            continue
        along = "x" if trace.get("orientation") == "h" else "y"
        # A scale that Plotly does not know places the points itself; the trace then says what they show.
        points = _numbers((trace.get("meta") or {}).get("shows") or trace.get(along))
        starts = _numbers(trace.get("base"))
        if starts:
            points = [*starts, *(start + length for start, length in zip(starts, points, strict=True))]
        if figure["layout"].get("yaxis", {}).get("type") == "log":
            # Such an axis has no zero: what is too small stands at its edge.
            points = [point for point in points if point > min(points)]
        strange = [point for point in points if not np.isclose(known, point, rtol=1e-6, atol=1e-9).any()]
        found += [f"trace {at} has the point {point!r}, which the answer does not have" for point in strange[:1]]
    return found


def _is_guide(trace: Mapping[str, Any]) -> bool:
    """A dotted line that says nothing when pointed at: where equal things would lie, or what was promised."""
    return trace.get("hoverinfo") == "skip" and (trace.get("line") or {}).get("dash") == "dot"


def _numbers(values: Any) -> list[float]:
    """The numbers of a figure's array, whichever way it was sent."""
    if isinstance(values, Mapping):
        values = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).tolist()
    kept = [value for value in values or [] if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return [float(value) for value in kept if np.isfinite(value)]


def _is_dates(column: pd.Series[Any]) -> bool:
    kept = column.dropna()
    return len(kept) > 0 and isinstance(kept.iloc[0], dt.date)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, np.ndarray)):
        return [_plain(one) for one in value]
    return None if is_missing(value) and not isinstance(value, str) else value
