import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from clv.config import Auth, Paths, Settings
from clv.errors import RequestError, SettingsError
from jobs.run import today_in
from jobs.web import FIRST_RUN, LOOK_BACK, check_address, first_runs, is_empty, url_of
from warehouse.journal import Journal

PUBLIC = "0.0.0.0"


@pytest.fixture
def settings(new_data, tmp_path):
    return Settings(paths=Paths(data=new_data(tmp_path / "data", "web font")), root=tmp_path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds=120.0):
    """Look until *condition* holds; its value."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        if value := condition():
            return value
        pause.wait(0.1)
    raise AssertionError("it did not come to pass")


def health(port):
    """What /healthz says; None while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@pytest.fixture
def process(tmp_path):
    """Start `clv` in a process of its own, with its output in a file; it is gone at the end of the test."""
    config = tmp_path / "config.toml"
    config.write_text("[dashboard]\nworkers = 1\n[engine]\nbuckets = 2\n")
    started = []

    def process(*words):
        with (tmp_path / "output.txt").open("w") as output:
            command = [sys.executable, "-m", "jobs.cli", *words, "--config", str(config)]
            started.append(subprocess.Popen(command, stdout=output, stderr=output))
        return started[-1]

    yield process
    for one in started:
        one.kill()
        one.wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.9"])
def test_this_machine_may_be_listened_on(settings, host):
    check_address(settings, host, 0)


@pytest.mark.parametrize("host", [PUBLIC, "::", "192.0.2.1", "shop.example"])
def test_without_sign_in_no_other_machine_may_look(settings, host):
    with pytest.raises(SettingsError, match="auth"):
        check_address(settings, host, 0)


def test_with_sign_in_others_may_look(settings):
    settings = settings.model_copy(update={"auth": Auth.model_construct(mode="password")})

    check_address(settings, PUBLIC, 0)


def test_a_port_that_is_taken_is_said_so(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(RequestError, match="choose another with --port"):
            check_address(settings, "127.0.0.1", taken.getsockname()[1])


def test_the_url_can_be_opened():
    assert url_of("127.0.0.1", 8050) == "http://127.0.0.1:8050"
    assert url_of("::1", 8050) == "http://[::1]:8050"


def test_a_folder_with_a_raw_file_is_not_empty(settings):
    before = is_empty(settings)
    settings.paths.raw.mkdir(parents=True)
    (settings.paths.raw / "orders.csv").write_text("customer_id,order_date,amount\nann,2026-01-01,1\n")

    assert (before, is_empty(settings)) == (True, False)


def test_a_new_synthetic_shop_is_first_seen_as_it_was_four_weeks_ago(settings):
    before = (today_in("UTC") - LOOK_BACK).isoformat()

    assert first_runs(settings, Journal(settings.journal_url), is_new_demo=True) == [{"as_of": before}, {}]


def test_a_shop_without_a_build_has_its_first_run(settings):
    assert first_runs(settings, Journal(settings.journal_url), is_new_demo=False) == [{}]


@pytest.mark.parametrize(
    ("by", "params", "end", "wanted"),
    [
        (FIRST_RUN, {"as_of": "2024-01-01"}, "done", [{}]),
        (FIRST_RUN, {"as_of": "2024-01-01"}, "aborted", [{"as_of": "2024-01-01"}, {}]),
        (FIRST_RUN, {}, "aborted", [{}]),
        (FIRST_RUN, {}, "stopped", []),
        (FIRST_RUN, {}, "done", []),
        ("ann", {"as_of": "2024-01-01"}, "done", []),
        ("ann", {}, "aborted", []),
    ],
    ids=[
        "seen earlier only",
        "cut short at once",
        "cut short",
        "stopped",
        "whole",
        "a date of one's own",
        "no first run",
    ],
)
def test_a_first_run_that_was_cut_short_is_gone_on_with(tiny_shop, tmp_path, by, params, end, wanted):
    settings = tiny_shop(tmp_path / "published")
    journal = Journal(settings.journal_url)
    run_id = journal.runs.request("pipeline", by, params)
    journal.runs.stop(run_id, "ann") if end == "stopped" else journal.runs.finish(run_id, end)

    assert first_runs(settings, journal, is_new_demo=False) == wanted


@pytest.mark.slow
def test_the_pages_are_served_until_told_to_stop(settings, process):
    port = free_port()
    server = process("serve", "--port", str(port))
    journal = Journal(settings.journal_url)

    said = until(lambda: health(port))
    beats = until(lambda: journal.beats.table()["role"].tolist())
    server.send_signal(signal.SIGTERM)
    server.wait(30)

    assert said["status"] == "ok"
    assert set(beats) == {"web"}
    assert health(port) is None


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_pages_and_worker_end_together(settings, process, number):
    settings.paths.raw.mkdir(parents=True)
    (settings.paths.raw / "orders.csv").write_text(
        "customer_id,order_date,amount\nann,2026-01-01,1\nbob,2026-01-09,1\n"
    )
    port = free_port()
    both = process("up", "--port", str(port))

    until(lambda: (settings.root / "output.txt").read_text().rstrip().endswith("(Ctrl-C stops it)"))
    children = psutil.Process(both.pid).children(recursive=True)
    serving = health(port)
    os.kill(both.pid, number)
    both.wait(60)
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))

    assert serving["build"]
    assert f"http://127.0.0.1:{port}" in (settings.root / "output.txt").read_text()
    assert health(port) is None
