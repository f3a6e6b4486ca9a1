"""`clv demo`: the synthetic shop as the four files that a shop would export, and its hidden truth.

The files go to the raw folder, the truth to `truth/` beside it, which no part of the product reads. A manifest says
which files this job wrote: it replaces or removes those and refuses to touch any other.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from loguru import logger

from clv.config import Settings
from clv.errors import SettingsError, SourceError
from clv.simulate import HORIZONS_DAYS, Plan, shop_plan, simulate_block
from clv.simulate_customers import ACTION_COSTS, ACTIONS, EFFECT_DAYS
from clv.simulate_dirt import dirty_lines
from clv.simulate_truth import EFFECT_HORIZON_DAYS
from warehouse import publish, unland
from warehouse.dialect import sha256_of
from warehouse.landing import Landed, landed_files

FILES = {
    "transactions": "customers_transactions.csv",
    "customers": "customer_status.csv",
    "cart_events": "cart_events.csv",
    "campaigns": "campaigns.csv",
}
MANIFEST = ".clv-demo.json"
DIRTY_SHARE = 0.01
"""Share of order lines that `--dirty` spoils."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class DemoInfo:
    """What was written."""

    files: dict[str, Path]
    truth: Path
    n_rows: dict[str, int]
    """Rows per source, dirty ones included."""
    n_dirty: dict[str, int]
    """Dirty rows of the order file by kind."""


@dataclass(frozen=True)
class _Block:
    """One block of customers, ready to be appended."""

    text: dict[str, bytes]
    n_rows: dict[str, int]
    n_dirty: Counter[str]
    truth: pa.Table


def write_demo(
    settings: Settings,
    *,
    n_customers: int = 10_000,
    n_months: int = 24,
    seed: int = 7,
    end_date: date,
    dirty: bool | float = 0.0,
    activity: float = 1.0,
    progress: Progress | None = None,
) -> DemoInfo:
    """Write the synthetic shop into the raw folder and its truth beside it; all files or none.

    Args:
        settings: where the data folder is.
        n_customers: customers with at least one purchase.
        n_months: length of the history.
        seed: the same arguments give the same bytes.
        end_date: the first day that is not in the log.
        dirty: share of order lines to spoil; True for DIRTY_SHARE.
        activity: factor on every purchase rate.
        progress: called with the share done and a few words.

    Raises:
        SettingsError: a number is out of range.
        SourceError: a file is in the way that this job did not write.
    """
    share = DIRTY_SHARE if dirty is True else float(dirty)
    if not 0 <= share <= 1:
        raise SettingsError(f"the share of dirty rows is {share}; give a number from 0 to 1")
    try:
        plan = shop_plan(n_customers, n_months, seed, end_date, activity=activity)
    except ValueError as error:
        raise SettingsError(f"the synthetic shop cannot be made: {error}") from error
    raw, truth = settings.paths.raw, settings.paths.data / "truth"
    replaced = _own_files(raw)

    aside = raw / f".clv-demo-{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        n_rows, n_dirty, hashes = _write_aside(aside, plan, share, progress)
        _write_truth_card(aside / "truth.json", aside / "truth.parquet", plan, share, n_rows, n_dirty)
        truth.mkdir(parents=True, exist_ok=True)
        # Between the first and the last rename either version of a file is ours, should the machine stop there.
        _write_manifest(raw, {name: [*replaced.get(name, []), hashes[name]] for name in hashes})
        for name in hashes:
            (aside / name).replace(raw / name)
        for name in ("truth.parquet", "truth.json"):
            (aside / name).replace(truth / name)
        _write_manifest(raw, {name: [value] for name, value in hashes.items()})
        # The shop before this one would be counted beside it: what is landed stays landed when its file is gone.
        unland.unland(settings, _landed_with(settings, _hashes(replaced) - set(hashes.values())))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    logger.bind(customers=n_customers, months=n_months, seed=seed, rows=n_rows).info("wrote the synthetic shop")
    files = {source: raw / name for source, name in FILES.items()}
    return DemoInfo(files, truth, n_rows, {kind: n_dirty[kind] for kind in sorted(n_dirty)})


def remove_demo(settings: Settings) -> list[str]:
    """Take the synthetic shop out, with all that was made of it; what was removed, in words.

    Own files stay, landed or not, and so do the journal and the segment rules. Builds, models, predictions and reports
    go: they hold the synthetic customers, and are made again from what is left.

    Raises:
        SourceError: there is no demo, or a file of it was changed since.
    """
    raw, paths = settings.paths.raw, settings.paths
    if not (raw / MANIFEST).is_file():
        raise SourceError(f"no synthetic shop was written into {raw} by `clv demo`; nothing was removed")
    hashes = _hashes(_own_files(raw))
    with publish.builder_lock(paths.data):
        publish.withdraw(paths.data)
        for folder in (paths.registry, paths.outputs, paths.reports, paths.cache / "pages"):
            shutil.rmtree(folder, ignore_errors=True)
        landed = _landed_with(settings, hashes)
        unland.unland(settings, landed)
        files = [name for name in FILES.values() if (raw / name).is_file()]
        for name in files:
            (raw / name).unlink()
        shutil.rmtree(paths.data / "truth", ignore_errors=True)
        # Last: a removal that was interrupted is done again.
        (raw / MANIFEST).unlink()
    logger.bind(files=files, landed=len(landed)).info("removed the synthetic shop")
    return [*files, "the builds, models, predictions and reports made of them"]


def stands_beside_own_files(settings: Settings) -> bool:
    """Whether orders of the synthetic shop and orders of somebody's own are counted as one shop."""
    try:
        hashes = _hashes(_own_files(settings.paths.raw))
    except SourceError:
        return False
    orders = [one for one in landed_files(settings.paths.landing) if one.source == "transactions"]
    of_demo = [one for one in orders if one.account.get("content_sha256") in hashes]
    return 0 < len(of_demo) < len(orders)


def _landed_with(settings: Settings, hashes: Collection[str]) -> list[Landed]:
    """Landed files by the checksum of their bytes."""
    return [one for one in landed_files(settings.paths.landing) if one.account.get("content_sha256") in hashes]


def _own_files(raw: Path) -> dict[str, list[str]]:
    """Checksums of the files that an earlier run wrote; any other file in the way is an error."""
    manifest = raw / MANIFEST
    known: dict[str, list[str]] = {}
    if manifest.is_file():
        try:
            known = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{manifest} cannot be read; delete it and the demo's files, then try again") from error
    for name in FILES.values():
        path = raw / name
        if path.exists() and sha256_of(path) not in known.get(name, []):
            raise SourceError(f"{path} was not written by the demo, or was changed since; move it away, then try again")
    return known


def _hashes(files: dict[str, list[str]]) -> set[str]:
    return {one for values in files.values() for one in values}


def _write_manifest(raw: Path, files: dict[str, list[str]]) -> None:
    aside = raw / f"{MANIFEST}.part"
    aside.write_text(json.dumps({"written_by": "clv demo", "files": files}, indent=2) + "\n", encoding="utf-8")
    aside.replace(raw / MANIFEST)


def _write_aside(
    folder: Path, plan: Plan, dirty_share: float, progress: Progress | None
) -> tuple[dict[str, int], Counter[str], dict[str, str]]:
    """All files of the shop in *folder*; rows per source, dirty rows per kind, checksum per file."""
    n_rows: Counter[str] = Counter()
    n_dirty: Counter[str] = Counter()
    digests = {source: hashlib.sha256() for source in FILES}
    streams = {source: (folder / name).open("wb") for source, name in FILES.items()}
    writer: pa.parquet.ParquetWriter | None = None
    try:
        for index, block in enumerate(_blocks(plan, dirty_share)):
            for source, text in block.text.items():
                streams[source].write(text)
                digests[source].update(text)
            writer = writer or pa.parquet.ParquetWriter(folder / "truth.parquet", block.truth.schema)
            writer.write_table(block.truth)
            n_rows.update(block.n_rows)
            n_dirty.update(block.n_dirty)
            if progress:
                progress((index + 1) / plan.n_blocks, f"{n_rows['customers']:,} customers")
    finally:
        for stream in streams.values():
            stream.close()
        if writer:
            writer.close()
    return dict(n_rows), n_dirty, {FILES[source]: digest.hexdigest() for source, digest in digests.items()}


def _blocks(plan: Plan, dirty_share: float) -> Iterator[_Block]:
    """The blocks in order, some made ahead; never more of them in memory than are being made."""
    workers = min(4, os.cpu_count() or 1)
    waiting: deque[Future[_Block]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="demo") as pool:
        for index in range(plan.n_blocks):
            waiting.append(pool.submit(_block, plan, index, dirty_share))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _block(plan: Plan, index: int, dirty_share: float) -> _Block:
    shop = simulate_block(plan, index)
    text: dict[str, bytes] = {}
    n_rows: dict[str, int] = {}
    n_dirty: Counter[str] = Counter()
    for source in FILES:
        table: pa.Table = getattr(shop, source)
        body = _csv(table)
        n_rows[source] = table.num_rows
        if source == "transactions" and dirty_share > 0:
            rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(index, 1_000)))
            lines, n_dirty = dirty_lines(rng, body.split(b"\n")[:-1], dirty_share, table.column_names)
            n_rows[source] = len(lines)
            body = b"\n".join(lines) + b"\n"
        header = ",".join(table.column_names).encode() + b"\n" if index == 0 else b""
        text[source] = header + body
    return _Block(text, n_rows, n_dirty, shop.truth)


def _csv(table: pa.Table) -> bytes:
    """Rows without a header; no cell of the shop needs quotes, so none has them."""
    sink = io.BytesIO()
    pa.csv.write_csv(table, sink, pa.csv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue()


def _write_truth_card(
    path: Path, truth: Path, plan: Plan, dirty_share: float, n_rows: dict[str, int], n_dirty: Counter[str]
) -> None:
    """Totals and settings of the shop, for people and for tests."""
    table = pa.parquet.read_table(truth)
    totals = {
        name: round(float(pc.sum(table[name]).as_py()), 4)
        for name in table.column_names
        if name.startswith(("expected_", "realised_", "effect_"))
    }
    card: dict[str, Any] = {
        "n_customers": plan.n_customers,
        "opening_date": plan.clock.opening.isoformat(),
        "n_days": plan.clock.n_days,
        "as_of": date.fromordinal(plan.clock.opening.toordinal() + plan.clock.n_days).isoformat(),
        "seed": plan.seed,
        "activity": plan.activity,
        "horizons_days": HORIZONS_DAYS,
        "effect_days": EFFECT_DAYS,
        "effect_horizon_days": EFFECT_HORIZON_DAYS,
        "action_costs": dict(zip(ACTIONS, ACTION_COSTS, strict=True)),
        "n_alive": int(pc.sum(table["is_alive"]).as_py()),
        "n_sleeping_dogs": int(pc.sum(table["is_sleeping_dog"]).as_py()),
        "n_rows": n_rows,
        "dirty_share": dirty_share,
        "n_dirty": {kind: n_dirty[kind] for kind in sorted(n_dirty)},
        "totals": totals,
    }
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
