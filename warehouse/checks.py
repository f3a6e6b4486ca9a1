"""Claims about the data: a file in `sql/checks/` returns the rows that break it; and the account of every line.

The builder runs them on what it has just written, before it publishes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from clv.errors import CheckFailedError

if TYPE_CHECKING:
    import duckdb

    from warehouse.landing import Landed
    from warehouse.sqlfiles import SqlFile

SAMPLE_ROWS = 5
_BATCH_ROWS = 100_000


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    name: str
    claim: str
    severity: str
    n_offending: int
    sample: str
    """JSON: the first few rows that break the claim."""

    @property
    def is_failure(self) -> bool:
        """True when the build must not be published."""
        return self.severity == "error" and self.n_offending > 0

    def as_dict(self) -> dict[str, Any]:
        """For the manifest and `outputs.checks`."""
        return asdict(self)


def run_check(con: duckdb.DuckDBPyConnection, file: SqlFile, params: Mapping[str, Any]) -> CheckResult:
    """Count the rows that *file* returns and keep the first few."""
    cursor = con.cursor()
    reader = cursor.sql(file.sql, params={name: params[name] for name in file.params}).to_arrow_reader(_BATCH_ROWS)
    n_offending = 0
    sample: list[dict[str, Any]] = []
    for batch in reader:
        n_offending += batch.num_rows
        sample += batch.slice(0, SAMPLE_ROWS - len(sample)).to_pylist()
    cursor.close()
    return CheckResult(
        name=file.name.removeprefix("checks/"),
        claim=file.what,
        severity=file.severity,
        n_offending=n_offending,
        sample=json.dumps(sample, default=str),
    )


def accounting(
    landed: Sequence[Landed], n_accepted: Mapping[tuple[str, str], int], n_quarantined: Mapping[tuple[str, str], int]
) -> CheckResult:
    """Every line of every landed file is accepted, quarantined, blank or header, by its account and by what is on disk.

    Args:
        landed: the files that count.
        n_accepted: rows found in the accepted Parquet files, by (source, file id).
        n_quarantined: the same for quarantined rows.
    """
    wrong = []
    for one in landed:
        account, key = one.account, (one.source, one.file_id)
        parts = {name: int(account.get(name) or 0) for name in ("n_header", "n_blank", "n_accepted", "n_quarantined")}
        n_lines = int(account.get("n_lines") or 0)
        on_disk = {"n_accepted": n_accepted.get(key, 0), "n_quarantined": n_quarantined.get(key, 0)}
        if sum(parts.values()) != n_lines or any(parts[name] != rows for name, rows in on_disk.items()):
            wrong.append(
                {
                    "source": one.source,
                    "file": account.get("file_name"),
                    "n_lines": n_lines,
                    **parts,
                    **{f"{name}_on_disk": rows for name, rows in on_disk.items()},
                }
            )
    return CheckResult(
        name="every_line_is_accounted_for",
        claim="Every line of every landed file is accepted, quarantined, blank or header.",
        severity="error",
        n_offending=len(wrong),
        sample=json.dumps(wrong[:SAMPLE_ROWS], default=str),
    )


def all_staged(n_accepted: int, n_staged: int) -> CheckResult:
    """No accepted transaction is lost on the way to the staging table, as it would be when its bucket is not built."""
    lost = abs(n_accepted - n_staged)
    return CheckResult(
        name="every_accepted_line_is_staged",
        claim="Every accepted transaction is in staging.transactions; after a change of [engine] buckets, land again.",
        severity="error",
        n_offending=lost,
        sample=json.dumps([{"n_accepted": n_accepted, "n_staged": n_staged}] if lost else []),
    )


def raise_failures(results: Iterable[CheckResult]) -> None:
    """Stop the build when a check of severity `error` found rows.

    Raises:
        CheckFailedError: naming each failed check, how many rows broke it and the first of them.
    """
    failures = [result for result in results if result.is_failure]
    if failures:
        said = "; ".join(f"{one.name}: {one.n_offending} rows, such as {_first(one.sample)}" for one in failures)
        raise CheckFailedError(f"{len(failures)} checks failed, so nothing was published: {said}")


def _first(sample: str) -> str:
    rows = json.loads(sample)
    return json.dumps(rows[0])[:400] if rows else "?"
