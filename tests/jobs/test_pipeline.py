"""The pipeline on a small synthetic shop: once from files to predictions, and on from there; killed at several points.

What begins with nothing or is killed runs in a process of its own; what goes on from there, in this one.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from clv.config import load_settings
from jobs.cli import main
from jobs.demo import write_demo
from jobs.pipeline import STEPS
from warehouse.ask import Warehouse
from warehouse.journal import Journal

CONFIG = """
[model]
horizons_days = [30]
primary_horizon_days = 30
max_snapshots = 2
threads = 1
[engine]
buckets = 1
memory_limit = "1GB"
"""
END = date(2026, 1, 1)
# How far a run is while it does this.
IN_INGEST, IN_BUILD, IN_PUBLICATION, IN_TRAINING, IN_SCORING, IN_LAST_BUILD = 0.01, 0.16, 0.34, 0.5, 0.81, 0.93
SAME = ["core.order_lines", "core.orders", "features.customer_features", "marts.customers", "marts.cohort_retention"]

pytestmark = pytest.mark.slow


class Shop:
    """One data folder with its settings."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG)
        self.settings = load_settings(self.config, environ={})

    def start(self) -> subprocess.Popen:
        """`clv run` in a process of its own."""
        command = [sys.executable, "-m", "jobs.cli", "run", "--config", str(self.config)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def clv(self, *words: str) -> int:
        """The exit code of a command in this process."""
        with pytest.raises(SystemExit) as stop:
            main([*words, "--config", str(self.config)])
        return stop.value.code

    def run(self, *options: str) -> None:
        """`clv run` in this process."""
        assert self.clv("run", *options) == 0

    def steps(self) -> dict[str, str]:
        """What each step of the last run said."""
        journal = Journal(self.settings.journal_url)
        steps = journal.runs.last("pipeline").detail["steps"]
        journal.close()
        return {step["step"]: step["said"] for step in steps}

    def statuses(self) -> list[str]:
        """How the runs ended, the latest first."""
        journal = Journal(self.settings.journal_url)
        statuses = journal.runs.table()["status"].tolist()
        journal.close()
        return statuses

    def build_id(self) -> str:
        return Warehouse(self.settings.paths.data).current().id

    def tables(self) -> dict[str, pd.DataFrame]:
        """What was published, without the name of the model, which has the time of its training in it."""
        warehouse = Warehouse(self.settings.paths.data)
        frames = {name: warehouse.table(name) for name in [*SAME, "outputs.predictions"]}
        warehouse.close()
        return {name: frame.drop(columns=["model_version"], errors="ignore") for name, frame in frames.items()}

    def is_whole(self) -> bool:
        """Every build that can be seen can be read."""
        warehouse = Warehouse(self.settings.paths.data)
        return all(len(warehouse.table("core.customers", build.id)) >= 0 for build in warehouse.builds())


def assert_same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame, obj=name)


@pytest.fixture
def new_shop(new_data, tmp_path):
    """A shop of which there are only files."""
    new_data(tmp_path / "shop" / "data", "paper fonts")
    shop = Shop(tmp_path / "shop")
    write_demo(shop.settings, n_customers=200, n_months=9, end_date=END)
    return shop


@pytest.fixture(scope="session")
def finished(made_once, new_data):
    """A shop after one undisturbed run; not to be changed."""

    def make(folder: Path) -> None:
        new_data(folder / "data", "paper fonts")
        shop = Shop(folder)
        write_demo(shop.settings, n_customers=200, n_months=9, end_date=END)
        process = shop.start()
        _, error = process.communicate()
        assert process.returncode == 0, error

    return Shop(made_once("finished pipeline", make))


@pytest.fixture
def after_a_run(finished, tmp_path):
    """A copy of the finished shop, to be changed."""
    shutil.copytree(finished.config.parent, tmp_path / "copy", symlinks=True)
    return Shop(tmp_path / "copy")


def test_one_command_leads_from_files_to_predictions(finished):
    customers = finished.tables()["marts.customers"]

    assert len(customers) > 150
    assert customers["expected_revenue"].notna().all()
    assert list(finished.steps()) == ["ingest", "build", "train", "score", "personas", "publish", "report"]
    assert re.match(r"[2-9] \(.+\)", finished.steps()["personas"])


def test_a_second_run_changes_nothing(after_a_run):
    before = (after_a_run.build_id(), (after_a_run.settings.paths.outputs / "predictions.parquet").read_bytes())

    after_a_run.run()

    assert (after_a_run.build_id(), (after_a_run.settings.paths.outputs / "predictions.parquet").read_bytes()) == before
    assert list(after_a_run.steps()) == ["ingest", "build", "train", "score", "personas", "report"]
    assert after_a_run.steps()["personas"] == "as they were"
    assert after_a_run.steps()["report"] == "as it was"


def test_predictions_that_were_lost_are_made_again(after_a_run, finished):
    (after_a_run.settings.paths.outputs / "predictions.parquet").unlink()

    after_a_run.run()

    assert after_a_run.steps()["train"] == "not needed"
    assert_same(after_a_run.tables(), finished.tables())


def test_new_orders_are_scored_and_grouped_without_a_new_training(after_a_run):
    more = after_a_run.settings.paths.raw / "more_transactions.csv"
    more.write_text("customer_id,order_id,order_date,amount\nC0000001,late-1,2026-01-02 10:00:00,50\n")
    before = after_a_run.build_id()

    after_a_run.run()

    assert after_a_run.build_id() != before
    assert after_a_run.steps()["train"] == "not needed"
    assert re.match(r"[2-9] \(.+\)", after_a_run.steps()["personas"])
    assert "publish" in after_a_run.steps()
    assert after_a_run.tables()["outputs.predictions"]["as_of"].astype(str).unique().tolist() == ["2026-01-03"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("max_snapshots = 2", "max_snapshots = 1"), "settings have changed"),
        (lambda text: text.replace("[engine]", "retrain_after_days = 1\n[engine]"), ""),
        (lambda text: text + "\n[business]\nname = 'Another'", ""),
    ],
    ids=["a setting of the model", "how often it is trained", "the shop's name"],
)
def test_it_is_trained_again_when_what_a_model_depends_on_has_changed(after_a_run, change, reason):
    after_a_run.config.write_text(change(CONFIG))

    after_a_run.run()

    said = after_a_run.steps()["train"]
    assert reason in said if reason else said == "not needed"


def test_an_old_training_is_repeated(after_a_run):
    path = after_a_run.settings.paths.outputs / STEPS
    path.write_text(path.read_text().replace(str(date.today().year), "2001"))  # noqa: DTZ011 as the run wrote it

    after_a_run.run()

    assert "days old" in after_a_run.steps()["train"]


def test_a_young_shop_is_published_without_a_model(new_data, tmp_path):
    new_data(tmp_path / "data", "paper fonts")
    shop = Shop(tmp_path)
    shop.settings.paths.raw.mkdir(parents=True)
    (shop.settings.paths.raw / "orders.csv").write_text(
        "customer_id,order_id,order_date,amount\nann,1,2026-01-01,10\nbob,2,2026-01-02,5\n"
    )

    shop.run()

    assert len(Warehouse(shop.settings.paths.data).table("marts.customers")) == 2


def test_a_file_that_does_not_land_is_an_alert_and_no_stop(after_a_run):
    (after_a_run.settings.paths.raw / "sales.csv").write_text("a,b\n1,2\n")

    after_a_run.run()

    journal = Journal(after_a_run.settings.journal_url)
    assert journal.alerts.table()["key"].tolist() == ["files-not-landed"]
    assert "sales.csv" in after_a_run.steps()["ingest"]
    journal.close()


def test_a_file_that_nobody_reads_is_an_alert_until_it_is_gone(after_a_run):
    stranger = after_a_run.settings.paths.raw / "mail.csv"
    stranger.write_text("recency,visit\n1,0\n")
    after_a_run.run()
    journal = Journal(after_a_run.settings.journal_url)
    before = journal.alerts.table()["key"].tolist()

    stranger.unlink()
    after_a_run.run()

    assert (before, journal.alerts.table()["key"].tolist()) == (["files-not-read"], [])
    journal.close()


def test_a_step_that_goes_well_closes_the_alert_of_its_job(after_a_run):
    assert after_a_run.clv("ingest", "nowhere.csv") != 0
    journal = Journal(after_a_run.settings.journal_url)
    before = journal.alerts.table()["key"].tolist()

    after_a_run.run()

    assert (before, journal.alerts.table()["key"].tolist()) == (["job:ingest"], [])
    journal.close()


def test_as_of_reads_nothing_later(new_shop):
    new_shop.run("--as-of", "2025-11-01")

    lines = new_shop.tables()["core.order_lines"]
    assert lines["order_date"].astype(str).max() < "2025-11-01"
    assert new_shop.tables()["outputs.predictions"]["as_of"].astype(str).unique().tolist() == ["2025-11-01"]


def test_a_model_that_knows_the_future_predicts_nothing(after_a_run):
    config = after_a_run.config
    config.write_text(config.read_text() + "[model.promotion]\nautomatic = false\n")

    after_a_run.run("--as-of", "2025-12-01")
    first = after_a_run.steps()
    after_a_run.run("--as-of", "2025-12-01")

    assert "has seen later days" in first["train"]
    assert "has seen later days" in first["score"]
    assert after_a_run.steps()["train"] == "not needed"


def kill_when(shop: Shop, share: float) -> str:
    """Run, and SIGKILL the process as soon as it says that it is at least so far; what it was doing."""
    process = shop.start()
    journal, pause = Journal(shop.settings.journal_url), threading.Event()
    while process.poll() is None:
        active = journal.runs.active("pipeline")
        if active and active[0].progress >= share and active[0].message:
            process.send_signal(signal.SIGKILL)
            break
        pause.wait(0.005)
    process.communicate()
    journal.close()
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    return active[0].message


# Elsewhere, and after kills, the same files give the same numbers: these two tests claim both. Each kill finds what the
# one before it left.
def test_runs_that_were_killed_are_followed_by_a_clean_one(new_shop, finished):
    readable = []

    for at in (IN_INGEST, IN_BUILD, IN_PUBLICATION, IN_TRAINING):
        kill_when(new_shop, at)
        readable.append(new_shop.is_whole())
    new_shop.run()

    assert all(readable), readable
    assert new_shop.statuses() == ["done", *["aborted"] * 4]
    assert_same(new_shop.tables(), finished.tables())


def test_runs_that_were_killed_late_do_not_train_again(after_a_run, finished):
    (after_a_run.settings.paths.outputs / "predictions.parquet").unlink()
    readable = []

    for at in (IN_SCORING, IN_LAST_BUILD):
        kill_when(after_a_run, at)
        readable.append(after_a_run.is_whole())
    after_a_run.run()

    assert all(readable), readable
    assert after_a_run.statuses() == ["done", "aborted", "aborted", "done"]
    assert after_a_run.steps()["train"] == "not needed"
    assert_same(after_a_run.tables(), finished.tables())


def test_the_registry_can_be_read_and_promoting_the_champion_changes_nothing(after_a_run, capsys):
    after_a_run.clv("models", "list")
    version = capsys.readouterr().out.splitlines()[1].split(",")[1]

    after_a_run.clv("models", "show")
    card = json.loads(capsys.readouterr().out)
    after_a_run.clv("models", "promote", version)
    said = capsys.readouterr().out

    journal = Journal(after_a_run.settings.journal_url)
    assert card["version"] == version
    assert f"{version} is the champion already" in said
    assert journal.audit.table().empty
    journal.close()


def test_a_model_that_was_tampered_with_is_not_used(after_a_run, capsys):
    (model,) = (after_a_run.settings.paths.registry / "value").glob("*/card.json")
    next(path for path in model.parent.iterdir() if path.name != "card.json").write_text("{}")
    (after_a_run.settings.paths.outputs / "predictions.parquet").unlink()

    code = after_a_run.clv("run")

    assert code == 8
    assert "is not what was stored" in " ".join(capsys.readouterr().err.split())
