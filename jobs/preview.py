"""Who and what money would move if another version became champion: `outputs.promotion_preview`.

Nothing that pages or plans use is changed: predictions stay those of the champion until a version is promoted and
everybody is scored again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from clv.errors import NotFittedError, RequestError
from clv.value import ValueModel
from jobs import models
from jobs.run import RunContext
from warehouse import outputs
from warehouse.ask import Warehouse

if TYPE_CHECKING:
    from clv.config import Settings
    from jobs.run import Progress

SAME = 0.01
"""A value that changes by less than this share of itself counts as the same."""


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Score everybody with the version asked for, beside the champion, and publish the comparison."""
    version = models.version_asked(ctx)
    table = compared(ctx.settings, ctx.warehouse, version, ctx.part(0.0, 0.7).progress)
    outputs.write(ctx.settings.paths.outputs, "promotion_preview", table)
    primary = table[table["horizon_days"] == ctx.settings.model.primary_horizon_days]
    said = in_words(primary)
    build_id = models.published(ctx.part(0.7, 1.0))
    ctx.progress(1.0, said)
    return {"version": version, "said": said, "n_customers": len(primary), "build_id": build_id}


def compared(settings: Settings, warehouse: Warehouse, version: str, progress: Progress) -> pd.DataFrame:
    """What the champion and *version* expect of each customer of the published build, for each horizon.

    Returns:
        The columns of `outputs.promotion_preview`; `expected_now` is missing for a horizon that the champion lacks.

    Raises:
        ModelError: there is no such version.
        NotFittedError: there is no champion to compare with.
        RequestError: the version is the champion.
        TamperedModelError: a file of either is not what was stored.
        NoBuildError: there are no customers to score.
    """
    registry = models.registry(settings)
    then = ValueModel.load(registry.verified(version), threads=settings.model.threads)
    champion = models.champion_model(settings)
    if champion is None:
        raise NotFittedError("there is no champion to compare with; promote a version first")
    if champion[0] == version:
        raise RequestError(f"{version} is the champion already")
    now = champion[1]
    handle = warehouse.current()
    frames: dict[int, pd.DataFrame] = {}
    wanted = sorted({*now.feature_horizons, *then.feature_horizons})
    for done, days in enumerate(wanted):
        progress(0.6 * done / len(wanted), f"features of {handle.as_of:%d %b %Y} for {days} days")
        frames[days] = warehouse.features(handle.as_of, days, build=handle.id)
    progress(0.6, f"scoring with {champion[0]}")
    before = _values(now, frames, "expected_now")
    progress(0.8, f"scoring with {version}")
    table = before.merge(_values(then, frames, "expected_then"), how="right", on=["customer_id", "horizon_days"])
    return table.assign(as_of=handle.as_of, champion_version=champion[0], version=version)


def _values(model: ValueModel, frames: Mapping[int, pd.DataFrame], name: str) -> pd.DataFrame:
    scored = model.predict({days: frames[days] for days in model.feature_horizons})
    return scored[["customer_id", "horizon_days", "expected_revenue"]].rename(columns={"expected_revenue": name})


def in_words(table: pd.DataFrame) -> str:
    """What would move, in a line; *table* is of one horizon."""
    if table.empty:
        return "nobody's value would change"
    now, then = float(table["expected_now"].sum()), float(table["expected_then"].sum())
    change = table["expected_then"] - table["expected_now"]
    is_moved = change.abs() > SAME * table["expected_now"]
    n_up, n_down = int((is_moved & (change > 0)).sum()), int((is_moved & (change < 0)).sum())
    share = f" ({then / now - 1:+.1%})" if now > 0 else ""
    return (
        f"expected revenue, next {table['horizon_days'].iloc[0]} days, {now:,.0f} → {then:,.0f}{share}; "
        f"{n_up:,} customers up, {n_down:,} down, {len(table) - n_up - n_down:,} within {SAME:.0%}"
    )


def line(settings: Settings, version: str) -> str:
    """The preview of *version* in a line, as of the published build; nothing is written.

    Raises:
        ModelError: it cannot be compared.
        NoBuildError: nothing is published.
    """
    with contextlib.closing(Warehouse(settings.paths.data, settings.engine)) as warehouse:
        table = compared(settings, warehouse, version, _silent)
    return in_words(table[table["horizon_days"] == settings.model.primary_horizon_days])


def _silent(_share: float, _message: str) -> None:
    return None
