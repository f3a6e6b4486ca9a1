"""Make the champion before this one champion again: what the button on the Model evaluation page asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs import models
from jobs.run import RunContext


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Roll back, note who did it, and let the pages know."""
    ctx.progress(0.1, "checking the files of the champion before")
    was = models.registry(ctx.settings).champion() or "nobody"
    return models.changed(ctx, "rollback", was, models.rollback(ctx.settings, by=models.asked_by(ctx)))
