"""Is everything ready? Each check says what it found and, when it is not well, what to do about it.

`clv doctor` prints them, the System health page shows them; neither knows more than what stands here.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import psutil
import pyarrow.parquet as pq
from packaging.requirements import Requirement

from clv.config import Settings
from clv.errors import ClvError, DiskFullError
from clv.registry import Registry
from warehouse import outputs, publish, reports, sqlfiles
from warehouse.engines.duckdb import size_bytes
from warehouse.journal import Journal
from warehouse.landing import landed_files

PACKAGE = "retain-clv"
LEAST_FREE_BYTES = 2 * 10**9
ALIVE_SECONDS = 30.0
"""A heartbeat older than this means that the process hangs or is gone."""
MANY_QUARANTINED_SHARE = 0.1
OLD_DATA = timedelta(days=45)


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    state: Literal["ok", "warning", "failed"]
    """failed: something does not work; warning: it works, and somebody should look."""
    found: str
    remedy: str
    """What to do when the state is not ok."""


def examine(settings: Settings, today: date) -> list[Finding]:
    """Every check, in the order in which one would mend things; *today* is the day it is in the shop."""
    findings = [finding for check in _CHECKS for finding in _guarded(check, settings, today)]
    try:
        journal = Journal(settings.journal_url)
    except DiskFullError as error:
        return [*findings, Finding("journal", "failed", str(error), "Free some disk")]
    except ClvError as error:
        return [*findings, Finding("journal", "failed", str(error), "Correct [jobs] journal_url, or start the server")]
    try:
        return [*findings, *_journal(journal)]
    finally:
        journal.close()


def _guarded(
    check: Callable[[Settings, date], Iterator[Finding]], settings: Settings, today: date
) -> Iterator[Finding]:
    """One check that cannot finish is a finding; the others still run."""
    try:
        yield from check(settings, today)
    except (ClvError, OSError) as error:
        name = check.__name__.strip("_").replace("_", " ")
        yield Finding(name, "failed", str(error), "Mend what the message names")


def _packages(_settings: Settings, _today: date) -> Iterator[Finding]:
    wrong = []
    try:
        wanted = [Requirement(text) for text in importlib.metadata.requires(PACKAGE) or ()]
    except importlib.metadata.PackageNotFoundError:
        yield Finding(
            "packages",
            "warning",
            f"{PACKAGE} is not installed as a package",
            "pip install -e . in the project's folder",
        )
        return
    for one in wanted:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(one.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            continue
        if not one.specifier.contains(version, prereleases=True):
            wrong.append(f"{one.name} {version} is not {one.specifier}")
    found = "; ".join(wrong) if wrong else f"{len(wanted)} requirements are met"
    yield Finding("packages", "failed" if wrong else "ok", found, "make setup, or pip install with constraints.txt")


def _data_folder(settings: Settings, _today: date) -> Iterator[Finding]:
    data = settings.paths.data
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data, prefix=".doctor-") as name:
        folder = Path(name)
        with (folder / "lock").open("w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (folder / "link").symlink_to("lock")
        (folder / "link").replace(folder / "current")
    yield Finding("data folder", "ok", f"{data} can be written, locked and linked in", "")
    free = shutil.disk_usage(data).free
    wanted = max(LEAST_FREE_BYTES, size_bytes(settings.engine.temp_limit))
    state: Literal["ok", "warning", "failed"] = (
        "failed" if free < LEAST_FREE_BYTES else "warning" if free < wanted else "ok"
    )
    remedy = "Free some disk, keep fewer builds ([jobs] keep_builds), or lower [engine] temp_limit"
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free", remedy)
    total, limit = psutil.virtual_memory().total, size_bytes(settings.engine.memory_limit)
    yield Finding(
        "memory",
        "warning" if limit > 0.8 * total else "ok",
        f"{total / 1e9:.1f} GB, of which SQL may take {limit / 1e9:.1f} GB",
        "Lower [engine] memory_limit",
    )


def _sql_files(settings: Settings, _today: date) -> Iterator[Finding]:
    # What a build has read out of the files is known; without one nothing is written, as the folder may not let us.
    known = settings.paths.cache / "sqlfiles.json"
    files = sqlfiles.read_tree(cache=known if known.is_file() else None)
    wrong = [said for file in files.values() for said in sqlfiles.lint(file)]
    found = "; ".join(wrong[:3]) if wrong else f"{len(files)} files keep the rules"
    yield Finding(
        "SQL files",
        "failed" if wrong else "ok",
        found,
        "Correct the files named; the rules are in docs/architecture.md",
    )


def _landing(settings: Settings, today: date) -> Iterator[Finding]:
    landed = [one for one in landed_files(settings.paths.landing) if one.source == "transactions"]
    if not landed:
        remedy = "clv ingest, after putting files into data/raw or naming them in [sources]; clv demo writes some"
        yield Finding("landed data", "failed", "no file of transactions has been landed", remedy)
        return
    n_good = sum(int(one.account["n_accepted"]) for one in landed)
    n_bad = sum(int(one.account["n_quarantined"]) for one in landed)
    share = n_bad / max(n_good + n_bad, 1)
    yield Finding(
        "landed data",
        "warning" if share > MANY_QUARANTINED_SHARE else "ok",
        f"{n_good:,} rows of {len(landed)} {'file' if len(landed) == 1 else 'files'} loaded, "
        f"{n_bad:,} quarantined ({share:.1%})",
        "Look at the reasons on the Data quality page; most often a column or date format is mapped wrongly",
    )
    last = max((str(one.account["last_ts"])[:10] for one in landed if one.account.get("last_ts")), default="")
    if last:
        is_old = today - date.fromisoformat(last) > OLD_DATA
        remedy = "Land the newest export; or keep --as-of if an old log is what you want to look at"
        yield Finding("freshness", "warning" if is_old else "ok", f"the last transaction is of {last}", remedy)


def _build(settings: Settings, _today: date) -> Iterator[Finding]:
    with publish.lease(settings.paths.data) as lease:
        manifest = publish.manifest_of(lease.folder) or {}
    failing = [check["name"] for check in manifest["checks"] if check["n_offending"]]
    yield Finding("build", "ok", f"{manifest['id']}, as of {manifest['as_of']}, {len(manifest['tables'])} tables", "")
    yield Finding(
        "data checks",
        "warning" if failing else "ok",
        f"{len(failing)} of {len(manifest['checks'])} found rows{': ' + ', '.join(failing) if failing else ''}",
        "Read the offending rows on the Data quality page",
    )
    built = {source["file_id"] for source in manifest["sources"]}
    newer = [one for one in landed_files(settings.paths.landing) if one.file_id not in built]
    yield Finding(
        "build is current",
        "warning" if newer else "ok",
        f"{len(newer)} landed files are not in it" if newer else "all landed files are in it",
        "clv run",
    )


def _model(settings: Settings, _today: date) -> Iterator[Finding]:
    folders = sorted(path for path in settings.paths.registry.glob("*") if path.is_dir())
    champions = {folder.name: Registry(folder).champion() for folder in folders}
    if not any(champions.values()):
        yield Finding(
            "champion", "warning", "no model has been promoted yet", "clv train; it needs a few months of orders"
        )
        return
    for folder in folders:
        champion = champions[folder.name]
        if champion is not None:
            Registry(folder).verified(champion)
            yield Finding("champion", "ok", f"{folder.name} {champion}, its files are as they were stored", "")
    path = outputs.path_of(settings.paths.outputs, "predictions")
    if not path.is_file():
        yield Finding(
            "predictions", "warning", "there is a champion, but nobody has been scored", "clv score, or clv run"
        )
        return
    made = pq.read_table(path, columns=["as_of", "model_version"]).group_by(["as_of", "model_version"]).aggregate([])
    with publish.lease(settings.paths.data) as lease:
        as_of = (publish.manifest_of(lease.folder) or {}).get("as_of")
    wrong = [
        f"made as of {one['as_of']} by {one['model_version']}"
        for one in made.to_pylist()
        if str(one["as_of"]) != as_of or one["model_version"] not in champions.values()
    ]
    said = "; ".join(wrong) or f"as of {as_of}, by the champion"
    yield Finding(
        "predictions", "warning" if wrong else "ok", said, "clv run: the build is newer, or another model is champion"
    )


def _charts(settings: Settings, _today: date) -> Iterator[Finding]:
    found = reports.chrome()
    newest = next(iter(reports.made(settings.paths.reports)), None)
    remedy = "make browser, or install Chrome or Chromium; $BROWSER_PATH may name it; then clv report"
    if found is None:
        said = "no Chrome or Chromium was found: reports have tables in place of charts"
        yield Finding("charts in reports", "warning", said, remedy)
    elif newest is not None and newest.missing_charts:
        said = f"the report of build {newest.build_id} has tables in place of charts: {newest.missing_charts}"
        yield Finding("charts in reports", "warning", said, remedy)
    else:
        yield Finding("charts in reports", "ok", f"drawn by {found}", "")


def _journal(journal: Journal) -> Iterator[Finding]:
    yield Finding("journal", "ok", "answers", "")
    alerts = journal.alerts.table()
    found = "; ".join(alerts["title"].head(3)) if len(alerts) else "none is open"
    yield Finding(
        "alerts", "warning" if len(alerts) else "ok", found, "Open the alerts in the top bar; each has its remedy"
    )
    beats = journal.beats.table()
    for role, remedy in (
        ("worker", "clv worker, or clv up: nothing runs on schedule without it"),
        ("web", "clv serve, or clv up"),
    ):
        mine = beats[beats["role"] == role]
        alive = mine[mine["age_seconds"] <= ALIVE_SECONDS]
        if len(alive):
            yield Finding(role, "ok", f"{len(alive)} alive, last heard of {alive['age_seconds'].min():.0f} s ago", "")
        else:
            yield Finding(role, "warning", "hangs or was killed" if len(mine) else "is not running", remedy)


_CHECKS = (_packages, _data_folder, _sql_files, _landing, _build, _model, _charts)
