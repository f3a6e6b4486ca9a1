"""What stands on a report's pages: title, answer, headline numbers, charts, bars, tables, notes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.pdf.book import (
    ACCENT,
    BORDER,
    CONTENT,
    GAP,
    GROUND,
    INK,
    LEFT,
    MUTED,
    RULE,
    TEXT_2,
    TONES,
    Book,
    Runs,
    Weight,
    plain,
)

PAD = 11.0
RADIUS = 6.0
NOTE, CHIP = 9.2, 14.0
"""Height of a line below a headline number, and of its change."""
ROW = 14.6
"""Height of a line of `rows`."""
HEAD = 34.0
"""Height of a card's head."""


@dataclass(frozen=True)
class Figure:
    """One headline number."""

    label: str
    value: str
    change: str = ""
    """In words without its sign, such as 4.5 %."""
    against: str = ""
    """What the change is measured against."""
    is_up: bool = True
    is_good: bool = True
    notes: Sequence[str] = ()
    link: str | int | None = None
    """Where its label leads."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    sub: str = ""
    link: str | int | None = None
    is_strong: bool = False
    is_wrapped: bool = False
    """Whether *sub* is the rest of *text*."""


@dataclass(frozen=True)
class Column:
    """One column of a table: its head, what stands in it, and its share of the width."""

    head: str
    cell: Callable[[Any], Cell | str]
    share: float
    is_number: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar under its words."""

    label: str
    text: str
    share: float
    """Length, 0–1 of the longest."""
    colour: str
    note: str = ""
    more: str = ""
    """A third number, in `rows`."""
    link: str | int | None = None


def title(book: Book, text: str, question: str, sub: str) -> None:
    """The report's name, the question that it answers, and the line below."""
    book.markdown += [f"# {plain(text)}", f"**{plain(question)}** {plain(sub)}"]
    book.bookmark(text)
    book.text(LEFT, book.y + 8, text, 19, "semibold", width=CONTENT)
    book.text(LEFT, book.y + 28, question, 9.4, "medium", TEXT_2, width=CONTENT)
    book.text(LEFT, book.y + 42, sub, 8.4, colour=MUTED, width=CONTENT)
    book.y += 56


def answer(book: Book, runs: Runs) -> None:
    """The answer first: a paragraph on a tinted ground."""
    book.markdown.append(_marked(runs))
    broken = book.lines(runs, 9.6, CONTENT - 2 * PAD - 6)
    height = len(broken) * 9.6 * 1.5 + 2 * PAD - 4
    book.need(height)
    book.box(LEFT, book.y, CONTENT, height, fill=TONES["accent"][1], radius=RADIUS)
    book.box(LEFT, book.y + 6, 2.6, height - 12, fill=ACCENT, radius=1.3)
    book.paragraph(LEFT + PAD + 3, book.y + PAD - 2, runs, 9.6, CONTENT - 2 * PAD - 6)
    book.y += height + GAP


def strip(book: Book, figures: Sequence[Figure]) -> None:
    """Headline numbers beside each other, each in a card."""
    book.markdown.append("\n".join(f"- **{plain(one.label)}** {plain(one.value)}{_aside(one)}" for one in figures))
    gap = 8.0
    width = (CONTENT - gap * (len(figures) - 1)) / len(figures)
    inner = width - 16
    said = [_notes(book, one, inner) for one in figures]
    lines = max(len(notes) + (CHIP / NOTE if one.change else 0) for one, notes in zip(figures, said, strict=True))
    height = 46 + lines * NOTE
    book.need(height)
    for place, (one, notes) in enumerate(zip(figures, said, strict=True)):
        x = LEFT + place * (width + gap)
        book.box(x, book.y, width, height, border=BORDER, radius=RADIUS)
        book.text(x + 8, book.y + 12.5, one.label, 7.3, "medium", TEXT_2, width=inner, link=one.link)
        size = 15.0
        while size > 9 and book.width(one.value, size, "semibold") > inner:
            size -= 0.5
        book.text(x + 8, book.y + 28.5, one.value, size, "semibold", width=inner)
        y = book.y + 40
        if one.change:
            taken = _chip(book, x + 8, y, one)
            if _fits_beside(book, one, inner):
                book.text(x + 8 + taken + 4, y + 5.5, one.against, 6.6, colour=MUTED)
            y += CHIP
        for number, note in enumerate(notes):
            book.text(x + 8, y + (number + 0.5) * NOTE, note, 6.6, colour=MUTED)
    book.y += height + GAP


def _notes(book: Book, one: Figure, width: float) -> list[str]:
    """The lines below a number, without what stands beside its change."""
    notes = [*([one.against] if one.change and not _fits_beside(book, one, width) else []), *one.notes]
    return ["".join(text for text, _ in line) for note in notes for line in book.lines(note, 6.6, width)]


def _fits_beside(book: Book, one: Figure, width: float) -> bool:
    return book.width(one.change, 6.8, "medium") + 16 + 4 + book.width(one.against, 6.6) <= width


def _chip(book: Book, x: float, y: float, one: Figure) -> float:
    words, ground = TONES["good" if one.is_good else "bad"]
    width = book.width(one.change, 6.8, "medium") + 16
    book.box(x, y, width, 11, fill=ground, radius=5.5)
    book.triangle(x + 7, y + 5.5, 4.2, words, is_up=one.is_up)
    book.text(x + 11.5, y + 5.5, one.change, 6.8, "medium", words)
    return width


def heading(book: Book, text: str, sub: str = "", *, then: float = 60.0, level: int = 1) -> None:
    """The head of a part that has no card; *then* is what must fit below it on the same page."""
    book.markdown += [f"## {plain(text)}", *([plain(sub)] if sub else [])]
    height = 27.0 if sub else 17.0
    book.need(height + then)
    book.bookmark(text, level)
    book.text(LEFT, book.y + 6, text, 9.8, "semibold", width=CONTENT)
    if sub:
        book.text(LEFT, book.y + 18, sub, 7.4, colour=MUTED, width=CONTENT)
    book.y += height


def card(book: Book, x: float, width: float, height: float, name: str, sub: str = "", *, tag: str = "") -> float:
    """A framed card with its head, at the cursor; give where its content begins. The cursor stays."""
    book.markdown += [f"## {plain(name)}", *([plain(sub)] if sub else [])]
    book.bookmark(name, 1)
    book.box(x, book.y, width, height, border=BORDER, radius=RADIUS)
    taken = book.text(x + width - PAD, book.y + 15, tag, 7.4, colour=MUTED, align="right") if tag else 0.0
    inner = width - 2 * PAD
    book.text(x + PAD, book.y + 15, name, 9.8, "semibold", width=inner - taken - (8 if tag else 0))
    if sub:
        book.text(x + PAD, book.y + 27, sub, 7.4, colour=MUTED, width=inner)
    return book.y + (HEAD + 4 if sub else HEAD - 8)


def picture(book: Book, name: str, sub: str, png: bytes, height: float, *, says: str) -> None:
    """A chart in a card as wide as the page; *says* is read aloud."""
    whole = HEAD + 4 + height + PAD
    book.need(whole)
    y = card(book, LEFT, CONTENT, whole, name, sub)
    book.pdf.image(io.BytesIO(png), x=LEFT + PAD, y=y, w=CONTENT - 2 * PAD, h=height, alt_text=says)
    book.markdown.append(plain(says))
    book.y += whole + GAP


def nothing(book: Book, name: str, text: str, why: str) -> None:
    """A card that says why there is nothing in it."""
    broken = book.lines(why, 8, CONTENT - 2 * PAD)
    height = 46 + 12 * len(broken)
    book.need(height)
    card(book, LEFT, CONTENT, height, name)
    book.markdown.append(f"**{plain(text)}** {plain(why)}")
    book.text(LEFT + PAD, book.y + 31, text, 8.4, "medium", TEXT_2, width=CONTENT - 2 * PAD)
    book.paragraph(LEFT + PAD, book.y + 38, why, 8, CONTENT - 2 * PAD, colour=MUTED)
    book.y += height + GAP


def ranked_height(bars: Sequence[Bar]) -> float:
    """What `ranked` takes at least."""
    return 20.0 * len(bars) + 2


def ranked(book: Book, x: float, y: float, width: float, bars: Sequence[Bar], height: float = 0.0) -> None:
    """Bars below each other, each under its label and number, spread over *height*."""
    book.markdown.append("\n".join(f"- {plain(bar.label)}: {plain(bar.text)} · {plain(bar.note)}" for bar in bars))
    step = max(20.0, min(27.0, height / max(len(bars), 1)))
    for place, bar in enumerate(bars):
        at = y + step * place
        note = f"  ·  {bar.note}" if bar.note else ""
        taken = book.text(x + width, at + 5, bar.text + note, 8, colour=TEXT_2, align="right")
        book.text(x, at + 5, bar.label, 8, "medium", width=width - taken - 8, link=bar.link)
        book.box(x, at + 11.5, width, 3.6, fill="#F1F3F6", radius=1.8)
        if bar.share > 0:
            book.box(x, at + 11.5, max(3.6, width * min(bar.share, 1.0)), 3.6, fill=bar.colour, radius=1.8)


def stacked(book: Book, x: float, y: float, width: float, bars: Sequence[Bar]) -> None:
    """One bar cut into shares of a whole; its words stand in `rows`."""
    at = x
    for bar in bars:
        part = width * bar.share
        if part > 0.2:
            book.box(at, y, max(part - 1, 0.4), 6, fill=bar.colour)
        at += part


def rows(book: Book, x: float, y: float, width: float, bars: Sequence[Bar], heads: Sequence[str]) -> None:
    """Lines of swatch, label and three numbers, the legend of `stacked`; *heads* name them where there is no swatch."""
    book.markdown.append(_grid([[bar.label, bar.text, bar.note, bar.more] for bar in bars], heads, "lrrr"))
    money = max((book.width(bar.more, 8, "medium") for bar in bars), default=0.0)
    edge = x + width - (money + 14 if money else 0.0)
    for place, bar in enumerate(bars):
        at = y + ROW * place + ROW / 2
        book.box(x, at - 3.2, 6.4, 6.4, fill=bar.colour, radius=1.6)
        book.text(x + width, at, bar.more, 8, "medium", align="right")
        book.text(edge, at, bar.note, 8, colour=MUTED, align="right")
        taken = book.text(edge - 36, at, bar.text, 8, align="right")
        book.text(x + 11.5, at, bar.label, 8, width=edge - 36 - taken - 8 - x - 11.5, link=bar.link)


def rows_height(bars: Sequence[Bar]) -> float:
    """What `rows` takes."""
    return ROW * len(bars)


def table(
    book: Book, columns: Sequence[Column], rows_of: Sequence[Any], *, x: float = LEFT, width: float = CONTENT
) -> None:
    """A table at the cursor; its head comes again on the next page."""
    whole = sum(column.share for column in columns)
    widths = [width * column.share / whole for column in columns]
    texts = [
        [_wrapped(book, _cell(column.cell(row)), column, wide) for column, wide in zip(columns, widths, strict=True)]
        for row in rows_of
    ]
    heights = [26.5 if any(cell.sub for cell in row) else 17.4 for row in texts]
    said = [[_whole(cell) for cell in row] for row in texts]
    sides = "".join("r" if column.is_number else "l" for column in columns)
    book.markdown.append(_grid(said, [column.head for column in columns], sides))
    book.need(17 + (heights[0] if heights else 0))
    _table_head(book, columns, widths, x, width)
    for row, height in zip(texts, heights, strict=True):
        if height > book.left:
            book.add_page()
            _table_head(book, columns, widths, x, width)
        at = x
        for column, cell, wide in zip(columns, row, widths, strict=True):
            _table_cell(book, column, cell, at, wide, height)
            at += wide
        book.y += height
        book.rule(book.y, x, x + width, RULE)
    book.y += GAP


def table_height(n_rows: int, *, has_subs: bool = False) -> float:
    """What a table of so many rows takes."""
    return 17 + n_rows * (26.5 if has_subs else 17.4) + GAP


def _cell(shown: Cell | str) -> Cell:
    return shown if isinstance(shown, Cell) else Cell(shown)


def _wrapped(book: Book, cell: Cell, column: Column, width: float) -> Cell:
    """*cell* with what does not fit on a second line, where that one is free and it is words."""
    if cell.sub or column.is_number or book.width(cell.text, 8) <= width - 10:
        return cell
    first, *rest = book.lines(cell.text, 8, width - 10)
    return Cell(first[0][0], " ".join(line[0][0] for line in rest), cell.link, cell.is_strong, is_wrapped=True)


def _table_head(book: Book, columns: Sequence[Column], widths: Sequence[float], x: float, width: float) -> None:
    book.box(x, book.y, width, 17, fill=GROUND)
    at = x
    for column, wide in zip(columns, widths, strict=True):
        edge = at + wide - 6 if column.is_number else at + 6
        align = "right" if column.is_number else "left"
        book.text(edge, book.y + 8.5, column.head, 7.3, "medium", MUTED, align=align, width=wide - 8)  # type: ignore[arg-type]
        at += wide
    book.y += 17


def _table_cell(book: Book, column: Column, cell: Cell, x: float, width: float, height: float) -> None:
    edge = x + width - 6 if column.is_number else x + 6
    align: Any = "right" if column.is_number else "left"
    weight: Weight = "medium" if cell.is_strong else "regular"
    colour = ACCENT if cell.link is not None else INK
    middle = book.y + height / 2
    book.text(
        edge,
        middle - (4.6 if cell.sub else 0),
        cell.text,
        8,
        weight,
        colour,
        align=align,
        width=width - 10,
        link=cell.link,
    )
    if cell.sub:
        size, colour = (8.0, colour) if cell.is_wrapped else (7.0, MUTED)
        book.text(edge, middle + 5.4, cell.sub, size, colour=colour, align=align, width=width - 10)


def facts_height(book: Book, entries: Sequence[tuple[str, str, str]]) -> float:
    """What `facts` takes."""
    return sum(_fact_height(book, meaning) for _, _, meaning in entries) + GAP


def _fact_height(book: Book, meaning: str) -> float:
    return max(17.0, 11.7 * len(book.lines(meaning, 7.8, CONTENT - 206)) + 5)


def facts(book: Book, entries: Sequence[tuple[str, str, str]]) -> None:
    """What is known about something: a term, its value, and what that means."""
    book.markdown.append(
        "\n".join(f"- **{plain(term)}** {plain(value)}: {plain(meaning)}" for term, value, meaning in entries)
    )
    for term, value, meaning in entries:
        height = _fact_height(book, meaning)
        book.need(height)
        book.text(LEFT + 2, book.y + 8.5, term, 8, "medium", TEXT_2, width=112)
        book.text(LEFT + 118, book.y + 8.5, value, 8, "semibold", width=80)
        book.paragraph(LEFT + 204, book.y + 2.6, meaning, 7.8, CONTENT - 206, colour=TEXT_2)
        book.y += height
        book.rule(book.y, colour=RULE)
    book.y += GAP


def note_height(book: Book, text: Runs | str) -> float:
    """What `note` takes."""
    return 12 * len(book.lines(text, 8, CONTENT - 2 * PAD)) + 11 + GAP


def note(book: Book, text: Runs | str, *, tone: str = "mute") -> None:
    """A remark on a ground of its tone."""
    book.markdown.append(f"> {plain(text) if isinstance(text, str) else _marked(text)}")
    words, ground = TONES[tone]
    height = note_height(book, text) - GAP
    book.need(height)
    book.box(LEFT, book.y, CONTENT, height, fill=ground, radius=RADIUS)
    book.paragraph(LEFT + PAD, book.y + 5.5, text, 8, CONTENT - 2 * PAD, colour=words)
    book.y += height + GAP


def small_print(book: Book, entries: Sequence[tuple[str, str]]) -> None:
    """Definitions: a word and what it means."""
    book.markdown.append("\n".join(f"- **{plain(word)}:** {plain(meaning)}" for word, meaning in entries))
    for word, meaning in entries:
        runs: Runs = [(f"{word}:", "medium"), (meaning, "regular")]
        height = 10.4 * len(book.lines(runs, 7, CONTENT)) + 2
        book.need(height)
        book.paragraph(LEFT, book.y, runs, 7, CONTENT, colour=TEXT_2, leading=1.48)
        book.y += height


def _marked(runs: Runs) -> str:
    words = [f"**{plain(text)}**" if weight == "semibold" else plain(text) for text, weight in runs]
    return re.sub(r" ([.,;:])", r"\1", " ".join(words))


def _aside(one: Figure) -> str:
    change = f"{'▲' if one.is_up else '▼'} {one.change} {one.against}".rstrip() if one.change else ""
    said = "; ".join(filter(None, [change, *one.notes]))
    return f" ({plain(said)})" if said else ""


def _whole(cell: Cell) -> str:
    return f"{cell.text} {cell.sub}" if cell.is_wrapped else ": ".join(filter(None, [cell.text, cell.sub]))


def _grid(cells: Sequence[Sequence[str]], heads: Sequence[str], sides: str) -> str:
    rule = ["---:" if side == "r" else "---" for side in sides]
    lines = [[plain(head) for head in heads], rule, *([plain(text) for text in row] for row in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
