"""Score every customer with the champion: `outputs.predictions`, one row per customer and horizon.

The reasons of the primary horizon's values go to `outputs.contributions` for the customers who are worth most, and to
`outputs.explanation_sample` for a random sample of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from loguru import logger

from clv import btyd
from clv.discount import present_value
from clv.errors import ModelError, NotFittedError
from clv.explain import contribution_table, explain, sample_table
from clv.snapshots import numbers
from clv.value import ValueModel
from jobs import models
from jobs.judgement import sampled
from jobs.run import RunContext
from warehouse import outputs

RETURN_WITHIN_DAYS = 365
"""The next-order window speaks of customers who come back within a year."""
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
    frames = {}
    for done, days in enumerate(model.feature_horizons):
        ctx.progress(0.6 * done / len(model.feature_horizons), f"features of {as_of:%d %b %Y} for {days} days")
        frames[days] = ctx.warehouse.features(as_of, days, build=handle.id)
    ctx.progress(0.6, "predicting")
    features = frames[model.feature_horizons[0]]
    scored = model.predict(frames) if len(features) else outputs.empty("predictions")
    business = ctx.settings.business
    shop = ctx.warehouse.select(
        "select coalesce(sum(margin) / nullif(sum(amount), 0e0), $gross_margin) as share from core.order_lines "
        "where order_ts < cast($as_of as timestamp)",
        {"gross_margin": business.gross_margin, "as_of": as_of},
        build=handle.id,
    )
    margin_share = float(shop["share"][0].as_py())
    everybody = ctx.warehouse.select(
        "select distinct customer_id from core.order_lines where order_ts < cast($as_of as timestamp) order by all",
        {"as_of": as_of},
        build=handle.id,
    ).to_pandas()["customer_id"]
    ctx.progress(0.85, "writing")
    table = _derived(scored, features, model, as_of, margin_share, business.discount_rate_annual)
    table = _with_those_who_never_bought(table, everybody, model)
    table["as_of"] = as_of
    table["model_version"] = version
    _keep_those_before(ctx, table, frames, version)
    outputs.write(ctx.settings.paths.outputs, "predictions", table)
    ctx.progress(0.9, "explaining")
    reasons, sample = _reasons(ctx.settings.model.primary_horizon_days, scored, frames, model)
    outputs.write(ctx.settings.paths.outputs, "contributions", reasons)
    outputs.write(ctx.settings.paths.outputs, "explanation_sample", sample)
    models.write_versions(ctx.settings)
    ctx.progress(1.0, f"{len(everybody):,} customers scored")
    return {"model_version": version, "as_of": as_of.isoformat(), "n_customers": len(everybody), "n_rows": len(table)}


def _reasons(
    horizon_days: int, scored: pd.DataFrame, frames: Mapping[int, pd.DataFrame], model: ValueModel
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Why customers are worth what they are, in money; empty for a horizon not predicted.

    Returns:
        The strongest reasons of the most valuable customers, and all of a random sample of everybody.
    """
    here = scored[scored["horizon_days"] == horizon_days]
    if here.empty:
        return outputs.empty("contributions"), outputs.empty("explanation_sample")
    best = here.sort_values(["expected_revenue", "customer_id"], ascending=[False, True])["customer_id"]
    best = best.head(MAX_EXPLAINED)
    drawn = sampled(here["customer_id"], N_SAMPLED)
    asked = {*best, *drawn}
    part = {days: frame[frame["customer_id"].isin(asked)].reset_index(drop=True) for days, frame in frames.items()}
    explanation = explain(model, part, horizon_days)
    reasons = contribution_table(explanation.of(best), most=REASONS)
    return reasons, sample_table(explanation.of(drawn))


def _keep_those_before(ctx: RunContext, table: pd.DataFrame, frames: Mapping[int, pd.DataFrame], version: str) -> None:
    """Put the last predictions aside as `outputs.predictions_before`, with what their model says of today's data.

    The change of a value is then the data's effect (old model, old data → new data) plus the model's (old → new).
    Scoring the same date with the same model again is no change, and keeps what was there before.
    """
    folder = ctx.settings.paths.outputs
    path = outputs.path_of(folder, "predictions")
    if not path.is_file():
        return
    before = pd.read_parquet(
        path, columns=["customer_id", "horizon_days", "as_of", "expected_revenue", "model_version"]
    )
    if before.empty or (before["model_version"][0] == version and before["as_of"][0] == table["as_of"].iloc[0]):
        return
    now = table
    old_version = str(before["model_version"][0])
    if old_version != version:
        now = _rescored(ctx, old_version, frames)
    values = now[["customer_id", "horizon_days", "expected_revenue"]]
    values = values.rename(columns={"expected_revenue": "expected_revenue_rescored"})
    outputs.write(folder, "predictions_before", before.merge(values, how="left", on=["customer_id", "horizon_days"]))


def _rescored(ctx: RunContext, version: str, frames: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Today's customers as the model of *version* sees them; nothing when it is gone or cannot read them."""
    registry = models.registry(ctx.settings)
    empty = outputs.empty("predictions")
    if version not in registry.versions():
        return empty
    try:
        return ValueModel.load(registry.verified(version), threads=ctx.settings.model.threads).predict(frames)
    except ModelError as error:
        logger.bind(version=version).warning("the change of values cannot be split by cause: {}", error)
        return empty


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
        table[name] = [as_of + timedelta(days=int(day)) for day in days] * len(horizons)
    overdue = numbers(features, "recency_days") / btyd.expected_gap(purchases, x, t_x)
    table["overdue_index"] = np.tile(overdue, len(horizons))
    return table


def _with_those_who_never_bought(table: pd.DataFrame, everybody: pd.Series, model: ValueModel) -> pd.DataFrame:
    """Customers whose only rows are returns have a value too: nothing is expected of them."""
    missing = sorted(set(everybody) - set(table["customer_id"]))
    if not missing:
        return table
    zero = ("expected_revenue", "revenue_lo", "revenue_hi", "revenue_lo_90", "revenue_hi_90", "expected_orders")
    rows = pd.DataFrame(
        [(customer, days) for customer in missing for days in model.horizons_days],
        columns=["customer_id", "horizon_days"],
    ).assign(**dict.fromkeys((*zero, "expected_margin", "expected_revenue_discounted"), 0.0))
    return rows.reindex(columns=table.columns) if table.empty else pd.concat([table, rows], ignore_index=True)
