"""What every run of a job needs, once: the clock, the run id, the lock, the log, the row, the alert.

A job is a function `run(ctx)`. It gets the day from `ctx.today`, says how far it is with `ctx.progress`, and returns
what it did (a small dict for its row; the key `skipped` with a reason means that there was nothing to do).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psutil
from loguru import logger
from sqlalchemy.exc import OperationalError

from clv import log
from clv.errors import BusyError, ClvError, DiskFullError
from warehouse.journal import Journal

if TYPE_CHECKING:
    from clv.config import Settings
    from jobs.catalog import Job
    from warehouse.ask import Warehouse

LOCK = ".job.lock"
"""In the data folder; held while a job works, so that two never write at once. Dies with its process."""

_FULL = ("No space left on device", "database or disk is full", "not enough free disk space")
"""How DuckDB, SQLite and the system say that the disk is full."""

SEEN_EVERY_SECONDS = 10.0
TOLD_EVERY_SECONDS = 0.25
"""A job may report progress as often as it likes; the journal hears of it this often."""

COMMANDS = {
    "pipeline": "run",
    "preview": "models promote VERSION --dry-run",
    "promote": "models promote VERSION",
    "rollback": "models rollback",
}
"""Job → its command, where that has another name."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class RunContext:
    """What a job gets."""

    run_id: str
    settings: Settings
    warehouse: Warehouse
    journal: Journal
    today: date
    """The day it is in the shop; with `--as-of` that date."""
    progress: Progress
    """Say the share that is done (0 to 1) and what is being done, in words for a person."""
    as_of: date | None = None
    """`--as-of`: the first day that is not known. None means the day after the last transaction."""
    params: Mapping[str, Any] = field(default_factory=dict)

    def part(self, start: float, end: float) -> RunContext:
        """The context for one step of several: its 0 to 1 is *start* to *end* of the whole."""
        return replace(self, progress=lambda share, message: self.progress(start + (end - start) * share, message))


def today_in(timezone: str) -> date:
    """The day it is in the shop."""
    return datetime.now(ZoneInfo(timezone)).date()


@contextlib.contextmanager
def data_lock(data: Path, doing: str, *, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Be the only process that works on the data folder.

    Args:
        data: the data folder; made when missing.
        doing: what the others are told.
        wait: called about once a second with what is being waited for; without it, a held lock is an error.

    Raises:
        BusyError: another process holds it.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK).open("a+", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                file.seek(0)
                holder = file.read().strip() or "another process"
                if wait is None:
                    raise BusyError(
                        f"{holder} is working on {data}; wait until it is done (Jobs page, `clv doctor`)"
                    ) from error
                wait(f"waiting for {holder}")
                time.sleep(1.0)
        file.seek(0)
        file.truncate()
        file.write(f"{doing} (process {os.getpid()})")
        file.flush()
        yield
        # An empty file says that nobody holds it; after a crash the old words stay, but the kernel has freed the lock.
        file.truncate(0)


def execute(
    job: Job,
    settings: Settings,
    *,
    by: str,
    as_of: date | None = None,
    params: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    tell: Progress | None = None,
) -> Mapping[str, Any]:
    """Run *job* in this process, with its row, lock, log and alert; give what it did.

    Args:
        job: of `jobs.catalog`.
        settings: the whole.
        by: who asked, for the row.
        as_of: pretend that today is this date.
        params: what else was asked, as it stands in the row.
        run_id: a run that the worker has claimed; it waits for the lock. Without it a new run begins, or fails at once
            when something else works on the data folder.
        tell: also told of progress: a bar on the terminal.

    Raises:
        BusyError: something else works on the data folder, or a run of this job is active.
        Exception: whatever the job raised, after it was written down.
    """
    from warehouse.ask import Warehouse

    params = {**(params or {}), **({"as_of": as_of.isoformat()} if as_of else {})}
    journal = Journal(settings.journal_url)
    adopted = run_id is not None
    if run_id is not None:
        journal.runs.adopt(run_id)

    def wait(message: str) -> None:
        journal.runs.progress(str(run_id), 0.0, message)

    with (
        _stopped_by_signal(),
        _row(journal, job, run_id) as row,
        data_lock(settings.paths.data, job.name, wait=wait if adopted else None),
    ):
        run_id = row.begin(by, params)
        sweep(settings.paths.cache)
        log.bind_run(run_id)
        logger.bind(job=job.name, by=by, **params).info("{} starts", job.name)
        context = RunContext(
            run_id=run_id,
            settings=settings,
            warehouse=Warehouse(settings.paths.data, settings.engine),
            journal=journal,
            today=as_of or today_in(settings.business.timezone),
            progress=_progress(journal, run_id, tell),
            as_of=as_of,
            params=params,
        )
        with _full_disk_said(settings.paths.data):
            detail = dict(job.load()(context) or {})
        row.end(detail)
        return detail


def is_disk_full(error: BaseException) -> bool:
    """Whether *error*, or what it came from, is that nothing more can be written; each library has its own words."""
    while True:
        words = str(error)
        if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or any(said in words for said in _FULL):
            return True
        cause = error.__cause__ or error.__context__
        if cause is None:
            return False
        error = cause


def disk_full(data: Path) -> DiskFullError:
    """What to say then."""
    return DiskFullError(
        f"the disk that holds {data} is full: free some space, then run the same again; "
        "what was published stands, and what was half done is removed"
    )


@contextlib.contextmanager
def _full_disk_said(data: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            raise disk_full(data) from error
        raise


def sweep(cache: Path) -> None:
    """Remove the scratch folders of processes that are gone: `<cache>/<what>/<pid>-…`, left by a crash."""
    for folder in cache.glob("*/*-*"):
        pid = folder.name.partition("-")[0]
        if folder.is_dir() and pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


class _Row:
    """The run's row while it is open: what happens to the job becomes its last word."""

    def __init__(self, journal: Journal, job: Job, run_id: str | None) -> None:
        self.journal, self.job, self.run_id = journal, job, run_id
        self.started = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, daemon=True, name="seen")

    def begin(self, by: str, params: Mapping[str, Any]) -> str:
        if self.run_id is None:
            self.run_id = self.journal.runs.start(self.job.name, by, params)
        self._thread.start()
        return self.run_id

    def _keep_alive(self) -> None:
        while not self._stop.wait(SEEN_EVERY_SECONDS):
            self.journal.runs.seen(str(self.run_id))

    def end(self, detail: Mapping[str, Any]) -> None:
        seconds = round(time.monotonic() - self.started, 2)
        skipped = str(detail.get("skipped", ""))
        self._finish("skipped" if skipped else "done", message=skipped or "done", detail=detail)
        self.journal.alerts.close(f"job:{self.job.name}", by="a good run")
        logger.bind(job=self.job.name, seconds=seconds).info("{} is done in {} s", self.job.name, seconds)

    def fail(self, status: str, error: str) -> None:
        try:
            self._finish(status, error=error)
            if status == "failed":
                alert_of_failure(self.journal, self.job.name, str(self.run_id), error)
        except OperationalError as unwritten:
            # A full disk, or a server that is gone: what stopped the job is the news. The next start closes the row.
            logger.warning("the journal could not be told: {}", unwritten.orig)

    def _finish(self, status: str, **said: Any) -> None:
        self._stop.set()
        if self.run_id is not None:
            self.journal.runs.finish(self.run_id, status, **said)


@contextlib.contextmanager
def _row(journal: Journal, job: Job, run_id: str | None) -> Iterator[_Row]:
    row = _Row(journal, job, run_id)
    try:
        yield row
    except ClvError as error:
        if row.run_id is not None:
            logger.bind(job=job.name, kind=type(error).__name__).error("{} failed: {}", job.name, error)
            row.fail("failed", str(error))
        raise
    except (KeyboardInterrupt, SystemExit):
        logger.bind(job=job.name).warning("{} was stopped", job.name)
        row.fail("aborted", "stopped before it was done (Ctrl-C, or the worker was told to stop)")
        raise
    except Exception as error:
        # The row says what, the log says where: the traceback is for whoever mends it.
        logger.bind(job=job.name).exception("{} failed", job.name)
        row.fail("failed", f"{type(error).__name__}: {error}")
        raise
    finally:
        log.bind_run("")
        journal.close()


def alert_of_failure(journal: Journal, job: str, run_id: str, error: str) -> None:
    """Open the alert that says that *job* failed; the next good run closes it."""
    command = COMMANDS.get(job, job)
    journal.alerts.open(
        f"job:{job}",
        "critical",
        f"{job} failed: {error}",
        remedy=f"Read the run's log on the Jobs page, mend the cause, then run it again: clv {command}",
        link="/jobs",
        run_id=run_id,
    )


def _progress(journal: Journal, run_id: str, tell: Progress | None) -> Progress:
    last_told, last_message = 0.0, ""

    def progress(share: float, message: str) -> None:
        nonlocal last_told, last_message
        if tell is not None:
            tell(share, message)
        now = time.monotonic()
        if message != last_message or now - last_told >= TOLD_EVERY_SECONDS:
            last_told, last_message = now, message
            journal.runs.progress(run_id, share, message)

    return progress


@contextlib.contextmanager
def _stopped_by_signal() -> Iterator[None]:
    """Let SIGTERM end a job as Ctrl-C does: the row is closed, what was written aside goes away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def utc_text(moment: datetime) -> str:
    """A UTC timestamp of the journal, in words for a terminal."""
    return f"{moment.replace(tzinfo=UTC):%Y-%m-%d %H:%M:%S} UTC"
