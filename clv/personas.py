"""Personas: kinds of customers by how they buy, found by k-means, named by what sets them apart, stable over time.

k is the number of groups that drawing the customers again changes least; of those within one standard error of the
best, the largest. A group keeps its id and its name as long as one is found where it was. Not for prediction: no model
reads a persona.

| feature     | is, per customer                                                                          |
|-------------|-------------------------------------------------------------------------------------------|
| money       | log of net revenue to date                                                                |
| frequency   | log of orders to date                                                                     |
| regularity  | minus the coefficient of variation of the pauses between purchase days                    |
| discount    | share of orders with a discount                                                           |
| breadth     | share of orders outside the favourite category                                            |
| channel_mix | share of orders outside the main channel                                                  |

Shares and regularity lean towards the shop's, the more so the fewer orders there are to tell them from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from clv.errors import NotEnoughDataError
from clv.snapshots import Floats, numbers

Ints = npt.NDArray[np.int64]

FEATURES = ("money", "frequency", "regularity", "discount", "breadth", "channel_mix")
_READ = (
    "n_orders",
    "revenue",
    "n_gaps",
    "gap_mean_days",
    "gap_std_days",
    "n_discounted",
    "n_other_category",
    "n_other_channel",
)
N_PERSONAS = (3, 4, 5, 6, 7)
"""Numbers of groups that are tried."""
MIN_CUSTOMERS = 100
MAX_FITTED = 20_000
"""Customers that the groups are found from; the others join the nearest."""
MAX_JUDGED = 4_000
"""Customers of a resample: stability needs no more, and costs the most."""
N_RESAMPLES = 20
KEPT_SLACK = 0.03
"""How much less agreement than the best the last time's number of groups may have: names that stay are worth it."""
SAME_WITHIN = 0.5
"""A group is the one of before when its centre has moved less than this: standard deviations, root mean square."""
INTERVAL = (10, 90)
"""Percentiles over the resamples."""
PRIOR_ORDERS = 2.0
PRIOR_GAPS = 3.0
CLIP = 3.0
MIN_MONEY = 0.01
"""As a share of the median revenue: the logarithm of what is earned with nobody has to end somewhere."""
KEY = "retain-personas!"
CHUNK = 100_000

ADJECTIVES: Mapping[str, tuple[str, str]] = {
    "money": ("High-spending", "Low-spending"),
    "regularity": ("Steady", "Irregular"),
    "discount": ("Discount-led", "Full-price"),
    "breadth": ("Broad-taste", "One-category"),
    "channel_mix": ("Multi-channel", "One-channel"),
}
"""Feature → what somebody is called who has much of it, and little."""
MARKED = 0.3
"""Standard deviations from the shop's mean at which a feature is worth a word."""
ONE_TIMERS = 0.8
"""Share of customers with one order above which a group is called after them."""
FREQUENT = 0.5


@dataclass(frozen=True)
class Earlier:
    """The groups of the last time."""

    ids: Sequence[str]
    names: Sequence[str]
    centres: Floats
    """[n_personas, n_features], in the units of the table above."""


@dataclass(frozen=True)
class Persona:
    """One group."""

    id: str
    name: str
    n_customers: int
    stability: float
    """Mean overlap (Jaccard) with its nearest group in the resamples; 1 is always found again."""
    stability_lo: float
    stability_hi: float
    centre: Floats
    """[n_features], in the units of the table above."""
    z: Floats
    """[n_features]: standard deviations from the shop's mean."""
    natural: Floats
    """[n_features] in units for people: revenue, orders, regularity 0–1, and three shares."""
    is_new: bool
    """Not there the last time."""

    @property
    def order(self) -> list[int]:
        """Places of the features, the most distinguishing first."""
        return [int(place) for place in np.argsort(-np.abs(self.z), kind="stable")]


@dataclass(frozen=True)
class Personas:
    """All groups, and who is in which."""

    personas: tuple[Persona, ...]
    """The one with most revenue per customer first."""
    labels: Ints
    """[n_customers] place in *personas*, in the order of the frame."""
    agreement: float
    """Mean adjusted Rand index between resamples; 1 is the same groups each time."""
    agreement_lo: float
    agreement_hi: float
    shop_natural: Floats
    """[n_features]: the `natural` of all customers together."""
    tried: Mapping[int, float]
    """Number of groups → agreement."""


def derive(behaviour: pd.DataFrame, *, seed: int, earlier: Earlier | None = None) -> Personas:
    """Find the groups and name them.

    Args:
        behaviour: columns of `features.customer_behaviour`, one row a customer, in any order.
        seed: same customers, same seed: same groups.
        earlier: the groups of the last time, whose ids and names stay where they still fit.

    Raises:
        NotEnoughDataError: there are too few customers, or nothing in which they differ.
    """
    n = len(behaviour)
    if n < MIN_CUSTOMERS:
        raise NotEnoughDataError(f"{n} customers with a purchase are too few for personas; {MIN_CUSTOMERS} are needed")
    raw = features(behaviour)
    centre, spread = raw.mean(axis=0), raw.std(axis=0)
    is_used = spread > 1e-9
    if is_used.sum() < 2:
        raise NotEnoughDataError("the customers do not differ in how they buy: there are no personas to tell apart")
    spread = np.where(is_used, spread, 1.0)
    scaled = np.clip((raw - centre) / spread, -CLIP, CLIP)
    order = np.lexsort((behaviour["customer_id"].to_numpy(), _hash(behaviour["customer_id"])))
    fitted = scaled[order[:MAX_FITTED]]
    before = None if earlier is None or not len(earlier.ids) else (earlier.centres - centre) / spread
    # One thread: sums in one order, and cores that others have are not waited for.
    with threadpool_limits(limits=1):
        tried = _agreements(fitted[:MAX_JUDGED], seed)
        k = _chosen(tried, None if before is None else len(before))
        centres = _fit(fitted, k, seed, before)
        judged = fitted[:MAX_JUDGED]
        overlaps = _overlaps(judged, centres, tried[k].fits)
    labels = nearest(scaled, centres)
    return _named(behaviour, raw, centres, labels, overlaps, tried, k, earlier, centre, spread)


def features(behaviour: pd.DataFrame) -> Floats:
    """[n_customers, n_features] in the units of the module's table; finite whatever is missing."""
    frame = {str(name): numbers(behaviour, str(name)) for name in _READ}
    orders = np.maximum(np.nan_to_num(frame["n_orders"]), 1.0)
    revenue = np.nan_to_num(frame["revenue"])
    paid = revenue[revenue > 0]
    least = MIN_MONEY * float(np.median(paid)) if len(paid) else 1.0
    return np.column_stack(
        [
            np.log(np.maximum(revenue, least)),
            np.log(orders),
            -_variation(frame),
            *(_leaning(frame[name], orders) for name in ("n_discounted", "n_other_category", "n_other_channel")),
        ]
    )


def nearest(points: Floats, centres: Floats) -> Ints:
    """[n] which centre is nearest to each point; a tie goes to the first."""
    found = np.empty(len(points), np.int64)
    for start in range(0, len(points), CHUNK):
        part = points[start : start + CHUNK]
        found[start : start + CHUNK] = ((part[:, None, :] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    return found


def _variation(frame: Mapping[str, Floats]) -> Floats:
    """Coefficient of variation of the pauses, leaning towards the shop's; the shop's where there are not two pauses."""
    n_gaps = np.nan_to_num(frame["n_gaps"])
    mean, deviation = frame["gap_mean_days"], frame["gap_std_days"]
    is_known = (n_gaps >= 2) & (np.nan_to_num(mean) > 0) & np.isfinite(deviation)
    if not is_known.any():
        return np.zeros(len(n_gaps))
    own = np.where(is_known, deviation / np.where(is_known, mean, 1.0), 0.0)
    shop = float(np.average(own[is_known], weights=n_gaps[is_known]))
    weight = np.where(is_known, n_gaps / (n_gaps + PRIOR_GAPS), 0.0)
    return np.asarray(weight * own + (1 - weight) * shop, np.float64)


def _leaning(count: Floats, orders: Floats) -> Floats:
    """A share of orders, leaning towards the shop's."""
    count = np.nan_to_num(count)
    shop = count.sum() / orders.sum()
    return np.asarray((count + PRIOR_ORDERS * shop) / (orders + PRIOR_ORDERS), np.float64)


def _hash(ids: pd.Series) -> npt.NDArray[Any]:
    """An order of the customers that has nothing to do with anything."""
    return np.asarray(pd.util.hash_pandas_object(ids.astype(object), index=False, hash_key=KEY))


@dataclass(frozen=True)
class _Tried:
    """One number of groups on the resamples."""

    agreements: Floats
    fits: list[Floats]

    @property
    def mean(self) -> float:
        return float(self.agreements.mean())

    @property
    def standard_error(self) -> float:
        return float(self.agreements.std() / np.sqrt(len(self.agreements)))


def _agreements(points: Floats, seed: int) -> dict[int, _Tried]:
    """Each number of groups: fitted on resamples of the customers, how well do two fits agree on all of them?"""
    found = {}
    for k in N_PERSONAS:
        fits = []
        for b in range(N_RESAMPLES):
            draw = np.random.default_rng([seed, k, b]).integers(0, len(points), len(points))
            fits.append(_k_means(points[draw], k, seed + b, n_init=2))
        labels = [nearest(points, centres) for centres in fits]
        rand = [adjusted_rand_score(one, other) for one, other in pairwise([*labels, labels[0]])]
        found[k] = _Tried(np.array(rand), fits)
    return found


def _chosen(tried: Mapping[int, _Tried], k_before: int | None) -> int:
    best = max(tried.values(), key=lambda one: one.mean)
    if k_before is not None and k_before in tried and tried[k_before].mean >= best.mean - KEPT_SLACK:
        return k_before
    return max(k for k, one in tried.items() if one.mean >= best.mean - best.standard_error)


def _fit(points: Floats, k: int, seed: int, before: Floats | None) -> Floats:
    """The centres; those that grow out of the ones of the last time where they are as good."""
    fresh = _k_means(points, k, seed, n_init=8)
    if before is None or len(before) != k:
        return fresh
    grown = _k_means(points, k, seed, start=np.clip(before, -CLIP, CLIP))
    return grown if _inertia(points, grown) <= 1.02 * _inertia(points, fresh) else fresh


def _k_means(points: Floats, k: int, seed: int, *, n_init: int = 1, start: Floats | None = None) -> Floats:
    k = min(k, len(np.unique(points, axis=0)))
    model = KMeans(
        k, init="k-means++" if start is None else start[:k], n_init=n_init if start is None else 1, random_state=seed
    )
    return np.asarray(model.fit(points).cluster_centers_, np.float64)


def _inertia(points: Floats, centres: Floats) -> float:
    return float(((points - centres[nearest(points, centres)]) ** 2).sum())


def _overlaps(points: Floats, centres: Floats, fits: Sequence[Floats]) -> Floats:
    """[n_resamples, n_personas] Jaccard overlap of each group with the nearest one of each resample's fit."""
    ours = nearest(points, centres)
    rows = []
    for fit in fits:
        theirs = nearest(points, fit)
        both = np.zeros((len(centres), len(fit)))
        np.add.at(both, (ours, theirs), 1.0)
        either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
        rows.append((both / np.maximum(either, 1.0)).max(axis=1))
    return np.array(rows)


def _named(
    behaviour: pd.DataFrame,
    raw: Floats,
    centres: Floats,
    labels: Ints,
    overlaps: Floats,
    tried: Mapping[int, _Tried],
    k: int,
    earlier: Earlier | None,
    centre: Floats,
    spread: Floats,
) -> Personas:
    groups = [place for place in range(len(centres)) if (labels == place).any()]
    means = np.array([raw[labels == place].mean(axis=0) for place in groups])
    z = (means - centre) / spread
    natural = np.array([_natural(behaviour[labels == place], raw[labels == place]) for place in groups])
    by_money = [int(at) for at in np.argsort(-natural[:, 0], kind="stable")]
    kept = _same(means, earlier, spread)
    ids, names = _ids(by_money, kept, earlier), _names(by_money, behaviour, labels, groups, z, kept, earlier)
    lo, hi = np.percentile(overlaps, INTERVAL, axis=0)
    personas = tuple(
        Persona(
            id=ids[at],
            name=names[at],
            n_customers=int((labels == groups[at]).sum()),
            stability=float(overlaps[:, groups[at]].mean()),
            stability_lo=float(lo[groups[at]]),
            stability_hi=float(hi[groups[at]]),
            centre=means[at],
            z=z[at],
            natural=natural[at],
            is_new=at not in kept,
        )
        for at in by_money
    )
    place_of = np.zeros(len(centres), np.int64)
    for place, at in enumerate(by_money):
        place_of[groups[at]] = place
    agreement_lo, agreement_hi = np.percentile(tried[k].agreements, INTERVAL)
    return Personas(
        personas=personas,
        labels=place_of[labels],
        agreement=tried[k].mean,
        agreement_lo=float(agreement_lo),
        agreement_hi=float(agreement_hi),
        shop_natural=_natural(behaviour, raw),
        tried={k: one.mean for k, one in tried.items()},
    )


def _natural(behaviour: pd.DataFrame, raw: Floats) -> Floats:
    """What the features are for some customers, in units for people: per customer, and shares of all their orders."""
    orders = float(behaviour["n_orders"].sum())
    shares = [float(behaviour[name].sum()) / orders for name in ("n_discounted", "n_other_category", "n_other_channel")]
    regularity = float(np.mean(1.0 / (1.0 - raw[:, FEATURES.index("regularity")])))
    return np.array([float(behaviour["revenue"].mean()), orders / len(behaviour), regularity, *shares])


def _same(means: Floats, earlier: Earlier | None, spread: Floats) -> dict[int, int]:
    """Group now → group of the last time, one to one, for those that have not moved far."""
    if earlier is None or not len(earlier.ids):
        return {}
    far = np.sqrt((((means[:, None, :] - earlier.centres[None]) / spread) ** 2).mean(axis=2))
    # What is too far costs the same however far: it must not push a near pair apart.
    ours, theirs = linear_sum_assignment(np.minimum(far, SAME_WITHIN))
    return {int(a): int(b) for a, b in zip(ours, theirs, strict=True) if far[a, b] < SAME_WITHIN}


def _ids(by_money: Sequence[int], kept: Mapping[int, int], earlier: Earlier | None) -> dict[int, str]:
    used = [] if earlier is None else list(earlier.ids)
    following = max((int(one[1:]) for one in used if one[1:].isdigit()), default=0) + 1
    ids = {}
    for at in by_money:
        if earlier is not None and at in kept:
            ids[at] = earlier.ids[kept[at]]
        else:
            ids[at] = f"p{following}"
            following += 1
    return ids


def _names(
    by_money: Sequence[int],
    behaviour: pd.DataFrame,
    labels: Ints,
    groups: Sequence[int],
    z: Floats,
    kept: Mapping[int, int],
    earlier: Earlier | None,
) -> dict[int, str]:
    names = {} if earlier is None else {at: earlier.names[before] for at, before in kept.items()}
    orders = behaviour["n_orders"].to_numpy()
    for at in by_money:
        if at in names:
            continue
        is_once = float((orders[labels == groups[at]] == 1).mean()) >= ONE_TIMERS
        names[at] = _name(z[at], is_once, set(names.values()))
    return names


def _name(z: Floats, is_once: bool, taken: set[str]) -> str:
    """As few words as set it apart: its most distinguishing features, then how often they buy."""
    frequency = z[FEATURES.index("frequency")]
    # nobody is called irregular and regular in one breath
    often = "regulars" if z[FEATURES.index("regularity")] > -MARKED else "frequent buyers"
    noun = "one-timers" if is_once else often if frequency >= FREQUENT else "occasional buyers"
    marks = [
        ADJECTIVES[FEATURES[place]][0 if z[place] > 0 else 1]
        for place in np.argsort(-np.abs(z), kind="stable")
        if FEATURES[place] in ADJECTIVES and abs(z[place]) >= MARKED
    ]
    tries = [
        " ".join([", ".join([marks[0], *(word.lower() for word in marks[1:n])]), noun])
        for n in range(1, len(marks) + 1)
    ]
    tries = tries or [f"Typical {noun}"]
    tries += [f"{tries[0]} {number}" for number in range(2, 100)]
    return next(one for one in tries if one not in taken)
