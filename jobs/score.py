"""Score every customer with the champion: `outputs.predictions`, one row per customer and horizon.

The reasons of the primary horizon's values go to `outputs.contributions` for the customers who are worth most, and to
`outputs.explanation_sample` for a random sample of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from loguru import logger

from clv import btyd
from clv.discount import present_value
from clv.errors import ModelError, NotFittedError
from clv.explain import contribution_table, explain, sample_table
from clv.snapshots import numbers
from clv.value import ValueModel
from jobs import models
from jobs.history import ahead
from jobs.judgement import sampled
from jobs.run import RunContext
from warehouse import outputs
from warehouse.ask import BuildHandle

RETURN_WITHIN_DAYS = 365
"""The next-order window speaks of customers who come back within a year."""
CUSTOMERS_AT_A_TIME = 250_000
"""In the features of all horizons this many take 0.6 GB."""
WINDOW = (0.25, 0.75)
MAX_EXPLAINED = 20_000
"""Customers whose value is taken apart: exact TreeSHAP costs more than the forecast itself."""
N_SAMPLED = 2_000
"""Customers out of all who show what moves the forecasts in general; in a smaller shop they cost nothing more."""
REASONS = 8
"""Facts kept per customer; the others are added to the rest, so that the rows still add up."""


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Predict, derive, write; what was done, for the run's row."""
    champion = models.champion_model(ctx.settings)
    if champion is None:
        raise NotFittedError("there is no champion to score with; run `clv train` first")
    version, model = champion
    handle = ctx.warehouse.current()
    as_of = ctx.as_of or handle.as_of
    if model.as_of > as_of:
        raise ModelError(
            f"the champion {version} has learnt from days up to {model.as_of}, which nobody knows on {as_of}: its "
            f"forecasts would be flattered. Score a later date, or train one that knows no more and make it champion: "
            f"clv train --as-of {as_of}, then clv models promote"
        )
    business = ctx.settings.business
    shop = ctx.warehouse.select(
        "select coalesce(sum(margin) / nullif(sum(amount), 0e0), $gross_margin) as share from core.order_lines "
        "where order_ts < cast($as_of as timestamp)",
        {"gross_margin": business.gross_margin, "as_of": as_of},
        build=handle.id,
    )
    margin_share = float(shop["share"][0].as_py())
    before = _before(ctx, version, model, as_of)
    tables: list[pa.Table] = []
    rescored: list[pa.Table] = []
    reasons = _Reasons(ctx.settings.model.primary_horizon_days)
    parts = _parts(handle)

    def features_of(buckets: Sequence[int]) -> dict[int, pd.DataFrame]:
        warehouse, needed = ctx.warehouse, model.feature_horizons
        return {days: warehouse.features(as_of, days, build=handle.id, buckets=buckets) for days in needed}

    asked = ahead(partial(features_of, buckets) for buckets in parts)
    for done in range(len(parts)):
        ctx.progress(0.8 * done / len(parts), f"features of {as_of:%d %b %Y}")
        frames = next(asked)
        features = frames[model.feature_horizons[0]]
        if features.empty:
            continue
        ctx.progress(0.8 * (done + 0.5) / len(parts), "predicting")
        scored = model.predict(frames)
        table = _derived(scored, features, model, as_of, margin_share, business.discount_rate_annual)
        tables.append(_arrow(table.assign(as_of=as_of, model_version=version)))
        if before is not None:
            rescored.append(tables[-1] if before.model is model else _rescored(before.model, frames))
        reasons.add(scored, frames)
    without = _those_who_never_bought(ctx, handle.id, as_of, model)
    tables.append(_arrow(without.assign(as_of=as_of, model_version=version)))
    ctx.progress(0.8, "writing")
    predictions = pa.concat_tables(tables)
    del tables
    if before is not None:
        _keep_those_before(ctx, before, rescored)
    outputs.write(ctx.settings.paths.outputs, "predictions", predictions)
    ctx.progress(0.9, "explaining")
    explained, sample = reasons.tables(model)
    outputs.write(ctx.settings.paths.outputs, "contributions", explained)
    outputs.write(ctx.settings.paths.outputs, "explanation_sample", sample)
    models.write_versions(ctx.settings)
    n_rows = predictions.num_rows
    n_customers = n_rows // len(model.horizons)
    ctx.progress(1.0, f"{n_customers:,} customers scored")
    return {"model_version": version, "as_of": as_of.isoformat(), "n_customers": n_customers, "n_rows": n_rows}


def _parts(handle: BuildHandle) -> list[Sequence[int]]:
    """Buckets that are scored together: a large shop's features do not fit into memory at once."""
    n_customers = int(handle.manifest["tables"]["core.customers"]["rows"])
    n = max(1, min(handle.n_buckets, math.ceil(n_customers / CUSTOMERS_AT_A_TIME)))
    return [range(i * handle.n_buckets // n, (i + 1) * handle.n_buckets // n) for i in range(n)]


def _arrow(table: pd.DataFrame) -> pa.Table:
    """Rows as `outputs.predictions` keeps them; columns that are not there are NULL."""
    schema = outputs.schema("predictions")
    columns = [
        pa.array(table[field.name], field.type, from_pandas=True)
        if field.name in table
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


class _Reasons:
    """Picks the customers whose value is taken apart, while they come past in parts, and keeps their facts."""

    def __init__(self, horizon_days: int) -> None:
        self.horizon_days = horizon_days
        self.values = pd.DataFrame({"customer_id": pd.Series(dtype="str"), "expected_revenue": pd.Series(dtype=float)})
        self.frames: dict[int, pd.DataFrame] = {}

    def add(self, scored: pd.DataFrame, frames: Mapping[int, pd.DataFrame]) -> None:
        """Take in a part; whoever is neither among the most valuable nor drawn so far is let go."""
        here = scored.loc[scored["horizon_days"] == self.horizon_days, ["customer_id", "expected_revenue"]]
        self.values = pd.concat([self.values, here], ignore_index=True) if len(self.values) else here
        asked = {*self._best(), *self._drawn()}
        self.values = self.values[self.values["customer_id"].isin(asked)]
        for days, frame in frames.items():
            known = [self.frames[days], frame] if days in self.frames else [frame]
            kept = [one[one["customer_id"].isin(asked)] for one in known]
            self.frames[days] = pd.concat(kept, ignore_index=True) if len(kept) > 1 else kept[0].reset_index(drop=True)

    def tables(self, model: ValueModel) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Why customers are worth what they are, in money; empty for a horizon not predicted.

        Returns:
            The strongest reasons of the most valuable customers, and all of a random sample of everybody.
        """
        if self.values.empty:
            return outputs.empty("contributions"), outputs.empty("explanation_sample")
        explanation = explain(model, self.frames, self.horizon_days)
        reasons = contribution_table(explanation.of(self._best()), most=REASONS)
        return reasons, sample_table(explanation.of(self._drawn()))

    def _best(self) -> pd.Series:
        ranked = self.values.sort_values(["expected_revenue", "customer_id"], ascending=[False, True])
        return ranked["customer_id"].head(MAX_EXPLAINED)

    def _drawn(self) -> pd.Series:
        # The first in an order that does not depend on who else is there: those of all are among those of the parts.
        return sampled(self.values["customer_id"], N_SAMPLED)


@dataclass(frozen=True)
class _Before:
    """The predictions that are about to be replaced."""

    table: pa.Table
    model: ValueModel | None
    """The one that made them; None when it is gone."""


def _before(ctx: RunContext, version: str, model: ValueModel, as_of: date) -> _Before | None:
    """The last predictions, when what is made now differs from them by date or model."""
    path = outputs.path_of(ctx.settings.paths.outputs, "predictions")
    if not path.is_file():
        return None
    table = pq.read_table(path, columns=["customer_id", "horizon_days", "as_of", "expected_revenue", "model_version"])
    if not table.num_rows:
        return None
    old_version, old_as_of = table["model_version"][0].as_py(), table["as_of"][0].as_py()
    if (old_version, old_as_of) == (version, as_of):
        return None
    return _Before(table, model if old_version == version else _old_model(ctx, old_version))


def _keep_those_before(ctx: RunContext, before: _Before, rescored: Sequence[pa.Table]) -> None:
    """Put the last predictions aside as `outputs.predictions_before`, with what their model says of today's data.

    The change of a value is then the data's effect (old model, old data → new data) plus the model's (old → new).
    Scoring the same date with the same model again is no change, and keeps what was there before.
    """
    keys = ["customer_id", "horizon_days"]
    columns = [*keys, "expected_revenue"]
    empty = outputs.schema("predictions").empty_table()
    values = pa.concat_tables([one.select(columns) for one in (*rescored, empty)])
    values = values.rename_columns([*keys, "expected_revenue_rescored"])
    table = before.table.join(values, keys=keys, join_type="left outer")
    outputs.write(ctx.settings.paths.outputs, "predictions_before", table)


def _old_model(ctx: RunContext, version: str) -> ValueModel | None:
    registry = models.registry(ctx.settings)
    if version not in registry.versions():
        return None
    try:
        return ValueModel.load(registry.verified(version), threads=ctx.settings.model.threads)
    except ModelError as error:
        logger.bind(version=version).warning("the change of values cannot be split by cause: {}", error)
        return None


def _rescored(model: ValueModel | None, frames: Mapping[int, pd.DataFrame]) -> pa.Table:
    """Today's customers as another *model* sees them; nobody when it is gone or cannot read them."""
    if model is not None:
        try:
            return _arrow(model.predict(frames))
        except ModelError as error:
            logger.warning("the change of values cannot be split by cause: {}", error)
    return outputs.schema("predictions").empty_table()


def _derived(
    scored: pd.DataFrame,
    features: pd.DataFrame,
    model: ValueModel,
    as_of: Any,
    margin_share: float,
    annual_rate: float,
) -> pd.DataFrame:
    """Margin, discounted revenue, the next-order window and the overdue index beside the model's own columns."""
    n = len(features)
    horizons = model.horizons_days
    revenue = scored["expected_revenue"].to_numpy(np.float64).reshape(len(horizons), n).T
    discounted = present_value(revenue, horizons, annual_rate)
    table = scored.copy()
    table["expected_margin"] = table["expected_revenue"] * margin_share
    table["expected_revenue_discounted"] = discounted.T.ravel()
    purchases = model.anchor.purchases
    if purchases is None or not n:
        table["next_order_from"] = table["next_order_to"] = None
        table["overdue_index"] = np.nan
        return table
    x, t_x, age = (numbers(features, name) for name in ("x", "t_x", "T"))
    for share, name in zip(WINDOW, ("next_order_from", "next_order_to"), strict=True):
        days = np.round(btyd.next_purchase_days(purchases, x, age, share, within=RETURN_WITHIN_DAYS)).astype(int)
        dates = pa.array(np.datetime64(as_of, "D") + days)
        table[name] = pd.Series(pd.arrays.ArrowExtensionArray(pa.concat_arrays([dates] * len(horizons))))
    overdue = numbers(features, "recency_days") / btyd.expected_gap(purchases, x, t_x)
    table["overdue_index"] = np.tile(overdue, len(horizons))
    return table


def _those_who_never_bought(ctx: RunContext, build_id: str, as_of: date, model: ValueModel) -> pd.DataFrame:
    """Customers whose only rows are returns have a value too: nothing is expected of them."""
    missing = ctx.warehouse.select(
        "select customer_id from core.order_lines where order_ts < cast($as_of as timestamp) "
        "group by customer_id having max(case when is_purchase then 1 else 0 end) = 0 order by customer_id",
        {"as_of": as_of},
        build=build_id,
    )["customer_id"].to_pylist()
    zero = ("expected_revenue", "revenue_lo", "revenue_hi", "revenue_lo_90", "revenue_hi_90", "expected_orders")
    return pd.DataFrame(
        [(customer, days) for customer in missing for days in model.horizons_days],
        columns=["customer_id", "horizon_days"],
    ).assign(**dict.fromkeys((*zero, "expected_margin", "expected_revenue_discounted"), 0.0))
