"""Headline numbers: value, change against the period before, and the line that led there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dash import html

from dashboard.components.marks import icon
from dashboard.components.sql import sql_button
from dashboard.data import Answer
from dashboard.format import Format, Kind, is_missing

SPARK_WIDTH, SPARK_HEIGHT = 200, 38
FLAT = 0.0005
"""A change below half a tenth of a per cent is none."""
LONG_LABEL = 24
"""Letters of a label that fit in a fifth of the page."""


def kpis(*children: Any) -> html.Div:
    """A row of headline numbers."""
    return html.Div(list(children), className="kpis")


def kpi(
    label: str,
    value: Any,
    kind: Kind,
    words: Format,
    *,
    note: Any = "",
    previous: Any = None,
    change: float | None = None,
    is_share_change: bool = False,
    good_when_up: bool | None = True,
    points: Sequence[float] = (),
    colour: str = "var(--c1)",
    help_text: str = "",
    source: Answer | None = None,
) -> html.Section:
    """One headline number.

    Args:
        label: what it is, with the horizon when it is predicted.
        value: the number; missing is an en dash.
        kind: how `Format.words` says it.
        words: the shop's wording.
        note: the line below, words or a link, when no *previous* is known.
        previous: the value in the period before, said in the line below.
        change: relative change (0.03 is +3 %), or the difference of shares; None when there is nothing to compare with.
        is_share_change: *change* is a difference of shares, said in points.
        good_when_up: False where more is worse; None where it is neither.
        points: values of the sparkline, oldest first.
        colour: of the sparkline, a CSS colour.
        help_text: the definition, shown beside the label.
        source: the answer that the number comes from.
    """
    hint = _hint(label, help_text) if help_text else None

    def said(number: Any) -> str:
        # A change in tenths of a point needs its shares as exact: 71% after 71% and down 0.3 pts is a riddle.
        return words.share(number, 1) if is_share_change and kind == "share" else words.words(number, kind)

    return html.Section(
        [
            html.Div([html.H2(label, className="kpi-name"), hint, _tools(source, label)], className="kpi-label"),
            html.Div(
                [
                    html.Span(said(value), className="kpi-value"),
                    delta(change, words, is_share=is_share_change, good_when_up=good_when_up),
                ],
                className="kpi-row",
            ),
            html.Div(
                note if is_missing(previous) else f"{said(previous)} the period before",
                className="kpi-note",
            ),
            spark(points, colour),
        ],
        className="panel kpi kpi-wide" if len(label) > LONG_LABEL else "panel kpi",
    )


def delta(
    change: float | None, words: Format, *, is_share: bool = False, good_when_up: bool | None = True
) -> html.Span | None:
    """The change against the period before, coloured by whether it is good news; nothing when it is not known."""
    if change is None or is_missing(change):
        return None
    text = words.points(change) if is_share else words.share(abs(change), 0 if abs(change) >= 1 else 1)
    is_up = change > 0
    if abs(change) < FLAT:
        tone, name, said = "flat", "dash", "unchanged"
    else:
        tone = "flat" if good_when_up is None else "good" if is_up == good_when_up else "bad"
        name, said = ("arrow-up-right", f"up {text}") if is_up else ("arrow-down-right", f"down {text}")
    title = f"{said} against the period before"
    return html.Span(
        [icon(name), text, html.Span(f" {said}", className="visually-hidden")],
        className=f"delta delta-{tone}",
        title=title,
    )


def spark(points: Sequence[float], colour: str = "var(--c1)") -> html.Div | None:
    """A sparkline: an SVG used as a mask, so that CSS gives the colour and both themes come free."""
    values = [float(point) for point in points if not is_missing(point)]
    if len(values) < 2:
        return html.Div(className="spark spark-none")
    low, spread = min(values), (max(values) - min(values)) or 1.0
    steps = len(values) - 1
    line = " ".join(
        f"{at * SPARK_WIDTH / steps:.1f},{SPARK_HEIGHT - 4 - (value - low) / spread * (SPARK_HEIGHT - 8):.1f}"
        for at, value in enumerate(values)
    )
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' preserveAspectRatio='none' "
        f"viewBox='0 0 {SPARK_WIDTH} {SPARK_HEIGHT}'>"
        "<defs><linearGradient id='g' x1='0' y1='0' x2='0' y2='1'>"
        "<stop offset='0' stop-opacity='.26'/><stop offset='1' stop-opacity='0'/></linearGradient></defs>"
        f"<polygon points='0,{SPARK_HEIGHT} {line} {SPARK_WIDTH},{SPARK_HEIGHT}' fill='url(#g)'/>"
        f"<polyline points='{line}' fill='none' stroke='#000' stroke-width='1.75' vector-effect='non-scaling-stroke' "
        "stroke-linejoin='round' stroke-linecap='round'/></svg>"
    )
    image = f'url("data:image/svg+xml,{quote(svg)}")'
    style = {"maskImage": image, "WebkitMaskImage": image, "--spark": colour}
    return html.Div(className="spark", style=style, **{"aria-hidden": "true"})


def _hint(label: str, text: str) -> html.Button:
    """The definition, shown to a pointer, to the keyboard and to a thumb (assets/30-cards.css)."""
    said = {"aria-label": f"{label}: {text}", "data-tip": text}
    return html.Button(icon("info-circle"), type="button", className="kpi-help", **said)


def _tools(source: Answer | None, label: str) -> html.Div | None:
    return html.Div(sql_button(source, label), className="kpi-tools") if source else None
