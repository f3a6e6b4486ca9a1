"""Which expected value a page shows, as its URL says: how far ahead, revenue or margin, at which day's money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.data import one_of

MEASURES = {"revenue": "Revenue", "margin": "Margin"}
BASES = {"undiscounted": "Undiscounted", "discounted": "Discounted"}
MEASURE, BASIS = "revenue", "undiscounted"
"""Those of a page whose URL names none."""


@dataclass(frozen=True)
class Choice:
    """What the URL says: how far ahead, of what, and at which day's money."""

    horizon_days: int
    measure: str
    basis: str

    @property
    def of_value(self) -> dict[str, Any]:
        """Parameters that say which value is counted."""
        return {"measure": self.measure, "is_discounted": self.basis == "discounted"}

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the page's queries."""
        return {"horizon_days": self.horizon_days, **self.of_value}

    def in_url(self, horizon_by_default: int) -> dict[str, Any]:
        """What a URL has to name, and None for what a page without it shows anyway."""
        return {
            "horizon": None if self.horizon_days == horizon_by_default else self.horizon_days,
            "measure": None if self.measure == MEASURE else self.measure,
            "basis": None if self.basis == BASIS else self.basis,
        }

    @property
    def name(self) -> str:
        """What a number on this page is."""
        return f"Expected {self.measure}, next {self.horizon_days} days"

    @property
    def unit(self) -> str:
        """The same, where the line has room for the day's money."""
        return f"Expected {self.measure}, next {self.horizon_days} days, {self.basis}"


def default_horizon(horizons: Sequence[int], primary: int) -> int:
    """The primary horizon, or the longest one when that is not among *horizons*."""
    return primary if primary in horizons else horizons[-1]


def horizon_of(query: Mapping[str, str], horizons: Sequence[int], default: int) -> int:
    """The horizon that the URL names, in days; *default* where it names none of *horizons*."""
    asked = query.get("horizon", "")
    return int(asked) if asked.isdecimal() and int(asked) in horizons else default


def chosen(query: Mapping[str, str], horizons: Sequence[int], primary: int) -> Choice:
    """What the URL names, or the default where it names nothing that there is."""
    horizon = horizon_of(query, horizons, default_horizon(horizons, primary))
    return Choice(horizon, one_of(query, "measure", MEASURES, MEASURE), one_of(query, "basis", BASES, BASIS))
