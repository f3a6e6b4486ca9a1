"""The leak sentinel: spoil everything that happened on or after a date, and see whether a feature of that date moves.

Core tables are made twice from what was landed, once with a spoilt future; the features at the date must come out
byte for byte the same. A feature that looks one day ahead, or at a label, does not.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from clv.config import Settings
from clv.errors import BuildError
from warehouse import sqlfiles
from warehouse.build import default_as_of, inputs, parameters
from warehouse.engines import duckdb as engine
from warehouse.landing import landed_files
from warehouse.runner import Table, run_tables, worker_sessions
from warehouse.sqlfiles import SqlFile

# What is spoilt from the date on (amounts, kinds, order), and the one label, which knows the future whatever the date.
_SPOILT = {
    "landing.transactions": (
        "order_ts",
        {
            "order_ts": "order_ts + interval 5 hour",
            "amount": "amount * -3e0 + 7e0",
            "quantity": "coalesce(quantity, 1e0) * -2e0",
            "category": "'spoilt'",
            "product": "'spoilt'",
            "channel": "'spoilt'",
            "country": "'spoilt'",
            "is_return": "not coalesce(is_return, false)",
        },
    ),
    "landing.cart_events": (
        "event_ts",
        {"cart_value": "coalesce(cart_value, 0e0) * -3e0 + 7e0", "category": "'spoilt'", "converted": "not converted"},
    ),
    "landing.campaigns": (
        "sent_ts",
        {"treated": "not treated", "action": "'spoilt'", "cost": "coalesce(cost, 0e0) + 99e0"},
    ),
    "landing.customers": (None, {"status_is_churned": "not coalesce(status_is_churned, false)"}),
}


def leaks(
    settings: Settings,
    as_of: date,
    *,
    n_buckets: int | None = None,
    sql_root: Path = sqlfiles.DEFAULT_ROOT,
) -> list[str]:
    """Names of the feature tables whose values at *as_of* change when the future does; empty when all is well.

    Args:
        settings: paths, engine and business numbers.
        as_of: the date of the features; it should leave some landed rows on either side.
        n_buckets: look at the customers of the first so many buckets only; default all.
        sql_root: the `sql/` folder.

    Raises:
        BuildError: no transaction lies on or after *as_of*, so that the test would prove nothing.
    """
    last = default_as_of(landed_files(settings.paths.landing))
    if as_of >= last:
        raise BuildError(f"nothing lies on or after {as_of} (the data end before {last}); take an earlier date")
    files = sqlfiles.read_tree(sql_root, cache=settings.paths.cache / "sqlfiles.json")
    buckets = range(min(n_buckets or settings.engine.buckets, settings.engine.buckets))
    work = settings.paths.cache / "leaks" / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        made = {}
        for name, spoil_from in (("true", None), ("spoilt", as_of)):
            made[name] = _features(settings, files, work / name, as_of, last, spoil_from, buckets)
        return [
            name
            for name, table in made["true"].items()
            if not all(
                filecmp.cmp(ours, theirs, shallow=False)
                for ours, theirs in zip(table.sources, made["spoilt"][name].sources, strict=True)
            )
        ]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _features(
    settings: Settings,
    files: Mapping[str, SqlFile],
    folder: Path,
    as_of: date,
    last: date,
    spoil_from: date | None,
    buckets: range,
) -> dict[str, Table]:
    """Core as of *last*, then the features at *as_of*, in *folder*."""
    landed = landed_files(settings.paths.landing)
    tables = {
        name: replace(table, seen_as=_seen(name, table, spoil_from, buckets))
        for name, table in inputs(settings, landed).items()
    }
    order = [file for file in sqlfiles.build_order(files, [*tables, "outputs.checks"]) if file.folder != "marts"]
    tables |= {file.name: Table(name=file.name, file=file) for file in order}
    core = [file for file in order if file.folder != "features"]
    features = [file for file in order if file.folder == "features"]
    values: dict[str, Any] = parameters(settings, last)
    with worker_sessions(settings.engine, settings.paths.cache / "duckdb") as sessions:
        run_tables(core, tables, values, folder, sessions, buckets=buckets)
        run_tables(features, tables, {**values, "as_of": as_of}, folder, sessions, buckets=buckets)
    return {file.name: tables[file.name] for file in features}


def _seen(name: str, table: Table, spoil_from: date | None, buckets: range) -> str:
    """The relation of an input, with its future spoilt from *spoil_from* on."""
    if not table.sources or name not in _SPOILT:
        return table.relation
    clock, changes = _SPOILT[name]
    is_future = f"{clock} >= timestamp '{spoil_from}'" if clock else "true"
    spoilt = ", ".join(
        f"case when {is_future} then {value} else {column} end as {column}" for column, value in changes.items()
    )
    columns = f"* replace ({spoilt})" if spoil_from else "*"
    kept = f"bucket <= {buckets[-1]}" if name == "landing.transactions" else "true"
    # One future row in three is missing as well: counts must not show either.
    lost = f"not ({is_future} and line_no % 3 = 0)" if spoil_from and clock else "true"
    return f"(select {columns} from {engine.files_sql([str(path) for path in table.sources])} where {kept} and {lost})"  # noqa: S608 - constants of this file and one date
