from datetime import date

import pytest

from clv.config import Dashboard, Engine, Jobs, Paths, Settings
from jobs.catalog import JOBS
from jobs.doctor import examine
from jobs.run import execute
from warehouse import health, reports
from warehouse.build import build
from warehouse.journal import Journal

ORDERS = """customer_id,order_id,order_date,amount
ann,1,2026-01-01,10.00
ann,2,2026-02-01,20.00
"""


@pytest.fixture
def settings(new_data, tmp_path):
    return Settings(
        paths=Paths(data=new_data(tmp_path / "data")),
        root=tmp_path,
        engine=Engine(buckets=2, memory_limit="1GB", temp_limit="1MB"),
    )


def found(settings, **changes):
    """The findings by name."""
    return {one.name: one for one in examine(settings.model_copy(update=changes))}


def test_an_empty_folder_says_what_to_do_first(settings):
    findings = found(settings)

    assert findings["landed data"].state == "failed"
    assert "clv ingest" in findings["landed data"].remedy
    assert findings["build"].state == "failed"
    assert findings["worker"].state == "warning"


def test_everything_but_the_model_and_the_processes_is_well_after_a_build(settings):
    settings.paths.raw.mkdir(parents=True)
    (settings.paths.raw / "orders.csv").write_text(ORDERS)
    for job in ("ingest", "build"):
        execute(JOBS[job], settings, by="test")

    states = {
        one.name: one.state
        for one in health.examine(settings, date(2026, 2, 10))
        if one.name not in ("worker", "web", "champion", "charts in reports")
    }

    assert {name: state for name, state in states.items() if state != "ok"} == {}


@pytest.mark.parametrize(
    ("changes", "name", "state"),
    [
        ({"jobs": Jobs(pipeline="every morning")}, "schedule", "failed"),
        ({"jobs": Jobs(pipeline="", train="")}, "schedule", "warning"),
        ({"jobs": Jobs(journal_url="postgresql://nobody@127.0.0.1:1/x")}, "journal", "failed"),
        ({"dashboard": Dashboard(host="0.0.0.0")}, "address", "failed"),
        ({"engine": Engine(memory_limit="900TB")}, "memory", "warning"),
        ({"engine": Engine(temp_limit="900TB")}, "disk", "warning"),
        ({"paths": Paths(data="/proc/nowhere")}, "data folder", "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_found_and_has_a_remedy(settings, changes, name, state):
    finding = found(settings, **changes)[name]

    assert finding.state == state
    assert finding.remedy


def test_a_file_that_landed_after_the_build_is_noticed(settings):
    settings.paths.raw.mkdir(parents=True)
    build(settings)
    (settings.paths.raw / "orders.csv").write_text(ORDERS)
    execute(JOBS["ingest"], settings, by="test")

    assert found(settings)["build is current"].state == "warning"


def test_old_data_is_noticed(settings):
    settings.paths.raw.mkdir(parents=True)
    (settings.paths.raw / "orders.csv").write_text(ORDERS)
    execute(JOBS["ingest"], settings, by="test")

    states = {one.name: one.state for one in health.examine(settings, date(2027, 1, 1))}

    assert states["freshness"] == "warning"


def test_without_a_browser_it_says_what_reports_lack(settings, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "")
    none = found(settings)["charts in reports"]
    monkeypatch.setenv("BROWSER_PATH", "/bin/true")

    assert (none.state, found(settings)["charts in reports"].state) == ("warning", "ok")
    assert "tables in place of charts" in none.found
    assert "make browser" in none.remedy


def test_a_report_whose_charts_could_not_be_drawn_is_noticed(settings, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/bin/true")
    facts = {"missing_charts": "Chromium could not draw: its process ended"}
    reports.write(settings.paths.reports, "b", reports.REPORTS["executive-summary"], {"pdf": b"x"}, facts)

    finding = found(settings)["charts in reports"]

    assert finding.state == "warning"
    assert "its process ended" in finding.found


def test_a_worker_that_beats_is_alive(settings):
    Journal(settings.journal_url).beats.beat("worker")

    assert found(settings)["worker"].state == "ok"


def test_an_open_alert_is_a_warning(settings):
    Journal(settings.journal_url).alerts.open("x", "critical", "something is up")

    assert "something is up" in found(settings)["alerts"].found
