"""What was known at earlier dates and what happened next, asked from the warehouse; and the value model fitted to it.

A shop with more customers than half of `[model] max_training_rows` is learnt from a sample: whole buckets, which are
dealt by hash of the customer, so many that about that number of customers is in them. They are in up to 14 cut-offs, so
the trees get as many rows as before; and the totals of 150,000 customers are within 1 or 2 % of those of all, where any
forecast of a total is off by 15 %. Scoring sees everybody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import TypeVar

import pandas as pd

from clv.backtest import Plan
from clv.fitting import fit_value_model
from clv.snapshots import Snapshot
from clv.value import ValueModel
from jobs.run import RunContext

T = TypeVar("T")

MAX_KEPT_CELLS = 100_000_000
"""Of feature tables held in memory while training: 0.8 GB."""

CUT_OFFS_PER_CUSTOMER = 2
"""At least so many training rows a customer are expected, when it is decided how many customers are enough."""


class History:
    """Features and outcomes at earlier dates; judging and fitting ask for the same ones, so small ones are kept."""

    def __init__(self, ctx: RunContext, build_id: str) -> None:
        self.warehouse, self.build_id = ctx.warehouse, build_id
        handle = ctx.warehouse.current(build_id)
        self.n_customers = int(handle.manifest["tables"]["core.customers"]["rows"])
        share = ctx.settings.model.max_training_rows / CUT_OFFS_PER_CUSTOMER / max(self.n_customers, 1)
        self.buckets = range(min(math.ceil(share * handle.n_buckets), handle.n_buckets))
        """Whose customers are learnt from; all in a shop that is not large."""
        self.share = len(self.buckets) / handle.n_buckets
        self.kept: dict[tuple[date, int], pd.DataFrame] = {}
        self.kept_outcomes: dict[tuple[date, int], pd.DataFrame] = {}
        self.n_cells = 0

    def features(self, as_of: date, days: int) -> pd.DataFrame:
        """Customers as they were known at *as_of*."""
        if (as_of, days) in self.kept:
            return self.kept[as_of, days]
        found = self.warehouse.features(as_of, days, build=self.build_id, buckets=self.buckets)
        if self.n_cells + found.size <= MAX_KEPT_CELLS:
            self.n_cells += found.size
            self.kept[as_of, days] = found
        return found

    def snapshot(self, as_of: date, days: int) -> Snapshot:
        """With outcomes."""
        features = self.features(as_of, days)
        outcomes = self.kept_outcomes.get((as_of, days))
        if outcomes is None:
            outcomes = self.warehouse.outcomes(as_of, days, build=self.build_id, buckets=self.buckets)
            if (as_of, days) in self.kept:
                self.kept_outcomes[as_of, days] = outcomes
        return Snapshot(as_of, days, features, outcomes)


def ahead(steps: Iterable[Callable[[], T]]) -> Iterator[T]:
    """The results of *steps* in order; the next one is worked on in another thread while one is made use of."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming: Future[T] | None = None
        for step in steps:
            started = pool.submit(step)
            if coming is not None:
                yield coming.result()
            coming = started
        if coming is not None:
            yield coming.result()


def first_purchase_day(ctx: RunContext, as_of: date) -> date | None:
    """Date of the shop's first purchase; None when there is none before *as_of*."""
    found = ctx.warehouse.select(
        "select min(order_date) as first_day from core.order_lines "
        "where is_purchase and order_ts < cast($as_of as timestamp)",
        {"as_of": as_of},
    )
    day: date | None = found["first_day"][0].as_py()
    return day


def fit(
    ctx: RunContext,
    history: History,
    planned: Plan,
    horizons: Sequence[int],
    *,
    part: tuple[float, float],
    with_intervals: bool = True,
    with_orders: bool = True,
) -> ValueModel:
    """The value model as *planned*.

    Args:
        ctx: settings, and whom to tell.
        history: where snapshots come from.
        planned: which.
        horizons: in days.
        part: the share of the run that this is, for the progress; nothing is told when it is empty.
        with_intervals: fit ranges, too.
        with_orders: grow trees for the number of orders, too.
    """
    settings = ctx.settings.model
    start, end = part
    asking = start + 0.6 * (end - start)
    total = len(planned.snapshots) + len(planned.aligned)

    def tell(share: float, message: str) -> None:
        if end > start:
            ctx.progress(share, message)

    def told(dates: Sequence[tuple[date, int]], done: int) -> Iterator[Snapshot]:
        # One at a time: a large shop's snapshots do not fit into memory together.
        asked = ahead(partial(history.snapshot, cut_off, days) for cut_off, days in dates)
        for place, (cut_off, days) in enumerate(dates):
            share = start + (asking - start) * (done + place) / max(total, 1)
            tell(share, f"learning {days} days from {cut_off:%d %b %Y}")
            yield next(asked)
        if done + len(dates) == total:
            tell(asking, "growing trees")

    def today() -> Iterator[Snapshot]:
        for place, days in enumerate(planned.today_days):
            share = asking + (end - asking) * (0.5 + 0.5 * place / len(planned.today_days))
            tell(share, f"levels and ranges of {days} days")
            yield Snapshot(planned.as_of, days, history.features(planned.as_of, days))

    return fit_value_model(
        told(planned.snapshots, 0),
        today(),
        as_of=planned.as_of,
        horizons_days=horizons,
        level_snapshots=told(planned.aligned, len(planned.snapshots)),
        seed=settings.seed,
        threads=settings.threads,
        max_rows=settings.max_training_rows,
        with_intervals=with_intervals,
        with_orders=with_orders,
    )
