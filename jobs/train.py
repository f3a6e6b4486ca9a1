"""Fit a challenger, judge it on time that it has not seen, register it, and promote it when it is better.

The judged model is not the registered one: it is the same recipe fitted as it would have been one horizon ago, so that
the period since is unseen. The registered one then learns from everything.
"""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from loguru import logger

from clv import backtest, evaluation, promotion
from clv.config import Settings
from clv.errors import NotEnoughDataError, RequestError
from clv.evaluation import Prediction
from clv.snapshots import input_names, numbers, outcome
from clv.value import ValueModel
from jobs import judgement, models
from jobs.history import History, first_purchase_day, fit
from jobs.judgement import BASELINE, OURS, Judged
from jobs.run import RunContext
from warehouse import outputs

N_EARLIER_ORIGINS = 2
"""The primary horizon is judged at so many cut-offs before the latest matured one, too."""


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Plan, judge, fit, register, promote; what was done, for the run's row."""
    settings = ctx.settings.model
    handle = ctx.warehouse.current()
    as_of = ctx.as_of or handle.as_of
    first_day = first_purchase_day(ctx, as_of)
    if first_day is None:
        raise NotEnoughDataError(f"no purchase is known before {as_of}: there is nothing to learn from")
    horizons = sorted(settings.horizons_days)
    history = History(ctx, handle.id)
    planned = backtest.plan(
        first_day, as_of, horizons, max_snapshots=settings.max_snapshots, n_customers=history.n_customers
    )
    windows = _windows(first_day, as_of, horizons, settings.primary_horizon_days)

    began = time.monotonic()
    judged = []
    channels = _channels(ctx, handle.id)
    latest = {days: max(cut_off for cut_off, other in windows if other == days) for _, days in windows}
    for done, (cut_off, days) in enumerate(windows):
        ctx.progress(0.5 * done / len(windows), f"judging {days} days from {cut_off:%d %b %Y}")
        # Ranges are verified on the latest window of each horizon; they double the trees, so not on the earlier ones.
        with_intervals = cut_off == latest[days]
        judged.append(_judge_window(ctx, history, first_day, cut_off, days, channels, with_intervals=with_intervals))
    ctx.progress(0.5, f"learning from {len(planned.snapshots)} earlier periods")
    model = fit(ctx, history, planned, horizons, part=(0.5, 0.9))
    seconds = time.monotonic() - began

    ctx.progress(0.9, "comparing and registering")
    newest = next((one for one in judged if one.horizon_days == settings.primary_horizon_days), None)
    rows, headline = judgement.evaluations(judged, settings.seed)
    features = history.features(as_of, model.feature_horizons[0])
    card = {
        **model.summary(),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "primary_horizon_days": settings.primary_horizon_days,
        "build_id": handle.id,
        "code_commit": _code_commit(),
        "n_customers": history.n_customers,
        "n_rows": max((h.n_rows for h in model.horizons), default=0),
        "n_features": len(input_names(features)),
        "features": _checksums(features),
        "snapshots": [[cut_off.isoformat(), days] for cut_off, days in planned.snapshots],
        "sufficiency": [found.words for found in planned.sufficiency],
        "enough": {str(found.horizon_days): found.is_enough for found in planned.sufficiency},
        "notes": [h.note for h in model.horizons if h.note],
        "metrics": headline,
        "spend_frequency_correlation": _spend_frequency_correlation(features),
        "settings": settings.model_dump(mode="json"),
    }
    registry = models.registry(ctx.settings)
    version = registry.save(model.save, card, as_of=as_of)
    verdict = _verdict(ctx, history, version, newest)
    if version != registry.champion():
        registry.remember_verdict(version, verdict.reason)
    if verdict.is_promoted and version != registry.champion():
        registry.promote(version, by=f"train {ctx.run_id}", at=datetime.now(UTC), reason=verdict.reason)
    rows += _total_errors(model, history.n_customers)
    table = pd.concat([_as_table(rows, version), _total_errors_of_others(ctx.settings, version)], ignore_index=True)
    outputs.write(ctx.settings.paths.outputs, "evaluations", table)
    residuals = judgement.residuals(judged).assign(model_version=version)
    outputs.write(ctx.settings.paths.outputs, "residuals", residuals)
    models.write_versions(ctx.settings)
    logger.bind(version=version, promoted=verdict.is_promoted, seconds=round(seconds, 1)).info(
        "trained: {}", verdict.reason
    )
    said = f"version {version} {'is champion' if verdict.is_promoted else 'is a challenger'}: {verdict.reason}"
    ctx.progress(1.0, said)
    return {"version": version, "is_promoted": verdict.is_promoted, "said": said, "seconds": round(seconds, 1)}


def _channels(ctx: RunContext, build_id: str) -> pd.Series:
    """Where each customer came from, by id: a fact about them before their first purchase."""
    found = ctx.warehouse.select(
        "select customer_id, coalesce(acquisition_channel, first_channel) as channel from core.customers",
        build=build_id,
    ).to_pandas()
    channels: pd.Series = found.set_index("customer_id")["channel"]
    return channels


def _windows(first_day: date, as_of: date, horizons: Sequence[int], primary: int) -> list[tuple[date, int]]:
    """The latest matured window of each horizon that can be learnt for, and earlier ones of the primary."""
    found = []
    for days in horizons:
        n = 1 + (N_EARLIER_ORIGINS if days == primary else 0)
        for back in range(n):
            cut_off = as_of - timedelta(days=days * (back + 1))
            if backtest.cut_offs(first_day, cut_off, days, most=1):
                found.append((cut_off, days))
    return found


def _judge_window(
    ctx: RunContext,
    history: History,
    first_day: date,
    cut_off: date,
    days: int,
    channels: pd.Series,
    *,
    with_intervals: bool,
) -> Judged:
    """Fit the recipe at *cut_off*, where it could not know the window, and set its forecasts beside what happened."""
    planned = backtest.plan(
        first_day,
        cut_off,
        [days],
        max_snapshots=ctx.settings.model.max_snapshots,
        n_customers=len(history.features(cut_off, days)),
    )
    # Revenue and who buys are what is judged.
    model = fit(ctx, history, planned, [days], part=(0.0, 0.0), with_intervals=with_intervals, with_orders=False)
    frames = {base: history.features(cut_off, base) for base in {*model.feature_horizons, days}}
    features = frames[days]
    happened = outcome(history.snapshot(cut_off, days))
    forecast = model.predict(frames).set_index("customer_id").loc[features["customer_id"]].reset_index()
    baseline = model.anchor.forecast(features, days)
    rate = np.nan_to_num(numbers(features, "revenue_per_h"))
    predictions = {
        OURS: Prediction(forecast["expected_revenue"].to_numpy(np.float64), forecast["p_buys"].to_numpy(np.float64)),
        BASELINE: Prediction(baseline.value, baseline.p_buys),
        "past_period": Prediction(np.maximum(np.nan_to_num(numbers(features, "revenue_1h")), 0.0)),
        "historic_rate": Prediction(np.maximum(rate, 0.0)),
    }
    rfm = pd.DataFrame(ctx.warehouse.at_date("features.customer_rfm", cut_off).to_pandas())
    slices = judgement.slices(features, rfm.set_index("customer_id")["segment"], channels)
    return Judged(cut_off, days, happened.revenue, happened.bought, predictions, forecast, slices)


def _total_errors(model: ValueModel, n_customers: int) -> list[dict[str, Any]]:
    """Spread of the log error of the shop's total, by horizon: the width of the interval of customer equity."""
    return [
        {
            "model": OURS,
            "as_of": model.as_of,
            "horizon_days": h.horizon_days,
            "slice_kind": "all",
            "slice": "all",
            "metric": "total_log_sd",
            "value": h.log_sd,
            "lo": np.nan,
            "hi": np.nan,
            "n": n_customers,
        }
        for h in model.horizons
    ]


def _total_errors_of_others(settings: Settings, version: str) -> pd.DataFrame:
    """The same of the versions besides *version* that are still there: whichever scores, totals have an interval."""
    known = outputs.read(settings.paths.outputs, "evaluations")
    others = set(models.registry(settings).versions()) - {version}
    return known[(known["metric"] == "total_log_sd") & known["model_version"].isin(others)]


def _as_table(rows: list[dict[str, Any]], version: str) -> pd.DataFrame:
    return pd.DataFrame(rows).assign(model_version=version) if rows else outputs.empty("evaluations")


def _verdict(ctx: RunContext, history: History, version: str, newest: Judged | None) -> promotion.Verdict:
    """The gate: the challenger's recipe against the champion, on the latest matured window of the primary horizon."""
    rules = ctx.settings.model.promotion
    registry = models.registry(ctx.settings)
    champion = registry.champion()
    if champion == version:
        return promotion.Verdict(True, "the same model as the champion")
    if champion is None:
        return promotion.first(None if newest is None else _bias(newest, OURS), max_abs_bias=rules.max_abs_bias)
    if not rules.automatic:
        return promotion.Verdict(False, "promotion is by hand ([model.promotion] automatic = false)")
    why = _what_it_knows(registry.card(version)["as_of"], registry.card(champion)["as_of"])
    if newest is None:
        return promotion.Verdict(True, f"{why}; no window has matured yet to compare on")
    rival = _champion_forecast(ctx, history, champion, newest)
    if rival is None:
        # The champion has seen the window: its score there would be flattered. Same recipe, other data; the gate is
        # then the recipe's own result on the window.
        bias = _bias(newest, OURS)
        if abs(bias) > rules.max_abs_bias:
            return promotion.Verdict(False, f"its total was off by {bias:+.0%} on the latest matured window")
        return promotion.Verdict(True, f"{why}; the champion has seen the latest matured window")
    both = {"challenger": newest.predictions[OURS], "champion": rival, BASELINE: newest.predictions[BASELINE]}
    draws = evaluation.bootstrap_draws(newest.actual, newest.bought, both, seed=ctx.settings.model.seed)
    return promotion.judge(
        draws["challenger"],
        draws["champion"],
        challenger_bias=_bias(newest, OURS),
        champion_bias=evaluation.metrics(newest.actual, newest.bought, rival)["total_bias"],
        baseline_gini=evaluation.normalised_gini(newest.actual, newest.predictions[BASELINE].revenue),
        min_gini_gain=rules.min_gini_gain,
        max_abs_bias=rules.max_abs_bias,
        confidence=rules.confidence,
    )


def _what_it_knows(until: str, champion_until: str) -> str:
    """Why a version that cannot be compared takes the champion's place: the days, ISO, up to which each has learnt."""
    return (
        "newer data" if until >= champion_until else f"asked for as of {until}, after which the champion has seen days"
    )


def _bias(one: Judged, contender: str) -> float:
    return evaluation.metrics(one.actual, one.bought, one.predictions[contender])["total_bias"]


def _champion_forecast(ctx: RunContext, history: History, champion: str, newest: Judged) -> Prediction | None:
    """What the champion forecasts for the window, when it was fitted without it and predicts that horizon."""
    found = models.champion_model(ctx.settings)
    if found is None or found[1].as_of > newest.cut_off or newest.horizon_days not in found[1].horizons_days:
        return None
    model = found[1]
    try:
        forecast = model.predict({days: history.features(newest.cut_off, days) for days in model.feature_horizons})
    except RequestError:
        return None
    forecast = forecast[forecast["horizon_days"] == newest.horizon_days].set_index("customer_id")
    forecast = forecast.loc[newest.forecast["customer_id"]]
    return Prediction(forecast["expected_revenue"].to_numpy(np.float64), forecast["p_buys"].to_numpy(np.float64))


def _spend_frequency_correlation(features: pd.DataFrame) -> float | None:
    """How far the spend model's assumption fails: amounts should not depend on frequency (repeat buyers, Spearman)."""
    repeat = features.loc[features["x"] > 0, ["x", "mean_day_amount"]].astype(float)
    if (repeat.nunique() < 2).any():
        return None  # of what is the same for everybody there is no rank
    found = float(repeat["x"].corr(repeat["mean_day_amount"], method="spearman"))
    return None if np.isnan(found) else found


def _checksums(features: pd.DataFrame) -> dict[str, str]:
    """Name and content of each input column, so that a later training can tell which one changed."""
    return {
        name: hashlib.sha256(np.ascontiguousarray(numbers(features, name)).tobytes()).hexdigest()[:16]
        for name in input_names(features)
    }


def _code_commit() -> str:
    """The commit of the running code; empty outside a git checkout."""
    root = Path(__file__).resolve().parent.parent
    try:
        found = subprocess.run(  # noqa: S603 - no word of it comes from outside
            ["git", "-C", str(root), "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=False,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()
