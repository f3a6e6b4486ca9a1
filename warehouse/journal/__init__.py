"""What people and jobs *do*, in one transactional store: SQLite in WAL mode by default, PostgreSQL by URL.

| part       | who does what with it                                                              |
|------------|------------------------------------------------------------------------------------|
| `runs`     | pages request, the worker claims, jobs say how far they are; builds write `export()` to `outputs` |
| `schedule` | the worker publishes what it will do; the Jobs page reads it                       |
| `alerts`   | jobs open and close them; every page shows them                                    |
| `views`    | a page's filters under a name                                                      |
| `lists`    | customers under a name, kept for a plan                                            |
| `audit`    | pages and the command note who did what                                            |
| `beats`    | web and worker say that they are alive                                             |

Facts about customers or money never live here: they come from files and can be made again; this cannot.
All timestamps are UTC without zone. Each part declares its own table, in a module of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.schema import CreateIndex, CreateTable

from clv.errors import DiskFullError, SettingsError
from warehouse.journal.alerts import Alerts
from warehouse.journal.audit import Audit
from warehouse.journal.beats import Beats
from warehouse.journal.lists import Lists
from warehouse.journal.runs import TERMINAL, Run, Runs
from warehouse.journal.schedule import Schedule
from warehouse.journal.store import TABLES, utc_now
from warehouse.journal.views import Views

__all__ = ["TERMINAL", "Journal", "Run", "utc_now"]

_LEAST_FREE_BYTES = 1 << 20


class Journal:
    """The open journal. Cheap to make; one a process is enough; do not carry it across a fork."""

    def __init__(self, url: str, *, now: Callable[[], datetime] = utc_now) -> None:
        """Open the journal at *url*, and make its tables where they are missing.

        Args:
            url: in SQLAlchemy's form. `postgresql://…` is read with psycopg 3 (extra `postgres`).
            now: gives the present, UTC without zone.

        Raises:
            SettingsError: the URL cannot be understood, its driver is not installed, or the server does not answer.
        """
        try:
            parsed = sa.make_url(url)
            if parsed.drivername in ("postgres", "postgresql"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
                Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"[jobs] journal_url needs the module {error.name}, which is not installed: pip install psycopg[binary]"
            ) from error
        except sa.exc.ArgumentError as error:
            raise SettingsError(f"[jobs] journal_url is not a database URL: {error}") from error
        except OSError as error:
            raise SettingsError(
                f"the journal's folder cannot be made: {error}; see [paths] and [jobs] journal_url"
            ) from error
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
        elif self._engine.dialect.name != "postgresql":
            raise SettingsError(
                f"[jobs] journal_url names {parsed.get_backend_name()}; the journal lives in sqlite or postgresql"
            )
        self._make_tables()
        self.runs = Runs(self._engine, now)
        self.schedule = Schedule(self._engine, now)
        self.alerts = Alerts(self._engine, now)
        self.views = Views(self._engine, now)
        self.lists = Lists(self._engine, now)
        self.audit = Audit(self._engine, now)
        self.beats = Beats(self._engine, now)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def _is_without_space(self) -> bool:
        """Whether SQLite has no room for its log and shared memory: it then speaks of an I/O error."""
        path = self._engine.url.database
        if self._engine.dialect.name != "sqlite" or not path or not Path(path).parent.is_dir():
            return False
        return shutil.disk_usage(Path(path).parent).free < _LEAST_FREE_BYTES

    def _make_tables(self) -> None:
        statements: list[sa.schema.ExecutableDDLElement] = []
        for table in TABLES.sorted_tables:
            statements.append(CreateTable(table, if_not_exists=True))
            statements.extend(
                CreateIndex(index, if_not_exists=True) for index in sorted(table.indexes, key=lambda i: str(i.name))
            )
        for attempt in (1, 2):
            try:
                with self._engine.begin() as connection:
                    for statement in statements:
                        connection.execute(statement)
                return
            except (IntegrityError, ProgrammingError):
                # PostgreSQL's "if not exists" may lose a race against another process that starts; then they exist.
                if attempt == 2:
                    raise
            except OperationalError as error:
                if self._is_without_space():
                    raise DiskFullError(
                        f"the disk that holds the journal {self._engine.url.database} is full: "
                        "free some space, then run the same again"
                    ) from error
                where = self._engine.url.render_as_string(hide_password=True)
                raise SettingsError(
                    f"the journal at {where} does not open: {error.orig}; see [jobs] journal_url"
                ) from error
            except sa.exc.DatabaseError as error:
                where = self._engine.url.render_as_string(hide_password=True)
                raise SettingsError(
                    f"the journal at {where} is damaged: {error.orig}; put a copy in its place, or move it away and "
                    "an empty one is made (runs, alerts, saved views and lists are in it; builds and models are not)"
                ) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Readers never wait for the writer (WAL); a writer waits its turn instead of failing."""
    cursor = connection.cursor()
    for pragma in ("journal_mode = wal", "busy_timeout = 15000", "synchronous = normal"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()
