import json

import pytest

from dashboard.logs import run_log
from warehouse.journal import TERMINAL

RUN_BUTTON = {"id": '{"job":"build","type":"run-job"}', "property": "n_clicks"}


@pytest.fixture
def journal(app):
    """The journal, with two jobs on the schedule."""
    journal = app.server.extensions["retain"].journal
    journal.schedule.publish(
        [
            {"job": "build", "question": "Make the tables", "cron": "", "next_run_at": None},
            {"job": "train", "question": "Is there a better model?", "cron": "0 4 * * 0", "next_run_at": None},
        ]
    )
    yield journal
    for run in journal.runs.active():
        journal.runs.finish(run.run_id, "aborted")


def press(client, job, clicks=1, search=""):
    """Press a run-now button, or let the page's clock tick when *job* is None."""
    key = next(key for key in client.app.callback_map if "jobs-live.children" in key)
    changed = f'{{"job":"{job}","type":"run-job"}}.n_clicks' if job else "jobs-poll.n_intervals"
    body = {
        "output": key,
        "outputs": [{"id": "jobs-live", "property": "children"}, {"id": "jobs-runs", "property": "children"}],
        "inputs": [
            {"id": "jobs-poll", "property": "n_intervals", "value": 1},
            [{"id": {"type": "run-job", "job": job or "build"}, "property": "n_clicks", "value": clicks}],
        ],
        "state": [{"id": "_pages_location", "property": "search", "value": search}],
        "changedPropIds": [changed],
    }
    return client.http.post("/_dash-update-component", json=body)


def test_the_schedule_is_said_in_words(client, journal, words_of):
    page = words_of(client.page("/jobs"))

    assert "Is there a better model?" in page
    assert "Sundays at 04:00" in page
    assert "Never ran" in page


def test_a_worker_that_is_not_running_is_announced(client, journal, words_of):
    assert "The worker is not running" in words_of(client.page("/jobs"))

    journal.beats.beat("worker")
    try:
        assert "Worker running" in words_of(client.page("/jobs"))
    finally:
        journal.beats.stop("worker")


def test_three_clicks_make_one_run(client, journal):
    for clicks in (1, 2, 3):
        assert press(client, "build", clicks).status_code == 200

    assert [run.job for run in journal.runs.active("build")] == ["build"]


def test_a_request_is_in_the_audit_trail(client, journal):
    press(client, "train")

    latest = journal.audit.table().iloc[0]
    assert (latest["who"], latest["action"], latest["subject"]) == ("the Jobs page", "run", "train")


def test_a_tick_of_the_clock_asks_for_nothing(client, journal):
    press(client, None, clicks=5)

    assert journal.runs.active() == []


def test_a_page_that_was_only_drawn_asks_for_nothing(client, journal):
    press(client, "build", clicks=None)

    assert journal.runs.active() == []


def test_a_job_that_does_not_exist_is_refused_with_a_toast(client, journal, words_of):
    answer = press(client, "rm -rf")

    assert answer.status_code in (200, 204)
    assert journal.runs.active() == []
    assert "nothing was changed" in words_of(answer.get_json()["sideUpdate"]["toasts"]["children"])


def test_progress_is_shown_while_it_runs_and_the_button_waits(client, journal, walk, words_of):
    run_id = journal.runs.start("build", TERMINAL)
    journal.runs.progress(run_id, 0.42, "writing marts.customers")

    live = press(client, None).get_json()["response"]["jobs-live"]["children"]

    assert "42% writing marts.customers" in " ".join(words_of(live).split())
    buttons = {node["props"]["id"]["job"]: node["props"]["disabled"] for node in walk(live) if node["type"] == "Button"}
    assert buttons == {"build": True, "train": False}


def test_a_failed_run_shows_its_error_and_its_log(client, journal, settings, words_of):
    run_id = journal.runs.start("train", "the test")
    journal.runs.finish(run_id, "failed", error="too little history", detail={"n_rows": 12})
    settings.paths.logs.mkdir(parents=True, exist_ok=True)
    with (settings.paths.logs / "worker.jsonl").open("a", encoding="utf-8") as file:
        file.write(log_line(run_id, "training starts", rows=12))
        file.write(log_line("20000101T000000-aaaaaa", "another run"))

    page = words_of(client.page("/jobs", f"?run={run_id}"))

    assert "too little history" in page
    assert "training starts rows=12" in " ".join(page.split())
    assert "another run" not in page


def test_an_unknown_run_is_said_and_the_page_stands(client, journal, words_of):
    page = words_of(client.page("/jobs", "?run=nothing"))

    assert "there is no run nothing" in page
    assert "Schedule" in page


def test_a_log_line_that_is_still_being_written_is_left_out(tmp_path):
    whole = log_line("r1", "first")
    (tmp_path / "worker.jsonl").write_text(whole + whole[:40], encoding="utf-8")

    assert [line.message for line in run_log(tmp_path, "r1")] == ["first"]


def test_the_log_of_a_run_comes_from_all_processes_in_order(tmp_path):
    (tmp_path / "worker.jsonl").write_text(log_line("r1", "second", at=2.0), encoding="utf-8")
    (tmp_path / "cli.jsonl").write_text(log_line("r1", "first", at=1.0), encoding="utf-8")

    assert [line.message for line in run_log(tmp_path, "r1")] == ["first", "second"]


def test_a_long_log_is_cut_to_its_end(tmp_path):
    (tmp_path / "worker.jsonl").write_text("".join(log_line("r1", str(n), at=n) for n in range(9)), encoding="utf-8")

    assert [line.message for line in run_log(tmp_path, "r1", limit=2)] == ["7", "8"]


def test_a_run_id_inside_a_message_does_not_make_it_the_runs_line(tmp_path):
    (tmp_path / "worker.jsonl").write_text(log_line("", 'about "r1"', about="r1"), encoding="utf-8")

    assert run_log(tmp_path, "r1") == []


def log_line(run_id, message, at=1_700_000_000.0, **facts):
    """A line as loguru writes it."""
    record = {
        "extra": {"role": "worker", "run": run_id, **facts},
        "level": {"name": "INFO"},
        "message": message,
        "module": "train",
        "name": "jobs.train",
        "exception": None,
        "time": {"timestamp": at},
    }
    return json.dumps({"text": message, "record": record}) + "\n"


def press_stop(client, run_id, clicks=1):
    """Press the stop button of a run."""
    inputs = [{"id": {"type": "stop-run", "run": run_id}, "property": "n_clicks", "value": clicks}]
    body = {
        "output": "jobs-stopped.children",
        "outputs": {"id": "jobs-stopped", "property": "children"},
        "inputs": [inputs],
        "state": [{"id": "_pages_location", "property": "search", "value": ""}],
        "changedPropIds": [f'{{"run":"{run_id}","type":"stop-run"}}.n_clicks'],
    }
    return client.http.post("/_dash-update-component", json=body)


def test_a_run_can_be_stopped_and_then_asked_for_again(client, journal, walk):
    run_id = journal.runs.request("build", "the Jobs page")
    live = press(client, None).get_json()["response"]["jobs-live"]["children"]
    ids = [node["props"]["id"] for node in walk(live) if node["type"] == "Button"]

    said = press_stop(client, run_id).get_json()["response"]["jobs-stopped"]["children"]

    run = journal.runs.one(run_id)
    assert {"type": "stop-run", "run": run_id} in ids
    assert said == "build is stopped"
    assert (run.status, run.error) == ("aborted", "stopped by the Jobs page")
    assert journal.audit.table().iloc[0][["action", "subject"]].tolist() == ["stop", "build"]
    assert journal.runs.request("build", "the Jobs page") != run_id


def test_a_stop_button_that_was_only_drawn_stops_nothing(client, journal):
    run_id = journal.runs.request("build", "the Jobs page")

    assert press_stop(client, run_id, None).status_code == 204
    assert journal.runs.one(run_id).is_active


def test_a_run_in_a_terminal_is_stopped_there(client, journal, words_of):
    run_id = journal.runs.start("build", TERMINAL)

    press_stop(client, run_id)

    assert journal.runs.one(run_id).is_active
