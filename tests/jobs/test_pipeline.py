"""The pipeline on a small synthetic shop, in real processes, killed at several points."""

import json
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
SAME = ["core.order_lines", "core.orders", "features.customer_features", "marts.customers", "marts.cohort_retention"]

pytestmark = pytest.mark.slow


class Shop:
    """One data folder with its settings."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG)
        self.settings = load_settings(self.config, environ={})

    def start(self, *words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "jobs.cli", *(words or ("run",)), "--config", str(self.config)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str) -> str:
        process = self.start(*words)
        said, error = process.communicate()
        assert process.returncode == 0, error
        return said

    def steps(self) -> dict[str, str]:
        """What each step of the last run said."""
        journal = Journal(self.settings.journal_url)
        steps = journal.last("pipeline").detail["steps"]
        journal.close()
        return {step["step"]: step["said"] for step in steps}

    def statuses(self) -> list[str]:
        """How the runs ended, the latest first."""
        journal = Journal(self.settings.journal_url)
        statuses = journal.runs()["status"].tolist()
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


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """The shop's files, made once."""
    shop = Shop(tmp_path_factory.mktemp("raw"))
    write_demo(shop.settings, n_customers=200, n_months=9, end_date=END)
    return shop.settings.paths.raw


@pytest.fixture
def new_shop(tmp_path, raw):
    def new_shop(name: str = "shop") -> Shop:
        shop = Shop(tmp_path / name)
        shutil.copytree(raw, shop.settings.paths.raw)
        return shop

    return new_shop


@pytest.fixture(scope="module")
def finished(tmp_path_factory, raw):
    """A shop after one undisturbed run; not to be changed."""
    shop = Shop(tmp_path_factory.mktemp("finished"))
    shutil.copytree(raw, shop.settings.paths.raw)
    shop.run()
    return shop


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


def test_a_second_run_changes_nothing(after_a_run):
    before = (after_a_run.build_id(), (after_a_run.settings.paths.outputs / "predictions.parquet").read_bytes())

    after_a_run.run()

    assert (after_a_run.build_id(), (after_a_run.settings.paths.outputs / "predictions.parquet").read_bytes()) == before
    assert list(after_a_run.steps()) == ["ingest", "build", "train", "score", "personas", "report"]
    assert after_a_run.steps()["report"] == "as it was"


def test_predictions_that_were_lost_are_made_again(after_a_run, finished):
    (after_a_run.settings.paths.outputs / "predictions.parquet").unlink()

    after_a_run.run()

    assert after_a_run.steps()["train"] == "not needed"
    assert_same(after_a_run.tables(), finished.tables())


def test_new_orders_are_scored_without_a_new_training(after_a_run):
    more = after_a_run.settings.paths.raw / "more_transactions.csv"
    more.write_text("customer_id,order_id,order_date,amount\nC0000001,late-1,2026-01-02 10:00:00,50\n")
    before = after_a_run.build_id()

    after_a_run.run()

    assert after_a_run.build_id() != before
    assert after_a_run.steps()["train"] == "not needed"
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


def test_a_young_shop_is_published_without_a_model(tmp_path):
    shop = Shop(tmp_path / "young")
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
    assert journal.alerts()["key"].tolist() == ["files-not-landed"]
    assert "sales.csv" in after_a_run.steps()["ingest"]
    journal.close()


def test_as_of_reads_nothing_later(new_shop):
    shop = new_shop()

    shop.run("run", "--as-of", "2025-11-01")

    lines = shop.tables()["core.order_lines"]
    assert lines["order_date"].astype(str).max() < "2025-11-01"
    assert shop.tables()["outputs.predictions"]["as_of"].astype(str).unique().tolist() == ["2025-11-01"]


def test_a_model_that_knows_the_future_predicts_nothing(after_a_run):
    config = after_a_run.config
    config.write_text(config.read_text() + "[model.promotion]\nautomatic = false\n")

    after_a_run.run("run", "--as-of", "2025-12-01")
    first = after_a_run.steps()
    after_a_run.run("run", "--as-of", "2025-12-01")

    assert "has seen later days" in first["train"]
    assert "has seen later days" in first["score"]
    assert after_a_run.steps()["train"] == "not needed"


def kill_when(shop: Shop, share: float) -> str:
    """Run, and SIGKILL the process as soon as it says that it is at least so far; what it was doing."""
    process = shop.start()
    journal, pause = Journal(shop.settings.journal_url), threading.Event()
    while process.poll() is None:
        active = journal.active("pipeline")
        if active and active[0].progress >= share and active[0].message:
            process.send_signal(signal.SIGKILL)
            break
        pause.wait(0.005)
    process.communicate()
    journal.close()
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    return active[0].message


# Elsewhere, and after a kill, the same files give the same numbers: these two tests claim both.
@pytest.mark.parametrize("share", [0.01, 0.16, 0.34, 0.5], ids=["ingest", "build", "publication", "training"])
def test_a_run_that_was_killed_is_followed_by_a_clean_one(new_shop, finished, share):
    shop = new_shop()

    kill_when(shop, share)
    readable = shop.is_whole()
    shop.run()

    assert readable
    assert shop.statuses() == ["done", "aborted"]
    assert_same(shop.tables(), finished.tables())


@pytest.mark.parametrize("share", [0.81, 0.93], ids=["scoring", "last build"])
def test_a_run_that_was_killed_late_does_not_train_again(after_a_run, finished, share):
    (after_a_run.settings.paths.outputs / "predictions.parquet").unlink()

    kill_when(after_a_run, share)
    readable = after_a_run.is_whole()
    after_a_run.run()

    assert readable
    assert after_a_run.statuses() == ["done", "aborted", "done"]
    assert after_a_run.steps()["train"] == "not needed"
    assert_same(after_a_run.tables(), finished.tables())


def test_the_registry_can_be_read_and_promoting_the_champion_changes_nothing(after_a_run):
    listed = after_a_run.run("models", "list").splitlines()
    version = listed[1].split(",")[1]

    card = json.loads(after_a_run.run("models", "show"))
    said = after_a_run.run("models", "promote", version)

    journal = Journal(after_a_run.settings.journal_url)
    assert card["version"] == version
    assert f"{version} is the champion already" in said
    assert journal.audit().empty
    journal.close()


def test_a_model_that_was_tampered_with_is_not_used(after_a_run):
    (model,) = (after_a_run.settings.paths.registry / "value").glob("*/card.json")
    next(path for path in model.parent.iterdir() if path.name != "card.json").write_text("{}")
    (after_a_run.settings.paths.outputs / "predictions.parquet").unlink()

    process = after_a_run.start()
    _, said = process.communicate()

    assert process.returncode == 8
    assert "is not what was stored" in said
