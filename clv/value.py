"""The value model: BTYD baseline × boosted corrections × level of the shop, for every horizon at once.

| step     | where          | what it decides                                        |
|----------|----------------|--------------------------------------------------------|
| baseline | `clv.anchor`   | everything, for a shop with few customers              |
| shape    | `clv.boosting` | who is worth more or less than the baseline says       |
| level    | `clv.level`    | the total                                              |
| range    | `clv.intervals`| how far a customer's own result may lie from the value |

What happens when data is short is in `Horizon.basis`: `full`, `shorter` (trained on a shorter period, scaled),
`baseline` (BTYD × level), `mean` (nobody has bought twice). Files are JSON and UBJSON; hashes are the registry's task.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost as xgb

from clv import boosting
from clv.anchor import Anchor, Forecast, fit_anchor
from clv.boosting import Kind, Matrix
from clv.errors import ModelError, NotEnoughDataError
from clv.intervals import MIN_POSITIVE_ROWS, Intervals, fit_intervals, simulated_bounds, total_log_sd
from clv.level import Ratio, aligned_date, evidence, level
from clv.snapshots import Floats, Snapshot, input_names, lot, matrix, mean_purchase, numbers, outcome

__all__ = ["Horizon", "Snapshot", "ValueModel", "fit_value_model"]

FORMAT = 1
KINDS: tuple[Kind, ...] = ("tweedie", "logistic", "gamma", "poisson")
BTYD_INPUTS = ("btyd_orders", "btyd_amount", "btyd_value", "btyd_p_buys", "btyd_p_alive")
FLOOR_SHARE = 0.02
"""The baseline of a margin is at least this share of the mean: a log of nearly nothing teaches trees nothing."""
GAMMA_FLOOR_SHARE = 0.2
SEASON_DAYS = 90.0
N_SMOOTHINGS = 8
N_FOLDS = 3
MAX_CALIBRATION_ROWS = 60_000
"""Ranges need forecasts made without the customer; more rows than this move them less than a week does."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Horizon:
    """The model of one horizon: everything but the trees is a plain number."""

    horizon_days: int
    base_days: int
    """Horizon that was trained, and whose features are needed; shorter than *horizon_days* when history is short."""
    basis: str
    """`full`, `shorter`, `baseline` or `mean`."""
    purchase: float
    """Mean purchase at the fit, in currency: money inputs are in units of it."""
    unit: float
    """Mean of the revenue target, in currency."""
    buyer_unit: float
    """Mean of the revenue target among those who buy."""
    floor: float
    """Least baseline value, in currency."""
    level: float
    """Total forecast ÷ BTYD total."""
    buyers_level: float
    orders_level: float
    tweedie_scale: float = 1.0
    """Brings the total of the tweedie part to the level."""
    hurdle_scale: float = 1.0
    """Brings the total of P(buys) × value-if-buys to the level."""
    orders_scale: float = 1.0
    names: tuple[str, ...] = ()
    """Input columns of the trees, in order."""
    n_rows: int = 0
    n_positive: int = 0
    ratios: tuple[tuple[str, float], ...] = ()
    """Cut-off and actual ÷ BTYD total of each training snapshot."""
    trees: Mapping[Kind, xgb.Booster] = field(default_factory=dict)
    log_sd: float = 0.0
    """Of the forecast total's error, see `clv.intervals.total_range`."""
    has_ranges: bool = False
    intervals: Intervals | None = None
    """None while `has_ranges`: BTYD's own predictive distribution is taken."""

    @property
    def note(self) -> str:
        """What a reader has to know about this horizon; empty when all is well."""
        return {
            "full": "",
            "shorter": f"history is too short to train {self.horizon_days} days: scaled from {self.base_days} days, "
            "totals can be off by 40 %",
            "baseline": "too few purchases to learn from: the BTYD baseline stands alone",
            "mean": "no customer has bought twice: everybody is given the historical mean",
        }[self.basis]


@dataclass(frozen=True)
class _Parts:
    """What the trees of one horizon say before levels; [n_customers] each."""

    tweedie: Floats
    p_buys: Floats
    if_buys: Floats
    orders: Floats


@dataclass(frozen=True)
class ValueModel:
    """A fitted model; predicts each row from that row alone."""

    as_of: date
    """First day that was not known when it was fitted."""
    anchor: Anchor
    horizons: tuple[Horizon, ...]
    """Ascending."""
    smoothing: tuple[tuple[float, ...], ...] = ()
    """Factors per round and horizon that bring totals back after values were made non-decreasing in the horizon."""
    threads: int = 1
    seed: int = 0

    @property
    def horizons_days(self) -> tuple[int, ...]:
        """The horizons it predicts."""
        return tuple(h.horizon_days for h in self.horizons)

    @property
    def feature_horizons(self) -> tuple[int, ...]:
        """The `horizon_days` for which `predict` needs features."""
        return tuple(sorted({h.base_days for h in self.horizons}))

    def horizon(self, horizon_days: int) -> Horizon:
        """The model of *horizon_days*.

        Raises:
            ModelError: it was not fitted for this horizon.
        """
        for found in self.horizons:
            if found.horizon_days == horizon_days:
                return found
        raise ModelError(f"the model knows horizons {list(self.horizons_days)}, not {horizon_days}")

    def predict(self, features: Mapping[int, pd.DataFrame] | Iterable[Snapshot]) -> pd.DataFrame:
        """Forecasts of all horizons.

        Args:
            features: `features.customer_features` at one date, by its `horizon_days` (all of `feature_horizons`).

        Returns:
            One row per horizon and customer: `customer_id, horizon_days, expected_revenue, revenue_lo, revenue_hi`
            (80 %), `revenue_lo_90, revenue_hi_90, expected_orders, p_alive, p_buys`; horizons ascending, customers
            in the order of the first frame.

        Raises:
            ModelError: a needed frame is missing, or the frames are not about the same customers.
        """
        ids: pd.Series | None = None
        p_alive = np.empty(0)
        values: dict[int, Floats] = {}
        orders: dict[int, Floats] = {}
        p_buys: dict[int, Floats] = {}
        simulated: dict[int, Floats] = {}
        for base_days, frame in _frames(features):
            wanted = [h for h in self.horizons if h.base_days == base_days]
            if not wanted:
                continue
            if ids is None:
                ids = frame["customer_id"].reset_index(drop=True)
            frame = _same_customers(frame, ids)
            base = self.anchor.forecast(frame, base_days)
            found = tree_inputs(wanted[0], frame, base) if any(h.trees for h in wanted) else None
            for h in wanted:
                days = h.horizon_days
                far = base if days == base_days else self.anchor.forecast(frame, days)
                parts = _parts(h, found, base, self.threads)
                values[days], orders[days], p_buys[days] = _combine(h, parts, base, far)
                p_alive = far.p_alive
                if h.has_ranges and h.intervals is None:
                    simulated[days] = simulated_bounds(self.anchor, frame, days, h.level)
        if ids is None or len(values) < len(self.horizons):
            missing = sorted({h.base_days for h in self.horizons if h.horizon_days not in values})
            raise ModelError(f"features at horizon_days = {missing} are needed for this forecast and were not given")
        all_days = self.horizons_days
        revenue = _smoothed(np.column_stack([values[d] for d in all_days]), self.smoothing)
        n_orders = _non_decreasing(np.column_stack([orders[d] for d in all_days]))
        buys = np.clip(_non_decreasing(np.column_stack([p_buys[d] for d in all_days])), 0.0, 1.0)
        out = []
        for place, h in enumerate(self.horizons):
            value = revenue[:, place]
            frame = pd.DataFrame({"customer_id": ids, "horizon_days": h.horizon_days, "expected_revenue": value})
            if h.intervals is not None:
                bounds = h.intervals.bounds(value, buys[:, place])
            else:
                bounds = simulated.get(h.horizon_days, np.full((len(ids), 4), np.nan))
            for column, name in enumerate(("revenue_lo", "revenue_hi", "revenue_lo_90", "revenue_hi_90")):
                frame[name] = bounds[:, column]
            frame["expected_orders"] = n_orders[:, place]
            frame["p_alive"] = p_alive
            frame["p_buys"] = buys[:, place]
            out.append(frame)
        return pd.concat(out, ignore_index=True)

    def summary(self) -> dict[str, Any]:
        """What a model card shows: plain numbers and words."""
        return {
            "as_of": self.as_of.isoformat(),
            "seed": self.seed,
            "anchor": self.anchor.to_dict(),
            "horizons": [
                {
                    "horizon_days": h.horizon_days,
                    "trained_days": h.base_days,
                    "basis": h.basis,
                    "note": h.note,
                    "level": h.level,
                    "n_rows": h.n_rows,
                    "n_positive": h.n_positive,
                    "ratios": [list(pair) for pair in h.ratios],
                }
                for h in self.horizons
            ],
        }

    def save(self, folder: Path) -> list[Path]:
        """Write `value.json` and one `.ubj` a tree ensemble into *folder*; gives what was written."""
        folder.mkdir(parents=True, exist_ok=True)
        written: list[Path] = []
        plain: dict[str, Any] = {
            "format": FORMAT,
            "as_of": self.as_of.isoformat(),
            "seed": self.seed,
            "anchor": self.anchor.to_dict(),
            "smoothing": [list(row) for row in self.smoothing],
            "horizons": [],
        }
        for h in self.horizons:
            fields = {k: v for k, v in vars(h).items() if k not in ("trees", "intervals")}
            fields["intervals"] = None if h.intervals is None else h.intervals.to_dict()
            fields["files"] = {}
            for kind, trees in h.trees.items():
                path = folder / f"{h.horizon_days}_{kind}.ubj"
                path.write_bytes(boosting.to_bytes(trees))
                fields["files"][kind] = path.name
                written.append(path)
            plain["horizons"].append(fields)
        path = folder / "value.json"
        path.write_text(json.dumps(plain, indent=1, sort_keys=True), encoding="utf-8")
        return [*written, path]

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> ValueModel:
        """The inverse of `save`.

        Raises:
            ModelError: the folder has no model, or one of another format.
        """
        path = folder / "value.json"
        if not path.is_file():
            raise ModelError(f"{folder} holds no value model (no value.json)")
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain.get("format") != FORMAT:
            raise ModelError(f"{path} has format {plain.get('format')!r}, this version reads {FORMAT}; train again")
        horizons = []
        for fields in plain["horizons"]:
            files: dict[str, str] = fields.pop("files")
            ranges = fields.pop("intervals")
            horizons.append(
                Horizon(
                    **{
                        **fields,
                        "names": tuple(fields["names"]),
                        "ratios": tuple((day, ratio) for day, ratio in fields["ratios"]),
                    },
                    trees={
                        kind: boosting.from_bytes((folder / files[kind]).read_bytes())
                        for kind in KINDS
                        if kind in files
                    },
                    intervals=None if ranges is None else Intervals.from_dict(ranges),
                )
            )
        return cls(
            as_of=date.fromisoformat(plain["as_of"]),
            anchor=Anchor.from_dict(plain["anchor"]),
            horizons=tuple(horizons),
            smoothing=tuple(tuple(row) for row in plain["smoothing"]),
            threads=threads,
            seed=plain["seed"],
        )


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
        revenue = _ratio(snapshot, happened.revenue, forecast.value)
        buyers = _ratio(snapshot, happened.bought, forecast.p_buys)
        orders = _ratio(snapshot, happened.n_orders, forecast.orders)
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
                "inputs": _stack(matrix(few, self.names, purchase), Forecast(**base), purchase),
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
        threads: of XGBoost; 0 for all. More than one can be slower on a busy machine.
        max_rows: training rows kept per horizon, drawn by customer.
        with_intervals: fit `revenue_lo` and `revenue_hi` too; without they are NaN.

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
            aligned[snapshot.horizon_days] = {
                "revenue": _ratio(snapshot, happened.revenue, forecast.value),
                "buyers": _ratio(snapshot, happened.bought, forecast.p_buys),
                "orders": _ratio(snapshot, happened.n_orders, forecast.orders),
            }

    trained: dict[int, Horizon] = {}
    calibrated: dict[int, Rows] = {}
    for days in list(pools):
        pool = pools.pop(days)
        rows = pool.rows()
        if rows is not None:
            trained[days] = _train(pool, rows, aligned.get(days, {}), seed, threads)
            calibrated[days] = rows
    bases = {days: _base_of(days, trained) for days in sorted(set(horizons_days))}

    anchor: Anchor | None = None
    ids: pd.Series | None = None
    horizons: dict[int, Horizon] = {}
    values: dict[int, Floats] = {}
    for snapshot in today:
        frame = snapshot.features
        if not len(frame):
            continue
        if anchor is None or ids is None:
            anchor = fit_anchor(frame)
            ids = frame["customer_id"].reset_index(drop=True)
        frame = _same_customers(frame, ids)
        for days, base_days in bases.items():
            if days in horizons or base_days not in (None, snapshot.horizon_days):
                continue
            h, values[days] = _levelled(
                days, snapshot.horizon_days, trained.get(base_days or -1), anchor, frame, aligned.get(days, {}), threads
            )
            if with_intervals:
                h = _with_ranges(h, calibrated.get(base_days or -1), values[days], seed, threads)
            horizons[days] = h
    if anchor is None:
        raise NotEnoughDataError(f"no customer has a purchase before {as_of}: there is nothing to forecast")
    if len(horizons) < len(bases):
        missing = sorted({bases[days] or 0 for days in bases if days not in horizons})
        raise ModelError(f"today's features at horizon_days = {missing} are needed and were not given")
    ordered = sorted(horizons)
    return ValueModel(
        as_of=as_of,
        anchor=anchor,
        horizons=tuple(horizons[days] for days in ordered),
        smoothing=_smoothing(np.column_stack([values[days] for days in ordered])),
        threads=threads,
        seed=seed,
    )


def _base_of(days: int, trained: Mapping[int, Horizon]) -> int | None:
    """The horizon whose trees serve *days*: its own, else the longest shorter one, else none."""
    shorter = [base for base, h in trained.items() if base <= days and h.trees]
    return max(shorter) if shorter else (days if days in trained else None)


def _train(pool: _Pool, rows: Rows, aligned: Mapping[str, Ratio], seed: int, threads: int) -> Horizon:
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
    return replace(h, buyer_unit=buyer_unit, trees=_grow(rows, KINDS, rounds, seed, threads))


def _grow(rows: Rows, kinds: Sequence[Kind], rounds: int, seed: int, threads: int) -> dict[Kind, xgb.Booster]:
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
    whole = boosting.binned(rows.inputs, rows.weight, names=names, threads=threads)
    found: dict[Kind, xgb.Booster] = {}
    for kind in kinds:
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
            threads=threads,
        )
    return found


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
) -> tuple[Horizon, Floats]:
    """The model of *days* with scales that bring today's totals to the level, and today's values."""
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
        values, _, _ = _combine(h, None, far, far)
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
    parts = _parts(h, tree_inputs(h, frame, base), base, threads)
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
    values, _, _ = _combine(h, parts, base, far)
    return h, values


def _with_ranges(h: Horizon, rows: Rows | None, value: Floats, seed: int, threads: int) -> Horizon:
    """*h* with what `revenue_lo` and `revenue_hi` need."""
    if rows is None or h.basis != "full" or h.n_positive < MIN_POSITIVE_ROWS:
        return replace(h, has_ranges=True)
    rows = _thinned(rows, MAX_CALIBRATION_ROWS)
    fold = np.minimum((_person_lot(rows.person) * N_FOLDS).astype(np.int64), N_FOLDS - 1)
    forecast, p_buys = np.empty(len(fold)), np.empty(len(fold))
    is_positive = rows.revenue > 0
    n_buyers = len(np.unique(rows.person[is_positive]))
    rounds = max(1, boosting.n_rounds(int(is_positive.sum() * (1 - 1 / N_FOLDS)), int(n_buyers * (1 - 1 / N_FOLDS))))
    for number in range(N_FOLDS):
        held_out = fold == number
        fitted = replace(
            h, trees=_grow(_picked(rows, ~held_out), ("tweedie", "logistic", "gamma"), rounds, seed, threads)
        )
        some = _picked(rows, held_out)
        start = replace(some.base, p_buys=np.clip(some.base.p_buys * some.buyers_ratio, 1e-6, 1 - 1e-6))
        parts = _parts(replace(fitted, buyers_level=1.0), some.inputs, start, threads)
        if parts is None:
            raise ModelError("a fold has no trees")
        forecast[held_out] = h.tweedie_scale * parts.tweedie + h.hurdle_scale * parts.p_buys * parts.if_buys
        p_buys[held_out] = parts.p_buys
    intervals = fit_intervals(
        rows.revenue / rows.ratio / rows.purchase,
        forecast / rows.purchase,
        p_buys,
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


def starting_margins(h: Horizon, base: Forecast) -> dict[Kind, Floats]:
    """What the trees of *h* add to, on their link scales; the shop's level is not in it but in that of P(buys)."""
    p_buys = np.clip(base.p_buys * math.sqrt(h.buyers_level), 1e-6, 1 - 1e-6)
    if_buys = np.maximum(base.value / base.p_buys, GAMMA_FLOOR_SHARE * base.amount)
    return {
        "tweedie": np.log(np.maximum(base.value, h.floor)),
        "logistic": np.log(p_buys / (1 - p_buys)),
        "gamma": np.log(if_buys),
        "poisson": np.log(base.orders),
    }


def _parts(h: Horizon, inputs: Matrix | None, base: Forecast, threads: int) -> _Parts | None:
    if not h.trees or inputs is None:
        return None
    names = list(h.names)
    starts = starting_margins(h, base)
    data = boosting.loaded(inputs, names=names, threads=threads)
    found = {
        kind: boosting.margins(h.trees[kind], data, start, names=names, threads=threads)
        for kind, start in starts.items()
        if kind in h.trees
    }
    return _Parts(
        tweedie=np.exp(found["tweedie"]),
        p_buys=1 / (1 + np.exp(-found["logistic"])),
        if_buys=np.exp(found["gamma"]),
        orders=np.exp(found.get("poisson", starts["poisson"])),
    )


def _combine(h: Horizon, parts: _Parts | None, base: Forecast, far: Forecast) -> tuple[Floats, Floats, Floats]:
    """Expected revenue, expected purchase days and P(buys) of *h*'s horizon."""
    if parts is None:
        p_buys = np.clip(far.p_buys * math.sqrt(h.buyers_level), 0.0, 1 - 1e-9)
        return h.level * far.value, h.orders_level * far.orders, p_buys
    value = 0.5 * h.tweedie_scale * parts.tweedie + 0.5 * h.hurdle_scale * parts.p_buys * parts.if_buys
    if h.base_days == h.horizon_days:
        return value, h.orders_scale * parts.orders, parts.p_buys
    # A longer period than was trained: orders stretch as BTYD says, and so does the hazard of the first of them.
    stretch = far.orders / base.orders
    hazard = np.log1p(-far.p_buys) / np.log1p(-base.p_buys)
    p_buys = -np.expm1(hazard * np.log1p(-np.clip(parts.p_buys, 0.0, 1 - 1e-9)))
    return value * stretch, h.orders_scale * parts.orders * stretch, p_buys


def tree_inputs(h: Horizon, frame: pd.DataFrame, base: Forecast) -> Matrix:
    """[n_customers, n_names] what the trees of *h* read.

    Raises:
        ModelError: *frame* lacks a column that the model was trained with.
    """
    names = [name for name in h.names if name not in BTYD_INPUTS]
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ModelError(f"the features lack columns {missing} that the model was trained with")
    return _stack(matrix(frame, names, h.purchase), base, h.purchase)


def _stack(inputs: Matrix, base: Forecast, purchase: float) -> Matrix:
    """The features, then BTYD's view in the order of BTYD_INPUTS."""
    extra = (base.orders, base.amount / purchase, base.value / purchase, base.p_buys, base.p_alive)
    return np.column_stack([inputs, *(column.astype(np.float32) for column in extra)])


def _ratio(snapshot: Snapshot, actual: Floats, forecast: Floats) -> Ratio:
    total = float(forecast.sum())
    ratio = float(actual.sum()) / total if total > 0 else 0.0
    return Ratio(snapshot.as_of, snapshot.history_days, ratio, evidence(float(np.count_nonzero(actual))))


def _frames(features: Mapping[int, pd.DataFrame] | Iterable[Snapshot]) -> Iterable[tuple[int, pd.DataFrame]]:
    if isinstance(features, Mapping):
        yield from features.items()
    else:
        for snapshot in features:
            yield snapshot.horizon_days, snapshot.features


def _same_customers(frame: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """*frame* in the order of *ids*."""
    mine = frame["customer_id"].reset_index(drop=True)
    if len(mine) == len(ids) and bool((mine == ids).all()):
        return frame
    found = frame.set_index("customer_id").reindex(ids)
    if len(mine) != len(ids) or bool(found["T"].isna().any()):
        raise ModelError("the feature frames of the horizons are not about the same customers; take them at one date")
    return found.reset_index()


def _non_decreasing(values: Floats) -> Floats:
    """Each row made non-decreasing by pooling neighbours (isotonic regression): [n_customers, n_horizons]."""
    n = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    out = np.empty_like(values)
    for place in range(n):
        best = np.full(len(values), -np.inf)
        for start in range(place + 1):
            least = np.full(len(values), np.inf)
            for stop in range(place, n):
                np.minimum(least, (sums[:, stop + 1] - sums[:, start]) / (stop + 1 - start), out=least)
            np.maximum(best, least, out=best)
        out[:, place] = best
    return np.maximum.accumulate(out, axis=1)


def _smoothing(values: Floats) -> tuple[tuple[float, ...], ...]:
    """Factors, a row a round, that bring each horizon's total back after pooling, without falling totals."""
    if values.shape[1] < 2 or not len(values):
        return ()
    wanted = _non_decreasing(values.sum(axis=0, keepdims=True))[0]
    factors: list[tuple[float, ...]] = []
    current = values
    for _ in range(N_SMOOTHINGS):
        current = _non_decreasing(current)
        factor = wanted / np.maximum(current.sum(axis=0), 1e-12)
        factors.append(tuple(float(f) for f in factor))
        if float(np.abs(factor - 1).max()) < 1e-6:
            break
        current = current * factor
    return tuple(factors)


def _smoothed(values: Floats, factors: Sequence[Sequence[float]]) -> Floats:
    for factor in factors:
        values = _non_decreasing(values) * np.asarray(factor)
    return _non_decreasing(values)
