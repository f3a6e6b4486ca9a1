"""`clv doctor`: the health checks of the warehouse, and those that only the command line can make."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from clv.config import Settings
from clv.errors import ClvError, NoBuildError
from jobs.catalog import JOBS
from jobs.run import today_in
from jobs.schedule import cron_trigger
from jobs.web import check_address
from warehouse import health
from warehouse.ask import Warehouse
from warehouse.health import Finding


def examine(settings: Settings) -> list[Finding]:
    """Every check; a failed one means that something does not work."""
    return [
        *health.examine(settings, today_in(settings.business.timezone)),
        *_schedule(settings),
        *_shell(settings),
        *_address(settings),
    ]


def _schedule(settings: Settings) -> Iterator[Finding]:
    lines = {job.name: job.cron(settings) for job in JOBS.values() if job.cron(settings)}
    try:
        for line in lines.values():
            cron_trigger(line, settings.business.timezone)
    except ClvError as error:
        yield Finding("schedule", "failed", str(error), "Correct the line in [jobs]; empty means never")
        return
    said = ", ".join(f"{job} at {line}" for job, line in lines.items())
    yield Finding("schedule", "ok" if lines else "warning", said or "nothing is scheduled", "Set cron lines in [jobs]")


def _shell(settings: Settings) -> Iterator[Finding]:
    remedy = 'pip install duckdb-cli; `clv sql "select …"` works without it'
    try:
        with Warehouse(settings.paths.data, settings.engine).shell() as command:
            # The real thing on the real file: a shell that is too old refuses the format of the build.
            command = [*command, "-c", "select count(*) from duckdb_views() where not internal"]
            answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 our own program
    except NoBuildError:
        return
    except ClvError as error:
        yield Finding("duckdb shell", "warning", str(error), remedy)
        return
    said = "opens the published build" if answer.returncode == 0 else answer.stderr.strip()
    yield Finding("duckdb shell", "ok" if answer.returncode == 0 else "warning", said, remedy)


def _address(settings: Settings) -> Iterator[Finding]:
    host, port = settings.dashboard.host, settings.dashboard.port
    try:
        check_address(settings, host, 0)
        yield Finding("address", "ok", f"{host}:{port}, auth {settings.auth.mode}", "")
    except ClvError as error:
        yield Finding("address", "failed", str(error), "Set [dashboard] host and [auth] mode")
