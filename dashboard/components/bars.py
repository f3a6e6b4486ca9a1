"""Bars and lists drawn in HTML: sharper than a figure, free in both themes, and every one can be a link."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html


@dataclass(frozen=True)
class Bar:
    """One bar: its words, its length and where a click leads."""

    label: str
    text: str
    """The number in words, at the right."""
    share: float
    """Length, 0–1: of the longest for `ranked`, of the whole for `stacked`."""
    colour: str = "var(--c1)"
    href: str | None = None
    note: str = ""
    """Smaller words after the number, such as its share."""


def ranked(bars: Iterable[Bar]) -> html.Div:
    """Bars below each other, each under its label and number."""
    return html.Div([_linked(bar.href, _ranked_bar(bar), "rank") for bar in bars], className="ranked")


def stacked(bars: Iterable[Bar]) -> html.Div:
    """One bar cut into shares of a whole; the words stand in `rows` below it."""
    parts = [
        html.Div(style={"width": f"{bar.share * 100:.3f}%", "background": bar.colour}, title=f"{bar.label}: {bar.text}")
        for bar in bars
    ]
    return html.Div(parts, className="stack", **{"aria-hidden": "true"})


def rows(bars: Iterable[Bar]) -> html.Div:
    """Lines of swatch, label, number and note: the legend of `stacked`, and a list of its own."""
    return html.Div(
        [
            _linked(
                bar.href,
                [
                    html.Span(
                        [html.Span(className="swatch", style={"background": bar.colour}), bar.label],
                        className="row-label",
                    ),
                    html.Span(bar.text, className="row-value"),
                    html.Span(bar.note, className="row-note"),
                ],
                "row-line",
            )
            for bar in bars
        ],
        className="rows",
    )


def legend(entries: Sequence[tuple[str, str, str]]) -> html.Div:
    """A chart's legend in its card's head: (label, CSS colour, `line` | `dash` | `box` | `band` | `diamond`)."""
    return html.Div(
        [
            html.Span(
                [html.Span(className=f"key key-{kind}", style={"--key": colour}), label], className="legend-entry"
            )
            for label, colour, kind in entries
        ],
        className="legend",
    )


def _ranked_bar(bar: Bar) -> list[Any]:
    note = html.Span(bar.note, className="rank-note") if bar.note else None
    return [
        html.Div(
            [html.Span(bar.label, className="rank-label"), html.Span([bar.text, note], className="rank-text")],
            className="rank-head",
        ),
        html.Div(
            html.Div(style={"width": f"{max(0.0, bar.share) * 100:.2f}%", "background": bar.colour}),
            className="rank-track",
        ),
    ]


def _linked(href: str | None, children: list[Any], class_name: str) -> Any:
    if href is None:
        return html.Div(children, className=class_name)
    return dcc.Link(children, href=href, className=f"{class_name} is-link")
