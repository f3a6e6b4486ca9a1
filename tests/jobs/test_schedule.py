import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clv.config import Jobs, Paths, Settings
from clv.errors import BusyError, SettingsError
from jobs.catalog import JOBS
from jobs.schedule import Worker, cron_trigger, missed, previous_fire_time, worker_lock
from warehouse.journal import Journal

MONDAY_NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NEVER = Jobs(pipeline="", train="")

DO_IT = """
import sys
from warehouse.journal import Journal
journal = Journal(sys.argv[1])
run = journal.runs.adopt(sys.argv[2])
"""


@pytest.fixture
def settings(tmp_path):
    return Settings(paths=Paths(data=tmp_path), jobs=NEVER)


@pytest.fixture
def journal(settings):
    opened = Journal(settings.journal_url)
    yield opened
    opened.close()


@pytest.fixture
def working(settings, journal):
    """Start a worker whose jobs are the given Python text; it stops at the end of the test."""
    stop = threading.Event()
    threads = []

    def working(code: str, jobs: Jobs = NEVER):
        def command(run_id: str) -> list[str]:
            return [sys.executable, "-c", DO_IT + code, settings.journal_url, run_id]

        worker = Worker(settings.model_copy(update={"jobs": jobs}), journal, command)
        thread = threading.Thread(target=worker.work, args=(stop,))
        thread.start()
        threads.append(thread)
        return stop, thread

    yield working
    stop.set()
    for thread in threads:
        thread.join(30)


def until(condition, seconds=20.0):
    """Look until *condition* holds; its value."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < end:
        if value := condition():
            return value
        pause.wait(0.02)
    raise AssertionError("it did not come to pass")


def next_fires(line, start, n, timezone="UTC"):
    trigger, fires, now = cron_trigger(line, timezone), [], start
    for _ in range(n):
        now = trigger.get_next_fire_time(fires[-1] if fires else None, now)
        fires.append(now)
        now += timedelta(microseconds=1)
    return fires


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("0 4 * * 0", ["2026-01-11", "2026-01-18"]),
        ("0 4 * * 7", ["2026-01-11", "2026-01-18"]),
        ("0 4 * * 1-5", ["2026-01-06", "2026-01-07"]),
        ("0 4 * * 5-7", ["2026-01-09", "2026-01-10"]),
        ("0 4 * * sat", ["2026-01-10", "2026-01-17"]),
        ("0 4 13 * 0", ["2026-01-11", "2026-01-13"]),
        ("0 4 */10 * *", ["2026-01-11", "2026-01-21"]),
    ],
    ids=["0 is Sunday", "so is 7", "weekdays", "Friday to Sunday", "a name", "day or weekday", "each tenth day"],
)
def test_a_cron_line_means_what_cron_means(line, days):
    assert [f"{fire:%Y-%m-%d}" for fire in next_fires(line, MONDAY_NOON, 2)] == days


def test_a_cron_line_is_in_the_shops_time():
    (fire,) = next_fires("0 5 * * *", MONDAY_NOON, 1, "Asia/Kolkata")

    assert fire.astimezone(UTC) == datetime(2026, 1, 5, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize("line", ["0 5 * *", "61 5 * * *", "0 5 * * 9", "a b c d e", "@daily"])
def test_what_is_no_cron_line_is_refused(line):
    with pytest.raises(SettingsError, match="is not a cron line"):
        cron_trigger(line, "UTC")


@pytest.mark.parametrize(
    ("line", "due"),
    [
        ("0 5 * * *", datetime(2026, 1, 5, 5, tzinfo=UTC)),
        ("0 12 * * *", MONDAY_NOON),
        ("0 4 * * 0", datetime(2026, 1, 4, 4, tzinfo=UTC)),
        ("0 4 1 7 *", datetime(2025, 7, 1, 4, tzinfo=UTC)),
        ("0 4 29 2 *", None),
    ],
    ids=["this morning", "right now", "yesterday", "last summer", "longer than a year ago"],
)
def test_the_previous_fire_time(line, due):
    assert previous_fire_time(cron_trigger(line, "UTC"), MONDAY_NOON) == due


def test_the_previous_fire_time_across_the_change_to_summer_time():
    now = datetime(2026, 3, 29, 12, tzinfo=ZoneInfo("Europe/Berlin"))

    due = previous_fire_time(cron_trigger("0 5 * * *", "Europe/Berlin"), now)

    assert due.astimezone(UTC) == datetime(2026, 3, 29, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ended", "is_missed"),
    [
        ([], False),
        ([("2026-01-05T05:00", "done")], False),
        ([("2026-01-05T05:00", "skipped")], False),
        ([("2026-01-04T05:00", "done")], True),
        ([("2026-01-04T05:00", "done"), ("2026-01-05T05:00", "failed")], True),
        ([("2026-01-05T05:00", "aborted")], True),
    ],
    ids=["never run", "run today", "nothing to do today", "not run today", "failed today", "only ever aborted"],
)
def test_a_job_is_missed_when_its_last_good_run_is_older_than_its_last_due_time(settings, ended, is_missed):
    settings = settings.model_copy(update={"jobs": Jobs(pipeline="0 5 * * *", train="")})
    for when, status in ended:
        journal = Journal(settings.journal_url, now=lambda when=when: datetime.fromisoformat(when))
        journal.runs.finish(journal.runs.start("pipeline", "test"), status)
        journal.close()
    journal = Journal(settings.journal_url)

    assert missed(JOBS["pipeline"], settings, journal, MONDAY_NOON) is is_missed
    journal.close()


@pytest.mark.parametrize(("stopped_at", "is_missed"), [("2026-01-05T06:00", False), ("2026-01-04T06:00", True)])
def test_a_run_that_somebody_stopped_is_not_caught_up_before_the_next_due_time(settings, stopped_at, is_missed):
    settings = settings.model_copy(update={"jobs": Jobs(pipeline="0 5 * * *", train="")})
    journal = Journal(settings.journal_url, now=lambda: datetime.fromisoformat(stopped_at))
    journal.runs.stop(journal.runs.start("pipeline", "the Jobs page"), "the Jobs page")

    assert missed(JOBS["pipeline"], settings, journal, MONDAY_NOON) is is_missed
    journal.close()


def test_there_is_one_worker(settings):
    with (
        worker_lock(settings.paths.data),
        pytest.raises(BusyError, match="there can be only one"),
        worker_lock(settings.paths.data),
    ):
        pass


def test_a_requested_run_starts_within_a_second(working, journal):
    working("journal.runs.finish(run.run_id, 'done')")
    until(lambda: len(journal.schedule.table()))

    run_id = journal.runs.request("build", "a click")
    run = until(lambda: (run := journal.runs.one(run_id)).started_at and run)

    assert run.started_at - run.requested_at < timedelta(seconds=1)


def test_a_job_that_fails_stops_nothing(working, journal):
    working("journal.runs.finish(run.run_id, 'done' if run.job == 'score' else 'failed'); sys.exit(run.job != 'score')")

    failing, good = journal.runs.request("build", "a click"), journal.runs.request("score", "a click")
    until(lambda: journal.runs.one(good).status == "done")

    assert journal.runs.one(failing).status == "failed"


def test_a_job_that_is_killed_is_a_row_and_an_alert(working, journal):
    working("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    run_id = journal.runs.request("build", "a click")
    until(lambda: not journal.runs.one(run_id).is_active)
    alerts = until(lambda: journal.alerts.table()["key"].tolist())

    assert journal.runs.one(run_id).status == "aborted"
    assert "SIGKILL" in journal.runs.one(run_id).error
    assert alerts == ["job:build"]


def test_a_run_that_is_stopped_ends_its_process_and_the_next_one_starts(working, journal, tmp_path):
    ended = tmp_path / "ended"
    working(
        f"""
import signal, sys, time
if run.job == "train":
    def end(*_):
        open({str(ended)!r}, "w").write("in good order")
        sys.exit(1)
    signal.signal(signal.SIGTERM, end)
    journal.runs.progress(run.run_id, 0.5, "at it")
    time.sleep(60)
journal.runs.finish(run.run_id, "done")
"""
    )
    run_id = journal.runs.request("train", "a click")
    until(lambda: journal.runs.one(run_id).message == "at it")
    after = journal.runs.request("build", "a click")

    assert journal.runs.stop(run_id, "somebody")
    until(lambda: journal.runs.one(after).status == "done")

    assert ended.read_text() == "in good order"
    assert journal.runs.one(run_id).error == "stopped by somebody"
    assert journal.alerts.table().empty
    assert not journal.runs.stop(after, "somebody")


def test_one_run_at_a_time_in_the_order_of_asking(working, journal, tmp_path):
    log = tmp_path / "order"
    code = f"""
log = open({str(log)!r}, "a")
print(run.job, file=log, end=" ")
journal.runs.finish(run.run_id, "done")
print("end", file=log, end=" ")
"""
    ids = [journal.runs.request(job, "a click") for job in ("train", "build", "score")]

    working(code)
    until(lambda: not any(journal.runs.one(run_id).is_active for run_id in ids))
    until(lambda: log.read_text().count("end") == 3)

    assert log.read_text() == "train end build end score end "


def test_a_worker_that_is_told_to_stop_stops_its_job(working, journal):
    code = """
import signal, threading
gone = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: gone.set())
journal.runs.progress(run.run_id, 0.5, "half")
gone.wait(60)
journal.runs.finish(run.run_id, "aborted", error="told to stop")
"""
    stop, thread = working(code)
    run_id = journal.runs.request("build", "a click")
    until(lambda: journal.runs.one(run_id).message == "half")

    stop.set()
    thread.join(30)

    assert not thread.is_alive()
    assert journal.runs.one(run_id).error == "told to stop"
    assert journal.beats.table().empty


def test_a_run_that_a_crash_left_running_is_closed_at_the_next_start(working, journal, settings):
    code = (
        "import sys; from warehouse.journal import Journal; Journal(sys.argv[1]).runs.start('build', 'one that dies')"
    )
    subprocess.run([sys.executable, "-c", code, settings.journal_url], check=True)

    working("")
    run = until(lambda: journal.runs.last("build"))

    assert run.status == "aborted"
    assert until(lambda: journal.alerts.table()["key"].tolist()) == ["job:build"]


def test_what_was_missed_is_caught_up_at_start(working, settings):
    long_ago = Journal(settings.journal_url, now=lambda: datetime(2020, 1, 1))  # noqa: DTZ001 as the journal keeps it
    long_ago.runs.finish(long_ago.runs.start("pipeline", "test"), "done")
    long_ago.close()

    working("journal.runs.finish(run.run_id, 'done')", Jobs(pipeline="0 5 * * *", train=""))
    journal = Journal(settings.journal_url)
    until(lambda: not journal.runs.active() and len(journal.runs.table()) == 2)

    assert journal.runs.table()["requested_by"].tolist()[0] == "catch-up"
    journal.close()


def test_what_is_asked_for_at_the_first_look_is_what_is_caught_up(settings, journal):
    long_ago = Journal(settings.journal_url, now=lambda: datetime(2020, 1, 1))  # noqa: DTZ001 as the journal keeps it
    long_ago.runs.finish(long_ago.runs.start("pipeline", "test"), "done")
    long_ago.close()
    stop = threading.Event()

    def look() -> None:
        journal.runs.request("pipeline", "first run", {"as_of": "2024-01-01"})
        stop.set()

    due = settings.model_copy(update={"jobs": Jobs(pipeline="0 5 * * *", train="")})
    Worker(due, journal, lambda run_id: ["never", run_id]).work(stop, look)

    assert [run.params for run in journal.runs.active()] == [{"as_of": "2024-01-01"}]


def test_the_schedule_is_published_with_the_next_times(working, journal):
    working("", Jobs(pipeline="0 5 * * *", train=""))

    until(lambda: len(journal.schedule.table()))
    schedule = journal.schedule.table().set_index("job")

    assert list(schedule.index) == [name for name, job in JOBS.items() if job.is_offered]
    assert schedule.loc["pipeline", "next_run_at"] > datetime.now(UTC).replace(tzinfo=None)
    assert schedule["next_run_at"].isna().sum() == len(schedule) - 1


def test_a_job_ends_when_its_worker_is_killed(tmp_path):
    code = """
import os, sys, time
from jobs.schedule import stop_with_parent
stop_with_parent()
print(os.getpid(), flush=True)
time.sleep(60)
"""
    parent = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {code!r}], stdin=subprocess.PIPE)
child.wait()
"""
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    pid = int(process.stdout.readline())

    process.send_signal(signal.SIGKILL)
    process.wait()

    def is_gone():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # In a container nobody may reap it: a zombie is gone too.
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().split(")")[1].split()[0] == "Z"

    until(is_gone)
