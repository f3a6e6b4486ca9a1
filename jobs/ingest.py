"""Land new files: every row becomes a landed row or a quarantined one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.run import RunContext
from warehouse import ingest
from warehouse.account import FileAccount


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Land the files of `[sources]`, or those in `params["files"]`; the account of each."""
    named = [Path(name) for name in ctx.params.get("files", ())] or None
    accounts = ingest.land(ctx.settings, named, today=ctx.today, progress=ctx.progress)
    return {"files": summaries(accounts)}


def summaries(accounts: Sequence[FileAccount]) -> list[dict[str, Any]]:
    """The account of each file for a run's row: `n_rows` = `n_accepted` + `n_quarantined`."""
    return [
        {
            "source": one.source,
            "file_name": one.file_name,
            "file_id": one.file_id,
            "n_rows": one.n_lines - one.n_header - one.n_blank,
            "n_accepted": one.n_accepted,
            "n_quarantined": one.n_quarantined,
            "reasons": one.reasons,
            "notes": list(one.notes),
            "is_new": one.is_new,
        }
        for one in accounts
    ]
