"""Why a customer is worth what the model says: contributions in money that add up exactly.

    value = BTYD baseline + level of the shop + Σ contribution of each fact + rest

The trees add on a log scale (and on log-odds for P(buys)). From there to money by the logarithmic mean: with
m = (a − a0) / ln(a / a0), m·φ of each fact sums to a − a0, has the sign of φ, and does not blow up where the sum of φ
is near 0. Both halves of the forecast are taken apart, and both voices where a shorter period has a say, so
*rest* is small: the floor of the baseline, the scales that bring totals to the level, and the pooling of horizons.

References:
    Lundberg et al. (2020), TreeSHAP; Ang (2005), logarithmic mean Divisia index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from clv import boosting
from clv.snapshots import Floats, numbers
from clv.value import BTYD_INPUTS, Horizon, ValueModel, starting_margins, tree_inputs

BASELINE = "baseline"
LEVEL = "shop_level"
REST = "rest"
TERMS = (BASELINE, LEVEL, REST)
"""Rows of an explanation that are not facts about the customer."""

WORDS: dict[str, str] = {
    BASELINE: "purchase model alone (how often, how recently, how much)",
    LEVEL: "how the shop as a whole is doing",
    REST: "rounding and calibration",
    "x": "repeat purchase days",
    "t_x": "days between first and last purchase",
    "T": "days since the first purchase",
    "n_orders": "orders",
    "n_purchase_days": "purchase days",
    "n_paid_days": "paid purchase days",
    "recency_days": "days since the last purchase",
    "net_revenue": "revenue so far, returns taken off",
    "gross_revenue": "revenue so far, before returns",
    "mean_day_amount": "mean amount of a purchase",
    "median_day_amount": "median amount of a purchase",
    "max_day_amount": "largest purchase",
    "min_day_amount": "smallest purchase",
    "std_day_amount": "spread of the amounts",
    "cv_day_amount": "spread of the amounts, as a share of the mean",
    "first_day_amount": "first purchase",
    "last_day_amount": "last purchase",
    "last3_day_amount": "mean of the last three purchases",
    "last3_over_mean": "last three purchases against the mean",
    "amount_slope": "growth of the amounts",
    "revenue_quarter_h": "revenue in the last quarter of a period",
    "revenue_half_h": "revenue in the last half period",
    "revenue_1h": "revenue in the last period",
    "revenue_2h": "revenue in the last two periods",
    "revenue_4h": "revenue in the last four periods",
    "n_days_quarter_h": "purchase days in the last quarter of a period",
    "n_days_half_h": "purchase days in the last half period",
    "n_days_1h": "purchase days in the last period",
    "n_days_2h": "purchase days in the last two periods",
    "n_days_4h": "purchase days in the last four periods",
    "revenue_previous_h": "revenue in the period before the last",
    "n_days_previous_h": "purchase days in the period before the last",
    "revenue_trend": "revenue of the last period against the one before",
    "n_days_trend": "purchase days of the last period against the one before",
    "n_days_half_trend": "purchase days of the last half period against the whole",
    "revenue_decay_third_h": "very recent revenue",
    "revenue_decay_1h": "recent revenue",
    "revenue_decay_3h": "revenue, the recent weighing more",
    "n_days_decay_third_h": "very recent purchase days",
    "n_days_decay_1h": "recent purchase days",
    "n_days_decay_3h": "purchase days, the recent weighing more",
    "gap_mean_days": "mean days between purchases",
    "gap_std_days": "spread of the days between purchases",
    "gap_median_days": "median days between purchases",
    "gap_max_days": "longest pause between purchases, in days",
    "gap_last_days": "last pause between purchases, in days",
    "gap_last3_days": "mean of the last three pauses, in days",
    "recency_over_gap_mean": "silence against the usual pause",
    "recency_over_gap_median": "silence against the median pause",
    "recency_over_gap_max": "silence against the longest pause",
    "gap_cv": "regularity of the purchases",
    "t_x_share": "share of the time as customer until the last purchase",
    "n_days_per_h": "purchase days per period",
    "revenue_per_h": "revenue per period",
    "revenue_year_ago": "revenue in the same season a year ago",
    "n_days_year_ago": "purchase days in the same season a year ago",
    "n_returns": "returned lines",
    "returned_amount": "amount returned",
    "return_share": "share of revenue returned",
    "quantity_per_day": "items per purchase",
    "lines_per_day": "lines per purchase",
    "orders_per_day": "orders per purchase day",
    "mean_unit_price": "mean price of an item",
    "discount_share": "share bought at a discount",
    "categories_per_day": "categories per purchase",
    "max_categories": "most categories in one purchase",
    "mean_hour": "usual hour of the day",
    "weekend_share": "share of purchases at the weekend",
    "n_months_active": "months with a purchase",
    "months_active_share": "share of months with a purchase",
    "btyd_orders": "purchases that the purchase model expects",
    "btyd_amount": "amount that the purchase model expects",
    "btyd_value": "value that the purchase model expects",
    "btyd_p_buys": "chance of a purchase by the purchase model",
    "btyd_p_alive": "chance of still being a customer by the purchase model",
}
"""Plain words for each input; a *period* is the forecast horizon."""


Kind = Literal["money", "share", "days", "number"]
_KINDS: dict[str, Kind] = {
    "n_purchase_days": "number",
    "n_paid_days": "number",
    "revenue_trend": "number",
    "amount_slope": "number",
    "cv_day_amount": "number",
}
"""What the names alone would get wrong."""


@dataclass(frozen=True)
class Explanation:
    """Of one horizon. Everything in the shop's currency; a row's terms and contributions add up to its value."""

    horizon_days: int
    customer_ids: pd.Series
    names: tuple[str, ...]
    """Facts, in the order of the columns of *contributions*."""
    facts: Floats
    """[n_customers, n_names] what the facts are; NaN is unknown."""
    value: Floats
    """[n_customers] expected revenue, as `ValueModel.predict` gives it."""
    baseline: Floats
    level: Floats
    rest: Floats
    contributions: Floats
    """[n_customers, n_names]"""

    def of(self, ids: pd.Series) -> Explanation:
        """That of the customers *ids* alone, in that order.

        Raises:
            KeyError: one of them is not explained.
        """
        places = pd.Series(np.arange(len(self.customer_ids)), index=self.customer_ids).loc[ids].to_numpy()
        rows = {
            name: getattr(self, name)[places]
            for name in ("facts", "value", "baseline", "level", "rest", "contributions")
        }
        return replace(self, customer_ids=self.customer_ids.iloc[places].reset_index(drop=True), **rows)


def explain(model: ValueModel, features: Mapping[int, pd.DataFrame], horizon_days: int) -> Explanation:
    """Take the expected revenue of *horizon_days* apart.

    About a millisecond a customer and ensemble of trees: give the customers that are looked at, or a sample.

    Args:
        model: a fitted model.
        features: as for `ValueModel.predict`: all of `model.feature_horizons`, about the same customers.
        horizon_days: which horizon.

    Raises:
        ModelError: the model has no such horizon, or a frame is missing.
    """
    h = model.horizon(horizon_days)
    bare = replace(model, horizons=tuple(replace(one, has_ranges=False, intervals=None) for one in model.horizons))
    scored = bare.predict(features)
    ids = scored.loc[scored["horizon_days"] == horizon_days, "customer_id"].reset_index(drop=True)
    value = scored.loc[scored["horizon_days"] == horizon_days, "expected_revenue"].to_numpy(np.float64)
    frame = _rows(features, h, ids)
    baseline = model.anchor.forecast(frame, horizon_days).value
    level = baseline * (h.level - 1)
    if not h.trees:
        empty = np.empty((len(ids), 0))
        return Explanation(horizon_days, ids, (), empty, value, baseline, level, value - baseline - level, empty)
    found = np.asarray(sum(say * _moved(model, one, _rows(features, one, ids)) for one, say in h.voices))
    return Explanation(
        horizon_days=horizon_days,
        customer_ids=ids,
        names=h.names,
        facts=_facts(h, frame, model.anchor.forecast(frame, h.base_days)),
        value=value,
        baseline=baseline,
        level=level,
        rest=value - baseline - level - found.sum(axis=1),
        contributions=found,
    )


def _rows(features: Mapping[int, pd.DataFrame], h: Horizon, ids: pd.Series) -> pd.DataFrame:
    return features[h.base_days].set_index("customer_id").loc[ids].reset_index()


def _moved(model: ValueModel, h: Horizon, frame: pd.DataFrame) -> Floats:
    """[n_customers, n_names] the money that each fact moves by what *h* alone says."""
    far = model.anchor.forecast(frame, h.horizon_days)
    base = far if h.base_days == h.horizon_days else model.anchor.forecast(frame, h.base_days)
    stretch = far.orders / base.orders
    inputs = tree_inputs(h, frame, base)
    start = starting_margins(h, base)
    phi: dict[boosting.Kind, Floats] = {}
    kinds: tuple[boosting.Kind, ...] = ("tweedie", "logistic", "gamma")
    for kind in kinds:
        terms = boosting.contributions(h.trees[kind], inputs, start[kind], names=list(h.names), threads=model.threads)
        # the last column is the baseline and the mean of the trees, the same for everybody
        phi[kind], start[kind] = terms[:, :-1], terms[:, -1]
    whole0 = 0.5 * h.tweedie_scale * stretch * np.exp(start["tweedie"])
    whole = whole0 * np.exp(phi["tweedie"].sum(axis=1))
    odds0, odds = start["logistic"], start["logistic"] + phi["logistic"].sum(axis=1)
    p0, p = 1 / (1 + np.exp(-odds0)), 1 / (1 + np.exp(-odds))
    # a step in log-odds is this step in log-probability
    step = np.where(np.abs(odds - odds0) > 1e-9, np.log(p / p0) / np.where(odds == odds0, 1.0, odds - odds0), 1 - p0)
    parted = step[:, None] * phi["logistic"] + phi["gamma"]
    parts0 = 0.5 * h.hurdle_scale * stretch * p0 * np.exp(start["gamma"])
    parts = parts0 * np.exp(parted.sum(axis=1))
    moved = _log_mean(whole, whole0)[:, None] * phi["tweedie"] + _log_mean(parts, parts0)[:, None] * parted
    return np.asarray(h.trust * moved)


def contribution_table(explanation: Explanation, *, most: int = 0) -> pd.DataFrame:
    """One row per customer and term, for `outputs.contributions`.

    Args:
        explanation: of any number of customers.
        most: facts kept per customer, the strongest; the others are added to `rest`, so rows still add up. 0 for all.

    Returns:
        `customer_id, horizon_days, feature, value, contribution, rank`; rank 0 is the baseline, then the strongest
        fact first; the shop's level and the rest come last.
    """
    n, n_names = explanation.contributions.shape
    kept = n_names if most <= 0 else min(most, n_names)
    order = np.argsort(-np.abs(explanation.contributions), axis=1, kind="stable")
    strongest, others = order[:, :kept], order[:, kept:]
    rows = np.arange(n)[:, None]
    names = np.asarray(explanation.names, dtype=object)
    rest = explanation.rest + explanation.contributions[rows, others].sum(axis=1)
    feature = np.column_stack([np.full((n, 1), BASELINE, object), names[strongest], np.full((n, 1), LEVEL, object)])
    feature = np.column_stack([feature, np.full((n, 1), REST, object)])
    unknown = np.full((n, 1), np.nan)
    value = np.column_stack([unknown, explanation.facts[rows, strongest], unknown, unknown])
    money = np.column_stack([explanation.baseline, explanation.contributions[rows, strongest], explanation.level, rest])
    return pd.DataFrame(
        {
            "customer_id": np.repeat(explanation.customer_ids.to_numpy(), kept + 3),
            "horizon_days": explanation.horizon_days,
            "feature": feature.ravel(),
            "value": value.ravel(),
            "contribution": money.ravel(),
            "rank": np.tile(np.arange(kept + 3), n),
        }
    )


def sample_table(explanation: Explanation) -> pd.DataFrame:
    """Every term of every customer, for `outputs.explanation_sample`: give a random sample of customers.

    Returns:
        `customer_id, horizon_days, feature, value, contribution, lot`; a customer's rows add up to their value. `lot`
        counts the customers from 0 in the order in which they were given, so that the first ones are a sample, too.
    """
    n, n_names = explanation.contributions.shape
    terms = {BASELINE: explanation.baseline, LEVEL: explanation.level, REST: explanation.rest}
    unknown = np.full((n, len(terms)), np.nan)
    return pd.DataFrame(
        {
            "customer_id": np.repeat(explanation.customer_ids.to_numpy(), n_names + len(terms)),
            "horizon_days": explanation.horizon_days,
            "feature": np.tile(np.array([*explanation.names, *terms], dtype=object), n),
            "value": np.hstack([explanation.facts, unknown]).ravel(),
            "contribution": np.column_stack([explanation.contributions, *terms.values()]).ravel(),
            "lot": np.repeat(np.arange(n), n_names + len(terms)),
        }
    )


def in_words(feature: str) -> str:
    """The input *feature* in plain words; its own name with spaces when there are none."""
    return WORDS.get(feature, feature.replace("_", " "))


def kind_of(feature: str) -> Kind:
    """What the fact *feature* is measured in, so that a page can word its value."""
    if feature in _KINDS:
        return _KINDS[feature]
    if feature.startswith(("revenue_", "returned_")) or feature.endswith(("_amount", "_revenue", "_price", "_value")):
        return "money"
    if feature.endswith("_share") or feature in ("btyd_p_buys", "btyd_p_alive"):
        return "share"
    if feature.endswith("_days") or feature in ("t_x", "T"):
        return "days"
    return "number"


def importance(explanation: Explanation) -> pd.DataFrame:
    """How much money each fact moves, strongest first.

    Returns:
        `feature, words, mean_abs_contribution, mean_contribution, share`.
    """
    size = np.abs(explanation.contributions).mean(axis=0)
    table = pd.DataFrame(
        {
            "feature": list(explanation.names),
            "words": [in_words(name) for name in explanation.names],
            "mean_abs_contribution": size,
            "mean_contribution": explanation.contributions.mean(axis=0),
            "share": size / max(float(size.sum()), 1e-12),
        }
    )
    return table.sort_values(["mean_abs_contribution", "feature"], ascending=[False, True], ignore_index=True)


def beeswarm(explanation: Explanation, *, most: int = 15) -> pd.DataFrame:
    """One point per customer and strong fact: `feature, customer_id, value, value_rank, contribution`.

    `value_rank` is 0 for the smallest fact of the sample and 1 for the largest, NaN where it is unknown.
    """
    strongest = importance(explanation)["feature"].head(most)
    points = [dependence(explanation, feature).assign(feature=feature) for feature in strongest]
    columns = ["feature", "customer_id", "value", "value_rank", "contribution"]
    return pd.concat(points, ignore_index=True)[columns] if points else pd.DataFrame(columns=columns)


def dependence(explanation: Explanation, feature: str) -> pd.DataFrame:
    """What *feature* is and what it contributes: `customer_id, value, value_rank, contribution`.

    Raises:
        KeyError: the model has no such input.
    """
    if feature not in explanation.names:
        raise KeyError(feature)
    place = explanation.names.index(feature)
    value = pd.Series(explanation.facts[:, place])
    known = int(value.notna().sum())
    return pd.DataFrame(
        {
            "customer_id": explanation.customer_ids.to_numpy(),
            "value": value,
            "value_rank": (value.rank(method="average") - 1) / max(known - 1, 1),
            "contribution": explanation.contributions[:, place],
        }
    )


def change(
    model_before: ValueModel,
    features_before: Mapping[int, pd.DataFrame],
    model_after: ValueModel,
    features_after: Mapping[int, pd.DataFrame],
    horizon_days: int,
) -> pd.DataFrame:
    """Why expected revenue changed: what the customer did, and what the model learnt.

    Each effect is the mean over both orders of changing the two, so neither is favoured and they add up exactly.

    Returns:
        One row per customer who is in both: `customer_id, before, after, data_effect, model_effect`, and the fact whose
        change moved most money, `driver`, with its `driver_effect` (a part of `data_effect`).

    Raises:
        ModelError: a model has no such horizon, or a frame is missing.
    """
    ids = set.intersection(
        *(set(frame["customer_id"]) for frames in (features_before, features_after) for frame in frames.values())
    )
    old, new = (
        {days: frame[frame["customer_id"].isin(ids)].sort_values("customer_id") for days, frame in frames.items()}
        for frames in (features_before, features_after)
    )
    four = {
        (m, f): explain(model, frames, horizon_days)
        for m, model in enumerate((model_before, model_after))
        for f, frames in enumerate((old, new))
    }
    value = {key: one.value for key, one in four.items()}
    table = pd.DataFrame(
        {
            "customer_id": four[0, 0].customer_ids,
            "before": value[0, 0],
            "after": value[1, 1],
            "data_effect": 0.5 * (value[0, 1] - value[0, 0] + value[1, 1] - value[1, 0]),
        }
    )
    table["model_effect"] = table["after"] - table["before"] - table["data_effect"]
    first, second = (_difference(four[m, 0], four[m, 1]) for m in (0, 1))
    drivers = first.add(second, fill_value=0.0) / 2
    if not len(table):
        return table.assign(driver=pd.Series(dtype=object), driver_effect=pd.Series(dtype=float))
    moved = drivers.to_numpy(np.float64)
    most = np.abs(moved).argmax(axis=1)
    table["driver"] = np.asarray(drivers.columns, dtype=object)[most]
    table["driver_effect"] = moved[np.arange(len(table)), most]
    return table


def _difference(old: Explanation, new: Explanation) -> pd.DataFrame:
    """Money that each term moved under one model: [n_customers, 1 + n_names]."""
    moved = np.column_stack([new.baseline - old.baseline, new.contributions - old.contributions])
    return pd.DataFrame(moved, columns=[BASELINE, *new.names])


def _log_mean(a: Floats, b: Floats) -> Floats:
    """(a − b) / ln(a / b), which is a where they are equal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(a / b)
        return np.where(np.abs(ratio) > 1e-9, (a - b) / ratio, a)


def _facts(h: Horizon, frame: pd.DataFrame, base: object) -> Floats:
    """The inputs as they were, money in currency."""
    extra = dict(
        zip(
            BTYD_INPUTS,
            (getattr(base, name) for name in ("orders", "amount", "value", "p_buys", "p_alive")),
            strict=True,
        )
    )
    return np.column_stack([extra[name] if name in extra else numbers(frame, name) for name in h.names])
