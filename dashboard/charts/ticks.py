"""Axis ticks worded in the shop's locale and currency: Plotly's own formats know neither lakh nor Euro signs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dashboard.format import Format, Kind

N_STEPS = 4.5
"""Four or five steps, whichever number is round."""
HEADROOM = 0.06
"""Share of the axis left free above the highest value."""
WHOLE: tuple[Kind, ...] = ("count", "days")
"""Kinds that are counted one by one."""


def nice_step(span: float, n_steps: float = N_STEPS) -> float:
    """The least of 1, 2, 2.5, 5 × a power of ten with which *n_steps* steps cover *span*."""
    if not span > 0:
        return 1.0
    raw = span / n_steps
    power = 10.0 ** math.floor(math.log10(raw))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= raw * (1 - 1e-9))


def value_axis(low: float, high: float, kind: Kind, words: Format) -> dict[str, Any]:
    """Range, tick values and tick texts of an axis that shows *low* to *high*; zero is always on it."""
    low, high = min(0.0, low), max(0.0, high)
    step = nice_step(high - low, N_STEPS)
    if kind in WHOLE:
        # There is no half a customer: 2.5 would be labelled 2.
        step = max(1.0, math.floor(step))
    ceiling = (high or step) * (1 + HEADROOM)
    first, last = math.floor(low / step), math.floor(ceiling / step)
    values = [round(number * step, 10) for number in range(first, last + 1)]
    return {"range": [values[0], ceiling], "tickvals": values, "ticktext": words.ticks(values, kind)}


@dataclass(frozen=True)
class Factors:
    """A scale by factors of ten on both sides of zero, and even within *unit* of it: asinh(value ÷ unit)."""

    unit: float

    @classmethod
    def of(cls, values: Any) -> Factors:
        """The scale for *values*: even up to a thousandth of the large ones, to the next power of ten."""
        sizes = np.abs(np.asarray(values, dtype=np.float64))
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        large = float(np.quantile(sizes, 0.99)) if len(sizes) else 1.0
        return cls(10.0 ** math.floor(math.log10(large / 300)))

    def place(self, values: Any) -> npt.NDArray[np.float64]:
        """Where *values* stand on the axis."""
        return np.arcsinh(np.asarray(values, dtype=np.float64) / self.unit)

    @staticmethod
    def shown(values: Any) -> dict[str, list[float]]:
        """The `meta` of a trace whose heights were placed by this scale: the *values* themselves."""
        return {"shows": [float(value) for value in values]}

    def axis(self, low: float, high: float, kind: Kind, words: Format, *, most: int = 7) -> dict[str, Any]:
        """Range, tick values and tick texts of an axis that shows *low* to *high*; zero is always on it."""
        low, high = min(0.0, low), max(0.0, high)
        top = max(abs(low), high, self.unit)
        powers = [self.unit * 10.0**step for step in range(1, math.floor(math.log10(top / self.unit)) + 1)]
        ticks = [-tick for tick in reversed(powers) if -tick >= low] + [0.0] + [tick for tick in powers if tick <= high]
        while len(ticks) > most:
            # Every other one, counted from zero outwards, so that zero stays.
            zero = ticks.index(0.0)
            ticks = [tick for place, tick in enumerate(ticks) if (place - zero) % 2 == 0]
        start, end = self.place([low, high])
        room = 0.04 * max(end - start, 1e-9)
        return {
            "range": [start - room, end + room],
            "tickvals": list(self.place(ticks)),
            "ticktext": words.ticks(ticks, kind),
        }
