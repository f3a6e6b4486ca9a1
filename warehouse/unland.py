"""Take landed files back: the counterpart of `ingest`, which only ever adds.

| who          | for what                                                             |
|--------------|----------------------------------------------------------------------|
| `jobs.files` | a file that should not have been landed, or that another one replaces |
| `jobs.demo`  | the files of the synthetic shop                                      |

Rows that another file was denied as duplicates of a file's rows are lost with it unless that other file is landed
again, so `plan` says which files have to be, and refuses where one of them is no longer there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clv.config import Settings
from clv.errors import SourceError
from warehouse import sources
from warehouse.account import ACCOUNT
from warehouse.dialect import sha256_of
from warehouse.ingest import alone
from warehouse.landing import Landed, landed_files


@dataclass(frozen=True)
class Plan:
    """What taking files back means."""

    going: Sequence[Landed]
    again: Sequence[tuple[Landed, Path]]
    """Files to land again, and where they lie: some of their rows may be duplicates of nothing then."""


def chosen(settings: Settings, words: Iterable[str]) -> list[Landed]:
    """The landed files that *words* name, each by the beginning of its id or by its file name.

    Raises:
        SourceError: a word names none, or several.
    """
    landed = landed_files(settings.paths.landing)
    found: dict[Path, Landed] = {}
    for word in words:
        named = [one for one in landed if one.account.get("file_name") == word]
        named = named or [one for one in landed if word and one.file_id.startswith(word)]
        if not named:
            raise SourceError(f"no landed file has the name or id {word!r}; `clv files list` shows which there are")
        if named[1:]:
            ids = ", ".join(one.file_id for one in named)
            raise SourceError(f"{len(named)} landed files are called {word!r}; say which by its id: {ids}")
        found[named[0].folder] = named[0]
    return list(found.values())


def plan(settings: Settings, going: Sequence[Landed]) -> Plan:
    """What has to be done so that *going* are gone and nothing else is.

    Raises:
        SourceError: one of them would be landed again at once, because it still lies where files are read; or a file
            that has to be landed again does not.
    """
    for path in lying(settings, going):
        if path is not None:
            raise SourceError(f"{path} still lies where files are read, and would be landed again: move it away first")
    gone = {one.folder for one in going}
    owing = [
        other
        for other in landed_files(settings.paths.landing)
        if other.folder not in gone and any(_may_owe(other, one) for one in going)
    ]
    again = []
    for other, path in zip(owing, lying(settings, owing), strict=True):
        if path is None:
            raise SourceError(
                f"{other.account['file_name']} has {other.account['n_duplicates']:,} rows that were put aside as "
                f"duplicates, and these would be lost: put that file into {settings.paths.raw} again first, so that "
                "it can be landed anew"
            )
        again.append((other, path))
    return Plan(tuple(going), tuple(again))


def lying(settings: Settings, files: Sequence[Landed]) -> list[Path | None]:
    """Where the bytes of each landed file are still read from; None when they lie there no more."""
    found = sources.resolve(settings)
    hashes: dict[Path, str] = {}

    def lies_at(one: Landed) -> Path | None:
        for file in found:
            if file.source != one.source or file.path.stat().st_size != one.account.get("bytes"):
                continue
            if file.path not in hashes:
                hashes[file.path] = sha256_of(file.path)
            if hashes[file.path] == one.account.get("content_sha256"):
                return file.path
        return None

    return [lies_at(one) for one in files]


def unland(settings: Settings, files: Sequence[Landed]) -> None:
    """Forget *files* in their order; a kill leaves each of them wholly landed or wholly gone.

    Raises:
        BusyError: another process is landing.
    """
    if not files:
        return
    with alone(settings.paths.landing):
        for one in files:
            # Without its account a folder does not exist; the next ingest of the same file replaces what is left of it.
            (one.folder / ACCOUNT).unlink()
            shutil.rmtree(one.folder, ignore_errors=True)


def _may_owe(other: Landed, going: Landed) -> bool:
    """Whether rows of *other* may have been put aside because *going* held them."""
    same = all(other.account.get(key) == going.account.get(key) for key in ("source", "mapping_sha256"))
    is_later = str(other.account.get("landed_at", "")) >= str(going.account.get("landed_at", ""))
    return same and is_later and int(other.account.get("n_duplicates") or 0) > 0
