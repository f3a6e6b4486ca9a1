import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import types
from datetime import date

import pytest
from loguru import logger
from sqlalchemy.exc import OperationalError

from clv import log
from clv.config import Business, Paths, Settings
from clv.errors import BuildError, BusyError, DiskFullError, SourceError
from jobs.catalog import Job
from jobs.run import LOCK, RunContext, data_lock, execute, sweep, today_in
from warehouse.journal import Journal
from warehouse.journal.runs import Runs

NAME = "jobs.made_for_a_test"


@pytest.fixture
def settings(tmp_path):
    return Settings(paths=Paths(data=tmp_path / "data"))


@pytest.fixture
def journal(settings):
    opened = Journal(settings.journal_url)
    yield opened
    opened.close()


@pytest.fixture
def job(monkeypatch):
    """Make a job of a function."""

    def job(function) -> Job:
        module = types.ModuleType(NAME)
        module.run = function
        monkeypatch.setitem(sys.modules, NAME, module)
        return Job("build", "?", NAME)

    return job


def test_a_good_run_is_a_row_with_what_it_did(settings, journal, job):
    did = execute(job(lambda ctx: {"rows": 3}), settings, by="ann")

    row = journal.runs.last("build")
    assert did == {"rows": 3}
    assert (row.status, row.requested_by, row.detail, row.progress) == ("done", "ann", {"rows": 3}, 1.0)


def test_a_job_that_had_nothing_to_do_says_so(settings, journal, job):
    execute(job(lambda ctx: {"skipped": "no new files"}), settings, by="ann")

    row = journal.runs.last("build")
    assert (row.status, row.message) == ("skipped", "no new files")


def _fail(error):
    def run(ctx):
        raise error

    return run


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        BuildError("core/orders.sql: IO Error: Could not write file: No space left on device"),
        RuntimeError("(sqlite3.OperationalError) database or disk is full"),
    ],
    ids=["the system", "DuckDB", "SQLite"],
)
def test_a_full_disk_is_said_as_such_whoever_met_it(settings, journal, job, error):
    with pytest.raises(DiskFullError, match="is full: free some space"):
        execute(job(_fail(error)), settings, by="ann")

    assert journal.runs.last("build").error.startswith("the disk that holds")


def test_what_stopped_a_job_is_said_also_when_the_journal_cannot_be_told(settings, job, monkeypatch):
    def refuse(*_words, **_more):
        raise OperationalError("update", {}, Exception("database or disk is full"))

    monkeypatch.setattr(Runs, "finish", refuse)

    with pytest.raises(SourceError, match="no such column"):
        execute(job(_fail(SourceError("no such column"))), settings, by="ann")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SourceError("orders.csv has no column amount"), "orders.csv has no column amount"),
        (ValueError("odd"), "ValueError: odd"),
    ],
    ids=["ours", "a bug"],
)
def test_a_failed_run_is_a_row_and_an_alert_and_raises(settings, journal, job, error, words):
    with pytest.raises(type(error)):
        execute(job(_fail(error)), settings, by="ann")

    assert (journal.runs.last("build").status, journal.runs.last("build").error) == ("failed", words)
    assert journal.alerts.table()["title"].tolist() == [f"build failed: {words}"]


def test_the_next_good_run_closes_the_alert(settings, journal, job):
    with pytest.raises(SourceError):
        execute(job(_fail(SourceError("no"))), settings, by="ann")

    execute(job(lambda ctx: None), settings, by="ann")

    assert journal.alerts.table().empty


def test_a_job_may_say_how_far_it_is(settings, journal, job):
    seen, told = [], []

    def run(ctx: RunContext):
        ctx.progress(0.5, "half")
        ctx.part(0.5, 1.0).progress(0.5, "most")
        seen.append(journal.runs.one(ctx.run_id))

    execute(job(run), settings, by="ann", tell=lambda share, message: told.append((share, message)))

    assert told == [(0.5, "half"), (0.75, "most")]
    assert (seen[0].progress, seen[0].message, seen[0].status) == (0.75, "most", "running")


def test_as_of_is_the_day_that_it_is_pretended_to_be(settings, journal, job):
    days = []

    execute(job(lambda ctx: days.append((ctx.today, ctx.as_of))), settings, by="ann", as_of=date(2026, 1, 5))

    assert days == [(date(2026, 1, 5), date(2026, 1, 5))]
    assert journal.runs.last("build").params == {"as_of": "2026-01-05"}


def test_without_as_of_it_is_today_in_the_shop(settings, job):
    settings = settings.model_copy(update={"business": Business(timezone="Pacific/Kiritimati")})
    days = []

    execute(job(lambda ctx: days.append((ctx.today, ctx.as_of))), settings, by="ann")

    assert days == [(today_in("Pacific/Kiritimati"), None)]


def test_two_jobs_do_not_work_on_one_data_folder(settings, journal, job):
    with (
        data_lock(settings.paths.data, "train"),
        pytest.raises(BusyError, match=r"train \(process \d+\) is working on"),
    ):
        execute(job(lambda ctx: None), settings, by="ann")

    assert journal.runs.table().empty


def test_a_claimed_run_waits_for_the_lock_and_says_so(settings, journal, job):
    run_id = journal.runs.request("build", "ann")
    journal.runs.claim()
    held = data_lock(settings.paths.data, "train")
    held.__enter__()
    thread = threading.Thread(target=lambda: execute(job(lambda ctx: None), settings, by="ann", run_id=run_id))
    thread.start()
    while "waiting for train" not in journal.runs.one(run_id).message:
        thread.join(0.02)

    held.__exit__(None, None, None)
    thread.join(20)

    assert journal.runs.one(run_id).status == "done"


def test_a_lock_is_free_again_after_the_job(settings, job):
    execute(job(lambda ctx: None), settings, by="ann")

    with (settings.paths.data / LOCK).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_run_id_is_on_the_lines_of_the_run_only(settings, journal, job, tmp_path):
    log.set_up("job", tmp_path / "logs", terminal=False)

    execute(job(lambda ctx: logger.info("inside")), settings, by="ann")
    logger.info("outside")
    logger.remove()

    lines = [json.loads(line)["record"] for line in (tmp_path / "logs" / "job.jsonl").read_text().splitlines()]
    runs = {line["message"]: line["extra"]["run"] for line in lines}
    assert runs["inside"] == journal.runs.last("build").run_id
    assert runs["outside"] == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_job_that_is_told_to_stop_closes_its_row(settings, journal, number):
    # A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that.
    code = """
import signal, sys, time, types
from clv.config import Paths, Settings
from jobs.catalog import Job
from jobs.run import execute
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)

def run(ctx):
    print("working", flush=True)
    time.sleep(60)

sys.modules["made"] = module = types.ModuleType("made")
module.run = run
execute(Job("build", "?", "made"), Settings(paths=Paths(data=Path(sys.argv[1]))), by="ann")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.paths.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    process.stdout.readline()

    process.send_signal(number)
    process.wait(20)

    assert process.returncode != 0
    assert journal.runs.last("build").status == "aborted"
    assert journal.alerts.table().empty


def test_scratch_folders_of_processes_that_are_gone_are_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f"at_date/{gone.pid}-1", f"at_date/{os.getpid()}-1", "fonts/inter-4"):
        (tmp_path / name).mkdir(parents=True)

    sweep(tmp_path)

    assert sorted(path.name for path in tmp_path.glob("*/*")) == [f"{os.getpid()}-1", "inter-4"]
