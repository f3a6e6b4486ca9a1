"""SQL that a person types, on the published build: one statement, or the `duckdb` shell on the build's shell file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from clv.config import Settings
from clv.errors import RequestError
from warehouse import publish
from warehouse.engines import duckdb as engine

if TYPE_CHECKING:
    import pandas as pd

SHELL_FILE = "shell.duckdb"


def shell_program() -> Path | None:
    """The `duckdb` binary of this environment, else of the path; None when there is none."""
    beside = Path(sys.executable).with_name("duckdb")
    found = str(beside) if beside.is_file() else shutil.which("duckdb")
    return Path(found) if found else None


def open_shell(settings: Settings) -> int:
    """Open the shell, read-only, on the published build, which stays on disk meanwhile; its exit code.

    Raises:
        NoBuildError: nothing is published.
        RequestError: the shell is not installed.
    """
    program = shell_program()
    if program is None:
        raise RequestError(
            'the duckdb shell is not installed (pip install duckdb-cli); `clv sql "select …"` works without it'
        )
    with publish.lease(settings.paths.data) as lease, tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "start.sql"
        # Views name their files relative to the build, so that the data folder can be moved.
        start.write_text(f"set file_search_path = {engine.quoted(str(lease.folder))};\n", encoding="utf-8")
        command = [str(program), "-readonly", "-init", str(start), str(lease.folder / SHELL_FILE)]
        return subprocess.call(command)  # noqa: S603 the program is ours, the arguments are paths


def answer(settings: Settings, query: str) -> pd.DataFrame:
    """The answer of one statement; it can read the build and nothing else.

    Raises:
        NoBuildError: nothing is published.
        RequestError: the statement is wrong, or wants to do more than read.
    """
    with publish.lease(settings.paths.data) as lease:
        temp = settings.paths.cache / "duckdb" / "sql"
        con = engine.open_serving(lease.folder / SHELL_FILE, settings.engine, temp, is_locked=True)
        try:
            return con.sql(query).df() if query.strip() else _nothing()
        except engine.Error as error:
            raise RequestError(f"the statement failed: {error}") from error
        finally:
            con.close()


def _nothing() -> pd.DataFrame:
    raise RequestError("there is no statement; without one, leave the argument out and the shell opens")
