"""The smallest marks: icon, chip, dot, avatar."""

from __future__ import annotations

import zlib
from typing import Any

from dash import html

from dashboard import data
from dashboard.theme import OTHER_LOOK, Tone

N_AVATAR_COLOURS = 6


def icon(name: str, class_name: str = "") -> html.I:
    """A Bootstrap icon; silent for screen readers, so a word or a label must stand beside it."""
    return html.I(className=f"bi bi-{name} {class_name}".rstrip(), **{"aria-hidden": "true"})


def chip(text: str, tone: Tone = "mute", icon_name: str | None = None) -> html.Span:
    """A short word on a tinted ground: a segment, a state."""
    return html.Span([icon(icon_name), text] if icon_name else text, className=f"chip chip-{tone}")


def segment_chip(segment: str | None) -> Any:
    """A customer segment in its own tone."""
    return chip(segment, data.segment_looks().get(segment, OTHER_LOOK).tone) if segment else None


def segment_colour(segment: str) -> str:
    """The CSS variable of a customer segment's colour."""
    return data.segment_looks().get(segment, OTHER_LOOK).var


def dot(tone: Tone, label: str) -> html.Span:
    """A health dot; *label* is what it says to those who cannot see its colour."""
    return html.Span(className=f"dot dot-{tone}", role="img", title=label, **{"aria-label": label})


def avatar(name: str, key: str) -> html.Span:
    """Initials of *name*, or the end of *key* where that is all there is, on a colour that depends on *key* alone."""
    initials = key[-2:] if name == key else "".join(part[0] for part in name.split()[:2]).upper()
    colour = zlib.crc32(key.encode()) % N_AVATAR_COLOURS + 1
    return html.Span(initials, className=f"avatar avatar-{colour}", **{"aria-hidden": "true"})
