"""Axis ticks worded in the shop's locale and currency: Plotly's own formats know neither lakh nor Euro signs."""

from __future__ import annotations

import math
from typing import Any

from dashboard.format import Format, Kind

N_STEPS = 4.5
"""Four or five steps, whichever number is round."""
HEADROOM = 0.06
"""Share of the axis left free above the highest value."""


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
    ceiling = (high or step) * (1 + HEADROOM)
    first, last = math.floor(low / step), math.floor(ceiling / step)
    values = [round(number * step, 10) for number in range(first, last + 1)]
    return {"range": [values[0], ceiling], "tickvals": values, "ticktext": words.ticks(values, kind)}
