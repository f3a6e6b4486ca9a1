"""Whether a challenger replaces the champion, and why, in words.

Both are judged on the same customers of the latest matured window, by models that knew nothing of it. Not here: the
registry that carries it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
ANCHOR_TOLERANCE = 0.01
"""A model whose Gini is lower than the BTYD baseline's by more than this is never promoted."""


@dataclass(frozen=True)
class Verdict:
    """The gate's decision."""

    is_promoted: bool
    reason: str


def first(bias: float | None, *, max_abs_bias: float) -> Verdict:
    """The first version becomes champion, whatever it is: some model is better than none; the reason says how good."""
    if bias is None:
        return Verdict(True, "first version; no window has matured yet to judge it on")
    words = f"first version; its total was off by {bias:+.0%} on the latest matured window"
    return Verdict(True, words if abs(bias) <= max_abs_bias else words + f", more than the {max_abs_bias:.0%} allowed")


def judge(
    challenger: Mapping[str, Floats],
    champion: Mapping[str, Floats],
    *,
    challenger_bias: float,
    champion_bias: float,
    baseline_gini: float,
    min_gini_gain: float,
    max_abs_bias: float,
    confidence: float,
) -> Verdict:
    """Compare two versions on the same bootstrap draws.

    Args:
        challenger: `gini` on each draw; [n_draws].
        champion: the same for the champion, same draws.
        challenger_bias: its total bias on the window.
        champion_bias: the champion's.
        baseline_gini: of BTYD on the window.
        min_gini_gain: by how much the challenger's Gini must be higher, at least.
        max_abs_bias: largest bias that may be promoted, unless it is smaller than the champion's.
        confidence: share of draws in which the gain must be reached.
    """
    gain = challenger["gini"] - champion["gini"]
    known = gain[np.isfinite(gain)]
    if not len(known):
        return Verdict(False, "the window has too few buyers to compare on")
    sure = float(np.mean(known >= min_gini_gain))
    mean_gini = float(np.nanmean(challenger["gini"]))
    words = f"Gini {np.mean(known):+.4f} against the champion, at least {min_gini_gain:+.4f} in {sure:.0%} of draws"
    if mean_gini < baseline_gini - ANCHOR_TOLERANCE:
        return Verdict(False, f"{words}; it ranks worse than the BTYD baseline")
    if abs(challenger_bias) > max_abs_bias and abs(challenger_bias) >= abs(champion_bias):
        return Verdict(False, f"{words}; its total is off by {challenger_bias:+.0%}")
    if sure >= confidence:
        return Verdict(True, words)
    return Verdict(False, f"{words}; {confidence:.0%} are needed")
