"""What stands at an address that no page has."""

from __future__ import annotations

from typing import Any

from dash import html, register_page

from dashboard.components import link, page
from dashboard.components.states import state

register_page(__name__, name="Not found", title="Not found · Retain")


def layout(**_query: str) -> html.Div:
    """A way back."""
    way_back: Any = link("Open the overview", "/overview", as_button=True)
    return page(state("compass", "There is no such page", "The link may be old, or mistyped.", way_back, is_tall=True))
