"""Runs of jobs, from the request to the end: who asked, who works, how far it is, how it ended."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import psutil
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from clv.errors import BusyError, RequestError
from warehouse.journal.store import TABLES, Store, this_process

ACTIVE = ("queued", "running")
ENDED = ("done", "failed", "aborted", "skipped")
TERMINAL = "command line"
"""Who asks for the runs of the `clv` command."""
_STOPPED = "stopped by "

SILENT_AFTER = timedelta(seconds=60)
"""A run on another host, whose process we cannot look at, is given up when it has not been seen for this long."""

_runs = sa.Table(
    "runs",
    TABLES,
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


class Runs(Store):
    """The runs of all jobs."""

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
        values = {"started_at": self.now(), "seen_at": self.now(), "params": dict(params or {}), **this_process()}
        with self.engine.begin() as connection:
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
        now = self.now()
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
            row |= {"started_at": now, "seen_at": now, **this_process()}
        while True:
            try:
                with self.engine.begin() as connection:
                    connection.execute(sa.insert(_runs).values(row))
                return run_id, True
            except IntegrityError:
                with self.engine.connect() as connection:
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
        with self.engine.connect() as connection:
            # The worker asks three times a second: it takes the writer's lock only when there is something to take.
            if connection.execute(oldest).scalar() is None:
                return None
        now = self.now()
        with self.engine.begin() as connection:
            row = connection.execute(
                sa.update(_runs)
                .where(
                    _runs.c.run_id == oldest.with_for_update(skip_locked=True).scalar_subquery(),
                    _runs.c.status == "queued",
                )
                .values(status="running", started_at=now, seen_at=now, **this_process())
                .returning(_runs)
            ).one_or_none()
        return None if row is None else Run(**row._mapping)

    def adopt(self, run_id: str) -> Run:
        """Move a claimed run to this process, which is going to do the work.

        Raises:
            RequestError: it is not running.
        """
        with self.engine.begin() as connection:
            row = connection.execute(
                sa.update(_runs)
                .where(_runs.c.run_id == run_id, _runs.c.status == "running")
                .values(seen_at=self.now(), **this_process())
                .returning(_runs)
            ).one_or_none()
        if row is None:
            raise RequestError(f"run {run_id} is not there to be worked on; it has ended or never was")
        return Run(**row._mapping)

    def progress(self, run_id: str, share: float, message: str) -> None:
        """Say how far a running run is (0 to 1) and what it is doing; an ended run is left alone."""
        values = {"progress": min(max(share, 0.0), 1.0), "message": message, "seen_at": self.now()}
        with self.engine.begin() as connection:
            connection.execute(
                sa.update(_runs).where(_runs.c.run_id == run_id, _runs.c.status == "running").values(values)
            )

    def seen(self, run_id: str) -> None:
        """Say that a running run's process is alive."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.update(_runs).where(_runs.c.run_id == run_id, _runs.c.status == "running").values(seen_at=self.now())
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
        values: dict[str, Any] = {"status": status, "finished_at": self.now(), "error": error}
        if message:
            values["message"] = message
        if detail is not None:
            values["detail"] = dict(detail)
        if status in ("done", "skipped"):
            values["progress"] = 1.0
        with self.engine.begin() as connection:
            done = connection.execute(
                sa.update(_runs).where(_runs.c.run_id == run_id, _runs.c.status.in_(ACTIVE)).values(values)
            )
        return done.rowcount == 1

    def stop(self, run_id: str, by: str) -> bool:
        """End a queued or running run on somebody's wish; the worker then ends its process. False: it had ended.

        Raises:
            RequestError: there is no such run, or it works in somebody's terminal, where Ctrl-C stops it.
        """
        if self.one(run_id).requested_by == TERMINAL:
            raise RequestError(f"run {run_id} works in a terminal; Ctrl-C stops it there")
        return self.finish(run_id, "aborted", error=f"{_STOPPED}{by}")

    def abort_orphans(self) -> list[Run]:
        """Mark as aborted each running run whose process is gone; give them."""
        with self.engine.connect() as connection:
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
            return run.seen_at is not None and self.now() - run.seen_at < SILENT_AFTER
        try:
            process = psutil.Process(run.pid)
            return (
                process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - (run.pid_started or 0.0)) < 2.0
            )
        except psutil.NoSuchProcess:
            return False

    def one(self, run_id: str) -> Run:
        """One run.

        Raises:
            RequestError: there is no such run.
        """
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(_runs).where(_runs.c.run_id == run_id)).one_or_none()
        if row is None:
            raise RequestError(f"there is no run {run_id}")
        return Run(**row._mapping)

    def active(self, job: str | None = None) -> list[Run]:
        """What is queued or running, of one job or of all, oldest first."""
        query = sa.select(_runs).where(_runs.c.status.in_(ACTIVE)).order_by(_runs.c.requested_at, _runs.c.run_id)
        if job is not None:
            query = query.where(_runs.c.job == job)
        with self.engine.connect() as connection:
            return [Run(**row._mapping) for row in connection.execute(query)]

    def last(self, job: str, statuses: Iterable[str] = ENDED) -> Run | None:
        """The latest run of *job* that ended in one of *statuses*, or None."""
        query = (
            sa.select(_runs)
            .where(_runs.c.job == job, _runs.c.status.in_(list(statuses)))
            .order_by(_runs.c.requested_at.desc(), _runs.c.run_id.desc())
            .limit(1)
        )
        with self.engine.connect() as connection:
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
        with self.engine.connect() as connection:
            *change, n_active = connection.execute(query.select_from(_runs)).one()
        return None if n_active else " ".join(map(str, change))

    def table(self, limit: int = 1000) -> pd.DataFrame:
        """The latest runs, newest first: what `outputs.runs` holds, and the Jobs page lists."""
        columns = [column for column in _runs.c if column.name not in ("seen_at", "pid_started")]
        return self.frame(sa.select(*columns).order_by(_runs.c.requested_at.desc(), _runs.c.run_id.desc()).limit(limit))

    def export(self) -> dict[str, pd.DataFrame]:
        """All ended runs as `outputs.runs` and `outputs.job_requests`, oldest first, objects as JSON text."""
        ended = sa.select(_runs).where(_runs.c.status.in_(ENDED)).order_by(_runs.c.requested_at, _runs.c.run_id)
        frame = self.frame(ended)
        for column in ("params", "detail"):
            frame[column] = [json.dumps(value, sort_keys=True) for value in frame[column]]
        return {
            "runs": frame.drop(columns=["params", "seen_at", "pid_started"]),
            "job_requests": frame[["run_id", "job", "requested_by", "requested_at", "params", "status"]],
        }
