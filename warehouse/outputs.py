"""The tables that jobs write: declared columns, written aside and renamed, empty before the first run.

A build takes them in as `outputs.<table>`; because the columns are declared, the SQL and every page work on day one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clv.errors import BuildError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES: Mapping[str, Mapping[str, str]] = {
    "predictions": {
        "customer_id": "varchar",
        "as_of": "date",
        "horizon_days": "integer",
        "expected_revenue": "double",
        "revenue_lo": "double",
        "revenue_hi": "double",
        "revenue_lo_90": "double",
        "revenue_hi_90": "double",
        "expected_orders": "double",
        "expected_margin": "double",
        "expected_revenue_discounted": "double",
        "p_alive": "double",
        "p_buys": "double",
        "next_order_from": "date",
        "next_order_to": "date",
        "overdue_index": "double",
        "model_version": "varchar",
    },
    "predictions_before": {
        "customer_id": "varchar",
        "horizon_days": "integer",
        "as_of": "date",
        "expected_revenue": "double",
        "expected_revenue_rescored": "double",
        "model_version": "varchar",
    },
    "evaluations": {
        "model_version": "varchar",
        "model": "varchar",
        "as_of": "date",
        "horizon_days": "integer",
        "slice_kind": "varchar",
        "slice": "varchar",
        "metric": "varchar",
        "value": "double",
        "lo": "double",
        "hi": "double",
        "n": "bigint",
    },
    "residuals": {
        "model_version": "varchar",
        "customer_id": "varchar",
        "as_of": "date",
        "horizon_days": "integer",
        "predicted": "double",
        "actual": "double",
        "revenue_lo": "double",
        "revenue_hi": "double",
        "revenue_lo_90": "double",
        "revenue_hi_90": "double",
        "decile": "integer",
        "segment": "varchar",
        "orders": "varchar",
        "recency": "varchar",
        "channel": "varchar",
        "lot": "integer",
    },
    "contributions": {
        "customer_id": "varchar",
        "horizon_days": "integer",
        "feature": "varchar",
        "value": "double",
        "contribution": "double",
        "rank": "integer",
    },
    "explanation_sample": {
        "customer_id": "varchar",
        "horizon_days": "integer",
        "feature": "varchar",
        "value": "double",
        "contribution": "double",
        "lot": "integer",
    },
    "promotion_preview": {
        "customer_id": "varchar",
        "horizon_days": "integer",
        "as_of": "date",
        "champion_version": "varchar",
        "version": "varchar",
        "expected_now": "double",
        "expected_then": "double",
    },
    "personas": {
        "customer_id": "varchar",
        "persona_id": "varchar",
        "persona": "varchar",
        "as_of": "date",
    },
    "persona_profiles": {
        "persona_id": "varchar",
        "persona": "varchar",
        "place": "integer",
        "n_customers": "bigint",
        "stability": "double",
        "stability_lo": "double",
        "stability_hi": "double",
        "is_new": "boolean",
        "n_personas": "integer",
        "agreement": "double",
        "agreement_lo": "double",
        "agreement_hi": "double",
        "as_of": "date",
    },
    "persona_features": {
        "persona_id": "varchar",
        "feature": "varchar",
        "rank": "integer",
        "z": "double",
        "value": "double",
        "shop_value": "double",
        "centre": "double",
    },
    "model_versions": {
        "model": "varchar",
        "version": "varchar",
        "created_at": "timestamp",
        "status": "varchar",
        "is_champion": "boolean",
        "as_of": "date",
        "horizon_days": "integer",
        "n_rows": "bigint",
        "n_features": "integer",
        "seed": "bigint",
        "code_commit": "varchar",
        "build_id": "varchar",
        "judged_from": "date",
        "n_judged": "bigint",
        "gini": "double",
        "gini_lo": "double",
        "gini_hi": "double",
        "baseline_gini": "double",
        "total_bias": "double",
        "decile_error": "double",
        "auc": "double",
        "verdict": "varchar",
        "promoted_at": "timestamp",
        "promoted_by": "varchar",
        "metrics": "varchar",
        "notes": "varchar",
    },
    "drift": {
        "run_id": "varchar",
        "as_of": "date",
        "reference_as_of": "date",
        "kind": "varchar",
        "feature": "varchar",
        "statistic": "varchar",
        "value": "double",
        "p_value": "double",
        "threshold": "double",
        "is_alarm": "boolean",
        "n_reference": "bigint",
        "n_current": "bigint",
        "detail": "varchar",
    },
    "runs": {
        "run_id": "varchar",
        "job": "varchar",
        "status": "varchar",
        "requested_by": "varchar",
        "requested_at": "timestamp",
        "started_at": "timestamp",
        "finished_at": "timestamp",
        "progress": "double",
        "message": "varchar",
        "detail": "varchar",
        "error": "varchar",
        "pid": "bigint",
        "host": "varchar",
    },
    "job_requests": {
        "run_id": "varchar",
        "job": "varchar",
        "requested_by": "varchar",
        "requested_at": "timestamp",
        "params": "varchar",
        "status": "varchar",
    },
    "plan": {
        "plan_id": "varchar",
        "customer_id": "varchar",
        "action": "varchar",
        "is_control": "boolean",
        "cost": "double",
        "expected_gain": "double",
        "gain_lo": "double",
        "gain_hi": "double",
        "rank": "integer",
        "as_of": "date",
    },
}
"""Columns and types of each table, in file order."""

CHECKS_COLUMNS: Mapping[str, str] = {
    "name": "varchar",
    "claim": "varchar",
    "severity": "varchar",
    "n_offending": "bigint",
    "sample": "varchar",
}
"""`outputs.checks`, which the builder itself writes."""

SORTED_BY: Mapping[str, tuple[str, ...]] = {
    "predictions": ("customer_id", "horizon_days"),
    "predictions_before": ("customer_id", "horizon_days"),
    "contributions": ("customer_id", "horizon_days", "rank"),
    "personas": ("customer_id",),
    "persona_profiles": ("place",),
    "persona_features": ("persona_id", "rank"),
    "residuals": ("customer_id", "horizon_days"),
    "explanation_sample": ("horizon_days", "feature", "lot"),
    "promotion_preview": ("customer_id", "horizon_days"),
}


DATED_BY: Mapping[str, str] = {
    "predictions": "predictions",
    "predictions_before": "predictions",
    "contributions": "predictions",
    "explanation_sample": "predictions",
    "promotion_preview": "promotion_preview",
    "personas": "personas",
    "persona_profiles": "personas",
    "persona_features": "personas",
}
"""What is said of customers as of a day → the table whose `as_of` is that day: an earlier build may not know it.
What the others hold is known whatever the day: how versions of the model did, what ran, what was planned."""


def path_of(folder: Path, name: str) -> Path:
    """Where the table is.

    Raises:
        BuildError: no table of this name is declared.
    """
    if name not in TABLES:
        raise BuildError(f"no output table {name!r} is declared (there are: {', '.join(TABLES)})")
    return folder / f"{name}.parquet"


def later(folder: Path, as_of: date) -> set[str]:
    """Tables that speak of a day after *as_of*: a build of that day may not know them; see `DATED_BY`."""
    late = {table for table in set(DATED_BY.values()) if _speaks_of_later(path_of(folder, table), as_of)}
    return {name for name, dated in DATED_BY.items() if dated in late}


def _speaks_of_later(path: Path, as_of: date) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return False
    try:
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False  # damaged: what reads it says so
    place = metadata.schema.names.index("as_of")
    groups = (metadata.row_group(number).column(place).statistics for number in range(metadata.num_row_groups))
    return any(group is not None and group.has_min_max and group.max > as_of for group in groups)


def schema(name: str) -> pa.Schema:
    """The declared columns as an Arrow schema."""
    import pyarrow as pa

    kinds = {
        "varchar": pa.string(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
    }
    return pa.schema([(column, kinds[kind]) for column, kind in TABLES[name].items()])


def empty(name: str) -> pd.DataFrame:
    """The table without rows."""
    frame: pd.DataFrame = schema(name).empty_table().to_pandas()
    return frame


def write(folder: Path, name: str, frame: pd.DataFrame | pa.Table) -> Path:
    """Replace the table by *frame*, whole and at once: a reader sees the old file or the new one.

    Args:
        folder: the outputs folder; made when missing.
        name: a declared table.
        frame: has all declared columns in any order; predictions and contributions are sorted here.

    Raises:
        BuildError: a column is missing or unknown, or has values of another type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = path_of(folder, name)
    wanted = schema(name)
    table: Any = frame if isinstance(frame, pa.Table) else None
    found = list(frame.column_names if table is not None else frame.columns)
    missing = [column for column in wanted.names if column not in found]
    unknown = [column for column in found if column not in wanted.names]
    if missing or unknown:
        raise BuildError(f"outputs.{name}: missing columns {missing}, unknown columns {unknown}")
    try:
        if table is None:
            table = pa.Table.from_pandas(frame[wanted.names], schema=wanted, preserve_index=False)
        else:
            table = table.select(wanted.names).cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise BuildError(f"outputs.{name}: {error}") from error
    if name in SORTED_BY:
        table = table.sort_by([(column, "ascending") for column in SORTED_BY[name]])
    folder.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        # pandas' index notes are dropped: equal rows should give equal bytes.
        pq.write_table(table.replace_schema_metadata(None), aside, compression="zstd", row_group_size=122_880)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def read(folder: Path, name: str) -> pd.DataFrame:
    """The table as it is now; without rows when no job has written it."""
    import pyarrow.parquet as pq

    target = path_of(folder, name)
    return pq.read_table(target).to_pandas() if target.is_file() else empty(name)
