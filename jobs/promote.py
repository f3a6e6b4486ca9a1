"""Make a version the champion: what the button on the Model evaluation page asks for.

The next score obeys it; until then the predictions that pages show are those of the champion before, and they say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs import models
from jobs.run import RunContext


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Promote the version asked for, note who did it, and let the pages know."""
    version = models.version_asked(ctx)
    if models.registry(ctx.settings).champion() == version:
        return {"skipped": f"{version} is the champion already"}
    ctx.progress(0.1, f"checking the files of {version}")
    return models.changed(ctx, "promote", version, models.promote(ctx.settings, version, by=models.asked_by(ctx)))
