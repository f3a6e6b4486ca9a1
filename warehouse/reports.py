"""The reports that there are, and where they are once they are made: `data/reports/<build id>/<file>.pdf`.

| who         | for what                                                              |
|-------------|-----------------------------------------------------------------------|
| `jobs`      | writes one (aside, then renamed), and removes those of old builds       |
| `dashboard` | finds one by the names of its build and itself; never by a joined path  |
| `health`    | whether there is a browser to draw their charts                         |

A report is of one build, so it does not age: once made, it stays right. Beside it lies a small file of facts: how many
pages it has, the key of what it was made from, and why charts are missing where they are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clv.errors import RequestError


@dataclass(frozen=True)
class Report:
    """One report."""

    name: str
    """As in `clv report --name`, and in its address."""
    title: str
    question: str
    """What it answers."""

    @property
    def stem(self) -> str:
        """Name of its files, without their ends."""
        return self.name.replace("-", "_")


REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (
        Report("executive-summary", "Executive summary", "How are our customers doing, and what should we do?"),
    )
}


@dataclass(frozen=True)
class Made:
    """A report that is there."""

    report: Report
    build_id: str
    path: Path
    """Of the PDF."""
    facts: Mapping[str, Any]

    @property
    def missing_charts(self) -> str:
        """Why tables stand in place of charts; empty when they do not."""
        return str(self.facts.get("missing_charts", ""))


def report_named(name: str) -> Report:
    """The report called *name*.

    Raises:
        RequestError: there is none.
    """
    if name not in REPORTS:
        raise RequestError(f"there is no report {name!r} (there are: {', '.join(REPORTS)})")
    return REPORTS[name]


def made(folder: Path) -> list[Made]:
    """All reports in *folder*, those of the newest build first."""
    return [Made(report, build_id, path, _facts(path)) for report, build_id, path in _there(folder)]


def find(folder: Path, build_id: str, name: str) -> Made | None:
    """The report *name* of a build; None when it is not made. Both are compared with what is there."""
    for report, of_build, path in _there(folder):
        if of_build == build_id and report.name == name:
            return Made(report, of_build, path, _facts(path))
    return None


def _there(folder: Path) -> Iterator[tuple[Report, str, Path]]:
    by_stem = {report.stem: report for report in REPORTS.values()}
    for path in sorted(folder.glob("*/*.pdf"), reverse=True):
        if path.stem in by_stem:
            yield by_stem[path.stem], path.parent.name, path


def write(folder: Path, build_id: str, report: Report, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> Path:
    """Put the report of a build in place; a reader sees all of it or none.

    Args:
        folder: `Paths.reports`.
        build_id: of a build that there is.
        report: which.
        files: end of the file's name → content; `pdf` is the one that says that the report is there.
        facts: what the pages say about it.

    Returns:
        Path of the PDF.
    """
    home = folder / build_id
    home.mkdir(parents=True, exist_ok=True)
    contents = {"json": json.dumps(dict(facts), indent=1).encode(), **files}
    asides = {}
    try:
        for end, content in contents.items():
            asides[end] = home / f".{report.stem}.{end}.{os.getpid()}.part"
            with asides[end].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        # The PDF comes last: it is what makes the report one that is there.
        for end in sorted(asides, key=lambda end: end == "pdf"):
            asides[end].replace(home / f"{report.stem}.{end}")
    finally:
        for aside in asides.values():
            aside.unlink(missing_ok=True)
    return home / f"{report.stem}.pdf"


def keep_newest(folder: Path, keep: int, *, but: str = "") -> list[str]:
    """Remove the reports of all but the newest *keep* builds, and what a killed job left.

    Args:
        folder: `Paths.reports`. Nobody else may be writing there.
        keep: how many builds keep theirs.
        but: a build that keeps them however old it is: somebody has just asked for them.

    Returns:
        The builds whose reports went.
    """
    homes = sorted((path for path in folder.glob("*") if path.is_dir()), reverse=True)
    gone = [home for home in homes[keep:] if home.name != but]
    for home in gone:
        shutil.rmtree(home)
    for aside in folder.glob("*/.*.part"):
        aside.unlink(missing_ok=True)
    return [home.name for home in gone]


def chrome() -> str | None:
    """Path of the browser that would draw charts: `$BROWSER_PATH`, else the first that is installed; None without."""
    named = os.environ.get("BROWSER_PATH")
    if named is not None:
        return named if shutil.which(named) else None
    # Imported here: it costs time, and pages do not need it.
    from choreographer.browsers.chromium import Chromium

    found: str | None = Chromium.find_browser(skip_local=False)
    return found


def _facts(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
