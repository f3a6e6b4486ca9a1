"""Model versions on disk: files, a card with their checksums, and one alias that names the champion.

    <folder>/<version>/card.json  …model files      written aside, renamed whole: a half-written version is not there
    <folder>/champion.json                          replaced whole; keeps who promoted what, when and why
    <folder>/verdicts.json                          what the gate said of each version, for those who decide by hand

The one science module with input and output, in the folder that it is handed. A version is named by its as-of date
and its content, so fitting the same model again gives the version that is there. Never pickle: a model file is data.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from clv.errors import ModelError, TamperedModelError

CARD = "card.json"
ALIAS = "champion.json"
VERDICTS = "verdicts.json"
VERSION = re.compile(r"\d{8}-[0-9a-f]{8}")


@dataclass(frozen=True)
class Promotion:
    """One change of the champion."""

    version: str
    previous: str | None
    at: str
    """ISO timestamp, UTC."""
    by: str
    reason: str


class Registry:
    """The versions of one model in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, write: Callable[[Path], object], card: Mapping[str, Any], *, as_of: date) -> str:
        """Store a version and give its name.

        Args:
            write: puts the model's files into the folder that it is called with.
            card: what is known about the version: plain JSON; `version`, `as_of` and `files` are added here.
            as_of: first day that was not known when it was fitted.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        aside = self.folder / f".new-{os.getpid()}"
        aside.mkdir()
        try:
            write(aside)
            files = {path.name: _sha256(path) for path in sorted(aside.iterdir())}
            content = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
            version = f"{as_of:%Y%m%d}-{content[:8]}"
            if (self.folder / version / CARD).is_file():
                return version
            full = {**card, "version": version, "as_of": as_of.isoformat(), "files": files}
            (aside / CARD).write_text(json.dumps(full, indent=1, sort_keys=True), encoding="utf-8")
            for path in aside.iterdir():
                _sync(path)
            aside.rename(self.folder / version)
            _sync(self.folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return version

    def versions(self) -> list[str]:
        """All versions, the oldest as-of date first; of one date, by when they were stored."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if VERSION.fullmatch(path.name) and (path / CARD).is_file()]
        return [path.name for path in sorted(found, key=lambda path: (path.name[:8], path.stat().st_mtime_ns))]

    def card(self, version: str) -> dict[str, Any]:
        """What is known about *version*.

        Raises:
            ModelError: there is no such version, or its card cannot be read.
        """
        path = self.folder / version / CARD
        if not VERSION.fullmatch(version) or not path.is_file():
            raise ModelError(
                f"there is no model version {version!r} (there are: {', '.join(self.versions()) or 'none'})"
            )
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise TamperedModelError(f"{path} is not readable JSON: restore it, or train again") from error

    def verified(self, version: str) -> Path:
        """The folder of *version*, its files checked against the card.

        Raises:
            ModelError: there is no such version.
            TamperedModelError: a file is missing, unexpected, or not what was stored.
        """
        files = self.card(version).get("files", {})
        folder = self.folder / version
        there = {path.name for path in folder.iterdir()} - {CARD}
        if there != set(files):
            wrong = ", ".join(sorted(there ^ set(files)))
            raise TamperedModelError(f"model {version}: files differ from the card ({wrong}); roll back or train again")
        for name, checksum in files.items():
            if _sha256(folder / name) != checksum:
                raise TamperedModelError(
                    f"model {version}: {name} is not what was stored; roll back to another version or train again"
                )
        return folder

    def champion(self) -> str | None:
        """The version that scoring uses; None before the first promotion."""
        found = self.history()
        return found[-1].version if found else None

    def history(self) -> list[Promotion]:
        """Every change of the champion, oldest first."""
        path = self.folder / ALIAS
        if not path.is_file():
            return []
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            return [Promotion(**one) for one in plain["history"]]
        except (ValueError, KeyError, TypeError) as error:
            raise TamperedModelError(
                f"{path} is not readable; promote a version to write it anew after removing it"
            ) from error

    def promote(self, version: str, *, by: str, at: datetime, reason: str) -> Promotion:
        """Make *version* the champion.

        Raises:
            ModelError: there is no such version.
            TamperedModelError: its files are not those that were stored.
        """
        self.verified(version)
        known = self.history()
        change = Promotion(version, self.champion(), at.isoformat(timespec="seconds"), by, reason)
        self._replace(ALIAS, {"version": version, "history": [vars(one) for one in (*known, change)]})
        return change

    def verdicts(self) -> dict[str, str]:
        """Version → what the promotion gate said of it when it was trained; nothing where that is not known."""
        try:
            return dict(json.loads((self.folder / VERDICTS).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            # Words for a person; no decision hangs on them.
            return {}

    def remember_verdict(self, version: str, words: str) -> None:
        """Keep what the promotion gate said of *version*."""
        self._replace(VERDICTS, {**self.verdicts(), version: words})

    def _replace(self, name: str, plain: Mapping[str, Any]) -> None:
        aside = self.folder / f".{name}"
        aside.write_text(json.dumps(plain, indent=1), encoding="utf-8")
        _sync(aside)
        aside.replace(self.folder / name)
        _sync(self.folder)

    def rollback(self, *, by: str, at: datetime) -> Promotion:
        """Make the champion before this one champion again.

        Raises:
            ModelError: there was none before.
        """
        before = self.before_champion()
        if before is None:
            raise ModelError("there is no champion before this one to go back to")
        return self.promote(before, by=by, at=at, reason=f"rollback from {self.champion()}")

    def before_champion(self) -> str | None:
        """The version that a rollback would make champion; None where there is none."""
        # Two rollbacks in a row go two champions back, not there and back again.
        stack: list[str] = []
        for change in self.history():
            if len(stack) > 1 and change.reason.startswith("rollback") and change.version == stack[-2]:
                stack.pop()
            elif not stack or stack[-1] != change.version:
                stack.append(change.version)
        return stack[-2] if len(stack) > 1 else None

    def _sweep(self) -> None:
        """Remove what a killed process left half written."""
        for path in self.folder.glob(".new-*"):
            shutil.rmtree(path, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
