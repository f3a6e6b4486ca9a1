"""The landed files as the command line shows them and takes them back."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd
from loguru import logger

from warehouse import ingest, unland
from warehouse.journal import Journal
from warehouse.landing import landed_files

if TYPE_CHECKING:
    from clv.config import Settings
    from jobs.run import Progress

SHOWN = {
    "n_accepted": "loaded",
    "n_quarantined": "quarantined",
    "amount_accepted": "money_loaded",
    "first_ts": "first_row",
    "last_ts": "last_row",
    "landed_at": "landed_at",
}
"""Facts of an account → their column."""


def listed(settings: Settings) -> pd.DataFrame:
    """One row per landed file, the newest last, with the path it is still read from; "" when it lies there no more."""
    files = sorted(landed_files(settings.paths.landing), key=lambda one: str(one.account.get("landed_at", "")))
    paths = unland.lying(settings, files)
    rows = [
        {
            "id": one.file_id,
            "source": one.source,
            "file": str(one.account.get("file_name")),
            **{column: _shown(one.account.get(fact)) for fact, column in SHOWN.items()},
            "lies_at": str(path or ""),
        }
        for one, path in zip(files, paths, strict=True)
    ]
    return pd.DataFrame(rows, columns=["id", "source", "file", *SHOWN.values(), "lies_at"])


def _shown(value: object) -> object:
    return round(value, 2) if isinstance(value, float) else value


def remove(
    settings: Settings, words: Sequence[str], *, today: date, tell: Progress | None = None, dry_run: bool = False
) -> list[str]:
    """Take back the landed files that *words* name; what was done, or with *dry_run* would be, in sentences.

    Raises:
        SourceError: a word names no file or several, or rows of another file would be lost.
        BusyError: another process is landing.
    """
    plan = unland.plan(settings, unland.chosen(settings, words))
    will = "would be " if dry_run else ""
    said = [
        f"{one.account['file_name']} ({one.file_id}) {will or 'was '}taken back: "
        f"{one.account['n_accepted']:,} rows loaded, {one.account['n_quarantined']:,} quarantined"
        for one in plan.going
    ]
    if not dry_run:
        # Those that are landed again go first: after a kill in between, the next ingest does so, and the rest stands.
        unland.unland(settings, [*(one for one, _ in plan.again), *plan.going])
        for one in plan.going:
            Journal(settings.journal_url).audit.note(
                getpass.getuser(), "remove file", one.file_id, {"file": one.account["file_name"], "source": one.source}
            )
        logger.bind(files=[one.file_id for one in plan.going]).info("took landed files back")
        if plan.again:
            ingest.land(settings, [path for _, path in plan.again], today=today, progress=tell)
    said += [
        f"{one.account['file_name']} {will or 'was '}landed again: some of its rows were put aside as duplicates"
        for one, _ in plan.again
    ]
    return said
