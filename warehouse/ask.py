"""The read-only door: named queries on the published build, and features at any date.

A `Warehouse` is made once a process, after any fork, and shared by its threads. It follows `current` by one readlink
a call; the build that it reads is leased, so that it stays on disk, and the file of the build before is closed when
the last query on it has ended. Answers are remembered by (build, query, parameters): builds do not change.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import sys
import threading
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clv.config import Engine
from clv.errors import BuildError, NoBuildError, RequestError
from warehouse import publish, sqlfiles
from warehouse.engines import duckdb as engine
from warehouse.runner import Table, answer_of, run_tables, worker_sessions
from warehouse.sqlfiles import SqlFile

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

CACHED_ANSWERS = 512
CACHED_ROWS = 20_000
"""Longer answers are not remembered."""
PICKED_BUILDS = 1
"""Builds that were asked for by id and stay open when idle, and pairs of them; one merely superseded is closed."""
TYPED_SECONDS = 60.0
"""A typed statement that takes longer is stopped."""
ROWS_PER_QUERY = 500_000
"""Order lines that features are made of at a time."""
_QUERY_NAME = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class BuildHandle:
    """A build as its readers see it."""

    id: str
    path: Path
    as_of: date
    manifest: Mapping[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """The `$parameters` that the build was made with; queries get them unless they are given others."""
        return {**self.manifest["parameters"], "as_of": self.as_of}

    @property
    def n_buckets(self) -> int:
        """Parts that customers are dealt into by hash."""
        return int(self.manifest["parameters"]["buckets"])


@dataclass
class _Open:
    """A leased build with its open files; or a build with another one beside it, as `earlier`."""

    name: str
    handle: BuildHandle
    leases: tuple[publish.Lease, ...]
    serving: duckdb.DuckDBPyConnection
    shell: duckdb.DuckDBPyConnection | None = None
    n_users: int = 0
    is_picked: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_pair(self) -> bool:
        return len(self.leases) > 1

    def cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self.serving.cursor()
        if self.is_pair:
            cursor.execute("use present")
        return cursor

    def close(self) -> None:
        self.serving.close()
        if self.shell is not None:
            self.shell.close()
        for lease in self.leases:
            lease.close()


class Warehouse:
    """The published builds of one data folder.

    Args:
        data: the data folder.
        limits: memory, threads and disk that queries may take.
        sql_root: the `sql/` folder.
    """

    def __init__(self, data: Path, limits: Engine | None = None, *, sql_root: Path = sqlfiles.DEFAULT_ROOT) -> None:
        self.data = data
        self.limits = limits or Engine()
        self.sql_root = sql_root
        self._lock = threading.RLock()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._answers: OrderedDict[tuple[Any, ...], pa.Table] = OrderedDict()
        self._files: dict[Path, tuple[int, SqlFile]] = {}
        self._pid = os.getpid()
        self._work_lock = threading.Lock()
        self._sessions: list[engine.Session] | None = None
        self._end_sessions: Callable[[], Any] = bool

    def current(self, build: str | None = None) -> BuildHandle:
        """The published build, or the one called *build*.

        Raises:
            NoBuildError: nothing is published, or there is no such build.
        """
        with self._use(build) as opened:
            return opened.handle

    def builds(self) -> list[BuildHandle]:
        """The builds that can be read, newest first."""
        found = []
        for build_id in publish.build_ids(self.data):
            folder = self.data / "builds" / build_id
            manifest = publish.manifest_of(folder)
            if manifest is not None and not manifest["is_only_core"]:
                found.append(_handle(folder, manifest))
        return found

    def query(self, name: str, build: str | None = None, before: str | None = None, **params: Any) -> pd.DataFrame:
        """The answer of `sql/queries/<name>.sql`; see `arrow`."""
        return _frame(self.arrow(name, build, before, **params))

    def arrow(self, name: str, build: str | None = None, before: str | None = None, **params: Any) -> pa.Table:
        """The answer of `sql/queries/<name>.sql` on the published build, or on the one called *build*.

        Args:
            name: `<page>/<file>`.
            build: a build's id.
            before: the id of another build, which the query reads as `earlier.schema.table`.
            params: values of the query's `$parameters`; those of the build itself need not be given.

        Raises:
            RequestError: there is no such query, or a parameter is missing or unknown.
            NoBuildError: nothing is published, or there is no such build.
        """
        file = self._file(name)
        with self._use(build, before) as opened:
            values = _bound(file, params, opened.handle)
            key = (opened.name, file.sql, _frozen(values))
            with self._lock:
                if key in self._answers:
                    self._answers.move_to_end(key)
                    return self._answers[key]
            try:
                answer = _arrow(opened.cursor(), file.sql, values)
            except engine.MissingError as error:
                raise RequestError(
                    f"build {opened.name} was made by another version and lacks what {name} reads; run `clv build`, "
                    f"or look at a newer build ({str(error).splitlines()[0]})"
                ) from error
        if answer.num_rows <= CACHED_ROWS:
            with self._lock:
                self._answers[key] = answer
                while len(self._answers) > CACHED_ANSWERS:
                    self._answers.popitem(last=False)
        return answer

    def select(
        self, sql: str, params: Mapping[str, Any] | None = None, build: str | None = None, before: str | None = None
    ) -> pa.Table:
        """The answer of a statement that the house has put together (the grid's); never text that somebody typed."""
        with self._use(build, before) as opened:
            return _arrow(opened.cursor(), sql, dict(params or {}))

    @contextlib.contextmanager
    def cursor(self, build: str | None = None, before: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of one's own on the serving file, for answers that are streamed; the build is leased meanwhile."""
        with self._use(build, before) as opened:
            cursor = opened.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def table(self, name: str, build: str | None = None) -> pd.DataFrame:
        """A whole table of the build, such as `features.customer_features`.

        Raises:
            RequestError: the build has no such table.
        """
        with self._use(build) as opened:
            if not _TABLE_NAME.fullmatch(name) or name not in opened.handle.manifest["tables"]:
                raise RequestError(f"build {opened.handle.id} has no table {name!r}")
            return _frame(_arrow(opened.cursor(), f"from {engine.name_sql(name)}", {}))

    def features(
        self,
        as_of: date,
        horizon_days: int | None = None,
        *,
        build: str | None = None,
        buckets: Sequence[int] | None = None,
    ) -> pd.DataFrame:
        """`features.customer_features` at any date up to the build's own: the same file that the build runs.

        Args:
            as_of: the first day that is not known.
            horizon_days: for features that look as far back as they predict ahead; default the build's.
            build: a build's id.
            buckets: only the customers of these parts (see `BuildHandle.n_buckets`), a random sample; default all.

        Raises:
            RequestError: *as_of* is after the build's, or the build has no features.
        """
        return _frame(self.at_date("features.customer_features", as_of, horizon_days, build=build, buckets=buckets))

    def outcomes(
        self,
        as_of: date,
        horizon_days: int,
        *,
        build: str | None = None,
        buckets: Sequence[int] | None = None,
        is_partial_ok: bool = False,
    ) -> pd.DataFrame:
        """`labels.customer_outcomes`: what happened from *as_of* on for *horizon_days* days.

        Args:
            as_of: first day of the outcome.
            horizon_days: its length.
            build: a build's id.
            buckets: as for `features`.
            is_partial_ok: accept an outcome whose end the build has not seen.

        Raises:
            RequestError: the build ends before the outcome does.
        """
        end = as_of + timedelta(days=horizon_days)
        with self._use(build) as opened:
            last = opened.handle.as_of
            if end > last and not is_partial_ok:
                raise RequestError(
                    f"outcomes of {horizon_days} days from {as_of} end on {end}, but the build knows only up to {last}"
                )
            return _frame(self.at_date("labels.customer_outcomes", as_of, horizon_days, build=build, buckets=buckets))

    def at_date(
        self,
        name: str,
        as_of: date,
        horizon_days: int | None = None,
        *,
        build: str | None = None,
        buckets: Sequence[int] | None = None,
    ) -> pa.Table:
        """A table of `sql/features` or `sql/labels` at *as_of*, over the core tables of the build.

        Bucketed files run in parts of about `ROWS_PER_QUERY` rows, a few at a time. How they are cut depends on the
        data alone: rows come in the same order on any machine.
        """
        work = self.data / "cache" / "at_date" / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        with self._use(build) as opened:
            handle = opened.handle
            if as_of > handle.as_of:
                raise RequestError(f"{name} at {as_of}: the build knows only what happened before {handle.as_of}")
            made = handle.manifest["tables"]
            tables: dict[str, Table] = {}
            order = self._closure(name, made, handle.path, tables, [])
            values = {**handle.parameters, "as_of": as_of}
            if horizon_days is not None:
                values["horizon_days"] = horizon_days
            *before, file = order
            asked = range(values["buckets"]) if buckets is None else sorted(set(buckets))
            try:
                with self._workers() as sessions:
                    if before:
                        run_tables(before, tables, values, work, sessions, buckets=range(values["buckets"]))
                    parts = _parts(file, tables, asked, values["buckets"])
                    return answer_of(file, tables, values, sessions, parts=parts)
            finally:
                shutil.rmtree(work, ignore_errors=True)

    @contextlib.contextmanager
    def _workers(self) -> Iterator[list[engine.Session]]:
        """The sessions of `at_date`, opened once: a training asks a hundred times."""
        with self._work_lock:
            if self._sessions is None:
                kept = contextlib.ExitStack()
                self._sessions = kept.enter_context(worker_sessions(self.limits, self.data / "cache" / "duckdb"))
                self._end_sessions = weakref.finalize(self, kept.close)
            yield self._sessions

    def _closure(
        self, name: str, made: Mapping[str, Any], folder: Path, tables: dict[str, Table], order: list[SqlFile]
    ) -> list[SqlFile]:
        """What has to be run for *name*, in order; what the build has is filled into *tables*."""
        file = self._file(name)
        for ref in file.refs:
            if ref in tables:
                continue
            if ref.startswith("features."):
                self._closure(ref, made, folder, tables, order)
            elif ref.startswith(("core.", "settings.")) and ref in made:
                tables[ref] = Table(
                    name=ref,
                    sources=[folder / path for path in made[ref]["files"]],
                    rows=made[ref]["rows"] or 0,
                    is_bucketed=made[ref]["is_bucketed"],
                )
            else:
                raise RequestError(f"{file.path} reads {ref}, which this build cannot give it; run `clv build`")
        tables[name] = Table(name=name, file=file)
        order.append(file)
        return order

    def run_sql(self, text: str, *, build: str | None = None, max_rows: int = 10_000) -> pd.DataFrame:
        """The answer of one statement that somebody typed; it can only read, and only the build.

        Args:
            text: one `select`, `from`, `with`, `values`, `describe`, `summarize`, `show` or `explain`.
            build: a build's id.
            max_rows: rows after these are dropped.

        Raises:
            RequestError: it is not one such statement, it takes more than `TYPED_SECONDS`, or DuckDB refuses it; the
                message is DuckDB's.
        """
        with self._use(build) as opened:
            with opened.lock:
                if opened.shell is None:
                    path = opened.handle.path / "shell.duckdb"
                    opened.shell = engine.open_serving(path, self.limits, self._temp, is_locked=True)
            cursor = opened.shell.cursor()
            alarm = threading.Timer(TYPED_SECONDS, cursor.interrupt)
            alarm.start()
            try:
                return _frame(engine.read_only_answer(cursor, text, max_rows))
            except engine.Error as error:
                raise RequestError(str(error)) from error
            finally:
                alarm.cancel()
                cursor.close()

    @contextlib.contextmanager
    def shell(self, build: str | None = None) -> Iterator[list[str]]:
        """The command line that opens the `duckdb` shell on the build's shell file; the build is leased meanwhile.

        Raises:
            BuildError: the `duckdb` program is not installed.
        """
        program = shutil.which(
            "duckdb", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        )
        if program is None:
            raise BuildError("the `duckdb` program is not installed; it comes with `pip install duckdb-cli`")
        with publish.lease(self.data, build) as held:
            start = self.data / "cache" / "shell" / f"{held.build_id}.sql"
            start.parent.mkdir(parents=True, exist_ok=True)
            start.write_text(
                f"set file_search_path = {engine.quoted(str(held.folder))};\nset timezone = 'UTC';\n", encoding="utf-8"
            )
            yield [program, "-readonly", "-init", str(start), str(held.folder / "shell.duckdb")]

    def query_names(self) -> list[str]:
        """All queries, sorted."""
        root = self.sql_root / "queries"
        return sorted("/".join(path.relative_to(root).with_suffix("").parts) for path in root.glob("*/*.sql"))

    def sql_text(self, name: str) -> str:
        """The text of a query (`<page>/<file>`) or of a table's file (`schema.table`), with its header.

        Raises:
            RequestError: there is no such file.
        """
        return self._file(name).path.read_text(encoding="utf-8")

    def shell_sql(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        build: str | None = None,
        before: str | None = None,
    ) -> str:
        """The query with its parameters written as literals, to be pasted into the shell; gives the same answer.

        With *before*, the lines that attach that build come first.
        """
        return f"{self.attach_sql(before)}{self.inlined(name, params, build)}\n;\n"

    def inlined(self, name: str, params: Mapping[str, Any] | None = None, build: str | None = None) -> str:
        """The query's text with its parameters written as literals, without an end, to be part of another."""
        file = self._file(name)
        with self._use(build) as opened:
            values = _bound(file, dict(params or {}), opened.handle)
        return sqlfiles.inline(self.sql_text(name).strip().removesuffix(";").rstrip(), values)

    def attach_sql(self, before: str | None) -> str:
        """What the shell has to run before a statement that reads build *before* as `earlier`; empty without one."""
        if before is None:
            return ""
        with self._use(before) as opened:
            return f"{engine.attach_sql(opened.handle.path / 'serving.duckdb')}\n;\n"

    def close(self) -> None:
        """Close all builds that no query is using, and the sessions of `at_date`."""
        with self._lock:
            for build_id in [build_id for build_id, opened in self._open.items() if not opened.n_users]:
                self._open.pop(build_id).close()
        with self._work_lock:
            if self._sessions is not None:
                self._sessions = None
                self._end_sessions()

    def _file(self, name: str) -> SqlFile:
        """A query or table file by name; read again when it has changed."""
        if _QUERY_NAME.fullmatch(name):
            path = self.sql_root / "queries" / f"{name}.sql"
        elif _TABLE_NAME.fullmatch(name):
            path = self.sql_root / f"{name.replace('.', '/')}.sql"
        else:
            raise RequestError(f"{name!r} is not the name of a query")
        try:
            changed = path.stat().st_mtime_ns
        except OSError as error:
            raise RequestError(f"there is no query {name!r} (no file {path})") from error
        known = self._files.get(path)
        if known is None or known[0] != changed:
            known = (changed, sqlfiles.read_file(path, self.sql_root))
            self._files[path] = known
        return known[1]

    @contextlib.contextmanager
    def _use(self, build: str | None, before: str | None = None) -> Iterator[_Open]:
        """An open build that stays open inside the block, with *before* beside it when one is named."""
        with self._lock:
            self._refuse_fork()
            name = build or publish.current_id(self.data)
            if name is None:
                raise NoBuildError(f"nothing has been published in {self.data}; run `clv build`")
            if before is None:
                opened = self._open.get(name) or self._open_build(name if build else None)
            else:
                opened = self._open.get(_pair_name(name, before)) or self._open_pair(name, before)
            self._open.move_to_end(opened.name)
            opened.is_picked |= build is not None or before is not None
            opened.n_users += 1
            self._close_old()
        try:
            yield opened
        finally:
            with self._lock:
                opened.n_users -= 1
                self._close_old()

    def _open_build(self, build: str | None) -> _Open:
        lease = publish.lease(self.data, build)
        if lease.build_id in self._open:  # `current` moved between the two looks
            lease.close()
            return self._open[lease.build_id]
        try:
            manifest = _readable(lease)
            serving = engine.open_serving(lease.folder / "serving.duckdb", self.limits, self._temp)
        except engine.Error as error:
            lease.close()
            raise NoBuildError(
                f"build {lease.build_id} is damaged, {lease.folder / 'serving.duckdb'} does not open; "
                "`clv build` makes it anew"
            ) from error
        except BaseException:
            lease.close()
            raise
        opened = _Open(lease.build_id, _handle(lease.folder, manifest), (lease,), serving)
        self._open[opened.name] = opened
        return opened

    def _open_pair(self, build: str, before: str) -> _Open:
        with contextlib.ExitStack() as held:
            leases = tuple(held.enter_context(publish.lease(self.data, name)) for name in (build, before))
            manifest, _ = (_readable(lease) for lease in leases)
            path, earlier = (lease.folder / "serving.duckdb" for lease in leases)
            serving = engine.open_pair(path, earlier, self.limits, self._temp)
            held.pop_all()
        opened = _Open(_pair_name(build, before), _handle(leases[0].folder, manifest), leases, serving)
        self._open[opened.name] = opened
        return opened

    def _close_old(self) -> None:
        """Close builds that are neither current nor in use; the ones picked last stay."""
        current = publish.current_id(self.data)
        idle = [name for name, opened in self._open.items() if not opened.n_users and name != current]
        picked = []
        for is_pair in (False, True):
            kind = [name for name in idle if self._open[name].is_picked and self._open[name].is_pair is is_pair]
            picked += kind[-PICKED_BUILDS:]
        for name in idle:
            if name not in picked:
                self._open.pop(name).close()

    def _refuse_fork(self) -> None:
        """An open database does not survive a fork: its threads are gone, and a query would wait for ever."""
        if self._pid != os.getpid():
            if self._open or self._sessions is not None:
                raise BuildError("this process was forked from one that had the warehouse open; open it after the fork")
            self._pid = os.getpid()

    @property
    def _temp(self) -> Path:
        return self.data / "cache" / "duckdb" / f"{os.getpid()}-ask"


def _parts(file: SqlFile, tables: Mapping[str, Table], buckets: Sequence[int], n_buckets: int) -> list[Sequence[int]]:
    """The buckets that one query takes together."""
    if not file.is_bucketed:
        return [[0]]
    read = [tables[ref] for ref in file.refs]
    if not all(table.is_bucketed or table.file is None for table in read):
        return [[bucket] for bucket in buckets]
    rows = max((table.rows for table in read if table.is_bucketed), default=0) * len(buckets) / n_buckets
    n = max(1, min(len(buckets), math.ceil(rows / ROWS_PER_QUERY)))
    return [buckets[i * len(buckets) // n : (i + 1) * len(buckets) // n] for i in range(n)]


def _pair_name(build: str, before: str) -> str:
    return f"{build} with {before}"


def _readable(lease: publish.Lease) -> dict[str, Any]:
    """The manifest of a build that pages can read."""
    manifest = publish.manifest_of(lease.folder)
    if manifest is None or manifest["is_only_core"]:
        raise NoBuildError(f"build {lease.build_id} cannot be read; `clv build` makes it anew")
    return manifest


def _handle(folder: Path, manifest: Mapping[str, Any]) -> BuildHandle:
    return BuildHandle(folder.name, folder, date.fromisoformat(manifest["as_of"]), manifest)


def _bound(file: SqlFile, params: Mapping[str, Any], handle: BuildHandle) -> dict[str, Any]:
    """Exactly the values that the file's parameters need."""
    unknown = sorted(set(params) - set(file.params))
    missing = sorted(set(file.params) - set(params) - set(handle.parameters))
    if unknown or missing:
        raise RequestError(f"{file.name}: missing parameters {missing}, unknown parameters {unknown}")
    return {name: params[name] if name in params else handle.parameters[name] for name in file.params}


def _frozen(value: Any) -> Any:
    """*value* as something that can be a key."""
    if isinstance(value, Mapping):
        return tuple((name, _frozen(item)) for name, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return (type(value).__name__, value)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _arrow(cursor: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> pa.Table:
    """One answer on a cursor of its own: results belong to their connection, and a second query would drop them."""
    try:
        return cursor.sql(sql, params=dict(values)).to_arrow_table()
    finally:
        cursor.close()
