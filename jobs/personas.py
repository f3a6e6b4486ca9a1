"""Which kinds of customers are there? Derives personas from how customers buy, and keeps those of before in place.

A job of its own, not a part of scoring: it needs no model, so a shop too young for one has personas all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clv.errors import NotEnoughDataError
from clv.personas import FEATURES, Earlier, Personas, derive
from jobs.run import RunContext
from warehouse import outputs

BEHAVIOUR = "features.customer_behaviour"
WRITTEN = ("personas", "persona_profiles", "persona_features")


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Derive, name, write; what was found, for the run's row."""
    handle = ctx.warehouse.current()
    as_of = ctx.as_of or handle.as_of
    folder = ctx.settings.paths.outputs
    ctx.progress(0.0, f"how customers buy, up to {as_of:%d %b %Y}")
    behaviour = (
        ctx.warehouse.table(BEHAVIOUR, handle.id)
        if as_of == handle.as_of
        else ctx.warehouse.at_date(BEHAVIOUR, as_of, build=handle.id).to_pandas()
    )
    ctx.progress(0.2, "finding personas")
    try:
        found = derive(behaviour, seed=ctx.settings.model.seed, earlier=_earlier(ctx))
    except NotEnoughDataError as error:
        for name in WRITTEN:
            outputs.write(folder, name, outputs.empty(name))
        return {"skipped": str(error)}
    ctx.progress(0.9, "writing")
    for name, frame in zip(WRITTEN, _tables(found, behaviour, as_of), strict=True):
        outputs.write(folder, name, frame)
    new = [one.name for one in found.personas if one.is_new]
    return {
        "n_personas": len(found.personas),
        "n_customers": len(behaviour),
        "agreement": round(found.agreement, 3),
        "names": ", ".join(one.name for one in found.personas),
        "new": ", ".join(new) or "none",
    }


def _earlier(ctx: RunContext) -> Earlier | None:
    """The personas that were written last; None before the first time."""
    profiles = outputs.read(ctx.settings.paths.outputs, "persona_profiles")
    facts = outputs.read(ctx.settings.paths.outputs, "persona_features")
    if profiles.empty:
        return None
    centres = facts.pivot_table(index="persona_id", columns="feature", values="centre")
    if set(centres.columns) != set(FEATURES):
        return None  # written when personas were made of something else
    wanted = centres.loc[profiles["persona_id"], list(FEATURES)]
    return Earlier(profiles["persona_id"].tolist(), profiles["persona"].tolist(), wanted.to_numpy(np.float64))


def _tables(found: Personas, behaviour: pd.DataFrame, as_of: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Who is in which persona, the personas, and what sets each apart."""
    ids = np.array([one.id for one in found.personas], dtype=object)[found.labels]
    names = np.array([one.name for one in found.personas], dtype=object)[found.labels]
    members = pd.DataFrame(
        {"customer_id": behaviour["customer_id"], "persona_id": ids, "persona": names, "as_of": as_of}
    )
    profiles = pd.DataFrame(
        {
            "persona_id": [one.id for one in found.personas],
            "persona": [one.name for one in found.personas],
            "place": range(1, len(found.personas) + 1),
            "n_customers": [one.n_customers for one in found.personas],
            "stability": [one.stability for one in found.personas],
            "stability_lo": [one.stability_lo for one in found.personas],
            "stability_hi": [one.stability_hi for one in found.personas],
            "is_new": [one.is_new for one in found.personas],
        }
    ).assign(
        n_personas=len(found.personas),
        agreement=found.agreement,
        agreement_lo=found.agreement_lo,
        agreement_hi=found.agreement_hi,
        as_of=as_of,
    )
    facts = pd.DataFrame(
        [
            {
                "persona_id": one.id,
                "feature": FEATURES[at],
                "rank": rank,
                "z": one.z[at],
                "value": one.natural[at],
                "shop_value": found.shop_natural[at],
                "centre": one.centre[at],
            }
            for one in found.personas
            for rank, at in enumerate(one.order, start=1)
        ]
    )
    return members, profiles, facts
