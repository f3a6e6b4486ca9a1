import json
import threading
from pathlib import Path

import pytest
from loguru import logger

from clv import log


@pytest.fixture
def lines(tmp_path):
    log.set_up("job", tmp_path / "logs", terminal=False)

    def lines():
        logger.complete()
        return [json.loads(line)["record"] for line in (tmp_path / "logs" / "job.jsonl").read_text().splitlines()]

    yield lines
    logger.remove()


def test_a_line_carries_its_fields_and_its_role(lines):
    logger.bind(rows=3).info("landed")

    assert lines()[0]["message"] == "landed"
    assert lines()[0]["extra"] == {"role": "job", "run": "", "rows": 3}


def test_the_run_id_is_on_every_line_of_a_run_in_every_thread(lines):
    log.bind_run("r1")
    thread = threading.Thread(target=lambda: logger.info("from a thread"))
    thread.start()
    thread.join()
    log.bind_run("")
    logger.info("after the run")

    assert [line["extra"]["run"] for line in lines()] == ["r1", ""]


def test_lines_below_the_level_are_not_kept(tmp_path):
    log.set_up("cli", tmp_path, level="WARNING", terminal=False)

    logger.info("quiet")
    logger.warning("loud")
    logger.remove()

    assert (tmp_path / "cli.jsonl").read_text().count("\n") == 1


def test_values_of_variables_are_not_written_with_a_traceback(lines):
    def fail(customer_name):
        raise ValueError("no")

    try:
        fail("Ann Example")
    except ValueError:
        logger.exception("failed")

    assert "Ann Example" not in json.dumps(lines())


def test_the_terminal_gets_short_lines(tmp_path, capsys):
    log.set_up("web", tmp_path)

    logger.info("ready")
    logger.remove()

    assert "ready" in capsys.readouterr().err


def test_what_libraries_log_is_kept_too(lines):
    import logging

    logging.getLogger("apscheduler.executors").warning("a job was %s", "late")

    assert lines()[0]["message"] == "a job was late"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_stops_the_log_and_says_nothing_on_the_terminal(tmp_path, capfd):
    (tmp_path / "job.jsonl").symlink_to("/dev/full")
    log.set_up("job", tmp_path, terminal=False)

    logger.info("one line")

    logger.remove()
    assert capfd.readouterr().err == ""
