"""loguru, set up once per process: JSON lines in a file per role, short lines on the terminal.

Facts are bound as fields (`logger.bind(rows=…)`), customers' data never. The run id of a job is bound in
`jobs/run.py`, so that every line written inside a run carries it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path

from loguru import logger
from loguru._file_sink import FileSink

_bound = {"role": "", "run": ""}
TERMINAL_FORMAT = "<dim>{time:HH:mm:ss}</dim> <level>{level: <7}</level> {message}"


class _File(FileSink):  # type: ignore[misc, unused-ignore]
    """A log file that a full disk leaves shorter: loguru would print a traceback for each line on the terminal."""

    def write(self, message: str) -> None:
        with contextlib.suppress(OSError):
            super().write(message)  # type: ignore[no-untyped-call, unused-ignore]

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            super().stop()  # type: ignore[no-untyped-call, unused-ignore]


class _ToLoguru(logging.Handler):
    """Hands a record of the standard library's logging on."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.bind(library=record.name).opt(exception=record.exc_info).log(record.levelname, record.getMessage())


def set_up(
    role: str,
    folder: Path,
    *,
    level: str = "INFO",
    rotation: str = "20 MB",
    retention: str = "30 days",
    terminal: bool = True,
) -> None:
    """Send this process's log to `<folder>/<role>.jsonl` and, unless *terminal* is off, to standard error.

    Args:
        role: `cli`, `web` or `worker`; one file per role.
        folder: made when missing.
        level: the least level that is kept.
        rotation: size or age at which the file is put aside, in loguru's words.
        retention: age at which a file that was put aside is deleted, in loguru's words.
        terminal: also print short coloured lines to standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    logger.remove()
    _bound.update(role=role, run="")
    logger.configure(extra=dict(_bound))
    path = folder / f"{role}.jsonl"
    sink = _File(path, rotation=rotation, retention=retention)  # type: ignore[no-untyped-call, unused-ignore]
    # enqueue would make each line a pickle through a pipe; one process a file needs only the lock that loguru has.
    logger.add(
        sink,
        level=level,
        serialize=True,
        backtrace=False,
        diagnose=False,
    )
    # Libraries speak through logging; their warnings belong beside ours.
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.WARNING, force=True)
    if terminal:
        logger.add(sys.stderr, level=level, format=TERMINAL_FORMAT, backtrace=False, diagnose=False)


def bind_run(run_id: str) -> None:
    """Put the run id on every line from now on, in all threads; an empty one ends it.

    One process runs one job at a time. `logger.contextualize` would not reach the threads that a job starts.
    """
    _bound["run"] = run_id
    logger.configure(extra=dict(_bound))
