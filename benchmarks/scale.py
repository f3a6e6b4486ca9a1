"""A million customers and ten million orders through the product: time and memory of each step, and of each page.

`python benchmarks/scale.py [--customers N] [--activity A] [--folder F] [--keep]` writes a synthetic shop and runs the
real commands on it, one process a step; then asks the queries of each page in process.
Activity 2.2 gives about ten orders per customer. Nothing is compared: a peer that does all of this does not exist.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from clv.config import Settings, load_settings
from clv.errors import RequestError
from jobs.demo import write_demo
from warehouse.ask import Warehouse

END = date(2026, 1, 1)
STEPS = (("ingest",), ("build",), ("train",), ("score",), ("build",))


@dataclass
class Taken:
    """What a command took, its children included."""

    wall: float
    cpu: float
    peak_gb: float


def measured(command: list[str]) -> Taken:
    """Run *command*; memory is the largest sum over its process tree, looked at five times a second."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak, cpu = 0.0, 0.0
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            everybody = [tree, *tree.children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in everybody) / 1e9)
            cpu = max(cpu, sum(sum(one.cpu_times()[:4]) for one in everybody))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(
            f"{' '.join(command)} ended with {process.returncode}: {process.stderr and process.stderr.read()}"
        )
    return Taken(time.perf_counter() - began, cpu, peak)


@contextmanager
def shop_folder(folder: Path | None, *, keep: bool) -> Iterator[Path]:
    """Where the shop is; a temporary one is deleted."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="retain-scale-"))
    try:
        yield made
    finally:
        if not keep:
            shutil.rmtree(made, ignore_errors=True)


def page_times(settings: Settings, *, n_times: int = 3) -> dict[str, float]:
    """Median seconds of each page query that needs no choice of the reader but a period; each time by a new door."""
    taken: dict[str, list[float]] = {}
    for _ in range(n_times):
        warehouse = Warehouse(settings.paths.data, settings.engine)
        as_of = warehouse.current().as_of
        period = {"from_date": as_of - timedelta(days=90), "to_date": as_of}
        for name in warehouse.query_names():
            sql = warehouse.sql_text(name)
            params = {key: value for key, value in period.items() if f"${key}" in sql}
            began = time.perf_counter()
            try:
                warehouse.arrow(name, **params)
            except RequestError:
                continue
            taken.setdefault(name, []).append(time.perf_counter() - began)
        warehouse.close()
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def main() -> None:
    """Write the shop, run the commands, ask the pages, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--activity", type=float, default=2.2)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    console = Console()
    with shop_folder(asked.folder, keep=asked.keep) as folder:
        config = folder / "config.toml"
        config.write_text('[paths]\ndata = "data"\n', encoding="utf-8")
        settings = load_settings(config, environ={})
        if not settings.paths.raw.exists():
            began = time.perf_counter()
            write_demo(settings, n_customers=asked.customers, end_date=END, activity=asked.activity)
            console.print(f"synthetic shop: {time.perf_counter() - began:.0f} s")
        n_bytes = sum(path.stat().st_size for path in settings.paths.raw.iterdir())
        table = Table(
            "step", "wall s", "CPU s", "peak GB", title=f"{asked.customers:,} customers, {n_bytes / 1e9:.2f} GB of CSV"
        )
        command = str(Path(sys.executable).parent / "clv")
        os.environ.pop("CLV_CONFIG", None)
        for step in STEPS:
            taken = measured([command, *step, "--config", str(config)])
            table.add_row(" ".join(step), f"{taken.wall:.1f}", f"{taken.cpu:.1f}", f"{taken.peak_gb:.2f}")
            console.print(f"{' '.join(step)}: {taken.wall:.1f} s wall, {taken.cpu:.1f} CPU-s, {taken.peak_gb:.2f} GB")
        console.print(table)
        warehouse = Warehouse(settings.paths.data, settings.engine)
        lines = warehouse.select(
            "select count(*) as n, count(distinct order_id) as orders from core.order_lines"
        ).to_pylist()
        console.print(f"{lines[0]['n']:,} lines, {lines[0]['orders']:,} orders")
        pages = Table("query", "median ms", title="queries of the pages")
        for name, seconds in sorted(page_times(settings).items(), key=lambda pair: -pair[1]):
            pages.add_row(name, f"{seconds * 1e3:.0f}")
        console.print(pages)


if __name__ == "__main__":
    main()
