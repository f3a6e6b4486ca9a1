"""The pages of a report: A4, header and footer, a cursor, and words in Inter. What stands on them is `jobs.pdf.parts`.

Lengths are points (1/72 inch), measured from the top left corner. Nothing here reads a clock: dates are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from fpdf import FPDF

from dashboard import theme

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT = 45.0, WIDTH - 45.0
CONTENT = RIGHT - LEFT
TOP, BOTTOM = 88.0, HEIGHT - 52.0
"""Between header and footer."""
GAP = 12.0

INK, MUTED = theme.INK, theme.MUTED
TEXT_2 = "#475467"
BORDER = "#E6E8EC"
RULE = "#EEF0F3"
GROUND = "#F6F7F9"
ACCENT = "#5551E0"
TONES: Mapping[str, tuple[str, str]] = {
    "good": ("#067A4F", "#E9F8F1"),
    "bad": ("#C22B25", "#FDEEED"),
    "warn": ("#A15C07", "#FDF4E3"),
    "accent": (ACCENT, "#EEEEFD"),
    "mute": (TEXT_2, "#F1F3F6"),
}
"""Tone → words and ground, as in the light theme."""

Weight = Literal["regular", "medium", "semibold"]
Align = Literal["left", "right", "centre"]
Runs = Sequence[tuple[str, Weight]]
CAP_HEIGHT = 0.727
ELLIPSIS = "…"


@dataclass(frozen=True)
class Cover:
    """What stands around every page."""

    product: str
    shop: str
    title: str
    build: str
    """What the report is of, in words: the build's id and when it was made."""
    note: str
    """At the foot of every page."""
    made_at: datetime
    """When the build was made, UTC: the date of the document, so that the same build gives the same file."""


class Book:
    """A document that is being written, top to bottom.

    Args:
        cover: what stands around every page.
        fonts: weight → TTF.
        letters: what these can print.
        n_pages: how many pages there will be, for the footer; 0 while that is not known yet.
    """

    def __init__(self, cover: Cover, fonts: Mapping[str, Path], letters: frozenset[str], n_pages: int = 0) -> None:
        self.cover = cover
        self._n_pages = n_pages
        pdf = self.pdf = FPDF(unit="pt", format="A4")
        pdf.set_auto_page_break(False)
        pdf.c_margin = 0
        for weight, path in fonts.items():
            pdf.add_font(weight, fname=path)
        self._letters = letters
        pdf.set_title(f"{cover.title} · {cover.shop}")
        pdf.set_author(cover.shop)
        pdf.set_subject(cover.build)
        pdf.set_creator(cover.product)
        pdf.set_producer(cover.product)
        pdf.set_lang("en")
        pdf.set_creation_date(cover.made_at.replace(tzinfo=UTC))
        self.y = TOP
        self.markdown: list[str] = []
        """The same words for readers of text: a block an entry, written by `jobs.pdf.parts`."""
        self._places: dict[str, int] = {}
        self.add_page()

    @property
    def n_pages(self) -> int:
        """Pages so far."""
        return int(self.pdf.pages_count)

    @property
    def left(self) -> float:
        """Height that is left on this page."""
        return BOTTOM - self.y

    def bytes(self) -> bytes:
        """The finished document."""
        return bytes(self.pdf.output())

    def text_twin(self) -> str:
        """The document as Markdown."""
        head = f"{plain(self.cover.product)} · {plain(self.cover.shop)}  \n{plain(self.cover.build)}"
        return "\n\n".join([head, *self.markdown, plain(self.cover.note)]) + "\n"

    def add_page(self) -> None:
        """Begin a page with its header and footer."""
        self.pdf.add_page()
        self._header()
        self._footer()
        self.y = TOP

    def need(self, height: float) -> None:
        """Go to the next page unless *height* is left on this one."""
        if height > self.left and self.y > TOP:
            self.add_page()

    def bookmark(self, name: str, level: int = 0) -> None:
        """An entry of the document's outline, here."""
        self.pdf.set_xy(LEFT, max(0.0, self.y - 6))
        self.pdf.start_section(name, level=level)

    def place(self, name: str) -> int:
        """The link to the place called *name*, which may come later."""
        if name not in self._places:
            self._places[name] = self.pdf.add_link()
        return self._places[name]

    def here(self, name: str) -> None:
        """Links to *name* lead here."""
        self.pdf.set_link(self.place(name), y=max(0.0, self.y - 8), page=self.pdf.page_no())

    def printable(self, text: str) -> str:
        """*text* with a question mark for each letter that the font lacks; otherwise it would vanish."""
        if all(letter in self._letters for letter in text):
            return text
        return "".join(one if one in self._letters else "?" if one.isprintable() else " " for one in text)

    def width(self, text: str, size: float, weight: Weight = "regular") -> float:
        """How wide *text* will be."""
        self.pdf.set_font(weight, size=size)
        return float(self.pdf.get_string_width(text))

    def fitted(self, text: str, size: float, weight: Weight, width: float) -> str:
        """*text*, cut with an ellipsis where it is wider than *width*."""
        if self.width(text, size, weight) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle].rstrip() + ELLIPSIS, size, weight) <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + ELLIPSIS

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        weight: Weight = "regular",
        colour: str = INK,
        *,
        align: Align = "left",
        width: float | None = None,
        link: str | int | None = None,
    ) -> float:
        """A line of text whose capitals are centred on *y*; give its width.

        Args:
            x: where it begins, ends or is centred, by *align*.
            y: the middle of its capitals.
            text: the words.
            size: in points.
            weight: of the font.
            colour: as #RRGGBB.
            align: what *x* is.
            width: what it may take; more is cut with an ellipsis.
            link: an address, or a `place`.
        """
        text = self.printable(text)
        if width is not None:
            text = self.fitted(text, size, weight, width)
        taken = self.width(text, size, weight)
        start = x - taken if align == "right" else x - taken / 2 if align == "centre" else x
        self.pdf.set_text_color(colour)
        if text:
            self.pdf.text(start, y + size * CAP_HEIGHT / 2, text)
        if link is not None and text:
            self.pdf.link(start, y - size * 0.7, taken, size * 1.4, link)
        return taken

    def lines(
        self, runs: Runs | str, size: float, width: float, weight: Weight = "regular"
    ) -> list[list[tuple[str, Weight]]]:
        """*runs* broken into lines no wider than *width*; a word that is wider by itself is cut."""
        given: Runs = [(runs, weight)] if isinstance(runs, str) else runs
        pieces: Runs = [(self.printable(text), heavy) for text, heavy in given]
        broken: list[list[tuple[str, Weight]]] = [[]]
        used = 0.0
        for text, heavy in pieces:
            for word in text.replace("\n", " ").split(" "):
                if not word:
                    continue
                is_joined = used == 0 or word[0] in ".,;:)"
                space = "" if is_joined else " "
                wide = self.width(space + word, size, heavy)
                if used and used + wide > width:
                    broken.append([])
                    space, used = "", 0.0
                    wide = self.width(word, size, heavy)
                shown = self.fitted(word, size, heavy, width) if wide > width else word
                line = broken[-1]
                if line and line[-1][1] == heavy:
                    line[-1] = (line[-1][0] + space + shown, heavy)
                else:
                    line.append((space + shown, heavy))
                used += min(wide, width)
        return broken if broken[0] else []

    def paragraph(
        self,
        x: float,
        y: float,
        runs: Runs | str,
        size: float,
        width: float,
        *,
        colour: str = INK,
        leading: float = 1.5,
        weight: Weight = "regular",
    ) -> float:
        """Text of several lines whose upper edge is *y*; give its height."""
        height = size * leading
        broken = self.lines(runs, size, width, weight)
        for number, line in enumerate(broken):
            at = x
            for text, heavy in line:
                at += self.text(at, y + height * (number + 0.5), text, size, heavy, colour)
        return height * len(broken)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str | None = None,
        border: str | None = None,
        radius: float = 0.0,
    ) -> None:
        """A rectangle, filled, framed or both."""
        if fill:
            self.pdf.set_fill_color(fill)
        if border:
            self.pdf.set_draw_color(border)
            self.pdf.set_line_width(0.7)
        style = ("D" if border else "") + ("F" if fill else "")
        # Half of the shorter side, or more, is something else to fpdf2.
        radius = min(radius, width / 2 - 0.01, height / 2 - 0.01)
        self.pdf.rect(x, y, width, height, style=style, round_corners=radius > 0, corner_radius=radius)

    def rule(self, y: float, x: float = LEFT, to: float = RIGHT, colour: str = BORDER) -> None:
        """A hairline across."""
        self.pdf.set_draw_color(colour)
        self.pdf.set_line_width(0.6)
        self.pdf.line(x, y, to, y)

    def triangle(self, x: float, y: float, size: float, colour: str, *, is_up: bool) -> None:
        """An arrow head whose middle is (x, y)."""
        self.pdf.set_fill_color(colour)
        tip, base = (y - size / 2, y + size / 2) if is_up else (y + size / 2, y - size / 2)
        self.pdf.polygon([(x - size * 0.6, base), (x + size * 0.6, base), (x, tip)], style="F")

    def _header(self) -> None:
        self.box(LEFT, 40, 20, 20, fill=theme.series(0), radius=4.5)
        self.pdf.set_draw_color("#FFFFFF")
        self.pdf.set_line_width(1.3)
        pulse = ((3.5, 10.4), (6.6, 10.4), (8.6, 5), (11.6, 15.4), (13.6, 10.4), (16.5, 10.4))
        self.pdf.polyline([(LEFT + x, 40 + y) for x, y in pulse])
        self.text(LEFT + 26, 45.4, self.cover.product, 10.5, "semibold")
        told = self.text(RIGHT, 45.4, self.cover.build, 7.4, colour=MUTED, align="right")
        self.text(LEFT + 26, 56, self.cover.shop, 7.4, colour=MUTED, width=CONTENT - 26 - 8 - min(told, 90))
        self.rule(70)

    def _footer(self) -> None:
        y = HEIGHT - 34
        number = self.pdf.page_no()
        said = f"Page {number} of {self._n_pages}" if self._n_pages else f"Page {number}"
        taken = self.text(RIGHT, y, said, 7.4, colour=MUTED, align="right")
        self.text(LEFT, y, self.cover.note, 7.4, colour=MUTED, width=CONTENT - taken - 16)


def plain(text: str) -> str:
    """*text* as Markdown that means nothing but its letters: names come out of the data."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text.replace("\n", " "))
