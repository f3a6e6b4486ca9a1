"""The registry as the command line and the worker use it: the value model's versions, the champion, its history."""

from __future__ import annotations

import getpass
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from loguru import logger

from clv.errors import NoBuildError, RequestError
from clv.registry import Registry
from clv.value import ValueModel
from jobs import build
from warehouse import outputs

if TYPE_CHECKING:
    from clv.config import Settings
    from jobs.run import RunContext

NAME = "value"


def registry(settings: Settings) -> Registry:
    """Where the value model's versions are."""
    return Registry(settings.paths.registry / NAME)


def champion_model(settings: Settings) -> tuple[str, ValueModel] | None:
    """The champion's name and the model itself, its files checked; None before the first promotion.

    Raises:
        TamperedModelError: a file is not what was stored.
    """
    known = registry(settings)
    version = known.champion()
    if version is None:
        return None
    return version, ValueModel.load(known.verified(version), threads=settings.model.threads)


def listed(settings: Settings) -> pd.DataFrame:
    """One row per version, newest last, in the columns of `outputs.model_versions`."""
    known = registry(settings)
    champion, verdicts = known.champion(), known.verdicts()
    been = {change.version: change for change in known.history()}
    rows = []
    for version in known.versions():
        card = known.card(version)
        measured = card["metrics"].get(str(card["primary_horizon_days"]), {})
        gini, *ends = measured.get("value", {}).get("gini", [None, None, None])
        status = "champion" if version == champion else ("retired" if version in been else "challenger")
        rows.append(
            {
                "model": NAME,
                "version": version,
                "created_at": pd.Timestamp(card["created_at"]).tz_localize(None),
                "status": status,
                "is_champion": version == champion,
                "as_of": datetime.fromisoformat(card["as_of"]).date(),
                "horizon_days": int(card["primary_horizon_days"]),
                "n_rows": int(card["n_rows"]),
                "n_features": int(card["n_features"]),
                "seed": int(card["seed"]),
                "code_commit": card["code_commit"],
                "build_id": card["build_id"],
                "judged_from": date.fromisoformat(measured["cut_off"]) if measured else None,
                "n_judged": measured.get("n_customers"),
                "gini": gini,
                "gini_lo": ends[0],
                "gini_hi": ends[1],
                "baseline_gini": measured.get("btyd", {}).get("gini", [None])[0],
                **{
                    metric: measured.get("value", {}).get(metric, [None])[0]
                    for metric in ("total_bias", "decile_error", "auc")
                },
                "verdict": verdicts.get(version, been[version].reason if version in been else ""),
                "promoted_at": _moment(been[version].at) if version in been else None,
                "promoted_by": been[version].by if version in been else None,
                "metrics": json.dumps(card["metrics"], sort_keys=True),
                "notes": " · ".join(card["notes"]),
            }
        )
    return pd.DataFrame(rows) if rows else outputs.empty("model_versions")


def _moment(text: str) -> pd.Timestamp:
    """UTC without zone, as tables keep it."""
    return pd.Timestamp(text).tz_convert("UTC").tz_localize(None)


def card(settings: Settings, version: str) -> dict[str, Any]:
    """The card of *version*; `champion` names the one in use.

    Raises:
        ModelError: there is no such version.
    """
    known = registry(settings)
    return known.card((known.champion() or version) if version == "champion" else version)


def promote(settings: Settings, version: str, *, by: str = "") -> str:
    """Make *version* the champion; what happened, in words.

    Args:
        settings: the whole.
        version: of the registry.
        by: who wants it; the user of this process when empty.

    Raises:
        ModelError: there is no such version.
        TamperedModelError: its files are not those that were stored.
    """
    change = registry(settings).promote(version, by=by or getpass.getuser(), at=datetime.now(UTC), reason="by hand")
    write_versions(settings)
    return f"{change.version} is the champion (before: {change.previous or 'none'}); `clv score` or `clv run` uses it"


def rollback(settings: Settings, *, by: str = "") -> str:
    """Make the champion before this one champion again; what happened, in words.

    Raises:
        ModelError: there was none before.
        TamperedModelError: its files are not those that were stored.
    """
    change = registry(settings).rollback(by=by or getpass.getuser(), at=datetime.now(UTC))
    write_versions(settings)
    return f"{change.version} is the champion again (was: {change.previous}); `clv score` or `clv run` uses it"


def version_asked(ctx: RunContext) -> str:
    """The version that a run was asked for.

    Raises:
        RequestError: none was named.
    """
    version = str(ctx.params.get("version", ""))
    if not version:
        raise RequestError("which version? Name one of `clv models list`, or press its button on Model evaluation")
    return version


def asked_by(ctx: RunContext) -> str:
    """Who asked for the run."""
    return ctx.journal.runs.one(ctx.run_id).requested_by


def changed(ctx: RunContext, action: str, subject: str, said: str) -> dict[str, Any]:
    """After the champion has changed: the audit trail, and a build that tells the pages; what was done."""
    ctx.journal.audit.note(asked_by(ctx), action, subject, {"said": said, "run_id": ctx.run_id})
    logger.bind(action=action, subject=subject).info(said)
    did = {"said": said, "build_id": published(ctx.part(0.2, 1.0))}
    ctx.progress(1.0, said)
    return did


def published(ctx: RunContext) -> str | None:
    """A build with the outputs as they are now, of the day that pages look from; its id, None before the first."""
    try:
        as_of = ctx.warehouse.current().as_of
    except NoBuildError:
        return None
    return str(build.run(replace(ctx, as_of=as_of))["build_id"])


def write_versions(settings: Settings) -> None:
    """Bring `outputs.model_versions` up to date, so that SQL sees it from the next build on."""
    outputs.write(settings.paths.outputs, "model_versions", listed(settings))
