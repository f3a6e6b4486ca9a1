"""Make, check and publish the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs import ingest
from jobs.run import RunContext
from warehouse import build, outputs


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Publish a build of what has landed and what jobs have written; the published one when nothing has changed."""
    ingest.require_transactions(ctx.settings, as_of=ctx.as_of)
    for name, frame in ctx.journal.runs.export().items():
        outputs.write(ctx.settings.paths.outputs, name, frame)
    info = build.build(ctx.settings, as_of=ctx.as_of, progress=ctx.progress)
    return {
        "build_id": info.id,
        "as_of": info.as_of.isoformat(),
        "reused": info.reused,
        "n_tables": len(info.tables),
        "n_linked": sum(bool(table["is_linked"]) for table in info.tables.values()),
        "n_warnings": sum(check["n_offending"] > 0 for check in info.checks),
    }
