"""Land new files: every row becomes a landed row or a quarantined one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from clv.config import Settings
from clv.errors import RequestError, SourceError
from jobs import demo
from jobs.run import RunContext
from warehouse import ingest, sources
from warehouse.account import FileAccount
from warehouse.landing import landed_files


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Land the files of `[sources]`, or those in `params["files"]`; the account of each."""
    named = [Path(name) for name in ctx.params.get("files", ())] or None
    accounts = ingest.land(ctx.settings, named, today=ctx.today, progress=ctx.progress)
    said = [*replacements(ctx.settings, accounts), *(remarks(ctx.settings) if named is None else [])]
    return {"files": summaries(accounts), "remarks": said}


def require_transactions(settings: Settings, failures: Sequence[str] = (), *, as_of: date | None = None) -> None:
    """Stop where a shop without orders would be published in place of one that has some.

    Args:
        settings: where the landed files are.
        failures: what was said of the files that did not land.
        as_of: the first day that is not known; None for all that have landed.

    Raises:
        RequestError: all transactions are dated on *as_of* or later.
        SourceError: no row of transactions has landed; the message says what became of the files that are there.
    """
    orders = [one for one in landed_files(settings.paths.landing) if one.source == "transactions"]
    days = [str(one.account["first_ts"])[:10] for one in orders if int(one.account["n_accepted"])]
    if as_of is not None and days and min(days) >= as_of.isoformat():
        raise RequestError(f"nothing is known before {as_of}: the first transaction is of {min(days)}")
    if days:
        return
    empty = [f"{one.account['file_name']} has no row that can be used{_why(one.account)}" for one in orders]
    said = "".join(f". {one}" for one in [*failures, *empty, *remarks(settings)])
    raise SourceError(
        f"there are no transactions: put files into {settings.paths.raw}, or name them in [sources.transactions]; "
        f"`clv demo` writes a synthetic shop{said}"
    )


def _why(account: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in account.get("reasons", {}).items())
    return f" ({reasons})" if reasons else ""


def remarks(settings: Settings) -> list[str]:
    """What whoever put files into `data/raw` should know: which are not read and why, and what lies beside them."""
    left_out = sources.left_out(settings, sources.resolve(settings))
    said = [f"{name} is not read: {why}" for name, why in left_out.items()]
    if demo.stands_beside_own_files(settings):
        said.append(
            "the synthetic shop lies beside your own orders, and both are counted; `clv demo --remove` takes it out"
        )
    return said


def replacements(settings: Settings, accounts: Sequence[FileAccount]) -> list[str]:
    """New files that bear the name of one landed before but do not hold all its rows: was it to be replaced?"""
    said = []
    landed = landed_files(settings.paths.landing)
    for new in accounts:
        alike = [one for one in landed if one.source == new.source and one.file_id != new.file_id]
        before = [one for one in alike if new.is_new and one.account.get("file_name") == new.file_name]
        n_before = sum(int(one.account["n_accepted"]) for one in before)
        if n_before > new.n_known:
            ids = " ".join(one.file_id for one in before)
            said.append(
                f"{new.file_name} was landed before with other content, whose {n_before:,} rows still count beside the "
                f"new ones; if it replaces what was there: clv files remove {ids}"
            )
    return said


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
            "amount_accepted": one.amount_accepted,
            "amount_quarantined": one.amount_quarantined,
            "encoding": one.encoding,
            "delimiter": one.delimiter,
            "columns": one.columns,
            "reasons": one.reasons,
            "notes": list(one.notes),
            "copies": list(one.copies),
            "is_new": one.is_new,
        }
        for one in accounts
    ]
