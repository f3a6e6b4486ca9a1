"""What became of one landed file: as an object here, as `account.json` on disk, as a row of `landing.files` in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from warehouse.landing import Landed

ACCOUNT = "account.json"


@dataclass(frozen=True)
class FileAccount:
    """What became of one file: the columns of `landing.files`, and how it was read."""

    source: str
    file_id: str
    file_name: str
    bytes: int = 0
    n_lines: int = 0
    """Lines; with the dialect `quoted`, records, each of which may span several lines."""
    n_header: int = 0
    n_blank: int = 0
    n_accepted: int = 0
    n_quarantined: int = 0
    n_duplicates: int = 0
    """Of the quarantined rows: those that are exact duplicates."""
    n_known: int = 0
    """Rows of files landed before that it repeats, each counted once."""
    amount_accepted: float = 0.0
    amount_quarantined: float = 0.0
    first_ts: str | None = None
    last_ts: str | None = None
    landed_at: str = ""
    """UTC."""
    encoding: str = ""
    delimiter: str = ""
    dialect: str = ""
    """`lines`, `quoted` (records may span lines), `whitespace`, `json` or `parquet`."""
    content_sha256: str = ""
    mapping_sha256: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    """Ours → theirs, as it was read."""
    notes: tuple[str, ...] = ()
    """What had to be decided, in words: date order, decimal comma, encoding."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Quarantined rows by reason; a row with two reasons counts under both."""
    revisit_on: str | None = None
    """Earliest future date that was quarantined: from that day on the file is landed again."""
    is_new: bool = field(default=True, compare=False)
    """False when the file had been landed before."""
    copies: tuple[str, ...] = field(default=(), compare=False)
    """Names of other files with the same bytes that the run met, too; counted once."""


def mapping_said(columns: Mapping[str, str]) -> list[str]:
    """What was taken for what: `customer_id = CustomerID`; the one name where both are called the same."""
    return [ours if ours == theirs else f"{ours} = {theirs}" for ours, theirs in columns.items()]


def account_of(one: Landed) -> FileAccount:
    """The account of a file that was landed before."""
    known = {name: value for name, value in one.account.items() if name in FileAccount.__dataclass_fields__}
    return FileAccount(**(known | {"notes": tuple(known.get("notes", ())), "is_new": False}))


def write_account(path: Path, account: FileAccount) -> None:
    """Write *account* to *path*, without `is_new` and `copies`, which are facts of a run and not of the file."""
    said = asdict(account)
    for fact in ("is_new", "copies"):
        said.pop(fact)
    with path.open("w", encoding="utf-8") as out:
        json.dump(said, out, indent=1, ensure_ascii=False)
