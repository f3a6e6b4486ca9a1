"""The PDF button: what it asks for, what it says meanwhile, and the file at the end. No browser, no worker."""

import shutil

import pytest

from dashboard import data, report
from warehouse import reports

NAME = "executive-summary"
PDF = b"%PDF-1.4 the report"


@pytest.fixture
def door(context):
    return data.door("")


@pytest.fixture
def journal(door):
    """The journal; what a test has asked for is over at its end, and no report is left."""
    yield door.journal
    for run in door.journal.runs.active():
        door.journal.runs.finish(run.run_id, "skipped")
    shutil.rmtree(door.settings.paths.reports, ignore_errors=True)


def written(door, build_id=None, **facts):
    folder = door.settings.paths.reports
    reports.write(folder, build_id or door.handle.id, reports.REPORTS[NAME], {"pdf": PDF}, {"n_pages": 3, **facts})


def step(client, door, *, is_pressed=False, is_asked=False, build_id=None):
    """Press the button, or let the page's clock tick; give what the page then shows."""
    key = next(key for key in client.app.callback_map if "report-said" in key)
    parts = [part.rpartition(".") for part in key.strip(".").split("...")]
    kind = "report-make" if is_pressed else "report-poll"
    ids = {name: {"type": name, "name": NAME} for name in ("report-make", "report-poll", "report-asked")}
    asked = {"build": build_id or door.handle.id, "is_asked": is_asked}
    body = {
        "output": key,
        "outputs": [{"id": _concrete(part), "property": prop} for part, _, prop in parts],
        "inputs": [
            {"id": ids["report-make"], "property": "n_clicks", "value": 1 if is_pressed else None},
            {"id": ids["report-poll"], "property": "n_intervals", "value": 1},
        ],
        "state": [
            {"id": ids["report-asked"], "property": "data", "value": asked},
            {"id": ids["report-asked"], "property": "id", "value": ids["report-asked"]},
        ],
        "changedPropIds": [f'{{"name":"{NAME}","type":"{kind}"}}.{"n_clicks" if is_pressed else "n_intervals"}'],
    }
    response = client.http.post("/_dash-update-component", json=body)
    assert response.status_code == 200, response.text
    found = response.get_json()["response"]
    return {
        name.split('"type":"')[1].split('"')[0] if '"type":"' in name else name: value for name, value in found.items()
    }


def _concrete(text):
    kind = text.split('"type":"')[1].split('"')[0]
    return {"name": NAME, "type": kind}


def said(shown, words_of):
    return words_of(shown["report-said"]["children"])


def test_the_page_offers_to_make_the_report(client, journal, walk):
    page = client.page("/", "")

    ids = [node["props"]["id"] for node in walk(page) if isinstance(node["props"].get("id"), dict)]
    assert {"type": "report-make", "name": NAME} in ids


def test_a_click_asks_for_the_report_of_the_build_on_screen(client, journal, door, words_of):
    shown = step(client, door, is_pressed=True)

    (run,) = journal.runs.active("report")
    assert run.params == {"name": NAME, "build": door.handle.id}
    assert shown["report-poll"]["disabled"] is False
    assert shown["report-make"]["style"] == {"display": "none"}
    assert journal.audit.table().iloc[0]["subject"] == "report"


def test_three_clicks_make_one_run(client, journal, door):
    for _ in range(3):
        step(client, door, is_pressed=True)

    assert len(journal.runs.active("report")) == 1


def test_without_a_worker_it_says_so(client, journal, door, words_of):
    assert "the worker is not running" in said(step(client, door, is_pressed=True), words_of)


def test_while_it_is_made_the_page_says_how_far_it_is(client, journal, door, words_of):
    step(client, door, is_pressed=True)
    run = journal.runs.claim()
    journal.runs.progress(run.run_id, 0.4, "drawing bridge")

    assert "40% drawing bridge" in said(step(client, door, is_asked=True), words_of).replace("  ", " ")


def test_another_job_that_runs_first_is_named(client, journal, door, words_of):
    journal.beats.beat("worker")
    try:
        journal.runs.start("pipeline", "test")
        assert "Waiting for pipeline to end" in said(step(client, door, is_pressed=True), words_of)
    finally:
        journal.beats.stop("worker")


def test_what_is_done_can_be_downloaded(client, journal, door, words_of, walk):
    step(client, door, is_pressed=True)
    run = journal.runs.claim()
    written(door)
    journal.runs.finish(run.run_id, "done")

    shown = step(client, door, is_asked=True)

    (link,) = [node for node in walk(shown["report-said"]["children"]) if node["type"] == "A"]
    response = client.http.get(link["props"]["href"])
    assert shown["report-poll"]["disabled"] is True
    assert response.data == PDF
    assert response.mimetype == "application/pdf"
    assert "attachment; filename=executive_summary_" in response.headers["Content-Disposition"]


def test_a_report_that_is_there_is_offered_at_once(client, journal, door, walk, words_of):
    written(door, missing_charts="no Chrome or Chromium was found")

    page = client.page("/", "")

    assert "Download PDF" in words_of(page)
    assert "With tables in place of charts: no Chrome or Chromium was found" in words_of(page)
    assert report.href(door.handle.id, NAME) in [node["props"].get("href") for node in walk(page)]


def test_a_failure_says_why_and_can_be_tried_again(client, journal, door, words_of):
    step(client, door, is_pressed=True)
    journal.runs.finish(journal.runs.claim().run_id, "failed", error="the disk is full")

    shown = step(client, door, is_asked=True)
    again = step(client, door, is_pressed=True)

    assert "the disk is full" in said(shown, words_of)
    assert "Try again" in words_of(shown["report-make"]["children"])
    assert shown["report-poll"]["disabled"] is True
    assert again["report-poll"]["disabled"] is False
    assert len(journal.runs.active("report")) == 1


def test_while_the_report_of_another_build_is_made_this_one_waits_its_turn(client, journal, door):
    journal.runs.request("report", "somebody", {"name": NAME, "build": "another"})
    shown = step(client, door, is_pressed=True)
    journal.runs.finish(journal.runs.claim().run_id, "done")

    step(client, door, is_asked=True)

    assert shown["report-asked"]["data"]["is_asked"] is True
    assert [run.params["build"] for run in journal.runs.active("report")] == [door.handle.id]


@pytest.mark.parametrize(
    "path",
    ["none/executive-summary", "{build}/customers", "{build}/../../journal", "..%2F..%2Fjournal.db/executive-summary"],
    ids=["no such build", "no such report", "a path", "an encoded path"],
)
def test_what_is_not_a_report_is_not_served(client, journal, door, path):
    written(door)

    response = client.http.get(f"{report.ROUTE}/{path.format(build=door.handle.id)}.pdf")

    assert response.status_code == 404 or not response.data.startswith(b"%PDF")
    assert b"SQLite" not in response.data


def test_a_half_written_report_is_not_there(door, journal):
    home = door.settings.paths.reports / door.handle.id
    home.mkdir(parents=True)
    (home / ".executive_summary.pdf.1.part").write_bytes(b"%PDF")

    assert reports.find(door.settings.paths.reports, door.handle.id, NAME) is None
