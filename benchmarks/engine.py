"""A million customers from the published order lines to scored predictions: time, CPU and memory, stage by stage.

    python benchmarks/engine.py [--customers 1000000] [--folder F] [--horizon 90] [--threads 1] [--no-peer]

A synthetic shop of about 2.6 orders a customer is written, landed and built in the folder, once. Then, each in a fresh
process: our engine (features at every training cut-off, BTYD at each, trees, ranges; scoring of everybody; predictions
and reasons written), and for comparison what the usual tutorial does with pandas (five RFM facts at one cut-off, one
XGBoost on the log of revenue). Judging on past windows is not in it: `benchmarks/accuracy.py` does that.

At a million customers the exit code is 1 above 60 seconds or 6 GB. Wall time says little on a machine that does other
things as well; CPU seconds do. On one that does not, `--threads 2` lets the trees use both cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

END = date(2026, 1, 1)
ACTIVITY = 0.4
"""Of the synthetic shop: about 2.6 orders a customer in 24 months."""
MAX_SECONDS, MAX_GB = 60.0, 6.0
AT_CUSTOMERS = 1_000_000
"""The targets are for so many."""


class Stages:
    """Seconds by stage, wall and CPU; a stage ends when the next one begins."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}
        self._now = ""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def begin(self, name: str) -> None:
        """End the stage that is running, and begin *name*."""
        wall, cpu = time.perf_counter(), time.process_time()
        so_far = self.taken.setdefault(self._now, [0.0, 0.0])
        so_far[0] += wall - self._wall
        so_far[1] += cpu - self._cpu
        self._now, self._wall, self._cpu = name, wall, cpu


@dataclass(frozen=True)
class Taken:
    """What a process took, from its first instruction to its last."""

    wall: float
    cpu: float
    peak_gb: float
    said: dict[str, object]


def ours(config: Path, stages: Stages) -> dict[str, object]:
    """Fit one horizon and score everybody with it, as the jobs do."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from clv import backtest
    from clv.config import load_settings
    from jobs import models, score
    from jobs.history import History, first_purchase_day, fit
    from jobs.run import RunContext
    from warehouse.ask import Warehouse
    from warehouse.journal import Journal

    settings = load_settings(config, environ={})
    warehouse = Warehouse(settings.paths.data, settings.engine)
    handle = warehouse.current()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def tell(share: float, message: str) -> None:
            bar.update(task, completed=share, description=message)
            stages.begin(message.split()[0] if share < 1 else "")

        journal = Journal(settings.journal_url)
        ctx = RunContext("benchmark", settings, warehouse, journal, END, tell)
        horizons = settings.model.horizons_days
        began = first_purchase_day(ctx, handle.as_of)
        if began is None:
            raise SystemExit("the shop is empty")
        history = History(ctx, handle.id)
        most = settings.model.max_snapshots
        planned = backtest.plan(began, handle.as_of, horizons, max_snapshots=most, n_customers=history.n_customers)
        model = fit(ctx.part(0.0, 0.6), history, planned, horizons, part=(0.0, 1.0))
        stages.begin("registering")
        card = {"as_of": handle.as_of.isoformat(), "created_at": datetime.now(UTC).isoformat(), "seed": model.seed}
        card |= {"primary_horizon_days": settings.model.primary_horizon_days, "code_commit": "", "build_id": handle.id}
        card |= {"n_rows": model.horizons[0].n_rows, "n_features": len(model.horizons[0].names), "metrics": {}}
        registry = models.registry(settings)
        version = registry.save(model.save, {**card, "notes": []}, as_of=handle.as_of)
        if registry.champion() != version:
            registry.promote(version, by="benchmark", at=datetime.now(UTC), reason="benchmark")
        did = score.run(ctx.part(0.6, 1.0))
        stages.begin("")
        journal.close()
    return {
        **did,
        "snapshots": len(planned.snapshots),
        "learnt from": f"{history.share:.0%} of customers, {model.horizons[0].n_rows:,} rows",
    }


def naive(config: Path, stages: Stages) -> dict[str, object]:
    """Five RFM facts in pandas at one cut-off, one XGBoost on log revenue, all customers scored and written."""
    import numpy as np
    import pandas as pd
    import xgboost as xgb

    from clv.config import load_settings

    settings = load_settings(config, environ={})
    days = settings.model.primary_horizon_days
    stages.begin("reading")
    folder = (settings.paths.data / "current").resolve() / "core" / "order_lines"
    lines = pd.read_parquet(folder, columns=["customer_id", "order_date", "amount", "is_purchase"])
    lines["order_date"] = pd.to_datetime(lines["order_date"])

    def facts(at: date) -> pd.DataFrame:
        known = lines[lines["is_purchase"] & (lines["order_date"] < pd.Timestamp(at))]
        by_day = known.groupby(["customer_id", "order_date"], as_index=False)["amount"].sum()
        people = by_day.groupby("customer_id")
        dates, amounts = people["order_date"], people["amount"]
        since = {"first": pd.Timestamp(at) - dates.min(), "last": pd.Timestamp(at) - dates.max()}
        ages = {name: days.dt.days for name, days in since.items()}
        return pd.DataFrame({"n": amounts.size(), "money": amounts.sum(), "mean": amounts.mean(), **ages})

    cut_off = END - timedelta(days=days)
    stages.begin("features")
    past, now = facts(cut_off), facts(END)
    after = lines[lines["order_date"] >= pd.Timestamp(cut_off)].groupby("customer_id")["amount"].sum()
    target = after.reindex(past.index).fillna(0.0).clip(lower=0.0)
    stages.begin("trees")
    shape = {"max_depth": 4, "eta": 0.05, "tree_method": "hist", "nthread": settings.model.threads or 2}
    trees = xgb.train(shape, xgb.DMatrix(past, label=np.log1p(target)), num_boost_round=100)
    stages.begin("predicting")
    now["expected_revenue"] = np.expm1(trees.predict(xgb.DMatrix(now)))
    stages.begin("writing")
    now[["expected_revenue"]].to_parquet(config.parent / "naive.parquet")
    stages.begin("")
    return {"n_customers": len(now), "snapshots": 1}


CONTENDERS: dict[str, Callable[[Path, Stages], dict[str, object]]] = {"ours": ours, "naive": naive}


def measured(name: str, config: Path) -> Taken:
    """Run a contender in a process of its own; its progress goes to the terminal."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CLV_")}
    command = [sys.executable, str(Path(__file__).resolve()), "--child", name, "--folder", str(config.parent)]
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, env=environ)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{name} ended with {process.returncode}")
        said.seek(0)
        last = said.read().decode().strip().splitlines()[-1]
    unit = 1 if sys.platform == "darwin" else 1024
    return Taken(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 1e9, json.loads(last))


def prepare(config: Path, n_customers: int, horizon_days: int, threads: int) -> None:
    """Write, land and build the shop, and say how long each took; what is there already is taken as it is."""
    from loguru import logger

    from clv.config import load_settings
    from jobs.demo import write_demo
    from warehouse.build import build
    from warehouse.ingest import land

    logger.remove()
    text = '[paths]\ndata = "data"\n[model]\n'
    text += f"horizons_days = [{horizon_days}]\nprimary_horizon_days = {horizon_days}\nthreads = {threads}\n"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text, encoding="utf-8")
    settings = load_settings(config, environ={})
    # What an earlier run left would be compared with, and built in.
    for folder in (settings.paths.outputs, settings.paths.registry):
        shutil.rmtree(folder, ignore_errors=True)

    def write() -> None:
        if not settings.paths.raw.exists():
            write_demo(settings, n_customers=n_customers, end_date=END, activity=ACTIVITY)

    steps: dict[str, Callable[[], object]] = {
        "written": write,
        "landed": lambda: land(settings, today=END),
        "built": lambda: build(settings),
    }
    for name, do in steps.items():
        began = time.perf_counter()
        do()
        print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)


def main() -> None:
    """Make the shop, run the contenders, print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--customers", type=int, default=AT_CUSTOMERS)
    parser.add_argument("--folder", type=Path, default=None, help="where the shop is kept; default a temporary one")
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--threads", type=int, default=1, help="of the trees, as in [model]")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--child", choices=CONTENDERS, default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        stages = Stages()
        said = CONTENDERS[asked.child](asked.folder / "config.toml", stages)
        print(json.dumps({**said, "stages": stages.taken}))
        return
    with contextlib.ExitStack() as kept:
        folder = asked.folder or Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="retain-engine-")))
        config = folder.resolve() / "config.toml"
        prepare(config, asked.customers, asked.horizon, asked.threads)
        taken = {name: measured(name, config) for name in CONTENDERS if name == "ours" or not asked.no_peer}
    report(taken)
    mine = taken["ours"]
    n = int(str(mine.said["n_customers"]))
    if n >= AT_CUSTOMERS and (mine.wall > MAX_SECONDS or mine.peak_gb > MAX_GB):
        raise SystemExit(f"missed: {mine.wall:.0f} s and {mine.peak_gb:.1f} GB; {MAX_SECONDS:.0f} s and {MAX_GB:g} GB")


def report(taken: Mapping[str, Taken]) -> None:
    """Print what each contender took, by stage and as a whole."""
    for name, one in taken.items():
        print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in one.said.items() if key != "stages"))
        stages: dict[str, tuple[float, float]] = one.said["stages"]  # type: ignore[assignment]
        known = [sum(times) for times in zip(*stages.values(), strict=True)]
        rows = {**stages, "start": (one.wall - known[0], one.cpu - known[1])}
        for stage, (wall, cpu) in rows.items():
            if wall > 0.05:
                print(f"  {stage or 'import':14s} {wall:7.1f} s wall {cpu:7.1f} CPU-s")
        print(f"  {'whole':14s} {one.wall:7.1f} s wall {one.cpu:7.1f} CPU-s {one.peak_gb:5.2f} GB")
    if len(taken) > 1:
        mine, peer = taken["ours"], taken["naive"]
        print(f"\nours / naive: wall {mine.wall / peer.wall:.1f}, CPU {mine.cpu / peer.cpu:.1f}", end="")
        print(f", memory {mine.peak_gb / peer.peak_gb:.1f}")


if __name__ == "__main__":
    main()
