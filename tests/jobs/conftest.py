"""A small synthetic shop that has been landed, built, trained and scored, once; and small shops made by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clv.config import Engine, Model, Paths, Promotion, Settings
from jobs.catalog import job_named
from jobs.cli import main
from jobs.demo import write_demo
from jobs.run import execute
from warehouse import outputs
from warehouse.build import build

END = date(2026, 1, 1)
CHALLENGER_AS_OF = date(2025, 11, 1)
MODEL = Model(horizons_days=(30, 90), primary_horizon_days=90, max_snapshots=2, threads=1)
BY_HAND = MODEL.model_copy(update={"promotion": Promotion(automatic=False)})
ENGINE = Engine(buckets=2, memory_limit="1GB", threads=1)


@pytest.fixture(autouse=True, scope="session")
def _no_browser():
    """Reports have tables in place of charts, also in the processes that tests start: a browser takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", "")
        yield


class ModelledShop:
    """One data folder and the jobs that work on it, in this process."""

    def __init__(self, data: Path, model: Model = MODEL) -> None:
        self.settings = Settings(paths=Paths(data=data), model=model, engine=ENGINE, root=data.parent)

    def copy(self, data: Path) -> ModelledShop:
        """The same shop in a folder of its own, which may be changed."""
        shutil.copytree(self.settings.paths.data, data, symlinks=True)
        return ModelledShop(data, self.settings.model)

    def run(self, *jobs: str, as_of: date | None = None) -> Mapping[str, Any]:
        """What the last of *jobs* said that it did."""
        did: Mapping[str, Any] = {}
        for job in jobs:
            did = execute(job_named(job), self.settings, by="a test", as_of=as_of)
        return did

    def output(self, name: str) -> pd.DataFrame:
        return outputs.read(self.settings.paths.outputs, name)


@pytest.fixture(scope="session")
def trained_shop(made_once, new_data) -> ModelledShop:
    """Not to be changed."""

    def make(folder: Path) -> None:
        shop = ModelledShop(new_data(folder / "data", "paper fonts"))
        write_demo(shop.settings, n_customers=400, n_months=14, end_date=END)
        shop.run("ingest", "build", "train", "score")

    return ModelledShop(made_once("trained shop", make) / "data")


@pytest.fixture(scope="session")
def two_versions(made_once, trained_shop) -> ModelledShop:
    """The trained shop with a challenger that knows two months less and waits to be promoted. Not to be changed."""

    def make(folder: Path) -> None:
        shutil.copytree(trained_shop.settings.paths.data, folder / "data", symlinks=True)
        ModelledShop(folder / "data", BY_HAND).run("train", as_of=CHALLENGER_AS_OF)

    return ModelledShop(made_once("two versions", make) / "data", BY_HAND)


@pytest.fixture
def shop_copy(trained_shop, tmp_path) -> ModelledShop:
    """The trained shop, to be changed."""
    return trained_shop.copy(tmp_path / "data")


@pytest.fixture
def shop_of(new_data, tmp_path) -> Callable[[str], ModelledShop]:
    """Land and build a shop whose orders are the given lines: `customer,order,date,amount`."""

    def shop_of(lines: str) -> ModelledShop:
        shop = ModelledShop(new_data(tmp_path / "data", "paper fonts"))
        raw = shop.settings.paths.raw
        raw.mkdir(parents=True)
        text = "customer_id,order_id,order_date,amount\n" + "\n".join(lines.split()) + "\n"
        (raw / "customers_transactions.csv").write_text(text)
        shop.run("ingest")
        build(shop.settings)  # the job refuses a log without a single order
        return shop

    return shop_of


@pytest.fixture
def command(monkeypatch, capsys):
    """Gives the `clv` of a settings file: run with some words it gives exit code, output and errors."""
    monkeypatch.delenv("CLV_CONFIG", raising=False)

    def command(config):
        def clv(*words):
            with pytest.raises(SystemExit) as stop:
                main([*words, "--config", str(config)])
            said = capsys.readouterr()
            return stop.value.code, said.out, said.err

        return clv

    return command
