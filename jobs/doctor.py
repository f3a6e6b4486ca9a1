"""`clv doctor`: the health checks of the warehouse, and those that only the command line can make."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from clv.config import Settings
from clv.errors import ClvError
from jobs.catalog import JOBS
from jobs.run import today_in
from jobs.schedule import cron_trigger
from jobs.shell import shell_program
from jobs.web import check_address
from warehouse import health
from warehouse.health import Finding


def examine(settings: Settings) -> list[Finding]:
    """Every check; a failed one means that something does not work."""
    return [
        *health.examine(settings, today_in(settings.business.timezone)),
        *_schedule(settings),
        *_shell(),
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


def _shell() -> Iterator[Finding]:
    program = shell_program()
    remedy = 'pip install duckdb-cli; `clv sql "select …"` works without it'
    if program is None:
        yield Finding("duckdb shell", "warning", "is not installed", remedy)
        return
    answer = subprocess.run([str(program), "-version"], capture_output=True, text=True, check=False)  # noqa: S603 our own program
    said = answer.stdout.strip() or answer.stderr.strip()
    yield Finding("duckdb shell", "ok" if answer.returncode == 0 else "warning", said, remedy)


def _address(settings: Settings) -> Iterator[Finding]:
    host, port = settings.dashboard.host, settings.dashboard.port
    try:
        check_address(settings, host, 0)
        yield Finding("address", "ok", f"{host}:{port}, auth {settings.auth.mode}", "")
    except ClvError as error:
        yield Finding("address", "failed", str(error), "Set [dashboard] host and [auth] mode")
