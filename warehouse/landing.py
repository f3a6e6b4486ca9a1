"""What has been landed: the columns of each source, the files that count, and their accounts.

`ingest` writes `landing/<source>/<file id>/` (accepted and quarantined rows as Parquet, `account.json` last); the
builder reads it through here. Nothing here writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clv.errors import SourceError

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "transactions": {
        "customer_id": "varchar",
        "order_id": "varchar",
        "line_id": "varchar",
        "order_ts": "timestamp",
        "amount": "double",
        "quantity": "double",
        "unit_price": "double",
        "discount": "double",
        "cost": "double",
        "category": "varchar",
        "product": "varchar",
        "channel": "varchar",
        "country": "varchar",
        "is_return": "boolean",
        "bucket": "integer",
        "file_id": "varchar",
        "line_no": "bigint",
    },
    "customers": {
        "customer_id": "varchar",
        "name": "varchar",
        "email": "varchar",
        "persona": "varchar",
        "is_subscriber": "boolean",
        "subscription_plan": "varchar",
        "acquisition_channel": "varchar",
        "acquisition_cost": "double",
        "signup_date": "date",
        "country": "varchar",
        "email_consent": "boolean",
        "status_is_churned": "boolean",
        "file_id": "varchar",
        "line_no": "bigint",
    },
    "cart_events": {
        "customer_id": "varchar",
        "event_id": "varchar",
        "event_ts": "timestamp",
        "cart_value": "double",
        "category": "varchar",
        "channel": "varchar",
        "converted": "boolean",
        "file_id": "varchar",
        "line_no": "bigint",
    },
    "campaigns": {
        "campaign_id": "varchar",
        "customer_id": "varchar",
        "treated": "boolean",
        "sent_ts": "timestamp",
        "action": "varchar",
        "cost": "double",
        "propensity": "double",
        "file_id": "varchar",
        "line_no": "bigint",
    },
}
"""Accepted rows of each source, in file order; optional columns that are not mapped are null."""

QUARANTINE_COLUMNS: Mapping[str, str] = {
    "source": "varchar",
    "file_id": "varchar",
    "file_name": "varchar",
    "line_no": "bigint",
    "raw_text": "varchar",
    "raw_bytes": "blob",
    "reasons": "varchar",
    "amount": "double",
}
FILES_COLUMNS: Mapping[str, str] = {
    "source": "varchar",
    "file_id": "varchar",
    "file_name": "varchar",
    "bytes": "bigint",
    "n_lines": "bigint",
    "n_header": "bigint",
    "n_blank": "bigint",
    "n_accepted": "bigint",
    "n_quarantined": "bigint",
    "n_duplicates": "bigint",
    "amount_accepted": "double",
    "amount_quarantined": "double",
    "first_ts": "timestamp",
    "last_ts": "timestamp",
    "landed_at": "timestamp",
    "encoding": "varchar",
    "delimiter": "varchar",
    "dialect": "varchar",
    "mapping": "varchar",
    "notes": "varchar",
}
TABLES: Mapping[str, Mapping[str, str]] = {
    **{f"landing.{source}": columns for source, columns in COLUMNS.items()},
    "landing.quarantine": QUARANTINE_COLUMNS,
    "landing.files": FILES_COLUMNS,
}


@dataclass(frozen=True)
class Landed:
    """One landed file."""

    source: str
    file_id: str
    folder: Path
    account: Mapping[str, Any]
    """The content of `account.json`; has at least the columns of `landing.files`."""

    @property
    def accepted(self) -> list[Path]:
        """Parquet files with the good rows; none when there are none."""
        return sorted([*self.folder.glob("accepted*.parquet"), *self.folder.glob("accepted*/**/*.parquet")])

    @property
    def quarantined(self) -> list[Path]:
        """Parquet files with the rows that were put aside."""
        return sorted([*self.folder.glob("quarantine*.parquet"), *self.folder.glob("quarantine*/**/*.parquet")])


def landed_files(landing: Path) -> list[Landed]:
    """The files that count, by source and id.

    A folder without an account is an ingest that did not finish and is left out. When the same file was landed
    again because its mapping changed, only the newest counts.

    Raises:
        SourceError: an account cannot be read.
    """
    newest: dict[tuple[str, str], Landed] = {}
    for path in sorted(landing.glob("*/*/account.json")):
        source, file_id = path.parts[-3], path.parts[-2]
        if source not in COLUMNS:
            continue
        try:
            account = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SourceError(
                f"{path} cannot be read: {error}; delete its folder and run `clv ingest` again"
            ) from error
        one = Landed(source=source, file_id=file_id, folder=path.parent, account=account)
        same_file = (source, str(account.get("content_sha256") or account.get("content_hash") or file_id))
        other = newest.get(same_file)
        if other is None or str(account.get("landed_at", "")) >= str(other.account.get("landed_at", "")):
            newest[same_file] = one
    return sorted(newest.values(), key=lambda one: (one.source, one.file_id))
