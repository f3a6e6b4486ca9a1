"""What people and jobs *do*, in one transactional store: SQLite in WAL mode by default, PostgreSQL by URL.

| who        | for what                                                                            |
|------------|-------------------------------------------------------------------------------------|
| `jobs`     | runs: start, progress, finish; the worker claims what was requested; alerts; beats  |
| `dashboard`| asks for a run, reads progress, schedule and alerts; saved views and lists; audit   |
| `jobs.build`| writes `export()` to `outputs`, so that SQL sees it                               |

Facts about customers or money never live here: they come from files and can be made again; this cannot.
All timestamps are UTC without zone. Every method is one short transaction, safe from any thread or process.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.schema import CreateIndex, CreateTable

from clv.errors import BusyError, DiskFullError, RequestError, SettingsError

ACTIVE = ("queued", "running")
ENDED = ("done", "failed", "aborted", "skipped")
TERMINAL = "command line"
"""Who asks for the runs of the `clv` command."""
_STOPPED = "stopped by "
_LEAST_FREE_BYTES = 1 << 20
SEVERITIES = ("info", "warning", "critical")

DELETED_KEPT = timedelta(days=1)
"""So long a deleted list can be had back."""
SILENT_AFTER = timedelta(seconds=60)
"""A run on another host, whose process we cannot look at, is given up when it has not been seen for this long."""

_tables = sa.MetaData()

_runs = sa.Table(
    "runs",
    _tables,
    sa.Column("run_id", sa.String(40), primary_key=True),
    sa.Column("job", sa.String(40), nullable=False),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("requested_by", sa.String(200), nullable=False),
    sa.Column("requested_at", sa.DateTime, nullable=False),
    sa.Column("started_at", sa.DateTime),
    sa.Column("finished_at", sa.DateTime),
    sa.Column("seen_at", sa.DateTime),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("params", sa.JSON, nullable=False, default=dict),
    sa.Column("detail", sa.JSON, nullable=False, default=dict),
    sa.Column("error", sa.Text),
    sa.Column("host", sa.String(200)),
    sa.Column("pid", sa.Integer),
    sa.Column("pid_started", sa.Float),
)
# Three clicks make one run: the store itself refuses a second queued or running row of a job.
_one_active = sa.Index(
    "one_active_run_per_job",
    _runs.c.job,
    unique=True,
    sqlite_where=_runs.c.status.in_(ACTIVE),
    postgresql_where=_runs.c.status.in_(ACTIVE),
)
_runs_by_time = sa.Index("runs_by_time", _runs.c.requested_at)

_schedule = sa.Table(
    "schedule",
    _tables,
    sa.Column("job", sa.String(40), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("cron", sa.String(100), nullable=False),
    sa.Column("next_run_at", sa.DateTime),
)

_alerts = sa.Table(
    "alerts",
    _tables,
    sa.Column("alert_id", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("run_id", sa.String(40)),
    sa.Column("raised_at", sa.DateTime, nullable=False),
    sa.Column("last_at", sa.DateTime, nullable=False),
    sa.Column("n_times", sa.Integer, nullable=False),
    sa.Column("closed_at", sa.DateTime),
    sa.Column("closed_by", sa.String(200)),
)
_one_open = sa.Index(
    "one_open_alert_per_key",
    _alerts.c.key,
    unique=True,
    sqlite_where=_alerts.c.closed_at.is_(None),
    postgresql_where=_alerts.c.closed_at.is_(None),
)

_saved_views = sa.Table(
    "saved_views",
    _tables,
    sa.Column("owner", sa.String(200), primary_key=True),
    sa.Column("page", sa.String(100), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("saved_at", sa.DateTime, nullable=False),
)

_saved_lists = sa.Table(
    "saved_lists",
    _tables,
    sa.Column("list_id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("members", sa.LargeBinary, nullable=False),
    sa.Column("n_customers", sa.Integer, nullable=False),
    sa.Column("build_id", sa.String(60), nullable=False),
    sa.Column("saved_at", sa.DateTime, nullable=False),
    sa.Column("deleted_at", sa.DateTime),
)
# A name that was deleted can be given again.
_one_kept = sa.Index(
    "one_kept_list_per_name",
    _saved_lists.c.owner,
    _saved_lists.c.name,
    unique=True,
    sqlite_where=_saved_lists.c.deleted_at.is_(None),
    postgresql_where=_saved_lists.c.deleted_at.is_(None),
)

_audit = sa.Table(
    "audit",
    _tables,
    sa.Column("audit_id", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("action", sa.String(100), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

_heartbeats = sa.Table(
    "heartbeats",
    _tables,
    sa.Column("role", sa.String(20), primary_key=True),
    sa.Column("host", sa.String(200), primary_key=True),
    sa.Column("pid", sa.Integer, primary_key=True),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Run:
    """One run of a job, from the request to its end."""

    run_id: str
    job: str
    status: str
    """queued, running, done, failed (its own error), aborted (its process went away, or somebody stopped it) or
    skipped (nothing to do)."""
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seen_at: datetime | None
    """When its process was last known to be alive."""
    progress: float
    """0 to 1."""
    message: str
    params: dict[str, Any]
    detail: dict[str, Any]
    """What it did: counts, ids, seconds per step."""
    error: str | None
    host: str | None
    pid: int | None
    pid_started: float | None
    """Start of the process in the host's clock: a pid alone may have been given to another process since."""

    @property
    def is_active(self) -> bool:
        """Queued or running."""
        return self.status in ACTIVE

    @property
    def was_stopped(self) -> bool:
        """Ended by somebody who did not want it."""
        return self.status == "aborted" and (self.error or "").startswith(_STOPPED)


def utc_now() -> datetime:
    """The present, UTC, without zone: the form in which the journal keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Journal:
    """The open journal. Cheap to make; one a process is enough; do not carry it across a fork."""

    def __init__(self, url: str, *, now: Callable[[], datetime] = utc_now) -> None:
        """Open the journal at *url*, and make its tables where they are missing.

        Args:
            url: in SQLAlchemy's form. `postgresql://…` is read with psycopg 3 (extra `postgres`).
            now: gives the present, UTC without zone.

        Raises:
            SettingsError: the URL cannot be understood, its driver is not installed, or the server does not answer.
        """
        self._now = now
        try:
            parsed = sa.make_url(url)
            if parsed.drivername in ("postgres", "postgresql"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
                Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"[jobs] journal_url needs the module {error.name}, which is not installed: pip install psycopg[binary]"
            ) from error
        except sa.exc.ArgumentError as error:
            raise SettingsError(f"[jobs] journal_url is not a database URL: {error}") from error
        except OSError as error:
            raise SettingsError(
                f"the journal's folder cannot be made: {error}; see [paths] and [jobs] journal_url"
            ) from error
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
        elif self._engine.dialect.name != "postgresql":
            raise SettingsError(
                f"[jobs] journal_url names {parsed.get_backend_name()}; the journal lives in sqlite or postgresql"
            )
        self._make_tables()

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def _is_without_space(self) -> bool:
        """Whether SQLite has no room for its log and shared memory: it then speaks of an I/O error."""
        path = self._engine.url.database
        if self._engine.dialect.name != "sqlite" or not path or not Path(path).parent.is_dir():
            return False
        return shutil.disk_usage(Path(path).parent).free < _LEAST_FREE_BYTES

    def _make_tables(self) -> None:
        statements: list[sa.schema.ExecutableDDLElement] = []
        for table in _tables.sorted_tables:
            statements.append(CreateTable(table, if_not_exists=True))
            statements.extend(
                CreateIndex(index, if_not_exists=True) for index in sorted(table.indexes, key=lambda i: str(i.name))
            )
        for attempt in (1, 2):
            try:
                with self._engine.begin() as connection:
                    for statement in statements:
                        connection.execute(statement)
                return
            except (IntegrityError, ProgrammingError):
                # PostgreSQL's "if not exists" may lose a race against another process that starts; then they exist.
                if attempt == 2:
                    raise
            except OperationalError as error:
                if self._is_without_space():
                    raise DiskFullError(
                        f"the disk that holds the journal {self._engine.url.database} is full: "
                        "free some space, then run the same again"
                    ) from error
                where = self._engine.url.render_as_string(hide_password=True)
                raise SettingsError(
                    f"the journal at {where} does not open: {error.orig}; see [jobs] journal_url"
                ) from error
            except sa.exc.DatabaseError as error:
                where = self._engine.url.render_as_string(hide_password=True)
                raise SettingsError(
                    f"the journal at {where} is damaged: {error.orig}; put a copy in its place, or move it away and "
                    "an empty one is made (runs, alerts, saved views and lists are in it; builds and models are not)"
                ) from error

    def request(self, job: str, by: str, params: Mapping[str, Any] | None = None) -> str:
        """Ask for a run of *job*; give the run's id, which is that of the queued or running one when there is one."""
        return self._insert(job, by, dict(params or {}), "queued")[0]

    def start(self, job: str, by: str, params: Mapping[str, Any] | None = None) -> str:
        """Note a run that begins in this very process; a queued request for the job is served by it.

        Returns:
            The run's id.

        Raises:
            BusyError: a run of this job is running.
        """
        self.abort_orphans()
        values = {"started_at": self._now(), "seen_at": self._now(), "params": dict(params or {}), **_this_process()}
        with self._engine.begin() as connection:
            queued = connection.execute(
                sa.update(_runs)
                .where(_runs.c.job == job, _runs.c.status == "queued")
                .values(status="running", **values)
                .returning(_runs.c.run_id)
            ).scalar()
        if queued is not None:
            return str(queued)
        run_id, is_new = self._insert(job, by, dict(params or {}), "running")
        if not is_new:
            raise BusyError(f"{job} is running already (run {run_id}); wait for it, or see the Jobs page")
        return run_id

    def _insert(self, job: str, by: str, params: dict[str, Any], status: str) -> tuple[str, bool]:
        now = self._now()
        run_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        row: dict[str, Any] = {
            "run_id": run_id,
            "job": job,
            "status": status,
            "requested_by": by,
            "requested_at": now,
            "params": params,
        }
        if status == "running":
            row |= {"started_at": now, "seen_at": now, **_this_process()}
        while True:
            try:
                with self._engine.begin() as connection:
                    connection.execute(sa.insert(_runs).values(row))
                return run_id, True
            except IntegrityError:
                with self._engine.connect() as connection:
                    active = connection.execute(
                        sa.select(_runs.c.run_id).where(_runs.c.job == job, _runs.c.status.in_(ACTIVE))
                    ).scalar()
                if active is not None:
                    return str(active), False
                # The other one ended between our insert and our look: ours may go in now.

    def claim(self) -> Run | None:
        """Take the oldest queued run for this process, or None; two who ask at once never get the same one."""
        oldest = (
            sa.select(_runs.c.run_id)
            .where(_runs.c.status == "queued")
            .order_by(_runs.c.requested_at, _runs.c.run_id)
            .limit(1)
        )
        with self._engine.connect() as connection:
            # The worker asks three times a second: it takes the writer's lock only when there is something to take.
            if connection.execute(oldest).scalar() is None:
                return None
        now = self._now()
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.update(_runs)
                .where(
                    _runs.c.run_id == oldest.with_for_update(skip_locked=True).scalar_subquery(),
                    _runs.c.status == "queued",
                )
                .values(status="running", started_at=now, seen_at=now, **_this_process())
                .returning(_runs)
            ).one_or_none()
        return None if row is None else Run(**row._mapping)

    def adopt(self, run_id: str) -> Run:
        """Move a claimed run to this process, which is going to do the work.

        Raises:
            RequestError: it is not running.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.update(_runs)
                .where(_runs.c.run_id == run_id, _runs.c.status == "running")
                .values(seen_at=self._now(), **_this_process())
                .returning(_runs)
            ).one_or_none()
        if row is None:
            raise RequestError(f"run {run_id} is not there to be worked on; it has ended or never was")
        return Run(**row._mapping)

    def progress(self, run_id: str, share: float, message: str) -> None:
        """Say how far a running run is (0 to 1) and what it is doing; an ended run is left alone."""
        values = {"progress": min(max(share, 0.0), 1.0), "message": message, "seen_at": self._now()}
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(_runs).where(_runs.c.run_id == run_id, _runs.c.status == "running").values(values)
            )

    def seen(self, run_id: str) -> None:
        """Say that a running run's process is alive."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(_runs)
                .where(_runs.c.run_id == run_id, _runs.c.status == "running")
                .values(seen_at=self._now())
            )

    def finish(
        self,
        run_id: str,
        status: str,
        *,
        message: str = "",
        detail: Mapping[str, Any] | None = None,
        error: str | None = None,
    ) -> bool:
        """End an active run; False when it had ended already (the first word stands)."""
        if status not in ENDED:
            raise ValueError(f"a run ends as one of {ENDED}, not {status!r}")
        values: dict[str, Any] = {"status": status, "finished_at": self._now(), "error": error}
        if message:
            values["message"] = message
        if detail is not None:
            values["detail"] = dict(detail)
        if status in ("done", "skipped"):
            values["progress"] = 1.0
        with self._engine.begin() as connection:
            done = connection.execute(
                sa.update(_runs).where(_runs.c.run_id == run_id, _runs.c.status.in_(ACTIVE)).values(values)
            )
        return done.rowcount == 1

    def stop(self, run_id: str, by: str) -> bool:
        """End a queued or running run on somebody's wish; the worker then ends its process. False: it had ended.

        Raises:
            RequestError: there is no such run, or it works in somebody's terminal, where Ctrl-C stops it.
        """
        if self.run(run_id).requested_by == TERMINAL:
            raise RequestError(f"run {run_id} works in a terminal; Ctrl-C stops it there")
        return self.finish(run_id, "aborted", error=f"{_STOPPED}{by}")

    def abort_orphans(self) -> list[Run]:
        """Mark as aborted each running run whose process is gone; give them."""
        with self._engine.connect() as connection:
            running = [
                Run(**row._mapping) for row in connection.execute(sa.select(_runs).where(_runs.c.status == "running"))
            ]
        orphans = [run for run in running if not self._is_alive(run)]
        return [
            run
            for run in orphans
            if self.finish(
                run.run_id,
                "aborted",
                error="its process ended without a word (killed, crashed, or the machine went down)",
            )
        ]

    def _is_alive(self, run: Run) -> bool:
        if run.host != socket.gethostname():
            return run.seen_at is not None and self._now() - run.seen_at < SILENT_AFTER
        try:
            process = psutil.Process(run.pid)
            return (
                process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - (run.pid_started or 0.0)) < 2.0
            )
        except psutil.NoSuchProcess:
            return False

    def run(self, run_id: str) -> Run:
        """One run.

        Raises:
            RequestError: there is no such run.
        """
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_runs).where(_runs.c.run_id == run_id)).one_or_none()
        if row is None:
            raise RequestError(f"there is no run {run_id}")
        return Run(**row._mapping)

    def active(self, job: str | None = None) -> list[Run]:
        """What is queued or running, of one job or of all, oldest first."""
        query = sa.select(_runs).where(_runs.c.status.in_(ACTIVE)).order_by(_runs.c.requested_at, _runs.c.run_id)
        if job is not None:
            query = query.where(_runs.c.job == job)
        with self._engine.connect() as connection:
            return [Run(**row._mapping) for row in connection.execute(query)]

    def last(self, job: str, statuses: Iterable[str] = ENDED) -> Run | None:
        """The latest run of *job* that ended in one of *statuses*, or None."""
        query = (
            sa.select(_runs)
            .where(_runs.c.job == job, _runs.c.status.in_(list(statuses)))
            .order_by(_runs.c.requested_at.desc(), _runs.c.run_id.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Run(**row._mapping)

    def last_change(self) -> str | None:
        """Another text after any run has been asked for or has ended; None while one is queued or running."""
        query = sa.select(
            sa.func.count(),
            sa.func.max(_runs.c.requested_at),
            sa.func.max(_runs.c.finished_at),
            sa.func.count().filter(_runs.c.status.in_(ACTIVE)),
        )
        with self._engine.connect() as connection:
            *change, n_active = connection.execute(query.select_from(_runs)).one()
        return None if n_active else " ".join(map(str, change))

    def runs(self, limit: int = 1000) -> pd.DataFrame:
        """The latest runs, newest first: what `outputs.runs` holds, and the Jobs page lists."""
        columns = [column for column in _runs.c if column.name not in ("seen_at", "pid_started")]
        return self._frame(
            sa.select(*columns).order_by(_runs.c.requested_at.desc(), _runs.c.run_id.desc()).limit(limit)
        )

    def export(self) -> dict[str, pd.DataFrame]:
        """All ended runs as `outputs.runs` and `outputs.job_requests`, oldest first, objects as JSON text."""
        ended = sa.select(_runs).where(_runs.c.status.in_(ENDED)).order_by(_runs.c.requested_at, _runs.c.run_id)
        frame = self._frame(ended)
        for column in ("params", "detail"):
            frame[column] = [json.dumps(value, sort_keys=True) for value in frame[column]]
        return {
            "runs": frame.drop(columns=["params", "seen_at", "pid_started"]),
            "job_requests": frame[["run_id", "job", "requested_by", "requested_at", "params", "status"]],
        }

    def set_schedule(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Publish what the worker will do: rows of job, question, cron, next_run_at (UTC or None); the old ones go."""
        values = [{"position": position, **row} for position, row in enumerate(rows)]
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_schedule))
            if values:
                connection.execute(sa.insert(_schedule), values)

    def schedule(self) -> pd.DataFrame:
        """The jobs that there are, each with its question, cron line and next run: job, question, cron, next_run_at."""
        columns = (_schedule.c.job, _schedule.c.question, _schedule.c.cron, _schedule.c.next_run_at)
        return self._frame(sa.select(*columns).order_by(_schedule.c.position))

    def raise_alert(
        self, key: str, severity: str, title: str, *, remedy: str = "", link: str = "", run_id: str | None = None
    ) -> None:
        """Open the alert *key*, or say again that it is open; what is said last stands."""
        if severity not in SEVERITIES:
            raise ValueError(f"an alert is one of {SEVERITIES}, not {severity!r}")
        now = self._now()
        said = {"severity": severity, "title": title, "remedy": remedy, "link": link, "run_id": run_id, "last_at": now}
        statement = self._upsert(_alerts, {"key": key, "raised_at": now, "n_times": 1, **said})
        statement = statement.on_conflict_do_update(
            index_elements=[_alerts.c.key],
            index_where=_alerts.c.closed_at.is_(None),
            set_={**said, "n_times": _alerts.c.n_times + 1},
        )
        with self._engine.begin() as connection:
            connection.execute(statement)

    def close_alert(self, key: str, by: str) -> bool:
        """Close the open alert *key*; False when none was open."""
        with self._engine.begin() as connection:
            closed = connection.execute(
                sa.update(_alerts)
                .where(_alerts.c.key == key, _alerts.c.closed_at.is_(None))
                .values(closed_at=self._now(), closed_by=by)
            )
        return closed.rowcount > 0

    def alerts(self, *, include_closed: bool = False, limit: int = 200) -> pd.DataFrame:
        """Alerts, the latest first."""
        query = sa.select(_alerts).order_by(_alerts.c.last_at.desc(), _alerts.c.alert_id.desc()).limit(limit)
        return self._frame(query if include_closed else query.where(_alerts.c.closed_at.is_(None)))

    def save_view(self, owner: str, page: str, name: str, query: str) -> None:
        """Keep a page's URL query under a name; the same name again replaces it."""
        values = {"owner": owner, "page": page, "name": name, "query": query, "saved_at": self._now()}
        statement = self._upsert(_saved_views, values)
        statement = statement.on_conflict_do_update(
            index_elements=["owner", "page", "name"], set_={"query": query, "saved_at": values["saved_at"]}
        )
        with self._engine.begin() as connection:
            connection.execute(statement)

    def delete_view(self, owner: str, page: str, name: str) -> bool:
        """Forget a saved view; False when there was none."""
        same = sa.and_(_saved_views.c.owner == owner, _saved_views.c.page == page, _saved_views.c.name == name)
        with self._engine.begin() as connection:
            return connection.execute(sa.delete(_saved_views).where(same)).rowcount == 1

    def saved_views(self, owner: str, page: str) -> pd.DataFrame:
        """One person's saved views of a page, by name: name, query, saved_at."""
        columns = (_saved_views.c.name, _saved_views.c.query, _saved_views.c.saved_at)
        return self._frame(
            sa.select(*columns)
            .where(_saved_views.c.owner == owner, _saved_views.c.page == page)
            .order_by(_saved_views.c.name)
        )

    def save_list(self, owner: str, name: str, customer_ids: Iterable[str], build_id: str) -> str:
        """Keep customers under a name, as they are now.

        Args:
            owner: whose list.
            name: free of another kept list of theirs.
            customer_ids: who is in it; at least one.
            build_id: where they were chosen.

        Returns:
            The list's id.

        Raises:
            RequestError: the name is taken or empty, or there is nobody.
        """
        members = sorted(set(customer_ids))
        if not members or not name.strip():
            raise RequestError("a list has a name and at least one customer")
        row = {
            "list_id": secrets.token_hex(8),
            "owner": owner,
            "name": name.strip(),
            "members": zlib.compress(json.dumps(members, ensure_ascii=False).encode()),
            "n_customers": len(members),
            "build_id": build_id,
            "saved_at": self._now(),
        }
        self._change_list(sa.insert(_saved_lists).values(row), name)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_saved_lists).where(_saved_lists.c.deleted_at < self._now() - DELETED_KEPT))
        return str(row["list_id"])

    def rename_list(self, owner: str, name: str, new_name: str) -> None:
        """Give a kept list another name.

        Raises:
            RequestError: there is no such list, or the new name is taken or empty.
        """
        if not new_name.strip():
            raise RequestError("a list has a name")
        self._change_list(sa.update(_saved_lists).where(_kept(owner, name)).values(name=new_name.strip()), new_name)

    def delete_list(self, owner: str, name: str) -> str:
        """Forget a list; for a day `restore_list` brings it back by the id that this gives.

        Raises:
            RequestError: there is no such list.
        """
        statement = (
            sa.update(_saved_lists)
            .where(_kept(owner, name))
            .values(deleted_at=self._now())
            .returning(_saved_lists.c.list_id)
        )
        with self._engine.begin() as connection:
            deleted = connection.execute(statement).scalar()
        if deleted is None:
            raise RequestError(f"no list is called {name[:80]!r}")
        return str(deleted)

    def restore_list(self, owner: str, list_id: str) -> None:
        """Bring back a deleted list.

        Raises:
            RequestError: it is gone for good, or another list has its name now.
        """
        same = sa.and_(_saved_lists.c.owner == owner, _saved_lists.c.list_id == list_id)
        self._change_list(sa.update(_saved_lists).where(same).values(deleted_at=None), "it had")

    def saved_lists(self, owner: str) -> pd.DataFrame:
        """One person's kept lists, by name: list_id, name, n_customers, build_id, saved_at."""
        columns = [column for column in _saved_lists.c if column.name in _LISTED]
        kept = sa.and_(_saved_lists.c.owner == owner, _saved_lists.c.deleted_at.is_(None))
        return self._frame(sa.select(*columns).where(kept).order_by(_saved_lists.c.name))

    def list_members(self, owner: str, name: str) -> list[str]:
        """The ids of the customers of a kept list, sorted.

        Raises:
            RequestError: there is no such list.
        """
        with self._engine.connect() as connection:
            packed = connection.execute(sa.select(_saved_lists.c.members).where(_kept(owner, name))).scalar()
        if packed is None:
            raise RequestError(f"no list is called {name[:80]!r}")
        members: list[str] = json.loads(zlib.decompress(packed))
        return members

    def _change_list(self, statement: Any, name: str) -> None:
        try:
            with self._engine.begin() as connection:
                if connection.execute(statement).rowcount == 0:
                    raise RequestError("that list is not there any more")
        except IntegrityError:
            raise RequestError(f"another list has the name {name[:80]!r}") from None

    def note(self, who: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Append to the audit trail: exports, promotions, plan changes, sign-ins."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(_audit).values(
                    at=self._now(), who=who, action=action, subject=subject, detail=dict(detail or {})
                )
            )

    def audit(self, limit: int = 1000) -> pd.DataFrame:
        """The audit trail, the latest first."""
        return self._frame(sa.select(_audit).order_by(_audit.c.audit_id.desc()).limit(limit))

    def beat(self, role: str, message: str = "") -> None:
        """Say that this process (web, worker) is alive; beats of processes that stopped a day ago are dropped."""
        now, me = self._now(), _this_process()
        values = {"role": role, "host": me["host"], "pid": me["pid"], "started_at": now, "at": now, "message": message}
        statement = self._upsert(_heartbeats, values)
        statement = statement.on_conflict_do_update(
            index_elements=["role", "host", "pid"], set_={"at": now, "message": message}
        )
        with self._engine.begin() as connection:
            connection.execute(statement)
            connection.execute(sa.delete(_heartbeats).where(_heartbeats.c.at < now - timedelta(days=1)))

    def stop_beating(self, role: str) -> None:
        """Say that this process has stopped in good order."""
        me = _this_process()
        same = sa.and_(_heartbeats.c.role == role, _heartbeats.c.host == me["host"], _heartbeats.c.pid == me["pid"])
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_heartbeats).where(same))

    def heartbeats(self) -> pd.DataFrame:
        """The processes that said they are alive: role, host, pid, started_at, at, message, age_seconds."""
        frame = self._frame(sa.select(_heartbeats).order_by(_heartbeats.c.role, _heartbeats.c.at.desc()))
        frame["age_seconds"] = (pd.Timestamp(self._now()) - pd.to_datetime(frame["at"])).dt.total_seconds()
        return frame

    def _upsert(self, table: sa.Table, values: Mapping[str, Any]) -> Any:
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        return insert(table).values(values)

    def _frame(self, query: sa.Select[Any]) -> pd.DataFrame:
        with self._engine.connect() as connection:
            result = connection.execute(query)
            frame = pd.DataFrame(result.mappings().all(), columns=list(result.keys()))
        for column in query.selected_columns:
            if isinstance(column.type, sa.DateTime):
                frame[column.name] = pd.to_datetime(frame[column.name])
        return frame


_LISTED = ("list_id", "name", "n_customers", "build_id", "saved_at")


def _kept(owner: str, name: str) -> Any:
    return sa.and_(_saved_lists.c.owner == owner, _saved_lists.c.name == name, _saved_lists.c.deleted_at.is_(None))


def _this_process() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "pid_started": psutil.Process(pid).create_time()}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Readers never wait for the writer (WAL); a writer waits its turn instead of failing."""
    cursor = connection.cursor()
    for pragma in ("journal_mode = wal", "busy_timeout = 15000", "synchronous = normal"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()
