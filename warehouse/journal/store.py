"""What the parts of the journal share: the engine, the clock, and the two things that SQLAlchemy leaves to us."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import psutil
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

TABLES = sa.MetaData()
"""The tables of all parts; each part declares its own."""


def utc_now() -> datetime:
    """The present, UTC, without zone: the form in which the journal keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def this_process() -> dict[str, Any]:
    """What tells this process from all others: host, pid, pid_started (seconds in the host's clock)."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "pid_started": psutil.Process(pid).create_time()}


@dataclass(frozen=True)
class Store:
    """One part of the journal. Every method of a part is one short transaction, safe from any thread or process."""

    engine: sa.Engine
    now: Callable[[], datetime] = utc_now
    """Gives the present, UTC without zone."""

    def upsert(self, table: sa.Table, values: Mapping[str, Any]) -> Any:
        """An insert that may go on with `on_conflict_do_update`."""
        insert = postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert
        return insert(table).values(values)

    def frame(self, query: sa.Select[Any]) -> pd.DataFrame:
        """The rows of a query; columns of times are times even where there is no row."""
        with self.engine.connect() as connection:
            result = connection.execute(query)
            frame = pd.DataFrame(result.mappings().all(), columns=list(result.keys()))
        for column in query.selected_columns:
            if isinstance(column.type, sa.DateTime):
                frame[column.name] = pd.to_datetime(frame[column.name])
        return frame
