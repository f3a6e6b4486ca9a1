"""The value model: BTYD baseline × boosted corrections × level of the shop, for every horizon at once.

| step     | where          | what it decides                                                     |
|----------|----------------|---------------------------------------------------------------------|
| baseline | `clv.anchor`   | everything, for a shop with few customers                           |
| shape    | `clv.boosting` | who is worth more or less than the baseline says                    |
| trust    | `clv.fitting`  | how much of that is believed, by customers that the trees never saw |
| voice    | `clv.fitting`  | in shops with few rows, trees of a shorter period have half a say   |
| level    | `clv.level`    | the total                                                           |
| range    | `clv.intervals`| how far a customer's own result may lie from the value              |

What happens when data is short is in `Horizon.basis`: `full`, `shorter` (trained on a shorter period, scaled),
`baseline` (BTYD × level), `mean` (nobody has bought twice). Here: a fitted model, its forecasts and its files (JSON and
UBJSON; hashes are the registry's task). How it is fitted: `clv.fitting`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

from clv import boosting
from clv.anchor import Anchor, Forecast
from clv.boosting import Kind, Matrix
from clv.errors import ModelError
from clv.intervals import Intervals, simulated_bounds
from clv.monotone import non_decreasing, smoothed
from clv.snapshots import Floats, Snapshot, matrix

FORMAT = 1
KINDS: tuple[Kind, ...] = ("tweedie", "logistic", "gamma", "poisson")
BTYD_INPUTS = ("btyd_orders", "btyd_amount", "btyd_value", "btyd_p_buys", "btyd_p_alive")
HELPER_SHARE = 0.5
GAMMA_FLOOR_SHARE = 0.2
"""Value if buys starts from at least this share of the mean amount."""


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
    trust: float = 1.0
    """Share of the trees in value and P(buys); the rest is the baseline at the shop's level."""
    helper: Horizon | None = None
    """A model of the same horizon that learnt from a shorter period, which has a say of `HELPER_SHARE`."""
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
    def voices(self) -> tuple[tuple[Horizon, float], ...]:
        """The models that are averaged, this one first, and their shares."""
        if self.helper is None:
            return ((self, 1.0),)
        return ((self, 1.0 - HELPER_SHARE), (self.helper, HELPER_SHARE))

    @property
    def note(self) -> str:
        """What a reader has to know about this horizon; empty when all is well."""
        return {
            "full": "",
            "shorter": f"history is too short to train {self.horizon_days} days: scaled from {self.base_days} days, "
            "totals can be off by 40%",
            "baseline": "too few purchases to learn from: the BTYD baseline stands alone",
            "mean": "no customer has bought twice: everybody is given the historical mean",
        }[self.basis]


@dataclass(frozen=True)
class Parts:
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
        return tuple(sorted({one.base_days for h in self.horizons for one, _ in h.voices}))

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
        found: dict[int, Floats] = {}
        simulated: dict[int, Floats] = {}
        missing = {(h.horizon_days, one.base_days) for h in self.horizons for one, _ in h.voices}
        for base_days, frame in _frames(features):
            wanted = [(h, one, say) for h in self.horizons for one, say in h.voices if one.base_days == base_days]
            if not wanted:
                continue
            if ids is None:
                ids = frame["customer_id"].reset_index(drop=True)
            frame = same_customers(frame, ids)
            base = self.anchor.forecast(frame, base_days)
            first = next((one for _, one, _ in wanted if one.trees), None)
            inputs = None if first is None else tree_inputs(first, frame, base)
            for h, one, say in wanted:
                days = h.horizon_days
                far = base if days == base_days else self.anchor.forecast(frame, days)
                said = np.array(combined(one, tree_parts(one, inputs, base, self.threads), base, far))
                found[days] = found.get(days, 0.0) + say * said
                missing.discard((days, base_days))
                p_alive = far.p_alive
                if one is h and h.has_ranges and h.intervals is None:
                    simulated[days] = simulated_bounds(self.anchor, frame, days, h.level)
        if ids is None or missing:
            needed = sorted({base_days for _, base_days in missing})
            raise ModelError(f"features at horizon_days = {needed} are needed for this forecast and were not given")
        all_days = self.horizons_days
        revenue = smoothed(np.column_stack([found[d][0] for d in all_days]), self.smoothing)
        n_orders = non_decreasing(np.column_stack([found[d][1] for d in all_days]))
        buys = np.clip(non_decreasing(np.column_stack([found[d][2] for d in all_days])), 0.0, 1.0)
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
                    "trust": h.trust,
                    "helped_by_days": None if h.helper is None else h.helper.base_days,
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
            plain["horizons"].append(_plain(h, folder, written))
        path = folder / "value.json"
        path.write_text(json.dumps(plain, indent=1, sort_keys=True), encoding="utf-8")
        return [*sorted(set(written)), path]

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
        return cls(
            as_of=date.fromisoformat(plain["as_of"]),
            anchor=Anchor.from_dict(plain["anchor"]),
            horizons=tuple(_horizon(fields, folder) for fields in plain["horizons"]),
            smoothing=tuple(tuple(row) for row in plain["smoothing"]),
            threads=threads,
            seed=plain["seed"],
        )


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


def tree_parts(h: Horizon, inputs: Matrix | None, base: Forecast, threads: int) -> Parts | None:
    """What the trees of *h* say before levels; None when there are none."""
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
    return Parts(
        tweedie=np.exp(found["tweedie"]),
        p_buys=1 / (1 + np.exp(-found["logistic"])),
        if_buys=np.exp(found["gamma"]),
        orders=np.exp(found.get("poisson", starts["poisson"])),
    )


def combined(h: Horizon, parts: Parts | None, base: Forecast, far: Forecast) -> tuple[Floats, Floats, Floats]:
    """Expected revenue, expected purchase days and P(buys) of *h*'s horizon, by *h* alone, not by its helper."""
    if parts is None:
        p_buys = np.clip(far.p_buys * math.sqrt(h.buyers_level), 0.0, 1 - 1e-9)
        return h.level * far.value, h.orders_level * far.orders, p_buys
    value = 0.5 * h.tweedie_scale * parts.tweedie + 0.5 * h.hurdle_scale * parts.p_buys * parts.if_buys
    value = h.trust * value * (far.orders / base.orders) + (1 - h.trust) * h.level * far.value
    p_buys = believed_p_buys(h, parts.p_buys, base)
    if h.base_days == h.horizon_days:
        return value, h.orders_scale * parts.orders, p_buys
    # A longer period than was trained: orders stretch as BTYD says, and so does the hazard of the first of them.
    hazard = np.log1p(-far.p_buys) / np.log1p(-base.p_buys)
    p_buys = -np.expm1(hazard * np.log1p(-np.clip(p_buys, 0.0, 1 - 1e-9)))
    return value, h.orders_scale * parts.orders * (far.orders / base.orders), p_buys


def believed_p_buys(h: Horizon, p_buys: Floats, base: Forecast) -> Floats:
    """What the trees of *h* say of a purchase, and the baseline as far as they are not believed."""
    at_level = np.clip(base.p_buys * math.sqrt(h.buyers_level), 1e-6, 1 - 1e-6)
    return h.trust * p_buys + (1 - h.trust) * at_level


def tree_inputs(h: Horizon, frame: pd.DataFrame, base: Forecast) -> Matrix:
    """[n_customers, n_names] what the trees of *h* read.

    Raises:
        ModelError: *frame* lacks a column that the model was trained with.
    """
    names = [name for name in h.names if name not in BTYD_INPUTS]
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ModelError(f"the features lack columns {missing} that the model was trained with")
    return stacked(matrix(frame, names, h.purchase), base, h.purchase)


def stacked(inputs: Matrix, base: Forecast, purchase: float) -> Matrix:
    """The features, then BTYD's view in the order of BTYD_INPUTS."""
    extra = (base.orders, base.amount / purchase, base.value / purchase, base.p_buys, base.p_alive)
    return np.column_stack([inputs, *(column.astype(np.float32) for column in extra)])


def _frames(features: Mapping[int, pd.DataFrame] | Iterable[Snapshot]) -> Iterable[tuple[int, pd.DataFrame]]:
    if isinstance(features, Mapping):
        yield from features.items()
    else:
        for snapshot in features:
            yield snapshot.horizon_days, snapshot.features


def same_customers(frame: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """*frame* in the order of *ids*."""
    mine = frame["customer_id"].reset_index(drop=True)
    if len(mine) == len(ids) and bool((mine == ids).all()):
        return frame
    found = frame.set_index("customer_id").reindex(ids)
    if len(mine) != len(ids) or bool(found["T"].isna().any()):
        raise ModelError("the feature frames of the horizons are not about the same customers; take them at one date")
    return found.reset_index()


def _plain(h: Horizon, folder: Path, written: list[Path]) -> dict[str, Any]:
    """*h* for JSON; its trees go into *folder*, once for each period that was learnt from."""
    fields = {k: v for k, v in vars(h).items() if k not in ("trees", "intervals", "helper")}
    fields["intervals"] = None if h.intervals is None else h.intervals.to_dict()
    fields["helper"] = None if h.helper is None else _plain(h.helper, folder, written)
    fields["files"] = {}
    for kind, trees in h.trees.items():
        path = folder / f"{h.base_days}_{kind}.ubj"
        if path not in written:
            path.write_bytes(boosting.to_bytes(trees))
            written.append(path)
        fields["files"][kind] = path.name
    return fields


def _horizon(fields: Mapping[str, Any], folder: Path) -> Horizon:
    """The inverse of `_plain`."""
    plain = {k: v for k, v in fields.items() if k not in ("files", "intervals", "helper")}
    ranges, helper, files = fields["intervals"], fields.get("helper"), fields["files"]
    return Horizon(
        **{
            **plain,
            "names": tuple(plain["names"]),
            "ratios": tuple((day, ratio) for day, ratio in plain["ratios"]),
        },
        trees={kind: boosting.from_bytes((folder / files[kind]).read_bytes()) for kind in KINDS if kind in files},
        intervals=None if ranges is None else Intervals.from_dict(ranges),
        helper=None if helper is None else _horizon(helper, folder),
    )
