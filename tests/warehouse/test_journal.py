import shutil
import socket
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from clv.errors import BusyError, DiskFullError, RequestError, SettingsError
from warehouse.journal import Journal

NOON = datetime.fromisoformat("2026-01-05T12:00")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **kwargs: float) -> None:
        self.now += timedelta(**kwargs)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """The URL of a real PostgreSQL server of our own, in a folder of its own, reachable through a socket only."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgres`)")
    for name in ("initdb", "pg_ctl"):
        if shutil.which(name) is None:
            pytest.skip(f"no {name} on the path (package postgresql): PostgreSQL cannot be started")
    # A socket's path may have 107 bytes at most: pytest's own folders can be longer.
    folder = tmp_path_factory.mktemp("pg")
    as_postgres: list[str] = []
    if psutil.Process().uids().real == 0:
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no runuser")
        as_postgres = ["runuser", "-u", "postgres", "--"]
        made = subprocess.run([*as_postgres, "mktemp", "-d"], capture_output=True, text=True, check=False, cwd="/")
        if made.returncode:
            pytest.skip(f"there is no user postgres to run the server as: {made.stderr.strip()}")
        folder = Path(made.stdout.strip())
    data = folder / "data"

    def server(*command: object) -> None:
        subprocess.run([*as_postgres, *map(str, command)], check=True, cwd="/", stdout=subprocess.DEVNULL)

    server("initdb", "-D", data, "-U", "clv", "--auth=trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    server("pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
    yield f"postgresql://clv@/postgres?host={folder}"
    server("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'journal.db'}"
        return
    server = request.getfixturevalue("postgres")
    engine = sa.create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("drop database if exists journal with (force)"))
        connection.execute(sa.text("create database journal"))
    yield server.replace("/postgres?", "/journal?")
    engine.dispose()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(url, clock):
    opened = Journal(url, now=clock)
    yield opened
    opened.close()


def _in_threads(n, function):
    results = []
    barrier = threading.Barrier(n)

    def work():
        barrier.wait()
        results.append(function())

    threads = [threading.Thread(target=work) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_three_clicks_make_one_run(journal):
    ids = _in_threads(3, lambda: journal.runs.request("train", "ann"))

    assert len(set(ids)) == 1
    assert len(journal.runs.table()) == 1


def test_a_request_while_the_job_runs_gives_the_running_run(journal):
    first = journal.runs.request("train", "ann")
    journal.runs.claim()

    assert journal.runs.request("train", "bob") == first


def test_a_request_after_the_end_makes_a_new_run(journal):
    first = journal.runs.request("train", "ann")
    journal.runs.claim()
    journal.runs.finish(first, "done")

    assert journal.runs.request("train", "ann") != first


def test_each_queued_run_is_claimed_once(journal):
    requested = {journal.runs.request(f"job{i}", "ann") for i in range(8)}

    claimed = []
    while len(claimed) < 8:
        claimed += [run.run_id for run in _in_threads(4, journal.runs.claim) if run is not None]

    assert sorted(claimed) == sorted(requested)
    assert journal.runs.claim() is None


def test_runs_are_claimed_in_the_order_of_their_requests(journal, clock):
    for job in ("score", "build", "train"):
        journal.runs.request(job, "ann")
        clock.advance(seconds=1)

    assert [journal.runs.claim().job for _ in range(3)] == ["score", "build", "train"]


def test_a_claimed_run_carries_its_parameters_and_its_process(journal):
    journal.runs.request("score", "ann", {"as_of": "2026-01-01"})

    run = journal.runs.claim()

    assert (run.status, run.params, run.started_at) == ("running", {"as_of": "2026-01-01"}, NOON)
    assert (run.host, run.pid) == (socket.gethostname(), psutil.Process().pid)


def test_start_refuses_a_second_run_of_a_job(journal):
    journal.runs.start("build", "ann")

    with pytest.raises(BusyError, match="is running already"):
        journal.runs.start("build", "bob")


def test_a_run_that_starts_here_serves_what_was_asked_for(journal):
    asked = journal.runs.request("build", "a click", {"as_of": "2025-01-01"})

    started = journal.runs.start("build", "command line")

    assert started == asked
    assert (journal.runs.one(asked).status, journal.runs.one(asked).params) == ("running", {})


def test_progress_is_kept_within_its_range_and_not_after_the_end(journal):
    run_id = journal.runs.start("build", "ann")
    journal.runs.progress(run_id, 1.7, "marts")

    during = journal.runs.one(run_id)
    journal.runs.finish(run_id, "failed", error="no space left")
    journal.runs.progress(run_id, 0.1, "late")
    after = journal.runs.one(run_id)

    assert (during.progress, during.message) == (1.0, "marts")
    assert (after.status, after.progress, after.message, after.error) == ("failed", 1.0, "marts", "no space left")


def test_the_first_word_on_how_a_run_ended_stands(journal):
    run_id = journal.runs.start("build", "ann")

    assert journal.runs.finish(run_id, "done", detail={"build": "b1"})
    assert not journal.runs.finish(run_id, "aborted")
    assert journal.runs.one(run_id).status == "done"
    assert journal.runs.one(run_id).detail == {"build": "b1"}


def test_a_run_whose_process_is_gone_is_aborted(journal, url):
    code = (
        "import sys; from warehouse.journal import Journal; Journal(sys.argv[1]).runs.start('build', 'one that dies')"
    )
    subprocess.run([sys.executable, "-c", code, url], check=True)

    aborted = journal.runs.abort_orphans()

    assert [run.job for run in aborted] == ["build"]
    assert journal.runs.last("build").status == "aborted"


def test_a_run_whose_process_lives_is_left_alone(journal):
    run_id = journal.runs.start("build", "ann")

    assert journal.runs.abort_orphans() == []
    assert journal.runs.one(run_id).status == "running"


def test_a_pid_that_was_given_to_another_process_is_not_the_run(journal, url):
    run_id = journal.runs.start("build", "ann")
    with journal._engine.begin() as connection:
        connection.execute(sa.text("update runs set pid_started = 12.0"))

    assert [run.run_id for run in journal.runs.abort_orphans()] == [run_id]


def test_a_run_on_another_host_is_given_up_when_it_has_been_silent_for_a_minute(journal, clock):
    run_id = journal.runs.start("build", "ann")
    with journal._engine.begin() as connection:
        connection.execute(sa.text("update runs set host = 'elsewhere'"))

    clock.advance(seconds=50)
    journal.runs.seen(run_id)
    clock.advance(seconds=50)
    alive = journal.runs.abort_orphans()
    clock.advance(seconds=50)
    gone = journal.runs.abort_orphans()

    assert alive == []
    assert [run.run_id for run in gone] == [run_id]


def test_only_a_running_run_can_be_adopted(journal):
    run_id = journal.runs.request("build", "ann")

    with pytest.raises(RequestError, match=run_id):
        journal.runs.adopt(run_id)


def test_last_looks_at_the_statuses_asked_for(journal, clock):
    for status in ("done", "failed"):
        journal.runs.finish(journal.runs.start("build", "ann"), status)
        clock.advance(minutes=1)

    assert journal.runs.last("build").status == "failed"
    assert journal.runs.last("build", ("done",)).requested_at == NOON
    assert journal.runs.last("score") is None


def test_an_empty_journal_gives_typed_empty_frames(journal):
    runs = journal.runs.table()

    assert runs.empty
    assert str(runs["started_at"].dtype).startswith("datetime64")
    assert journal.beats.table().empty


def test_an_alert_that_is_raised_again_stays_one_alert(journal, clock):
    journal.alerts.open("job:train", "critical", "train failed")
    clock.advance(hours=1)
    journal.alerts.open("job:train", "critical", "train failed again")

    alerts = journal.alerts.table()
    assert alerts[["title", "n_times"]].to_numpy().tolist() == [["train failed again", 2]]
    assert (alerts["last_at"] - alerts["raised_at"]).dt.total_seconds().tolist() == [3600]


def test_a_closed_alert_is_raised_as_a_new_one(journal):
    journal.alerts.open("job:train", "critical", "one")

    assert journal.alerts.close("job:train", "ann")
    assert not journal.alerts.close("job:train", "ann")
    journal.alerts.open("job:train", "warning", "two")

    assert journal.alerts.table()["title"].tolist() == ["two"]
    assert sorted(journal.alerts.table(include_closed=True)["title"]) == ["one", "two"]


def test_a_kept_list_gives_back_its_customers_once_each(journal):
    journal.lists.save("ann", " Win back ", ["C2", 'ö"1', "C2"], "b1")

    (row,) = journal.lists.table("ann").to_dict("records")
    assert (row["name"], row["n_customers"], row["build_id"], row["saved_at"]) == ("Win back", 2, "b1", NOON)
    assert journal.lists.members("ann", "Win back") == ["C2", 'ö"1']
    assert journal.lists.table("bob").empty


def test_a_list_takes_no_name_that_another_has(journal):
    for name in ("one", "two"):
        journal.lists.save("ann", name, ["C1"], "b1")
    journal.lists.save("bob", "one", ["C1"], "b1")

    with pytest.raises(RequestError, match="another list has the name 'one'"):
        journal.lists.save("ann", "one", ["C2"], "b1")
    with pytest.raises(RequestError, match="another list has the name 'one'"):
        journal.lists.rename("ann", "two", "one")
    assert journal.lists.members("ann", "one") == ["C1"]


def test_a_deleted_list_can_be_had_back_for_a_day(journal, clock):
    journal.lists.save("ann", "mine", ["C1"], "b1")
    list_id = journal.lists.delete("ann", "mine")

    with pytest.raises(RequestError, match="no list is called 'mine'"):
        journal.lists.members("ann", "mine")
    journal.lists.restore("ann", list_id)
    assert journal.lists.members("ann", "mine") == ["C1"]

    journal.lists.delete("ann", "mine")
    clock.advance(days=2)
    journal.lists.save("ann", "other", ["C1"], "b1")
    with pytest.raises(RequestError, match="not there any more"):
        journal.lists.restore("ann", list_id)


def test_a_deleted_list_is_not_had_back_over_another_of_its_name(journal):
    journal.lists.save("ann", "mine", ["C1"], "b1")
    list_id = journal.lists.delete("ann", "mine")
    journal.lists.save("ann", "mine", ["C2"], "b1")

    with pytest.raises(RequestError, match="another list has the name"):
        journal.lists.restore("ann", list_id)
    assert journal.lists.members("ann", "mine") == ["C2"]


def test_a_view_saved_under_the_same_name_is_replaced(journal):
    journal.views.save("ann", "customers", "big", "?sort=-revenue")
    journal.views.save("ann", "customers", "big", "?sort=-expected")
    journal.views.save("bob", "customers", "his", "?x")

    assert journal.views.table("ann", "customers")[["name", "query"]].to_numpy().tolist() == [
        ["big", "?sort=-expected"]
    ]
    assert journal.views.delete("ann", "customers", "big")
    assert journal.views.table("ann", "customers").empty


def test_the_audit_trail_is_append_only_and_newest_first(journal):
    journal.audit.note("ann", "export", "customers", {"rows": 12})
    journal.audit.note("bob", "promote", "value/3")

    assert journal.audit.table()[["who", "action"]].to_numpy().tolist() == [["bob", "promote"], ["ann", "export"]]
    assert journal.audit.table()["detail"].tolist() == [{}, {"rows": 12}]


def test_a_heartbeat_ages_until_the_next_one(journal, clock):
    journal.beats.beat("worker", "idle")
    clock.advance(seconds=7)
    aged = journal.beats.table()["age_seconds"].tolist()
    journal.beats.beat("worker", "build")

    assert aged == [7]
    assert journal.beats.table()[["message", "age_seconds"]].to_numpy().tolist() == [["build", 0]]


def test_a_process_that_stopped_in_good_order_has_no_heartbeat(journal):
    journal.beats.beat("worker")

    journal.beats.stop("worker")

    assert journal.beats.table().empty


def test_the_schedule_is_replaced_as_a_whole_and_keeps_its_order(journal):
    row = {"question": "?", "next_run_at": None}
    journal.schedule.publish([{"job": "gone", "cron": "", **row}])

    journal.schedule.publish([{"job": "pipeline", "cron": "0 5 * * *", **row}, {"job": "build", "cron": "", **row}])

    assert journal.schedule.table()["job"].tolist() == ["pipeline", "build"]


def test_two_processes_may_open_a_new_journal_at_once(url):
    journals = _in_threads(4, lambda: Journal(url))

    assert len(journals) == 4
    for journal in journals:
        journal.close()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://x/y", "sqlite or postgresql|needs the module"),
        ("sqlite:////proc/no/such/journal.db", "does not open|cannot be made"),
        ("postgresql://nobody@127.0.0.1:1/x", "does not open"),
    ],
    ids=["no url", "another database", "a folder that cannot be", "a server that is not there"],
)
def test_a_journal_that_cannot_be_opened_says_so(bad, message):
    with pytest.raises(SettingsError, match=message):
        Journal(bad)


def test_where_no_room_is_left_the_disk_is_named_and_not_the_setting(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=0))

    # What SQLite cannot open (here a folder) and what it has no room for are both an OperationalError.
    with pytest.raises(DiskFullError, match="is full: free some space"):
        Journal(f"sqlite:///{tmp_path}")


def test_a_password_is_not_in_the_message():
    with pytest.raises(SettingsError) as caught:
        Journal("postgresql://ann:s3cret@127.0.0.1:1/x")

    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_database_says_what_to_do(tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database, but longer than the header of one " * 40)

    with pytest.raises(SettingsError, match="is damaged: file is not a database; put a copy in its place, or move it"):
        Journal(f"sqlite:///{path}")
