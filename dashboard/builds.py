"""Two builds as their manifests tell them apart: known up to when, with which settings, SQL and engine."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dashboard.format import Format
from warehouse.ask import BuildHandle

_SAME = "the same"


@dataclass(frozen=True)
class Fact:
    """One thing that a build was made with, in words, beside that of another."""

    name: str
    before: str
    present: str

    @property
    def is_different(self) -> bool:
        """Whether the builds differ in it."""
        return self.before != self.present


def names(builds: Iterable[BuildHandle], words: Format) -> dict[str, str]:
    """What a picker calls each build, by id: known up to when, made when; six digits more for twins."""
    said = {}
    for build in builds:
        known, made = words.date(build.as_of), words.moment(_made_at(build))
        said[build.id] = f"{known}, made {made.removeprefix(f'{known}, ')}"
    counts = Counter(said.values())
    return {
        name: label if counts[label] == 1 else f"{label} · {name.rpartition('-')[2]}" for name, label in said.items()
    }


def facts(before: BuildHandle, present: BuildHandle, words: Format) -> list[Fact]:
    """What the two were made with: dates first, then each setting that differs, then SQL and engine as a whole."""
    sides = (before, present)
    found = [
        Fact("Known before", *(words.date(side.as_of) for side in sides)),
        Fact("Made", *(words.moment(_made_at(side)) for side in sides)),
    ]
    names = sorted(set(before.manifest["parameters"]) | set(present.manifest["parameters"]))
    settings = [
        Fact(f"Setting {name}", *(_said(side.manifest["parameters"].get(name)) for side in sides))
        for name in names
        if name != "as_of"
    ]
    found += [fact for fact in settings if fact.is_different]
    found.append(_digests("Settings that tables depend on", "settings_digest", before, present))
    found.append(_digests("SQL files", "sql_digest", before, present))
    found.append(Fact("Engine", *(_engine(side) for side in sides)))
    return found


def _digests(name: str, key: str, before: BuildHandle, present: BuildHandle) -> Fact:
    """A whole of many parts: not which one differs, but whether one does."""
    left, right = (str(side.manifest[key])[:8] for side in (before, present))
    return Fact(name, _SAME, _SAME) if before.manifest[key] == present.manifest[key] else Fact(name, left, right)


def _made_at(build: BuildHandle) -> dt.datetime:
    return dt.datetime.fromisoformat(build.manifest["made_at"]).replace(tzinfo=None)


def _engine(build: BuildHandle) -> str:
    engine = build.manifest["engine"]
    return f"{engine['kind']} {engine['version']}, storage {engine['storage']}"


def _said(value: Any) -> str:
    return "–" if value is None else str(value)
