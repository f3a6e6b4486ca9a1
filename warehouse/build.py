"""A build: run the files under `sql/` into a folder of Parquet, check what came out, publish.

Unchanged tables are hard-linked from the last build. The key of a table is a hash of its syntax tree, the parameters
that it uses, the keys of what it reads, the identity of its source files and the engine's version; so white space and
comments rebuild nothing, and equal inputs give equal bytes. A build that would equal the published one is not made.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from clv.config import Settings
from clv.errors import BuildError, SqlFileError
from warehouse import checks, outputs, publish, segment_rules, serving, sqlfiles
from warehouse.account import mapping_said
from warehouse.dialect import digest_of, sha256_of
from warehouse.engines import duckdb as engine
from warehouse.landing import COLUMNS, FILES_COLUMNS, QUARANTINE_COLUMNS, TABLES, Landed, landed_files
from warehouse.runner import Progress, Table, run_tables, worker_sessions
from warehouse.sqlfiles import SqlFile

FORMAT = 1
"""Layout of a build's folder; counts up when an older build could no longer be read, and rebuilds everything."""
EMPTY_AS_OF = date(1970, 1, 1)
"""The as-of date of a build without one transaction."""
LEFTOVER_SECONDS = 3600.0
"""Working folders of dead processes are kept this long."""
CHECKS = "outputs.checks"
DIARY = ("outputs.runs", "outputs.job_requests")
"""Grows with each run, the build's own among them: alone it is no reason for another build."""
JOURNALED = ("outputs.runs", "outputs.job_requests")
"""Exports of the journal: each build takes them along, but that a job has run is no reason to build again."""


@dataclass(frozen=True)
class BuildInfo:
    """What a build made."""

    id: str
    path: Path
    as_of: date
    tables: Mapping[str, Mapping[str, Any]]
    """name → key, rows, bytes, files (relative to path), is_bucketed, is_native, is_linked."""
    reused: bool
    """True when the published build already was what was asked for."""
    checks: Sequence[Mapping[str, Any]] = ()


def build(
    settings: Settings,
    *,
    as_of: date | None = None,
    progress: Progress | None = None,
    only_core: bool = False,
    sql_root: Path = sqlfiles.DEFAULT_ROOT,
) -> BuildInfo:
    """Make, check and publish a build of what has been landed; the published one when nothing has changed.

    Args:
        settings: paths, engine, business numbers.
        as_of: first day that is not known: rows on or after it are not read. Default: the day after the last
            transaction.
        progress: called with the share done (0–1) and what is being done.
        only_core: make staging, core and features only, and do not publish.
        sql_root: the `sql/` folder.

    Raises:
        SqlFileError: a file under *sql_root* is wrong.
        CheckFailedError: a check found rows; the last good build stays published.
        BuildError: a statement failed.
        BusyError: another process is building.
    """
    say = progress or (lambda share, message: None)
    data = settings.paths.data.resolve()
    with publish.builder_lock(data):
        publish.collect_garbage(data, settings.jobs.keep_builds)
        _remove_leftovers(settings.paths.cache)
        plan = _plan(settings, as_of, only_core, sql_root)
        standing = _standing(data, plan.key)
        if standing is not None and not only_core:
            say(1.0, f"build {standing.id} is what it would be")
            return standing
        folder = publish.new_folder(data, plan.key)
        try:
            info = _make(settings, plan, folder, say)
        except BaseException as error:
            # The next builder would remove it too; not leaving it is kinder to the disk.
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, BuildError | engine.Error) and (damaged := _damaged_input(settings, plan.landed)):
                raise BuildError(damaged) from error
            raise
        if not only_core:
            say(0.98, "publishing")
            publish.flip(data, info.id)
            say(0.99, "removing old builds")
            publish.collect_garbage(data, settings.jobs.keep_builds)
        say(1.0, f"build {info.id}")
        return info


def is_of_this_version(settings: Settings, sql_root: Path = sqlfiles.DEFAULT_ROOT) -> bool:
    """Whether the published build was made by the SQL that is installed; False when nothing is published."""
    name = publish.current_id(settings.paths.data)
    made = publish.manifest_of(settings.paths.builds / name) if name else None
    files = sqlfiles.read_tree(sql_root, cache=settings.paths.cache / "sqlfiles.json")
    return made is not None and made.get("sql_digest") == _sql_digest(files)


def _sql_digest(files: Mapping[str, SqlFile]) -> str:
    return digest_of({file.name: file.sql for file in files.values()})


def _damaged_input(settings: Settings, landed: Sequence[Landed]) -> str:
    """Which file of the inputs is no Parquet any more, and what to do; empty when all are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def is_damaged(path: Path) -> bool:
        try:
            pq.read_metadata(path)
        except (OSError, pa.ArrowException):
            return True
        return False

    for one in landed:
        if any(map(is_damaged, [*one.accepted, *one.quarantined])):
            name = one.account.get("file_name", "the file")
            return f"what was landed of {name} is damaged: delete {one.folder}, then `clv run` lands it again"
    for name in outputs.TABLES:
        path = outputs.path_of(settings.paths.outputs, name)
        if path.is_file() and is_damaged(path):
            return f"{path} is damaged: delete it, then `clv run` makes it again"
    return ""


@dataclass
class _Plan:
    """All that decides what a build will be."""

    key: str
    as_of: date
    params: dict[str, Any]
    files: dict[str, SqlFile]
    order: list[SqlFile]
    tables: dict[str, Table]
    landed: list[Landed]
    rules: list[dict[str, Any]]
    """Rows of `settings.segment_rules`."""
    only_core: bool


def _plan(settings: Settings, as_of: date | None, only_core: bool, sql_root: Path) -> _Plan:
    files = sqlfiles.read_tree(sql_root, cache=settings.paths.cache / "sqlfiles.json")
    landed = landed_files(settings.paths.landing)
    rules = segment_rules.table_rows(segment_rules.own_rules(settings))
    as_of = as_of or default_as_of(landed)
    tables = inputs(settings, landed, rules, as_of)
    order = sqlfiles.build_order(files, [*tables, CHECKS])
    if only_core:
        order = [file for file in order if file.folder != "marts"]
    params = parameters(settings, as_of)
    for file in order:
        if CHECKS in file.refs:
            raise SqlFileError(
                f"{file.path} reads {CHECKS}, which is only known when all tables are made; read it in a query"
            )
        tables[file.name] = Table(name=file.name, key=_key(file, params, tables, settings), file=file)
    checked = [] if only_core else [file for file in files.values() if file.folder == "checks"]
    parts = {
        "format": FORMAT,
        "only_core": only_core,
        "as_of": as_of,
        "params": params,
        "tables": {name: table.key for name, table in tables.items() if name not in JOURNALED},
        "checks": {file.name: [file.digest, file.severity, file.what] for file in checked},
        "comments": {file.name: file.comments for file in order},
    }
    return _Plan(digest_of(parts), as_of, params, files, order, tables, landed, rules, only_core)


def parameters(settings: Settings, as_of: date) -> dict[str, Any]:
    """The `$parameters` that every file may use, with their values."""
    return {
        "as_of": as_of,
        "horizon_days": settings.model.primary_horizon_days,
        "primary_horizon_days": settings.model.primary_horizon_days,
        "gross_margin": settings.business.gross_margin,
        "discount_rate_annual": settings.business.discount_rate_annual,
        "new_customer_days": settings.features.new_customer_days,
        "rfm_window_days": settings.features.rfm_window_days,
        "buckets": settings.engine.buckets,
    }


def inputs(
    settings: Settings,
    landed: Sequence[Landed],
    rules: Sequence[Mapping[str, Any]] = (),
    as_of: date = date.max,
) -> dict[str, Table]:
    """The tables that are there before the build, with the identity of their files as key.

    Args:
        settings: where the outputs are.
        landed: the files that count.
        rules: rows of the shop's own segment rules; none for those of the house.
        as_of: outputs about a later day are left out.
    """
    tables = {}
    for source, columns in COLUMNS.items():
        mine = [one for one in landed if one.source == source]
        tables[f"landing.{source}"] = Table(
            name=f"landing.{source}",
            key=digest_of([source, [_landing_of(one) for one in mine], columns]),
            columns=columns,
            sources=[path for one in mine for path in one.accepted],
        )
    everything = [[one.source, *_landing_of(one)] for one in landed]
    tables["landing.quarantine"] = Table(
        name="landing.quarantine",
        key=digest_of(["quarantine", everything]),
        columns=QUARANTINE_COLUMNS,
        sources=[path for one in landed for path in one.quarantined],
    )
    tables["landing.files"] = Table(
        name="landing.files",
        key=digest_of([[one.account.get(c) for c in FILES_COLUMNS] for one in landed]),
        columns=FILES_COLUMNS,
    )
    tables[segment_rules.TABLE] = Table(
        name=segment_rules.TABLE,
        key=digest_of([list(rules), segment_rules.COLUMNS]),
        columns=segment_rules.COLUMNS,
    )
    later = outputs.later(settings.paths.outputs, as_of)
    for name, columns in outputs.TABLES.items():
        path = outputs.path_of(settings.paths.outputs, name).resolve()
        found = path.is_file() and name not in later
        tables[f"outputs.{name}"] = Table(
            name=f"outputs.{name}",
            key=digest_of([name, columns, sha256_of(path) if found else ""]),
            columns=columns,
            sources=[path] if found else [],
        )
    return tables


def _landing_of(one: Landed) -> list[Any]:
    """What tells one landing of a file from the next: it is landed again when its rows of the future are due."""
    return [one.file_id, *(one.account.get(fact) for fact in ("landed_at", "n_accepted", "n_quarantined"))]


def default_as_of(landed: Sequence[Landed]) -> date:
    """The day after the last landed transaction; `EMPTY_AS_OF` when there is none."""
    last = max(
        (str(one.account["last_ts"]) for one in landed if one.source == "transactions" and one.account.get("last_ts")),
        default="",
    )
    return datetime.fromisoformat(last).date() + timedelta(days=1) if last else EMPTY_AS_OF


def _key(file: SqlFile, params: Mapping[str, Any], tables: Mapping[str, Table], settings: Settings) -> str:
    missing = [name for name in file.params if name not in params and name != "bucket"]
    if missing:
        known = ", ".join(f"${name}" for name in [*params, "bucket"])
        raise SqlFileError(f"{file.path} uses ${', $'.join(missing)}; a build binds {known}")
    return digest_of(
        {
            "format": FORMAT,
            "engine": engine.VERSION,
            "tree": file.digest,
            "buckets": settings.engine.buckets if file.is_bucketed else 0,
            "params": {name: value for name, value in file.bound({**params, "bucket": 0}).items() if name != "bucket"},
            "refs": {ref: tables[ref].key for ref in file.refs},
        }
    )


def _remove_leftovers(cache: Path) -> None:
    """Delete the working folders of processes that were killed; each is named after its process."""
    for folder in [*cache.glob("duckdb/*"), *cache.glob("at_date/*"), *cache.glob("leaks/*")]:
        owner = folder.name.split("-")[0]
        # The age spares a process of another container, whose number means nothing here.
        with contextlib.suppress(OSError):
            if (
                owner.isdigit()
                and not _is_alive(int(owner))
                and time.time() - folder.stat().st_mtime > LEFTOVER_SECONDS
            ):
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _standing(data: Path, key: str) -> BuildInfo | None:
    """The published build, when it is what would be made and all its files are there."""
    name = publish.current_id(data)
    folder = data / "builds" / name if name else None
    manifest = publish.manifest_of(folder) if folder else None
    if folder is None or manifest is None or manifest["key"] != key or not _is_whole(folder, manifest):
        return None
    return info_of(folder, manifest, reused=True)


def _is_whole(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """All files of the build are there, at their size."""
    sizes = {name: size for table in manifest["tables"].values() for name, size in table["files"].items()}
    try:
        return all((folder / name).stat().st_size == size for name, size in sizes.items()) and all(
            (folder / name).is_file() for name in ("serving.duckdb", "shell.duckdb")
        )
    except OSError:
        return False


def info_of(folder: Path, manifest: Mapping[str, Any], *, reused: bool) -> BuildInfo:
    """A manifest as a `BuildInfo`."""
    return BuildInfo(
        id=folder.name,
        path=folder,
        as_of=date.fromisoformat(manifest["as_of"]),
        tables=manifest["tables"],
        reused=reused,
        checks=manifest["checks"],
    )


def _make(settings: Settings, plan: _Plan, folder: Path, say: Progress) -> BuildInfo:
    """Everything between an empty folder and a sealed one."""
    data = settings.paths.data.resolve()
    _write_files_table(plan, folder)
    _write_rows(plan.tables[segment_rules.TABLE], plan.rules, folder)
    _link_inputs(plan, folder)
    _link_unchanged(data, plan, folder)
    with worker_sessions(settings.engine, settings.paths.cache / "duckdb") as sessions:
        run_tables(
            plan.order, plan.tables, plan.params, folder, sessions, buckets=range(settings.engine.buckets), say=say
        )
        say(0.9, "checking")
        results = [] if plan.only_core else _run_checks(plan, sessions)
    checks.raise_failures(results)
    plan.tables[CHECKS] = _write_checks(results, folder)
    say(0.94, "writing the serving file")
    # Raw inputs are not shown: staging has their rows, and what was put aside is in landing.quarantine.
    hidden = set(TABLES) - {"landing.quarantine", "landing.files"}
    shown = [table for name, table in plan.tables.items() if name not in hidden]
    native = serving.write_files(shown, folder, settings.engine, settings.paths.cache / "duckdb")
    manifest = _manifest(settings, plan, folder, results, native)
    say(0.97, "writing the manifest")
    publish.seal(folder, manifest)
    return info_of(folder, manifest, reused=False)


def _write_files_table(plan: _Plan, folder: Path) -> None:
    """`landing.files`, from the accounts."""
    rows: list[dict[str, Any]] = [
        {column: one.account.get(column) for column in FILES_COLUMNS}
        | {
            "source": one.source,
            "file_id": one.file_id,
            "mapping": "\n".join(mapping_said(one.account.get("columns") or {})),
            "notes": "\n".join(one.account.get("notes") or ()),
        }
        for one in plan.landed
    ]
    for row in rows:
        for column, kind in FILES_COLUMNS.items():
            if kind == "timestamp" and row[column]:
                row[column] = datetime.fromisoformat(str(row[column])).replace(tzinfo=None)
    _write_rows(plan.tables["landing.files"], rows, folder)


def _write_rows(table: Table, rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """An input that is known in memory, as Parquet in the build's folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = table.columns or {}
    kinds = {
        "varchar": pa.string(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "timestamp": pa.timestamp("us"),
    }
    arrays = [pa.array([row[column] for row in rows], kinds[kind]) for column, kind in columns.items()]
    schema, stem = table.name.split(".")
    path = folder / schema / f"{stem}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays, names=list(columns)), path, compression="zstd")
    table.sources, table.rows = [path], len(rows)


def _link_inputs(plan: _Plan, folder: Path) -> None:
    """Outputs and quarantined rows become part of the build, so that it needs nothing outside its folder."""
    for name, table in plan.tables.items():
        if name == "landing.quarantine":
            linked = []
            for path in table.sources:
                target = folder / "landing" / "quarantine" / f"{path.parent.name}-{path.name}"
                _link(path, target)
                linked.append(target)
            table.sources = linked
        elif name.startswith("outputs.") and table.sources:
            target = folder / "outputs" / table.sources[0].name
            _link(table.sources[0], target)
            table.sources = [target]


def _link_unchanged(data: Path, plan: _Plan, folder: Path) -> None:
    """Take tables that have not changed from the newest builds."""
    for build_id in publish.build_ids(data)[:3]:
        before = data / "builds" / build_id
        manifest = publish.manifest_of(before)
        if manifest is None or manifest.get("format") != FORMAT:
            continue
        for name, old in manifest["tables"].items():
            table = plan.tables.get(name)
            if table is None or table.file is None or table.is_linked or old["key"] != table.key:
                continue
            if not all(
                (before / file).is_file() and (before / file).stat().st_size == size
                for file, size in old["files"].items()
            ):
                continue
            for file in old["files"]:
                _link(before / file, folder / file)
            table.sources = [folder / file for file in old["files"]]
            table.rows, table.is_linked = old["rows"], True


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)  # a file system without hard links


def _run_checks(plan: _Plan, sessions: Sequence[engine.Session]) -> list[checks.CheckResult]:
    session = sessions[0]
    results = _accounting(plan, session)
    for file in plan.files.values():
        if file.folder != "checks":
            continue
        try:
            for ref in file.refs:
                session.show(ref, plan.tables[ref].relation)
            results.append(checks.run_check(session.con, file, plan.params))
        except KeyError as error:
            raise SqlFileError(f"{file.path} uses ${error.args[0]}, which a check cannot have") from error
        except engine.Error as error:
            raise BuildError(f"{file.path}: {error}") from error
    return results


def _accounting(plan: _Plan, session: engine.Session) -> list[checks.CheckResult]:
    """The checks that are not SQL: what was landed is all there, and all of it was staged."""

    def rows(paths: Sequence[Path]) -> int:
        return sum(session.rows_in(path) for path in paths)

    keys = [(one, (one.source, one.file_id)) for one in plan.landed]
    accepted = {key: rows(one.accepted) for one, key in keys}
    quarantined = {key: rows(one.quarantined) for one, key in keys}
    results = [checks.accounting(plan.landed, accepted, quarantined)]
    staged = plan.tables.get("staging.transactions")
    if staged is not None:
        n_accepted = sum(n for (source, _), n in accepted.items() if source == "transactions")
        results.append(checks.all_staged(n_accepted, staged.rows))
    return results


def _write_checks(results: Sequence[checks.CheckResult], folder: Path) -> Table:
    rows = [result.as_dict() for result in sorted(results, key=lambda one: one.name)]
    table = Table(name=CHECKS, key=digest_of(rows), columns=outputs.CHECKS_COLUMNS)
    _write_rows(table, rows, folder)
    return table


def _manifest(
    settings: Settings, plan: _Plan, folder: Path, results: Sequence[checks.CheckResult], native: set[str]
) -> dict[str, Any]:
    tables = {}
    for name, table in plan.tables.items():
        files = {
            str(path.relative_to(folder)): path.stat().st_size for path in table.sources if path.is_relative_to(folder)
        }
        tables[name] = {
            "key": table.key,
            "rows": table.rows if table.file or name in ("landing.files", segment_rules.TABLE, CHECKS) else None,
            "bytes": sum(path.stat().st_size for path in table.sources),
            "files": files,
            "is_bucketed": bool(table.file and table.file.is_bucketed),
            "is_native": name in native,
            "is_linked": table.is_linked,
            "refs": list(table.file.refs) if table.file else [],
        }
    return {
        "format": FORMAT,
        "id": folder.name,
        "key": plan.key,
        "as_of": plan.as_of.isoformat(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "is_only_core": plan.only_core,
        "engine": {"kind": settings.engine.kind, "version": engine.VERSION, "storage": engine.STORAGE_VERSION},
        "parameters": {
            name: value.isoformat() if isinstance(value, date) else value for name, value in plan.params.items()
        },
        "settings_digest": digest_of(settings.model_dump(mode="json", exclude={"root", "paths"})),
        "sql_digest": _sql_digest(plan.files),
        "tables": tables,
        "sources": [{**one.account, "source": one.source, "file_id": one.file_id} for one in plan.landed],
        "checks": [result.as_dict() for result in results],
    }
