"""What takes long to make and comes out the same for every test is made once a run, by the worker that needs it first.

What workers share lies in one folder of the run and is only read; who wants to change it takes a copy.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from clv.config import Business, Engine, Paths, Settings
from dashboard import vendor
from jobs.pdf import fonts
from warehouse import outputs, sqlfiles
from warehouse.build import build
from warehouse.ingest import land

MadeOnce = Callable[[str, Callable[[Path], object]], Path]

CACHED = {
    "SQL files": lambda cache: sqlfiles.read_tree(cache=cache / "sqlfiles.json"),
    "web font": vendor.inter_woff2,
    "paper fonts": fonts.inter,
}
"""What every shop makes for itself on first use: seconds each, and all alike."""

TINY = Path(__file__).parent / "data" / "tiny"
AS_OF = date(2024, 4, 11)
FILES = {
    "transactions": "customers_transactions.csv",
    "customers": "customer_status.csv",
    "campaigns": "campaigns.csv",
}
"""The twelve customers: what their files are called once they lie in a shop's raw folder."""


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MadeOnce:
    """Gives the folder of a name, filled by the function that is given with it: all workers get the same one."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "made_once"
    shared.mkdir(exist_ok=True)

    def made_once(name: str, make: Callable[[Path], object]) -> Path:
        folder, aside = shared / name, shared / f"{name}.part"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                shutil.rmtree(aside, ignore_errors=True)
                aside.mkdir()
                make(aside)
                aside.rename(folder)
        return folder

    return made_once


@pytest.fixture(scope="session")
def new_data(made_once: MadeOnce) -> Callable[..., Path]:
    """Makes a data folder that has nothing but its cache: the facts of the SQL files, and more of `CACHED` by name."""

    def new_data(data: Path, *more: str) -> Path:
        for name in ("SQL files", *more):
            shutil.copytree(made_once(name, CACHED[name]), data / "cache", dirs_exist_ok=True)
        return data

    return new_data


def settings_at(data: Path) -> Settings:
    """A shop in London with two buckets."""
    return Settings(
        paths=Paths(data=data),
        root=data,
        business=Business(name="Tiny & Sons", currency="GBP", locale="en_GB", timezone="Europe/London"),
        engine=Engine(buckets=2, memory_limit="1GB", threads=2),
    )


@pytest.fixture(scope="session")
def new_shop(new_data: Callable[..., Path]) -> Callable[[Path], Settings]:
    """Makes such a shop of which there is nothing yet."""
    return lambda data: settings_at(new_data(data, "web font"))


@pytest.fixture(scope="session")
def tiny_shop(made_once: MadeOnce, new_shop: Callable[[Path], Settings]) -> Callable[[Path], Settings]:
    """Makes a shop of the twelve, published as of 11 April 2024, with predictions for four of them."""
    made = made_once("tiny shop", lambda folder: _publish_tiny(new_shop(folder / "data")))

    def tiny_shop(data: Path) -> Settings:
        shutil.copytree(made / "data", data, symlinks=True)
        return settings_at(data)

    return tiny_shop


def _publish_tiny(settings: Settings) -> None:
    settings.paths.raw.mkdir(parents=True)
    for source, name in FILES.items():
        shutil.copy(TINY / f"{source}.csv", settings.paths.raw / name)
    land(settings, today=AS_OF)
    predictions = pd.read_csv(TINY / "predictions.csv", dtype={"customer_id": str}, parse_dates=["as_of"])
    predictions["as_of"] = predictions["as_of"].dt.date
    frame = outputs.empty("predictions").reindex(range(len(predictions)))
    for column in predictions:
        frame[column] = predictions[column]
    outputs.write(settings.paths.outputs, "predictions", frame)
    build(settings, as_of=AS_OF)
