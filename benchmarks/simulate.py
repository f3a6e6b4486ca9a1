"""How long the synthetic shop takes, and how much memory: `python benchmarks/simulate.py [customers] [activity]`.

Activity 5 gives about twenty orders per customer in 24 months. Files go to a temporary folder that is deleted.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from loguru import logger

from clv.config import Paths, Settings
from jobs.demo import write_demo


def main(n_customers: int, activity: float) -> None:
    """Write one shop and print its size, the time and the peak memory."""
    logger.remove()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(paths=Paths(data=Path(folder)))
        wall, cpu = time.perf_counter(), time.process_time()
        info = write_demo(settings, n_customers=n_customers, end_date=date(2026, 1, 1), activity=activity)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        n_bytes = sum(path.stat().st_size for path in info.files.values())
        n_bytes += sum(path.stat().st_size for path in info.truth.iterdir())
        alive = sum(pq.read_table(info.truth / "truth.parquet", columns=["is_alive"])["is_alive"].to_pylist())
        n_orders = _n_orders(info.files["customers"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"customers {n_customers:,} (alive {alive:,})  orders {n_orders:,}  lines {info.n_rows['transactions']:,}")
    print(f"{n_bytes / 1e9:.2f} GB in {wall:.1f} s wall, {cpu:.1f} CPU-s, peak {peak:.2f} GB")


def _n_orders(status: Path) -> int:
    with status.open(encoding="utf-8") as stream:
        column = next(stream).rstrip("\n").split(",").index("total_orders")
        return sum(int(line.split(",")[column]) for line in stream)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        float(sys.argv[2]) if len(sys.argv) > 2 else 1.0,
    )
