"""The jobs that there are: a name, the question it answers, the module whose `run(ctx)` does it, and its schedule."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clv.errors import RequestError

if TYPE_CHECKING:
    from clv.config import Settings
    from jobs.run import RunContext


@dataclass(frozen=True)
class Job:
    """One job."""

    name: str
    question: str
    """What a person wants to know when they start it; shown on the Jobs page."""
    module: str
    """Has `run(ctx: RunContext) -> dict | None`: what it did, for the run's row. Imported when it runs, not before."""
    setting: str = ""
    """Key in `[jobs]` with its cron line; none means that it runs only when asked for."""
    is_offered: bool = True
    """Whether the Jobs page lists it. One that has to be told what for is asked for on the page that knows."""

    def load(self) -> Callable[[RunContext], Mapping[str, Any] | None]:
        """The function that does it."""
        function: Callable[[RunContext], Mapping[str, Any] | None] = importlib.import_module(self.module).run
        return function

    def cron(self, settings: Settings) -> str:
        """Its cron line; empty for never."""
        return str(getattr(settings.jobs, self.setting)).strip() if self.setting else ""


JOBS: Mapping[str, Job] = {
    job.name: job
    for job in (
        Job(
            "pipeline",
            "Bring everything up to date: land, build, train if needed, score, publish",
            "jobs.pipeline",
            "pipeline",
        ),
        Job("ingest", "Land new files; what was loaded and what was put aside?", "jobs.ingest"),
        Job("build", "Make and publish the tables from what has landed", "jobs.build"),
        Job("train", "Would a model of the latest data be better than the champion?", "jobs.train", "train"),
        Job("score", "What will each customer be worth, by the champion?", "jobs.score"),
        Job("personas", "Which kinds of customers are there, by how they buy?", "jobs.personas"),
        Job("report", "Write the reports of the published build as PDF", "jobs.report", "report"),
        Job("preview", "Who and what money would move under another version?", "jobs.preview", is_offered=False),
        Job("promote", "Make a version the champion", "jobs.promote", is_offered=False),
        Job("rollback", "Make the champion before this one champion again", "jobs.rollback", is_offered=False),
    )
}


def job_named(name: str) -> Job:
    """The job called *name*.

    Raises:
        RequestError: there is none.
    """
    if name not in JOBS:
        raise RequestError(f"there is no job {name!r} (there are: {', '.join(JOBS)})")
    return JOBS[name]
