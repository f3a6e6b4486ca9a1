"""The registry as the command line and the worker use it: the value model's versions, the champion, its history."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from clv.registry import Registry
from clv.value import ValueModel
from warehouse import outputs

if TYPE_CHECKING:
    from clv.config import Settings

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
    champion = known.champion()
    been = {change.version for change in known.history()}
    rows = []
    for version in known.versions():
        card = known.card(version)
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
                "metrics": json.dumps(card["metrics"], sort_keys=True),
                "notes": " · ".join(card["notes"]),
            }
        )
    return pd.DataFrame(rows) if rows else outputs.empty("model_versions")


def card(settings: Settings, version: str) -> dict[str, Any]:
    """The card of *version*; `champion` names the one in use.

    Raises:
        ModelError: there is no such version.
    """
    known = registry(settings)
    return known.card((known.champion() or version) if version == "champion" else version)


def promote(settings: Settings, version: str) -> str:
    """Make *version* the champion; what happened, in words.

    Raises:
        ModelError: there is no such version.
        TamperedModelError: its files are not those that were stored.
    """
    change = registry(settings).promote(version, by=getpass.getuser(), at=datetime.now(UTC), reason="by hand")
    write_versions(settings)
    return f"{change.version} is the champion (before: {change.previous or 'none'}); `clv score` or `clv run` uses it"


def rollback(settings: Settings) -> str:
    """Make the champion before this one champion again; what happened, in words.

    Raises:
        ModelError: there was none before.
    """
    change = registry(settings).rollback(by=getpass.getuser(), at=datetime.now(UTC))
    write_versions(settings)
    return f"{change.version} is the champion again (was: {change.previous}); `clv score` or `clv run` uses it"


def write_versions(settings: Settings) -> None:
    """Bring `outputs.model_versions` up to date, so that SQL sees it from the next build on."""
    outputs.write(settings.paths.outputs, "model_versions", listed(settings))
