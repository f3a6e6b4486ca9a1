"""Which cut-offs a model may learn from and be judged on, and in words what the history is too short for.

Dates only: a cut-off is the first day that is not known there, as everywhere. Not here: the rows (`warehouse.ask`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from clv.level import aligned_date

MIN_STEP_DAYS = 7
LONG_HORIZON_DAYS = 120
LONG_HISTORY_DAYS = 60
MAX_HELPED_ROWS = 40_000
"""With fewer rows to learn from, trees of a shorter period have a say, too: they know newer days and err otherwise.
With more they only blur (CDNOW, 180,000 rows: -.003 Gini; groceries, 4,000 to 35,000: +.001 to +.004)."""
HELPER_SHARES = (0.25, 0.6)
"""A helper's period is between these shares of the helped one."""
MIN_TRAINED_DAYS = 7
"""A shorter period than a week is never learnt from."""


@dataclass(frozen=True)
class Sufficiency:
    """What the history allows for one horizon."""

    horizon_days: int
    trained_days: int
    """Length of the period that the model learns from; 0: BTYD alone."""
    n_snapshots: int
    is_aligned: bool
    """Whether the same season a year ago is known in full."""
    is_verified: bool
    """Whether a full period can be held back to judge a model that was trained before it."""

    @property
    def is_enough(self) -> bool:
        """Whether the model learns from full periods and can be verified on one that it has not seen."""
        return self.trained_days == self.horizon_days and self.is_verified

    @property
    def words(self) -> str:
        """What can be trusted, what cannot, and what is used instead."""
        days = self.horizon_days
        if not self.trained_days:
            return (
                f"{days} days: history is too short to learn from any earlier period; the purchase model alone is used "
                "and nothing is verified"
            )
        if self.trained_days < days:
            return (
                f"{days} days: history is too short for a full period; the model learns from {self.trained_days} days "
                "and is scaled; the ranking can be trusted, totals can be off by 40%"
            )
        season = "" if self.is_aligned else "; the season of a year ago is not known, so totals follow recent months"
        proof = "" if self.is_verified else "; no period is left to verify it on"
        periods = "period" if self.n_snapshots == 1 else "periods"
        return f"{days} days: learnt from {self.n_snapshots} earlier {periods}{season}{proof}"


@dataclass(frozen=True)
class Plan:
    """Cut-offs to fit a model at one date."""

    as_of: date
    snapshots: tuple[tuple[date, int], ...]
    """Cut-off and horizon in days, newest first within a horizon; the periods are over by *as_of*."""
    aligned: tuple[tuple[date, int], ...]
    """Cut-offs of the same season, whole years earlier, for the level."""
    today_days: tuple[int, ...]
    """The `horizon_days` at which features of *as_of* are needed."""
    sufficiency: tuple[Sufficiency, ...]


def cut_offs(first_day: date, as_of: date, horizon_days: int, *, most: int) -> list[date]:
    """Cut-offs whose period of *horizon_days* is over by *as_of*, newest first.

    Args:
        first_day: date of the shop's first purchase.
        as_of: first day that is not known.
        horizon_days: length of the period after a cut-off.
        most: at most so many.
    """
    step = max(MIN_STEP_DAYS, horizon_days // 3)
    enough = max(14, horizon_days // 2) if horizon_days <= LONG_HORIZON_DAYS else LONG_HISTORY_DAYS
    found: list[date] = []
    cut_off = as_of - timedelta(days=horizon_days)
    while len(found) < most and (cut_off - first_day).days >= enough:
        found.append(cut_off)
        cut_off -= timedelta(days=step)
    return found


def helper_of(days: int, others: Iterable[int]) -> int | None:
    """The longest of *others* that can help to forecast *days*; None when there is none."""
    shortest, longest = (share * days for share in HELPER_SHARES)
    return max((other for other in others if shortest <= other <= longest), default=None)


def plan(
    first_day: date,
    as_of: date,
    horizons_days: Sequence[int],
    *,
    max_snapshots: int,
    n_customers: int | None = None,
) -> Plan:
    """What to fit a model on at *as_of*.

    Args:
        first_day: date of the shop's first purchase.
        as_of: first day that is not known.
        horizons_days: what is to be predicted.
        max_snapshots: cut-offs per horizon, at most.
        n_customers: of the shop; a small one also learns from a shorter period, see `MAX_HELPED_ROWS`. Default: it is
            not small.
    """
    history_days = (as_of - first_day).days
    horizons = sorted(set(horizons_days))
    by_horizon = {days: cut_offs(first_day, as_of, days, most=max_snapshots) for days in horizons}
    trained = {days: found for days, found in by_horizon.items() if found}
    shorter = history_days // 3
    if len(trained) < len(horizons) and shorter >= MIN_TRAINED_DAYS and shorter > max(trained, default=0):
        found = cut_offs(first_day, as_of, shorter, most=max_snapshots)
        if found:
            trained[shorter] = found
    own = tuple(trained)
    for days in own if n_customers is not None else ():
        shorter = days // 2
        is_small = (n_customers or 0) * len(trained[days]) <= MAX_HELPED_ROWS
        if days in horizons and is_small and helper_of(days, trained) is None and shorter >= MIN_TRAINED_DAYS:
            trained[shorter] = cut_offs(first_day, as_of, shorter, most=max_snapshots)
    aligned = []
    for days in sorted({*horizons, *own}):
        cut_off = aligned_date(as_of, days)
        if cut_off > first_day:
            aligned.append((cut_off, days))
    is_aligned = {days for _, days in aligned}
    said = []
    for days in horizons:
        base = max((known for known in own if known <= days), default=0)
        held_back = as_of - timedelta(days=days)
        is_verified = base == days and bool(cut_offs(first_day, held_back, days, most=1))
        said.append(Sufficiency(days, base, len(trained.get(base, [])), days in is_aligned, is_verified))
    return Plan(
        as_of=as_of,
        snapshots=tuple((cut_off, days) for days in sorted(trained) for cut_off in trained[days]),
        aligned=tuple(aligned),
        today_days=tuple(sorted(trained)) or (horizons[0],),
        sufficiency=tuple(said),
    )
