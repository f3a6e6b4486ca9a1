"""What the worker will do, and when: published by it, read by the Jobs page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from warehouse.journal.store import TABLES, Store

_schedule = sa.Table(
    "schedule",
    TABLES,
    sa.Column("job", sa.String(40), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("cron", sa.String(100), nullable=False),
    sa.Column("next_run_at", sa.DateTime),
)


class Schedule(Store):
    """The jobs that there are, with their times."""

    def publish(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Publish what the worker will do: rows of job, question, cron, next_run_at (UTC or None); the old ones go."""
        values = [{"position": position, **row} for position, row in enumerate(rows)]
        with self.engine.begin() as connection:
            connection.execute(sa.delete(_schedule))
            if values:
                connection.execute(sa.insert(_schedule), values)

    def table(self) -> pd.DataFrame:
        """The jobs that there are, each with its question, cron line and next run: job, question, cron, next_run_at."""
        columns = (_schedule.c.job, _schedule.c.question, _schedule.c.cron, _schedule.c.next_run_at)
        return self.frame(sa.select(*columns).order_by(_schedule.c.position))
