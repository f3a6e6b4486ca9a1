"""Fit the value model: rows pooled over earlier cut-offs, trees on them, and how much of what they say is believed.

Small shops get more care than large ones, because there the same trees differ from one seed to the next and may have
learnt chance; a large shop has no need of it, and it would cost time:

| rows to learn from | what is done                                                                               |
|--------------------|--------------------------------------------------------------------------------------------|
| up to 40,000       | forecasts of customers that the trees have not seen say how far they are believed;          |
|                    | trees of a shorter period, where there are such, have half a say (`backtest.plan` adds one) |
| up to 20,000       | two trees a round, on other rows and columns each, so that chance averages out              |

Not here: the fitted model and its forecasts (`clv.value`), nor which cut-offs (`clv.backtest`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost as xgb

from clv import boosting
from clv.anchor import Anchor, Forecast, fit_anchor
from clv.backtest import MAX_HELPED_ROWS, helper_of
from clv.boosting import Kind, Matrix, side_by_side
from clv.errors import ModelError, NotEnoughDataError
from clv.evaluation import normalised_gini
from clv.intervals import MIN_POSITIVE_ROWS, fit_intervals, total_log_sd
from clv.level import Ratio, aligned_date, evidence, level
from clv.monotone import smoothing_factors
from clv.snapshots import Floats, Outcome, Snapshot, input_names, lot, matrix, mean_purchase, numbers, outcome
from clv.value import (
    BTYD_INPUTS,
    GAMMA_FLOOR_SHARE,
    HELPER_SHARE,
    KINDS,
    Horizon,
    ValueModel,
    believed_p_buys,
    combined,
    same_customers,
    stacked,
    tree_inputs,
    tree_parts,
)

FLOOR_SHARE = 0.02
"""The baseline of a margin is at least this share of the mean: a log of nearly nothing teaches trees nothing."""
SEASON_DAYS = 90.0
N_FOLDS = 3
MAX_RANGE_ROWS = 60_000
"""Ranges need forecasts made without the customer; more rows than this move them less than a week does."""
MAX_TRUST_ROWS = 20_000
"""To see how far trees are believed, so many are enough."""
VALUE_KINDS: tuple[Kind, ...] = ("tweedie", "logistic", "gamma")
"""What revenue and the chance to buy are made of."""
MAX_PARALLEL_TREES = 2
TRUSTS = (0.25, 0.5, 0.75, 1.0)
"""A quarter costs nothing even where the baseline is the law by which the shop was made."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rows:
    """Training rows of one horizon, pooled over its snapshots, in an order that no input order can change."""

    inputs: Matrix
    names: tuple[str, ...]
    revenue: Floats
    n_orders: Floats
    bought: Floats
    base: Forecast
    """BTYD of each row, fitted at the row's own cut-off."""
    floor: Floats
    ratio: Floats
    """Actual ÷ forecast revenue of the row's snapshot."""
    buyers_ratio: Floats
    orders_ratio: Floats
    weight: Floats
    cut_off: npt.NDArray[np.int64]
    """Number of the snapshot's date."""
    person: npt.NDArray[np.int64]
    """The same number for the same customer at every cut-off, and not made from the id."""
    purchase: Floats
    """Mean purchase at the row's cut-off."""


class _Pool:
    """Snapshots of one horizon as they arrive: whole for the totals, thinned to *max_rows* for the trees."""

    def __init__(self, horizon_days: int, as_of: date, max_rows: int) -> None:
        self.horizon_days = horizon_days
        self.as_of = as_of
        self.max_rows = max_rows
        self.kept_share = 1.0
        self.parts: list[dict[str, Any]] = []
        self.revenue: list[Ratio] = []
        self.buyers: list[Ratio] = []
        self.orders: list[Ratio] = []
        self.names: list[str] = []
        self.history_days = 0

    def add(self, snapshot: Snapshot) -> None:
        """Take in a snapshot whose period has passed.

        Raises:
            ModelError: its period was not over at the fit's date.
        """
        if (self.as_of - snapshot.as_of).days < snapshot.horizon_days:
            raise ModelError(
                f"the period of {snapshot.horizon_days} days from {snapshot.as_of} is not over on {self.as_of}: "
                "training on it would be leakage"
            )
        features = snapshot.features
        if not len(features):
            return
        happened = outcome(snapshot)
        forecast = fit_anchor(features).forecast(features, snapshot.horizon_days)
        revenue, buyers, orders = _ratios(snapshot, happened, forecast)
        self.revenue.append(revenue)
        self.buyers.append(buyers)
        self.orders.append(orders)
        self.history_days = max(self.history_days, snapshot.history_days + (self.as_of - snapshot.as_of).days)
        if not revenue.ratio > 0:
            return
        drawn = lot(features["customer_id"])
        kept = drawn < self.kept_share
        self.names = input_names(features)
        few = features[kept]
        purchase = mean_purchase(features)
        base = {name: value[kept] for name, value in vars(forecast).items()}
        first = pd.to_datetime(few["first_purchase_date"])
        self.parts.append(
            {
                "lot": drawn[kept],
                "inputs": stacked(matrix(few, self.names, purchase), Forecast(**base), purchase),
                "revenue": happened.revenue[kept],
                "n_orders": happened.n_orders[kept],
                "bought": happened.bought[kept],
                **base,
                "floor": np.full(len(few), FLOOR_SHARE * float(forecast.value.mean())),
                "ratio": np.full(len(few), revenue.ratio),
                "buyers_ratio": np.full(len(few), buyers.ratio),
                "orders_ratio": np.full(len(few), orders.ratio),
                "cut_off": np.full(len(few), snapshot.as_of.toordinal(), dtype=np.int64),
                "first_day": first.to_numpy().astype("datetime64[D]").astype(np.int64),
                "first_amount": np.nan_to_num(numbers(few, "first_day_amount")),
                "purchase": np.full(len(few), purchase),
            }
        )
        total = sum(len(part["lot"]) for part in self.parts)
        if total > self.max_rows:
            self.kept_share *= self.max_rows / total
            for part in self.parts:
                still = part["lot"] < self.kept_share
                for name in part:
                    part[name] = part[name][still]

    def rows(self) -> Rows | None:
        """The pooled rows; None when no snapshot was of use."""
        if not self.parts:
            return None
        columns = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        # A first purchase tells who a customer is without the id, so that renaming customers changes no fold.
        order = np.lexsort((columns["first_amount"], columns["first_day"]))
        day, amount = columns["first_day"][order], columns["first_amount"][order]
        is_next = (np.diff(day) != 0) | (np.diff(amount) > 1e-9 * (1 + np.abs(amount[1:])))
        person = np.empty(len(order), dtype=np.int64)
        person[order] = np.concatenate([[0], np.cumsum(is_next)])
        inputs = columns["inputs"]
        place = {name: i for i, name in enumerate(self.names)}
        order = np.lexsort(
            (
                columns["n_orders"],
                columns["revenue"],
                *(
                    inputs[:, place[name]]
                    for name in ("revenue_decay_1h", "net_revenue", "last_day_amount", "n_orders", "t_x", "x", "T")
                    if name in place
                ),
                person,
                columns["cut_off"],
            )
        )
        columns = {name: column[order] for name, column in columns.items()}
        return Rows(
            inputs=columns["inputs"],
            names=(*self.names, *BTYD_INPUTS),
            revenue=columns["revenue"],
            n_orders=columns["n_orders"],
            bought=columns["bought"],
            base=Forecast(**{name: columns[name] for name in ("orders", "amount", "p_buys", "p_alive")}),
            floor=columns["floor"],
            ratio=columns["ratio"],
            buyers_ratio=columns["buyers_ratio"],
            orders_ratio=columns["orders_ratio"],
            weight=self._weights(columns["cut_off"]),
            cut_off=columns["cut_off"],
            person=person[order],
            purchase=columns["purchase"],
        )

    def _weights(self, cut_off: npt.NDArray[np.int64]) -> Floats:
        """Cut-offs of the same season count more, once there is a year to choose from."""
        if self.history_days < 365 or self.horizon_days >= 300:
            return np.ones(len(cut_off))
        apart = (self.as_of.toordinal() - cut_off) % 365
        return np.exp(-np.minimum(apart, 365 - apart) / SEASON_DAYS) + 0.05


def fit_value_model(
    snapshots: Iterable[Snapshot],
    today: Iterable[Snapshot],
    *,
    as_of: date,
    horizons_days: Sequence[int],
    level_snapshots: Iterable[Snapshot] = (),
    seed: int = 7,
    threads: int = 1,
    max_rows: int = 300_000,
    with_intervals: bool = True,
    with_orders: bool = True,
) -> ValueModel:
    """Fit the models of all horizons.

    Args:
        snapshots: with outcomes; cut-offs of one horizon or many, in any order; taken one at a time, so a generator
            keeps memory low. A horizon without snapshots uses those of the longest shorter horizon.
        today: customers at *as_of*, without outcomes, once for each `horizon_days` that occurs among *snapshots*
            (or once at all when there are none).
        as_of: first day that is not known.
        horizons_days: what is to be predicted.
        level_snapshots: with outcomes, at `clv.level.aligned_date` of each horizon, where history reaches back to it.
        seed: of the trees' samples.
        threads: ensembles of trees that are grown at once, each by one thread; 0 for as many as there are processors.
            The model does not depend on it.
        max_rows: training rows kept per horizon, drawn by customer.
        with_intervals: fit `revenue_lo` and `revenue_hi` too; without they are NaN.
        with_orders: grow trees for `expected_orders` too; without it is the purchase model's, and nothing else changes.

    Raises:
        NotEnoughDataError: there are no customers at *as_of*.
        ModelError: a snapshot's period was not over at *as_of*.
    """
    pools: dict[int, _Pool] = {}
    for snapshot in snapshots:
        days = snapshot.horizon_days
        pools.setdefault(days, _Pool(days, as_of, max_rows)).add(snapshot)
    aligned: dict[int, dict[str, Ratio]] = {}
    for snapshot in level_snapshots:
        if snapshot.as_of == aligned_date(as_of, snapshot.horizon_days) and len(snapshot.features):
            happened = outcome(snapshot)
            forecast = fit_anchor(snapshot.features).forecast(snapshot.features, snapshot.horizon_days)
            found = _ratios(snapshot, happened, forecast)
            aligned[snapshot.horizon_days] = dict(zip(("revenue", "buyers", "orders"), found, strict=True))

    wanted = sorted(set(horizons_days))
    trained: dict[int, Horizon] = {}
    unseen: dict[int, _Unseen] = {}
    for days in list(pools):
        pool = pools.pop(days)
        rows = pool.rows()
        if rows is None:
            continue
        kinds = KINDS if with_orders else VALUE_KINDS
        h = _train(pool, rows, aligned.get(days, {}), kinds, seed, threads)
        has_ranges = with_intervals and days in wanted and h.n_positive >= MIN_POSITIVE_ROWS
        is_small = len(rows.revenue) <= MAX_HELPED_ROWS
        if h.trees and (is_small or has_ranges):
            rows = _thinned(rows, MAX_RANGE_ROWS if has_ranges else MAX_TRUST_ROWS)
            unseen[days] = _unseen(h, rows, seed, threads)
            h = _believed(h, unseen[days]) if is_small else h
        trained[days] = h
    bases = {days: _base_of(days, trained, wanted) for days in wanted}
    helpers = {days: _helper_of(days, trained) for days in wanted if bases[days] == days}

    anchor: Anchor | None = None
    ids: pd.Series | None = None
    horizons: dict[int, Horizon] = {}
    helping: dict[int, Horizon] = {}
    values: dict[int, Floats] = {}
    for snapshot in today:
        frame = snapshot.features
        if not len(frame):
            continue
        if anchor is None or ids is None:
            anchor = fit_anchor(frame)
            ids = frame["customer_id"].reset_index(drop=True)
        frame = same_customers(frame, ids)
        for days, base_days in bases.items():
            if days not in horizons and base_days in (None, snapshot.horizon_days):
                say = 1.0 if helpers.get(days) is None else 1.0 - HELPER_SHARE
                horizons[days], said = _levelled(
                    days,
                    snapshot.horizon_days,
                    trained.get(base_days or -1),
                    anchor,
                    frame,
                    aligned.get(days, {}),
                    threads,
                )
                values[days] = values.get(days, 0.0) + say * said
            if days not in helping and helpers.get(days) == snapshot.horizon_days:
                helping[days], said = _levelled(
                    days,
                    snapshot.horizon_days,
                    trained[snapshot.horizon_days],
                    anchor,
                    frame,
                    {},
                    threads,
                    trained[days],
                )
                values[days] = values.get(days, 0.0) + HELPER_SHARE * said
    if anchor is None:
        raise NotEnoughDataError(f"no customer has a purchase before {as_of}: there is nothing to forecast")
    needed = {bases[days] or 0 for days in bases if days not in horizons}
    needed |= {base for days, base in helpers.items() if base is not None and days not in helping}
    if needed:
        raise ModelError(f"today's features at horizon_days = {sorted(needed)} are needed and were not given")
    fitted = []
    for days in wanted:
        h = replace(horizons[days], helper=helping.get(days))
        fitted.append(_with_ranges(h, unseen.get(h.base_days), values[days]) if with_intervals else h)
    return ValueModel(
        as_of=as_of,
        anchor=anchor,
        horizons=tuple(fitted),
        smoothing=smoothing_factors(np.column_stack([values[days] for days in wanted])),
        threads=threads,
        seed=seed,
    )


def _base_of(days: int, trained: Mapping[int, Horizon], wanted: Sequence[int]) -> int | None:
    """The horizon whose trees serve *days*: its own, else the longest shorter one, else none.

    A period that only helps another one does not replace it.
    """
    shorter = [b for b, h in trained.items() if b <= days and h.trees and (b in wanted or days not in trained)]
    return max(shorter) if shorter else (days if days in trained else None)


def _helper_of(days: int, trained: Mapping[int, Horizon]) -> int | None:
    """The shorter period whose trees have a say in *days*; None where there is none or rows are many."""
    if not trained[days].trees or trained[days].n_rows > MAX_HELPED_ROWS:
        return None
    return helper_of(days, [other for other, h in trained.items() if h.trees])


def _train(
    pool: _Pool, rows: Rows, aligned: Mapping[str, Ratio], kinds: Sequence[Kind], seed: int, threads: int
) -> Horizon:
    days = pool.horizon_days
    is_positive = rows.revenue > 0
    n_buyers = len(np.unique(rows.person[is_positive]))
    rounds = boosting.n_rounds(int(is_positive.sum()), n_buyers)
    unit = float(np.average(rows.revenue / rows.ratio, weights=rows.weight)) or 1.0
    h = Horizon(
        horizon_days=days,
        base_days=days,
        basis="full" if rounds else "baseline",
        purchase=float(rows.purchase[-1]),
        unit=unit,
        buyer_unit=1.0,
        floor=float(rows.floor[-1]),
        level=level(aligned.get("revenue"), pool.revenue, days),
        buyers_level=level(aligned.get("buyers"), pool.buyers, days),
        orders_level=level(aligned.get("orders"), pool.orders, days),
        names=rows.names,
        n_rows=len(rows.revenue),
        n_positive=int(is_positive.sum()),
        ratios=tuple((r.as_of.isoformat(), r.ratio) for r in sorted(pool.revenue, key=lambda r: r.as_of)),
        log_sd=total_log_sd(_log_errors(pool.revenue, days)),
    )
    if not rounds:
        return h
    buyer_unit = float(np.average(rows.revenue[is_positive], weights=rows.weight[is_positive]))
    n_parallel = min(MAX_PARALLEL_TREES, max(1, MAX_HELPED_ROWS // len(rows.revenue)))
    return replace(h, buyer_unit=buyer_unit, trees=_grow(rows, kinds, rounds, seed, threads, n_parallel))


def _grow(
    rows: Rows, kinds: Sequence[Kind], rounds: int, seed: int, threads: int, n_parallel: int = 1
) -> dict[Kind, xgb.Booster]:
    """The trees of *kinds* on *rows*. Actual and baseline share the cut-off's ratio, so they see shape only."""
    every = np.ones(len(rows.revenue), dtype=bool)
    is_positive = rows.revenue > 0
    p_buys = np.clip(rows.base.p_buys * rows.buyers_ratio, 1e-6, 1 - 1e-6)
    if_buys = np.maximum(rows.base.value / rows.base.p_buys, GAMMA_FLOOR_SHARE * rows.base.amount)
    revenue_unit = float(np.average(rows.revenue, weights=rows.weight))
    buyer_unit = float(np.average(rows.revenue[is_positive], weights=rows.weight[is_positive]))
    orders_unit = max(float(np.average(rows.n_orders, weights=rows.weight)), 1e-9)
    targets: dict[Kind, tuple[Floats, Floats, npt.NDArray[np.bool_]]] = {
        "tweedie": (
            rows.revenue / revenue_unit,
            np.log(np.maximum(rows.base.value, rows.floor) * rows.ratio / revenue_unit),
            every,
        ),
        "logistic": (rows.bought, np.log(p_buys / (1 - p_buys)), every),
        "gamma": (
            rows.revenue / buyer_unit,
            np.log(if_buys * rows.ratio / rows.buyers_ratio / buyer_unit),
            is_positive,
        ),
        "poisson": (
            rows.n_orders / orders_unit,
            np.log(rows.base.orders * rows.orders_ratio / orders_unit),
            every,
        ),
    }
    names = list(rows.names)

    def grown(some: Sequence[Kind]) -> dict[Kind, xgb.Booster]:
        whole = boosting.binned(rows.inputs, rows.weight, names=names, threads=1)
        found: dict[Kind, xgb.Booster] = {}
        for kind in some:
            target, margin, used = targets[kind]
            found[kind] = boosting.fit_trees(
                kind,
                whole if used is every else rows.inputs[used],
                target[used],
                margin[used],
                rows.weight[used],
                names=names,
                rounds=rounds * boosting.ROUNDS_FACTOR[kind],
                seed=seed,
                threads=1,
                n_parallel=n_parallel,
            )
        return found

    n_lanes = min(boosting.n_threads(threads), len(kinds))
    lanes = side_by_side(grown, [kinds[place::n_lanes] for place in range(n_lanes)], threads)
    by_kind = {kind: trees for lane in lanes for kind, trees in lane.items()}
    return {kind: by_kind[kind] for kind in kinds}


def _log_errors(ratios: Sequence[Ratio], days: int) -> list[float]:
    """ln(actual ÷ forecast) of each cut-off's total, each with the level that was known there."""
    found = []
    for here in ratios:
        if here.ratio > 0:
            known = [r for r in ratios if (here.as_of - r.as_of).days >= days]
            found.append(math.log(here.ratio / level(None, known, days)))
    return found


def _levelled(
    days: int,
    feature_days: int,
    trained: Horizon | None,
    anchor: Anchor,
    frame: pd.DataFrame,
    aligned: Mapping[str, Ratio],
    threads: int,
    helped: Horizon | None = None,
) -> tuple[Horizon, Floats]:
    """The model of *days* with scales that bring today's totals to the level, and today's values.

    When it is to help another one, the level is that of *helped*.
    """
    far = anchor.forecast(frame, days)
    if trained is None or not trained.trees:
        h = Horizon(
            horizon_days=days,
            base_days=feature_days,
            basis="baseline" if anchor.purchases is not None else "mean",
            purchase=mean_purchase(frame),
            unit=max(float(far.value.mean()), 1e-9),
            buyer_unit=1.0,
            floor=0.0,
            level=trained.level if trained is not None and anchor.purchases is not None else 1.0,
            buyers_level=1.0,
            orders_level=1.0,
            n_rows=trained.n_rows if trained is not None else 0,
            n_positive=trained.n_positive if trained is not None else 0,
            ratios=trained.ratios if trained is not None else (),
            log_sd=trained.log_sd if trained is not None else total_log_sd([]),
        )
        values, _, _ = combined(h, None, far, far)
        return h, values
    base_days = trained.horizon_days
    base = far if base_days == days else anchor.forecast(frame, base_days)
    h = replace(
        trained,
        horizon_days=days,
        base_days=base_days,
        basis="full" if base_days == days else "shorter",
        purchase=mean_purchase(frame),
        floor=FLOOR_SHARE * float(base.value.mean()),
        level=level(aligned["revenue"], [], days) if base_days != days and "revenue" in aligned else trained.level,
    )
    if helped is not None:
        h = replace(h, level=helped.level, orders_level=helped.orders_level)
    parts = tree_parts(h, tree_inputs(h, frame, base), base, threads)
    if parts is None:
        raise ModelError("a trained horizon has no trees")
    stretch = far.orders / base.orders
    total = h.level * float(far.value.sum())
    n_orders = h.orders_level * float(far.orders.sum())
    h = replace(
        h,
        tweedie_scale=total / max(float((parts.tweedie * stretch).sum()), 1e-12),
        hurdle_scale=total / max(float((parts.p_buys * parts.if_buys * stretch).sum()), 1e-12),
        orders_scale=n_orders / max(float((parts.orders * stretch).sum()), 1e-12),
    )
    values, _, _ = combined(h, parts, base, far)
    return h, values


@dataclass(frozen=True)
class _Unseen:
    """What trees say of customers that they have not seen, at the cut-offs that they learnt from."""

    rows: Rows
    value: Floats
    """Before levels; the total is the baseline's."""
    p_buys: Floats


def _unseen(h: Horizon, rows: Rows, seed: int, threads: int) -> _Unseen:
    """Forecasts for each third of the customers by trees that were grown on the others."""
    fold = np.minimum((_person_lot(rows.person) * N_FOLDS).astype(np.int64), N_FOLDS - 1)
    said = {name: np.empty(len(fold)) for name in ("tweedie", "p_buys", "if_buys")}
    is_positive = rows.revenue > 0
    n_buyers = len(np.unique(rows.person[is_positive]))
    rounds = max(1, boosting.n_rounds(int(is_positive.sum() * (1 - 1 / N_FOLDS)), int(n_buyers * (1 - 1 / N_FOLDS))))

    def forecast(number: int) -> None:
        held_out = fold == number
        some, others = _picked(rows, held_out), _picked(rows, ~held_out)
        if not len(some.revenue) or not (others.revenue > 0).any():
            for name, start in (
                ("tweedie", some.base.value),
                ("p_buys", some.base.p_buys),
                ("if_buys", some.base.amount),
            ):
                said[name][held_out] = start
            return
        trees = _grow(others, VALUE_KINDS, rounds, seed, 1)
        at_level = replace(some.base, p_buys=np.clip(some.base.p_buys * some.buyers_ratio, 1e-6, 1 - 1e-6))
        parts = tree_parts(replace(h, trees=trees, buyers_level=1.0), some.inputs, at_level, 1)
        if parts is None:
            raise ModelError("a fold has no trees")
        for name in said:
            said[name][held_out] = getattr(parts, name)

    side_by_side(forecast, range(N_FOLDS), threads)
    total = float(rows.base.value.sum())
    halves = (said["tweedie"], said["p_buys"] * said["if_buys"])
    value = np.sum([0.5 * half * (total / max(float(half.sum()), 1e-12)) for half in halves], axis=0)
    return _Unseen(rows, value, said["p_buys"])


def _believed(h: Horizon, unseen: _Unseen) -> Horizon:
    """*h* with the share of its trees that ranks customers best whom the trees have not seen."""
    rows = unseen.rows
    gains = np.zeros(len(TRUSTS))
    for day in np.unique(rows.cut_off):
        here = rows.cut_off == day
        weight = float(rows.weight[here].mean())
        for place, trust in enumerate(TRUSTS):
            value = trust * unseen.value[here] + (1 - trust) * rows.base.value[here]
            gains[place] += weight * np.nan_to_num(normalised_gini(rows.revenue[here], value))
    return replace(h, trust=TRUSTS[int(np.argmax(gains))])


def _with_ranges(h: Horizon, unseen: _Unseen | None, value: Floats) -> Horizon:
    """*h* with what `revenue_lo` and `revenue_hi` need."""
    if unseen is None or h.basis != "full" or h.n_positive < MIN_POSITIVE_ROWS:
        return replace(h, has_ranges=True)
    rows = unseen.rows
    start = replace(rows.base, p_buys=rows.base.p_buys * rows.buyers_ratio)
    intervals = fit_intervals(
        rows.revenue / rows.ratio / rows.purchase,
        (h.trust * unseen.value + (1 - h.trust) * rows.base.value) / rows.purchase,
        believed_p_buys(replace(h, buyers_level=1.0), unseen.p_buys, start),
        rows.cut_off,
        purchase=h.purchase,
        today_value=value,
    )
    return replace(h, has_ranges=True, intervals=intervals)


def _picked(rows: Rows, used: npt.NDArray[np.bool_]) -> Rows:
    """Some of *rows*."""
    columns: dict[str, Any] = {
        name: column[used] for name, column in vars(rows).items() if isinstance(column, np.ndarray)
    }
    base = Forecast(**{name: column[used] for name, column in vars(rows.base).items()})
    return replace(rows, base=base, **columns)


def _person_lot(person: npt.NDArray[np.int64]) -> Floats:
    """A number in [0, 1) for each customer."""
    return ((person.astype(np.uint64) * SPREAD) >> np.uint64(32)).astype(np.float64) / 2.0**32


def _thinned(rows: Rows, max_rows: int) -> Rows:
    """At most about *max_rows* of *rows*, drawn by customer."""
    drawn = _person_lot(rows.person)
    if len(drawn) <= max_rows:
        return rows
    # drawn from another place than the folds are cut, so that every fold keeps its share
    return _picked(rows, (drawn * 97.0) % 1.0 < max_rows / len(drawn))


def _ratios(snapshot: Snapshot, happened: Outcome, forecast: Forecast) -> tuple[Ratio, Ratio, Ratio]:
    """Actual over forecast revenue, buyers and orders."""
    return (
        _ratio(snapshot, happened.revenue, forecast.value),
        _ratio(snapshot, happened.bought, forecast.p_buys),
        _ratio(snapshot, happened.n_orders, forecast.orders),
    )


def _ratio(snapshot: Snapshot, actual: Floats, forecast: Floats) -> Ratio:
    total = float(forecast.sum())
    ratio = float(actual.sum()) / total if total > 0 else 0.0
    return Ratio(snapshot.as_of, snapshot.history_days, ratio, evidence(float(np.count_nonzero(actual))))
