"""The worker: exactly one process that starts jobs when their time comes or when somebody asked.

| what                | how                                                                                    |
|---------------------|----------------------------------------------------------------------------------------|
| the time has come   | a cron line of `[jobs]`; APScheduler, in memory; puts a request into the journal       |
| run now             | a page puts the same request there; looked for three times a second                    |
| it was down         | at start, a job whose last good run is older than its last due time is requested       |
| a run               | one at a time, in a process of its own: it may fail or be killed; that is a row, an alert |
| stop                | SIGTERM or Ctrl-C: the running job is told to stop, its row says so                    |

A job store on disk is not used: it silently loses missed runs when the jobs are added again at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from loguru import logger
from sqlalchemy.exc import OperationalError

from clv.config import Settings
from clv.errors import BusyError, SettingsError
from jobs.catalog import JOBS, Job
from jobs.run import alert_of_failure
from warehouse.journal import Journal, Run

LOCK = ".worker.lock"
TICK_SECONDS = 0.3
BEAT_SECONDS = 5.0
STOP_SECONDS = 20.0
"""How long a job may take to stop when it is told to; then it is killed, which a next run survives."""

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def cron_trigger(line: str, timezone: str) -> BaseTrigger:
    """The trigger of a cron line, with cron's own meaning.

    APScheduler counts weekdays from Monday and wants day *and* weekday to match; cron counts from Sunday and, when both
    are given, wants either.

    Raises:
        SettingsError: it is not a cron line.
    """
    fields = line.split()
    try:
        if len(fields) != 5:
            raise ValueError(f"{len(fields)} fields instead of 5")
        minute, hour, day, month, weekday = fields
        weekday = ",".join(_weekdays(part) for part in weekday.split(","))
        zone = ZoneInfo(timezone)

        def trigger(day: str, weekday: str) -> BaseTrigger:
            return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=zone)

        if day != "*" and weekday != "*":
            return OrTrigger([trigger(day, "*"), trigger("*", weekday)])
        return trigger(day, weekday)
    except (ValueError, IndexError) as error:
        raise SettingsError(f"[jobs] {line!r} is not a cron line (minute hour day month weekday): {error}") from error


def _weekdays(part: str) -> str:
    """One part of cron's weekday field with numbers as names: `1-5` is `mon,tue,wed,thu,fri`."""
    span, _, step = part.partition("/")
    if not any(character.isdigit() for character in span):
        return part
    first, _, last = span.partition("-")
    numbers = range(int(first), int(last or first) + 1, int(step or 1))
    return ",".join(WEEKDAYS[number] for number in numbers)


def previous_fire_time(trigger: BaseTrigger, now: datetime) -> datetime | None:
    """When *trigger* was last due, at or before *now*; None when that is more than a year ago."""
    for days in (1, 8, 32, 366):
        last: datetime | None = None
        due = trigger.get_next_fire_time(None, now - timedelta(days=days))
        while due is not None and due <= now:
            last = due
            due = trigger.get_next_fire_time(due, due + timedelta(microseconds=1))
        if last is not None:
            return last
    return None


def missed(job: Job, settings: Settings, journal: Journal, now: datetime) -> bool:
    """Whether *job* was due since its last good run, so that it has to be caught up.

    A job that has never been run has not been missed: nobody has started this shop yet. Neither has one that somebody
    has stopped since.
    """
    line = job.cron(settings)
    latest = journal.runs.last(job.name)
    if not line or latest is None:
        return False
    fire = previous_fire_time(cron_trigger(line, settings.business.timezone), now)
    if fire is None:
        return False
    due = fire.astimezone(UTC).replace(tzinfo=None)
    good = journal.runs.last(job.name, ("done", "skipped"))
    return not (latest.was_stopped and latest.requested_at >= due) and (good is None or good.requested_at < due)


@contextlib.contextmanager
def worker_lock(data: Path) -> Iterator[None]:
    """Be the only worker of this data folder.

    Raises:
        BusyError: there is one already.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise BusyError(
                f"a worker is already running on {data} (process {holder}); there can be only one"
            ) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


class Worker:
    """The worker of one data folder. Hold `worker_lock` while it works."""

    def __init__(self, settings: Settings, journal: Journal, command: Callable[[str], list[str]]) -> None:
        """Get ready; nothing runs yet.

        Args:
            settings: the whole.
            journal: open.
            command: gives the command line that does the claimed run of this id.

        Raises:
            SettingsError: a cron line or the time zone is wrong.
        """
        self._settings, self._journal, self._command = settings, journal, command
        self._child: subprocess.Popen[bytes] | None = None
        self._run: Run | None = None
        self._stopped_at: float | None = None
        self._beat_at = 0.0
        self._scheduler = BackgroundScheduler(
            timezone=ZoneInfo(settings.business.timezone),
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job in JOBS.values():
            if line := job.cron(settings):
                trigger = cron_trigger(line, settings.business.timezone)
                self._scheduler.add_job(journal.runs.request, trigger, args=(job.name, "schedule"), id=job.name)

    @property
    def running(self) -> Run | None:
        """The run that is being worked on, as it was when it was claimed."""
        return self._run

    def work(self, stop: threading.Event, each_tick: Callable[[], None] | None = None) -> None:
        """Work until *stop* is set; then end the running job in good order.

        *each_tick* is called first when what a crash left open is closed, and before anything is caught up: a run that
        it asks for is the one that is caught up.
        """
        self._close()
        if each_tick is not None:
            each_tick()
        self._catch_up()
        self._scheduler.start()
        logger.info("the worker is ready")
        try:
            while not stop.wait(TICK_SECONDS):
                try:
                    self._tick()
                except OperationalError as error:
                    # The journal's server may be away for a while; the worker outlives that.
                    logger.warning("the journal does not answer: {}", error.orig)
                    stop.wait(2.0)
                if each_tick is not None:
                    each_tick()
        finally:
            self._scheduler.shutdown(wait=False)
            self._stop_child()
            self._journal.beats.stop("worker")
            logger.info("the worker has stopped")

    def _close(self) -> None:
        """After a crash: close what it left open."""
        for run in self._journal.runs.abort_orphans():
            logger.bind(job=run.job, run=run.run_id).warning("{} was left running by a process that is gone", run.job)
            alert_of_failure(self._journal, run.job, run.run_id, "its process ended without a word")

    def _catch_up(self) -> None:
        """After downtime: ask for what was missed."""
        now = datetime.now(UTC)
        for job in JOBS.values():
            if missed(job, self._settings, self._journal, now):
                logger.bind(job=job.name).info("{} was due while no worker ran: it is caught up", job.name)
                self._journal.runs.request(job.name, "catch-up")

    def _tick(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._bury(self._child.returncode)
        if self._child is not None and self._run is not None:
            self._obey(self._child, self._run)
        if self._child is None and (run := self._journal.runs.claim()) is not None:
            self._start(run)
        if time.monotonic() - self._beat_at >= BEAT_SECONDS:
            self._beat_at = time.monotonic()
            self._journal.beats.beat("worker", f"running {self._run.job}" if self._run else "idle")
            self._journal.schedule.publish(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        rows = []
        for job in (job for job in JOBS.values() if job.is_offered):
            planned = self._scheduler.get_job(job.name)
            due = (
                planned.next_run_time.astimezone(UTC).replace(tzinfo=None)
                if planned and planned.next_run_time
                else None
            )
            rows.append(
                {"job": job.name, "question": job.question, "cron": job.cron(self._settings), "next_run_at": due}
            )
        return rows

    def _start(self, run: Run) -> None:
        logger.bind(job=run.job, run=run.run_id, by=run.requested_by).info("{} is started", run.job)
        try:
            # The pipe is how the child learns that this process is gone: it reads the end of it, and stops.
            self._child = subprocess.Popen(self._command(run.run_id), stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 our own program
            self._run = run
        except OSError as error:
            self._journal.runs.finish(run.run_id, "failed", error=f"its process could not be started: {error}")
            alert_of_failure(self._journal, run.job, run.run_id, str(error))

    def _obey(self, child: subprocess.Popen[bytes], run: Run) -> None:
        """End the process of a run that somebody has stopped: politely first, so that it removes what is half done."""
        if self._stopped_at is not None:
            if time.monotonic() - self._stopped_at > STOP_SECONDS:
                child.kill()
        elif self._journal.runs.one(run.run_id).status == "aborted":
            logger.bind(job=run.job, run=run.run_id).warning("{} is stopped on a wish", run.job)
            self._stopped_at = time.monotonic()
            child.terminate()

    def _bury(self, code: int) -> None:
        run, child = self._run, self._child
        self._child = self._run = self._stopped_at = None
        if child is not None and child.stdin is not None:
            child.stdin.close()
        if run is None:
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        # A job that could still speak has closed its row itself; then these words come second and do not count.
        if self._journal.runs.finish(run.run_id, "aborted", error=f"its process {how} before it was done"):
            logger.bind(job=run.job, run=run.run_id, code=code).error("{}: its process {}", run.job, how)
            alert_of_failure(self._journal, run.job, run.run_id, f"its process {how}")
        else:
            logger.bind(job=run.job, run=run.run_id, code=code).info("{} has ended", run.job)

    def _stop_child(self) -> None:
        if self._child is None:
            return
        self._child.terminate()
        try:
            code = self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._bury(code)


def stop_with_parent() -> None:
    """Make this process end when its parent does: our standard input is a pipe that only the parent holds open."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 64):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def own_command(config: Path | None, *words: str) -> list[str]:
    """The command line of another `clv` process with the same settings."""
    # -P: a folder named `jobs` where the user stands must not be taken for ours.
    named = ["--config", str(config.resolve())] if config is not None else []
    return [sys.executable, "-P", "-m", "jobs.cli", *words, *named]


@contextlib.contextmanager
def stop_event() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; a second Ctrl-C does not wait."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
