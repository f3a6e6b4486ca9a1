"""The two DuckDB files of a build.

| file             | holds                                                       | for                               |
|------------------|-------------------------------------------------------------|-----------------------------------|
| `serving.duckdb` | marts, outputs and small tables, native; facts as views     | pages: point look-ups in ms       |
| `shell.duckdb`   | views only                                                  | people: they lock no page out    |

Tables and columns carry their meaning (`duckdb_tables().comment`, `duckdb_columns().comment`).

Views name their Parquet files relative to the build's folder, so that the data folder can be moved; whoever opens a
file sets `file_search_path` to that folder.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from clv.config import Engine
from clv.errors import BuildError
from warehouse import meanings
from warehouse.engines import duckdb as engine
from warehouse.runner import Table

NATIVE_BYTES = 32 * 2**20
"""Tables that pages need not ask by customer are native up to this size (as Parquet)."""
ALWAYS_NATIVE = ("marts", "outputs")
NATIVE_WHEN_SMALL = ("core", "features", "landing")


def write_files(tables: Sequence[Table], folder: Path, limits: Engine, temp: Path) -> set[str]:
    """Write both files into *folder*, a build's.

    Args:
        tables: all tables of the build; their sources lie in *folder*.
        folder: the build's folder.
        limits: the engine's limits.
        temp: where the engine spills.

    Returns:
        Names of the tables that are native in the serving file.

    Raises:
        BuildError: a file cannot be written.
    """
    native = {table.name for table in tables if _is_native(table)}
    mine = temp / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    con = engine.connect(limits, mine)
    try:
        con.execute(f"set global file_search_path = {engine.quoted(str(folder))}")
        _write(con, folder, "serving", tables, native)
        _write(con, folder, "shell", tables, set())
    except engine.Error as error:
        raise BuildError(f"the serving files cannot be written: {error}") from error
    finally:
        con.close()
        shutil.rmtree(mine, ignore_errors=True)
    return native


def _is_native(table: Table) -> bool:
    schema = table.name.split(".")[0]
    size = sum(path.stat().st_size for path in table.sources)
    return schema in ALWAYS_NATIVE or (schema in NATIVE_WHEN_SMALL and size <= NATIVE_BYTES)


def _write(
    con: duckdb.DuckDBPyConnection, folder: Path, catalog: str, tables: Sequence[Table], native: set[str]
) -> None:
    path = engine.quoted(str(folder / f"{catalog}.duckdb"))
    con.execute(f"attach {path} as {catalog} (storage_version '{engine.STORAGE_VERSION}')")
    # One transaction: each statement of its own would be synced to disk, half a second for every hundred.
    con.execute("begin")
    for table in tables:
        con.execute(f'create schema if not exists {catalog}."{table.name.split(".")[0]}"')
        kind = "table" if table.name in native else "view"
        target = f"{catalog}.{engine.name_sql(table.name)}"
        con.execute(f"create {kind} {target} as from {_relation(table, folder)}")
        if what := meanings.of_table(table.name, table.file):
            con.execute(f"comment on {kind} {target} is {engine.quoted(what)}")
        said = meanings.of_columns(table.name, table.file)
        # A file that a job of an earlier version wrote may lack a column that is declared today.
        for column in con.table(target).columns if said else ():
            if column in said:
                con.execute(f'comment on column {target}."{column}" is {engine.quoted(said[column])}')
    con.execute("commit")
    con.execute(f"detach {catalog}")


def _relation(table: Table, folder: Path) -> str:
    """The table's Parquet files relative to the build; a glob where there is one for each bucket."""
    if not table.sources:
        return engine.empty_sql(table.columns or {})
    parents = {path.parent for path in table.sources}
    stem = table.name.split(".")[1]
    if {parent.name for parent in parents} == {stem}:
        files = f"{parents.pop().relative_to(folder)}/*.parquet"
        is_told = "bucket" in pq.read_schema(table.sources[0]).names
        return engine.bucketed_sql(files) if is_told else engine.files_sql([files])
    return engine.files_sql([str(path.relative_to(folder)) for path in table.sources])
