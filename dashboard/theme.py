"""The Python half of the design system: palette, Plotly template, shared graph settings.

The other half is `assets/10-tokens.css`. Figures carry no theme: axis text, grid and hover label are re-coloured in
`assets/40-charts.css` from the tokens, so that a change of theme needs no server. The colours given here are those
of the light theme; they are what a figure wears outside a browser, in the PDF.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

Tone = Literal["good", "bad", "warn", "info", "accent", "mute"]
"""What a mark's colour says."""

SERIES = ("#5B5BD6", "#0E9F8E", "#D08300", "#E0565E", "#2B8FE8", "#A352C9", "#5E9B33", "#808A9B")
"""Iris, teal, amber, coral, sky, violet, lime, slate: the same in both themes, always in this order."""

SERIES_VARS = tuple(f"var(--c{number})" for number in range(1, len(SERIES) + 1))
"""The same colours as CSS variables, for bars and swatches drawn in HTML."""

SEQUENTIAL = ((0.0, "#EEF0FE"), (0.25, "#C9CBFA"), (0.5, "#9698EE"), (0.75, "#6566DA"), (1.0, "#3F3CB0"))
DIVERGING = ((0.0, "#C22B25"), (0.5, "#F3F4F6"), (1.0, "#067A4F"))

INK = "#0F1728"
MUTED = "#667085"
HAIRLINE = "rgba(15,23,40,.07)"
AXIS_LINE = "rgba(15,23,40,.16)"
TIP = "#111827"
TIP_TEXT = "#F9FAFB"
FONT = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

GRAPH_CONFIG: dict[str, Any] = {
    "displayModeBar": False,
    "displaylogo": False,
    "responsive": True,
    "showTips": False,
    # Plotly 7 otherwise shows a button that uploads the figure to its maker.
    "showSendToCloud": False,
    "plotlyServerURL": "",
}
"""The one `config` of every `dcc.Graph`."""

_AXIS = {
    "automargin": True,
    "showline": False,
    "ticks": "",
    # Without it the lowest number of one axis and the first word of the other touch.
    "ticklabelstandoff": 5,
    "tickfont": {"size": 11, "color": MUTED},
    "title": {"font": {"size": 11, "color": MUTED}, "standoff": 8},
    "zeroline": False,
}

TEMPLATE = go.layout.Template(
    layout={
        "colorway": SERIES,
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 4, "r": 4, "t": 6, "b": 4},
        "title": {"text": ""},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverdistance": 40,
        "hoverlabel": {
            "bgcolor": TIP,
            "bordercolor": TIP,
            "font": {"family": FONT, "size": 12, "color": TIP_TEXT},
            "align": "left",
            "namelength": -1,
        },
        "xaxis": {
            **_AXIS,
            "showgrid": False,
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": AXIS_LINE,
            "spikesnap": "cursor",
        },
        "yaxis": {**_AXIS, "showgrid": True, "gridcolor": HAIRLINE, "gridwidth": 1, "nticks": 5},
        "colorscale": {"sequential": SEQUENTIAL, "diverging": DIVERGING},
        "coloraxis": {"showscale": False},
        "bargap": 0.35,
        "barcornerradius": 4,
        "uniformtext": {"minsize": 10, "mode": "hide"},
    },
    data={
        "scatter": [go.Scatter(line={"width": 2}, marker={"size": 6}, cliponaxis=False)],
        "bar": [go.Bar(marker={"line": {"width": 0}})],
    },
)


def figure() -> go.Figure:
    """An empty figure in the house's template; every chart starts from it."""
    return go.Figure(layout={"template": TEMPLATE})


def rgba(colour: str, alpha: float) -> str:
    """*colour*, given as #RRGGBB, with opacity *alpha* (0–1)."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def series(index: int) -> str:
    """The *index*-th colour of the palette as #RRGGBB; slate for all that come after the last."""
    return SERIES[min(index, len(SERIES) - 1)]


@dataclass(frozen=True)
class SegmentLook:
    """How one segment looks, on every page."""

    tone: Tone
    """Of its chip."""
    colour: int
    """Its place in the palette."""

    @property
    def var(self) -> str:
        """Its colour as a CSS variable."""
        return SERIES_VARS[self.colour]


SEGMENT_STANDINGS: Mapping[str, tuple[Tone, tuple[int, ...]]] = {
    "best": ("good", (1, 6)),
    "good": ("accent", (0, 5)),
    "recent": ("info", (6, 4)),
    "best, silent": ("warn", (2,)),
    "regular, silent": ("bad", (3,)),
    "silent": ("mute", (7,)),
    "gone": ("mute", (7,)),
    "mixed": ("mute", (7,)),
}
"""Standing of a segment, by the bounds of its rule and not by its name → tone, and colours for the first, second, …"""
OTHER_LOOK = SegmentLook("mute", len(SERIES) - 1)
"""Of customers without a rule."""


def segment_looks(standings: Iterable[tuple[str, str]]) -> dict[str, SegmentLook]:
    """The look of each segment, given (segment, standing) in the order of the rules."""
    looks: dict[str, SegmentLook] = {}
    seen: Counter[str] = Counter()
    for segment, standing in standings:
        tone, colours = SEGMENT_STANDINGS.get(standing, (OTHER_LOOK.tone, (OTHER_LOOK.colour,)))
        looks[segment] = SegmentLook(tone, colours[min(seen[standing], len(colours) - 1)])
        seen[standing] += 1
    return looks
