"""Runs table files on a few engine sessions: each as soon as all that it reads is there, bucketed ones part by part.

| who      | runs                                                              |
|----------|-------------------------------------------------------------------|
| `build`  | everything that has changed, into the build's folder              |
| `ask`    | features and labels at any date, over a build's core tables       |
| `leaks`  | core and features twice, once with a corrupted future             |
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clv.config import Engine
from clv.errors import BuildError, SqlFileError
from warehouse.engines import duckdb as engine
from warehouse.sqlfiles import SqlFile

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[float, str], None]
"""Called with the share done (0–1) and what is being done."""


@dataclass
class Table:
    """One table at work: an input, or the result of a file."""

    name: str
    key: str = ""
    columns: Mapping[str, str] | None = None
    """Declared columns, for inputs that may have no file."""
    file: SqlFile | None = None
    sources: list[Path] = field(default_factory=list)
    """Absolute Parquet files of an input, or of the table once it is written."""
    seen_as: str = ""
    """A relation that is read instead of the sources."""
    rows: int = 0
    is_linked: bool = False
    is_bucketed: bool = False
    """Whether the sources of an input are one file a bucket, in order, with the bucket as a column."""

    @property
    def relation(self) -> str:
        """What a session reads it as."""
        if self.seen_as:
            return self.seen_as
        if self.sources:
            return engine.files_sql([str(path) for path in self.sources])
        return engine.empty_sql(self.columns or {})


@contextlib.contextmanager
def worker_sessions(limits: Engine, temp: Path) -> Iterator[list[engine.Session]]:
    """As many sessions as the limits allow, one thread each; they spill into a folder of their own under *temp*."""
    n = engine.n_workers(limits)
    mine = temp / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    opened: list[engine.Session] = []
    try:
        for i in range(n):
            opened.append(engine.Session(engine.connect(limits, mine / str(i), share=n, threads=1)))  # noqa: PERF401 - the first ones must be closed when a later one fails
        yield opened
    finally:
        for session in opened:
            session.close()
        shutil.rmtree(mine, ignore_errors=True)


def run_tables(
    order: Sequence[SqlFile],
    tables: Mapping[str, Table],
    params: Mapping[str, Any],
    folder: Path,
    sessions: Sequence[engine.Session],
    *,
    buckets: Sequence[int],
    say: Progress | None = None,
) -> None:
    """Run the files of *order* that are not linked, into *folder*; their tables' sources and rows are filled in.

    Raises:
        SqlFileError: a file uses a parameter that has no value.
        BuildError: a statement failed; the message names the file.
    """
    todo = [tables[file.name] for file in order if not tables[file.name].is_linked]
    waiting = {table.name for table in todo}
    unfinished: dict[str, int] = {}
    n_parts = sum(len(buckets) if table.file and table.file.is_bucketed else 1 for table in todo)
    n_done = 0
    running: dict[Future[int], Table] = {}
    with _workers(sessions, running) as (pool, free):
        while todo or running:
            for table in [table for table in todo if table.file and not waiting & set(table.file.refs)]:
                todo.remove(table)
                parts = _parts(table, folder, buckets)
                unfinished[table.name], table.sources, table.rows = len(parts), [path for _, path in parts], 0
                for bucket, path in parts:
                    running[pool.submit(_run_part, table, tables, {**params, "bucket": bucket}, path, free)] = table
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                table = running.pop(future)
                table.rows += future.result()
                unfinished[table.name] -= 1
                n_done += 1
                if not unfinished[table.name]:
                    waiting.discard(table.name)
                    if say:
                        say(0.02 + 0.86 * n_done / n_parts, table.name)


def answer_of(
    file: SqlFile,
    tables: Mapping[str, Table],
    params: Mapping[str, Any],
    sessions: Sequence[engine.Session],
    *,
    parts: Sequence[Sequence[int]],
) -> pa.Table:
    """The rows of one file, in memory; nothing is written.

    Args:
        file: all that it reads has its sources.
        tables: what it reads, by name.
        params: by name, without `$bucket`.
        sessions: to work on.
        parts: the buckets, as many a query as stand together; planning a query costs more than a small bucket does.

    Raises:
        SqlFileError: the file uses a parameter that has no value.
        BuildError: the statement failed; the message names the file.
    """
    import pyarrow as pa

    running: list[Future[pa.Table]] = []
    with _workers(sessions, running) as (pool, free):
        running += [pool.submit(_answer_part, file, tables, params, part, free) for part in parts]
        return pa.concat_tables([future.result() for future in running])


def _answer_part(
    file: SqlFile,
    tables: Mapping[str, Table],
    params: Mapping[str, Any],
    part: Sequence[int],
    free: queue.SimpleQueue[engine.Session],
) -> pa.Table:
    with _taken(free, file) as session:
        for ref in file.refs:
            table = tables[ref]
            if file.is_bucketed and table.is_bucketed:
                files = [str(table.sources[bucket]) for bucket in part]
                session.show(ref, engine.one_bucket_sql(files, part[0]))
            else:
                session.show(ref, table.relation)
        return session.answer(file.sql, file.bound({**params, "bucket": part[0]}))


@contextlib.contextmanager
def _workers(
    sessions: Sequence[engine.Session], running: Collection[Future[Any]]
) -> Iterator[tuple[ThreadPoolExecutor, queue.SimpleQueue[engine.Session]]]:
    """A thread a session, and the sessions that are free; what is *running* is stopped when one of it fails."""
    free: queue.SimpleQueue[engine.Session] = queue.SimpleQueue()
    for session in sessions:
        free.put(session)
    with ThreadPoolExecutor(max_workers=len(sessions), thread_name_prefix="sql") as pool:
        try:
            yield pool, free
        except BaseException:
            for future in running:
                future.cancel()
            for session in sessions:
                session.con.interrupt()
            raise


@contextlib.contextmanager
def _taken(free: queue.SimpleQueue[engine.Session], file: SqlFile) -> Iterator[engine.Session]:
    """A free session for a part of *file*, given back afterwards; errors name the file."""
    session = free.get()
    try:
        yield session
    except KeyError as error:
        raise SqlFileError(f"{file.path} uses ${error.args[0]}, which has no value") from error
    except engine.Error as error:
        raise BuildError(f"{file.path}: {error}") from error
    finally:
        free.put(session)


def _parts(table: Table, folder: Path, buckets: Sequence[int]) -> list[tuple[int | None, Path]]:
    schema, stem = table.name.split(".")
    if table.file and table.file.is_bucketed:
        return [(bucket, folder / schema / stem / f"{bucket:04d}.parquet") for bucket in buckets]
    return [(None, folder / schema / f"{stem}.parquet")]


def _run_part(
    table: Table,
    tables: Mapping[str, Table],
    values: Mapping[str, Any],
    path: Path,
    free: queue.SimpleQueue[engine.Session],
) -> int:
    file = table.file
    if file is None:
        raise BuildError(f"{table.name} is an input and cannot be run")
    with _taken(free, file) as session:
        for ref in file.refs:
            session.show(ref, tables[ref].relation)
        return session.write(file.sql, file.bound(values), path)
