"""Builds as folders: one becomes current by a symlink, readers lease it, old ones are collected.

    data/builds/<id>/manifest.json   written last; a folder without it is invisible and is removed by the next builder
    data/builds/<id>/.lease          readers hold a shared lock on it, the collector takes only what it can lock alone
    data/current → builds/<id>       the only thing that changes, by one rename
    data/.build.lock                 one builder; the kernel releases it when the process dies

Needs flock, symlinks and atomic rename on a local disk. Not tried: power loss, network file systems.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from clv.errors import BuildError, BusyError, NoBuildError

MANIFEST = "manifest.json"
LEASE = ".lease"
LOCK = ".build.lock"
_STAMP = "%Y%m%dT%H%M%S"


class Lease:
    """A build that stays on disk while this object is open."""

    def __init__(self, folder: Path, file: TextIO) -> None:
        self.folder = folder
        """Real path of the build."""
        self._file = file

    @property
    def build_id(self) -> str:
        """The folder's name."""
        return self.folder.name

    def close(self) -> None:
        """Let the collector have it."""
        self._file.close()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def current_id(data: Path) -> str | None:
    """Id of the published build, by one readlink; None when there is none."""
    try:
        return (data / "current").readlink().name
    except OSError:
        return None


def lease(data: Path, build_id: str | None = None) -> Lease:
    """Hold the published build, or the one called *build_id*.

    Raises:
        NoBuildError: nothing is published, or there is no such build.
    """
    for _ in range(100):
        name = build_id or current_id(data)
        if name is None:
            raise NoBuildError(f"nothing has been published in {data}; run `clv build`")
        folder = (data / "builds" / name).resolve()
        held = _try_lease(folder) if folder.parent == (data / "builds").resolve() else None
        if held is not None:
            return held
        if build_id is not None:
            raise NoBuildError(
                f"there is no build {build_id} in {data / 'builds'}; kept are {', '.join(build_ids(data)) or 'none'}"
            )
        # The build was collected between readlink and lock, so the symlink has moved on: look again.
    raise NoBuildError(f"{data / 'current'} points at {name}, which is not there; run `clv build`")


def _try_lease(folder: Path) -> Lease | None:
    """A shared lock on a finished build; None when it is gone or unfinished."""
    try:
        file = (folder / LEASE).open(encoding="utf-8")
    except OSError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    # The collector may have removed the folder while this waited for the lock.
    if (folder / MANIFEST).is_file() and _same_file(file, folder / LEASE):
        return Lease(folder, file)
    file.close()
    return None


def _same_file(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


@contextlib.contextmanager
def builder_lock(data: Path) -> Iterator[None]:
    """Be the only builder of this data folder.

    Raises:
        BusyError: another process is building.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise BusyError(
                f"another build is running in {data} (process {file.read().strip() or 'unknown'})"
            ) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of a build's folder; None when it is unfinished."""
    try:
        return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def build_ids(data: Path) -> list[str]:
    """Finished builds, newest first."""
    builds = data / "builds"
    return sorted((path.parent.name for path in builds.glob(f"*/{MANIFEST}")), reverse=True)


def new_folder(data: Path, key: str, now: datetime | None = None) -> Path:
    """A fresh folder for a build whose content key is *key*, with its lease file.

    Raises:
        BuildError: the folder cannot be made.
    """
    builds = data / "builds"
    builds.mkdir(parents=True, exist_ok=True)
    moment = now or datetime.now(UTC)
    newest = max((path.name.split("-")[0] for path in builds.iterdir()), default="")
    for _ in range(100):
        # Ids sort by time: a second build in a second, or one after the clock was set back, takes the next.
        folder = builds / f"{max(moment.strftime(_STAMP), _next_second(newest))}-{key[:6]}"
        try:
            folder.mkdir()
        except FileExistsError:
            newest = folder.name.split("-")[0]
            continue
        (folder / LEASE).touch()
        return folder
    raise BuildError(f"cannot make a folder in {builds}")


def _next_second(stamp: str) -> str:
    try:
        return (datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)).strftime(_STAMP)
    except ValueError:
        return ""


def seal(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Make the build durable, then visible: sync every file, write the manifest by rename, sync the folders."""
    for path in sorted(folder.rglob("*")):
        # Hard-linked files are on disk since the build that wrote them.
        if path.is_file() and path.stat().st_nlink == 1:
            _sync(path)
    for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        _sync(path)
    aside = folder / f".{MANIFEST}"
    with aside.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / MANIFEST)
    _sync(folder)
    _sync(folder.parent)


def flip(data: Path, build_id: str) -> None:
    """Publish: point `current` at the build, in one step."""
    aside = data / ".current"
    aside.unlink(missing_ok=True)
    aside.symlink_to(Path("builds") / build_id)
    aside.replace(data / "current")
    _sync(data)


def collect_garbage(data: Path, keep: int) -> list[str]:
    """Remove unfinished builds and all but the newest *keep*, the current one and those somebody reads.

    Only the process that holds the builder lock may call this.

    Returns:
        The names of what was removed.
    """
    builds = data / "builds"
    kept = {*build_ids(data)[:keep], current_id(data)}
    folders = [path for path in sorted(builds.iterdir()) if path.is_dir()] if builds.is_dir() else []
    return [folder.name for folder in folders if folder.name not in kept and _remove(folder)]


def withdraw(data: Path) -> None:
    """Publish nothing any more: remove every build, also one that somebody reads.

    Only the process that holds the builder lock may call this.
    """
    (data / "current").unlink(missing_ok=True)
    for manifest in (data / "builds").glob(f"*/{MANIFEST}"):
        manifest.unlink(missing_ok=True)
    shutil.rmtree(data / "builds", ignore_errors=True)


def _remove(folder: Path) -> bool:
    """Delete a build unless somebody holds it; it becomes invisible before anything else goes."""
    try:
        file = (folder / LEASE).open("a", encoding="utf-8")
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
        return True


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
