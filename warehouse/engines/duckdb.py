"""DuckDB connections with the house's limits, and the few statements that the builder runs on them.

| who                | connection                                                    |
|--------------------|---------------------------------------------------------------|
| `runner`           | several `Session`s in memory, one thread each                 |
| `ask`              | `open_serving`: a published file, read-only                   |

One thread a session, because floating-point sums then always run in the same order: equal inputs give equal bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from clv.config import Engine
from clv.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 122_880
STORAGE_VERSION = "v1.5.0"
"""The newest format that the `duckdb` shell on PyPI (1.5) opens."""
VERSION = duckdb.__version__
Error = duckdb.Error
MissingError = (duckdb.BinderException, duckdb.CatalogException)
"""A table or column that is not there."""
_LEAST_WORKER_BYTES = 768 * 2**20
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def n_threads(engine: Engine) -> int:
    """Threads to use: as set, or one for each core that this process may use."""
    return engine.threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def size_bytes(text: str) -> int:
    """`4GB` as a number."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([A-Za-z]+)", text)
    if match is None:
        raise ValueError(f"not a size: {text!r}")
    return int(float(match[1]) * _UNITS[match[2]])


def n_workers(engine: Engine) -> int:
    """Sessions that build at the same time: one a thread, but each with enough memory to sort a bucket."""
    return max(1, min(n_threads(engine), size_bytes(engine.memory_limit) // _LEAST_WORKER_BYTES))


def _limits(engine: Engine, temp_folder: Path, *, share: int, threads: int) -> dict[str, Any]:
    return {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": f"{size_bytes(engine.memory_limit) // share}B",
        "threads": threads,
        "temp_directory": str(temp_folder),
        "max_temp_directory_size": f"{size_bytes(engine.temp_limit) // share}B",
    }


def connect(
    engine: Engine, temp_folder: Path, *, share: int = 1, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A database in memory.

    Args:
        engine: the limits.
        temp_folder: where it spills; made when missing.
        share: how many such sessions share the limits.
        threads: default `engine.threads`.
    """
    temp_folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(
        ":memory:", config=_limits(engine, temp_folder, share=share, threads=threads or n_threads(engine))
    )
    # Global, as a plain `set` stays with its connection and cursors are connections of their own.
    con.execute("set global timezone = 'UTC'")
    con.execute("set global parquet_metadata_cache = true")  # files are immutable
    return con


def open_serving(
    path: Path, engine: Engine, temp_folder: Path, *, is_locked: bool = False
) -> duckdb.DuckDBPyConnection:
    """A published file, read-only.

    Args:
        path: must be a real path: DuckDB knows an open database by its path, and would hand out the old one after a
            symlink has moved.
        engine: the limits.
        temp_folder: where it spills; made when missing.
        is_locked: for SQL that somebody typed: no file outside the build can be read, and no setting changed.
    """
    temp_folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(
        str(path), read_only=True, config=_limits(engine, temp_folder, share=1, threads=n_threads(engine))
    )
    con.execute("set global timezone = 'UTC'")
    con.execute("set global parquet_metadata_cache = true")
    con.execute("set global late_materialization_max_rows = 1000")
    con.execute(f"set global file_search_path = {quoted(str(path.parent))}")
    if is_locked:
        # DuckDB tests a relative name against the working directory before it looks along the search path, so both
        # forms have to be allowed.
        folders = sorted({str(path.parent), *(f"{child.name}/" for child in path.parent.iterdir() if child.is_dir())})
        con.execute(f"set global allowed_directories = [{', '.join(quoted(folder) for folder in folders)}]")
        con.execute("set global enable_external_access = false")
        con.execute("set global lock_configuration = true")
    return con


def open_pair(path: Path, earlier: Path, engine: Engine, temp_folder: Path) -> duckdb.DuckDBPyConnection:
    """Two published files side by side, read-only: the tables of *earlier* are called `earlier.schema.table`.

    A cursor says `use present` first, so that the tables of *path* keep their names. Views name files relative to the
    folder of *path*: only native tables of *earlier* can be read.
    """
    con = connect(engine, temp_folder, share=2)  # the build alone may be open, too
    con.execute("set global late_materialization_max_rows = 1000")
    con.execute(f"set global file_search_path = {quoted(str(path.parent))}")
    con.execute(f"attach {quoted(str(path))} as present (read_only)")
    con.execute(attach_sql(earlier))
    return con


def attach_sql(earlier: Path) -> str:
    """The statement that makes the tables of the published file *earlier* readable as `earlier.schema.table`."""
    return f"attach or replace {quoted(str(earlier))} as earlier (read_only)"


def read_only_answer(con: duckdb.DuckDBPyConnection, text: str, max_rows: int) -> pa.Table:
    """The answer of one reading statement, at most *max_rows* rows of it.

    Raises:
        RequestError: there is not exactly one statement, or it is of another kind.
        Error: the statement cannot be run.
    """
    statements = duckdb.extract_statements(text)
    kinds = [statement.type for statement in statements]
    if len(kinds) != 1 or kinds[0] not in _READING:
        said = ", ".join(kind.name.lower() for kind in kinds) or "nothing"
        raise RequestError(f"one reading statement is expected (select, describe, explain …), found: {said}")
    return con.sql(text).limit(max_rows).to_arrow_table()


def quoted(text: str) -> str:
    """*text* as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def name_sql(name: str) -> str:
    """`schema.table` with both parts quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def files_sql(files: Sequence[str]) -> str:
    """The relation over Parquet *files*, or over a glob."""
    return f"read_parquet([{', '.join(quoted(file) for file in files)}], union_by_name = false)"


def one_bucket_sql(files: Sequence[str], bucket: int) -> str:
    """The relation over Parquet *files* of a bucketed table as if all of them were the one *bucket*."""
    number = f"cast({bucket:d} as integer)"
    return f"(select * replace ({number} as bucket) from {files_sql(files)})"  # noqa: S608 - a number and quoted names


def bucketed_sql(files: str) -> str:
    """The relation over the Parquet files of a bucketed table, a glob; named `<bucket>.parquet`.

    The bucket is told from a file's name: `where bucket = 3` opens one file, and not all for what is in their footers.
    """
    number = "cast(split_part(parse_filename(filename), '.', 1) as integer)"
    source = f"read_parquet({quoted(files)}, union_by_name = false, filename = true)"
    return f"(select * exclude (filename) replace ({number} as bucket) from {source})"  # noqa: S608 - a quoted name


def empty_sql(columns: Mapping[str, str]) -> str:
    """A relation without rows that has *columns* (name → type)."""
    listed = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in columns.items())
    return f"(select {listed} limit 0)"


class Session:
    """One worker's connection, with the tables it has been shown as views."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self._shown: dict[str, str] = {}

    def show(self, name: str, relation: str) -> None:
        """Make `schema.table` readable as *relation*; showing the same again costs nothing."""
        if self._shown.get(name) != relation:
            self.con.execute(f'create schema if not exists "{name.split(".")[0]}"')
            self.con.execute(f"create or replace view {name_sql(name)} as from {relation}")
            self._shown[name] = relation

    def write(self, sql: str, params: Mapping[str, Any], path: Path) -> int:
        """Run *sql* into a Parquet file; the number of rows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        how = f"format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS}"
        copy = f"copy (\n{sql}\n) to {quoted(str(path))} ({how})"
        # Fetched to the end: a connection with a result left over refuses the next statement.
        return int(self.con.execute(copy, dict(params)).fetchall()[0][0])

    def answer(self, sql: str, params: Mapping[str, Any]) -> pa.Table:
        """The rows of *sql*."""
        return self.con.sql(sql, params=dict(params)).to_arrow_table()

    def rows_in(self, path: Path) -> int:
        """Rows of a Parquet file, from its footer."""
        sql = "select coalesce(sum(num_rows), 0) from parquet_file_metadata($path)"
        return int(self.con.execute(sql, {"path": str(path)}).fetchall()[0][0])

    def close(self) -> None:
        """Free the memory."""
        self.con.close()
