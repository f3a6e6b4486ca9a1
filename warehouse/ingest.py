"""Land files: every source line becomes one accepted row, one quarantined row, a blank or a header. Nothing else.

    landing/<source>/<file id>/accepted*.parquet    typed rows, see `landing.COLUMNS`
                               quarantine.parquet   line number, bytes, all reasons
                               account.json         written last; a folder without it does not exist
    landing/.tmp/                                   where a file is landed before it is renamed into place

The file id is a hash of the bytes and of the mapping, so that landing a file twice adds nothing, and a changed mapping
lands it again in place of the old rows. A kill at any moment leaves only rubbish in `.tmp`, which the next run removes.

How a file goes through: `dialect.examine` (encoding) → `sources.find_layout` (delimiter, header, mapping) →
`records` (lines into fields, structural rejects) → `typed` (types and reasons) → duplicates → `rejects` (bytes of the
rejected lines, read from the file again) → the account, counted from what is on disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from loguru import logger

from clv.config import Settings, Source
from clv.errors import BusyError, SourceError
from warehouse import sources
from warehouse.account import ACCOUNT, FileAccount, account_of, write_account
from warehouse.dialect import digest_of, sha256_of
from warehouse.engines import duckdb as engine
from warehouse.intake import Intake, Progress
from warehouse.landing import landed_files

FORMAT = 1
"""Part of the file id: raised when the same file would be read differently."""
TEMP = ".tmp"


class LandingError(SourceError):
    """Some files could not be landed; the others are."""

    def __init__(self, failures: Sequence[str], accounts: Sequence[FileAccount]) -> None:
        super().__init__("\n".join(failures))
        self.failures = list(failures)
        self.accounts = list(accounts)
        """Of the files that did land."""


def land(
    settings: Settings, files: Sequence[Path] | None = None, *, today: date, progress: Progress | None = None
) -> list[FileAccount]:
    """Land what is new among the files of `[sources]`, or among *files*.

    Args:
        settings: `[sources]`, `[paths]`, `[engine]`.
        files: only these.
        today: rows dated later are quarantined, until the day comes.
        progress: called with a share from 0 to 1 and what is being done.

    Returns:
        One account per file, in order; `is_new` tells those that were landed now, `copies` further files with the
        same bytes, which add nothing.

    Raises:
        LandingError: some files could not be read; all others have been landed, see `accounts`.
        SourceError: a file of *files* is missing or not recognised.
        BusyError: another process is landing.
    """
    say = progress or (lambda _share, _message: None)
    landing = settings.paths.landing
    with alone(landing):
        shutil.rmtree(landing / TEMP, ignore_errors=True)
        found = sources.resolve(settings, files)
        total = sum(file.path.stat().st_size for file in found) or 1
        done = 0
        accounts: dict[tuple[str, str], FileAccount] = {}
        failures: list[str] = []
        for file in found:
            size = file.path.stat().st_size
            share, span = done / total, size / total

            def part(inner: float, message: str, share: float = share, span: float = span) -> None:
                say(min(share + span * inner, 1.0), message)

            part(0.0, f"landing {file.name}")
            try:
                landed = _land_one(settings, file, today, part)
                key = (landed.source, landed.file_id)
                first = accounts.setdefault(key, landed)
                if first is not landed:
                    accounts[key] = replace(first, copies=(*first.copies, file.name))
            except SourceError as error:
                failures.append(str(error))
                logger.bind(file=file.name, source=file.source).warning("file not landed")
            done += size
        shutil.rmtree(landing / TEMP, ignore_errors=True)
        say(1.0, f"{len(accounts)} files")
    if failures:
        raise LandingError(failures, list(accounts.values()))
    return list(accounts.values())


@contextmanager
def alone(landing: Path) -> Iterator[None]:
    """Be the only process that changes what has landed; the kernel releases the lock when the process dies.

    Raises:
        BusyError: another process is landing.
    """
    landing.mkdir(parents=True, exist_ok=True)
    with (landing / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("another process is landing files; wait for it to end") from None
        yield


def mapping_sha256(settings: Settings, source: str) -> str:
    """Hash of all that decides how a file of *source* is read, but for its bytes."""
    section: Source = getattr(settings.sources, source)
    said = section.model_dump(mode="json", exclude={"files"})
    said |= {"format": FORMAT, "buckets": settings.engine.buckets, "engine": engine.VERSION}
    return digest_of(said)


def file_id_of(source: str, content: str, mapping: str) -> str:
    """The name of a landed file's folder."""
    return hashlib.sha256(f"{source}\n{content}\n{mapping}".encode()).hexdigest()[:16]


def _land_one(settings: Settings, file: sources.SourceFile, today: date, say: Progress) -> FileAccount:
    content, mapping = sha256_of(file.path), mapping_sha256(settings, file.source)
    file_id = file_id_of(file.source, content, mapping)
    home = settings.paths.landing / file.source / file_id
    earlier = [one for one in landed_files(settings.paths.landing) if one.source == file.source]
    for one in earlier:
        due = one.account.get("revisit_on")
        if one.file_id == file_id and not (due and due <= today.isoformat()):
            return account_of(one)
    temp = settings.paths.landing / TEMP / f"{file.source}-{file_id}"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir(parents=True)
    try:
        with contextlib.closing(engine.connect(settings.engine, temp / "spill")) as con:
            con.execute("set preserve_insertion_order = false")
            # it turns each `in` of a few words into a join over all rows: four times slower
            con.execute("set disabled_optimizers = 'in_clause'")
            # rows that a thread keeps before it writes them to their parts: the default would hold ten million rows
            con.execute("set partitioned_write_flush_threshold = 65536")
            others = [
                one
                for one in earlier
                if one.account.get("content_sha256") != content and one.account.get("mapping_sha256") == mapping
            ]
            run = Intake(settings, file, file_id, temp, con, today, others, say)
            account = replace(run.land(), content_sha256=content, mapping_sha256=mapping)
    except BaseException:
        # The next run would remove it too, but a disk that is full of it would have to wait for that.
        shutil.rmtree(temp, ignore_errors=True)
        raise
    for rubbish in ("spill", "spool.arrow", "stage"):
        path = temp / rubbish
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
    write_account(temp / ACCOUNT, account)
    _publish(temp, home)
    for one in earlier:
        if one.account.get("content_sha256") == content and one.folder != home:
            shutil.rmtree(one.folder)
    logger.bind(source=file.source, file=file.name, rows=account.n_accepted, quarantined=account.n_quarantined).info(
        "file landed"
    )
    return account


def _publish(temp: Path, home: Path) -> None:
    """Make everything durable, then put the folder in its place by renames."""
    for path in temp.rglob("*"):
        if path.is_file():
            _sync(path)
    _sync(temp)
    home.parent.mkdir(parents=True, exist_ok=True)
    if home.exists():
        # a folder without an account, or one that is landed again on the day its future rows were waiting for
        home.rename(temp.parent / f"old-{home.parent.name}-{home.name}")
    temp.rename(home)
    _sync(home.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
