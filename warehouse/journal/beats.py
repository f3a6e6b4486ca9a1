"""Heartbeats: which processes (web, worker) are alive."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import sqlalchemy as sa

from warehouse.journal.store import TABLES, Store, this_process

_heartbeats = sa.Table(
    "heartbeats",
    TABLES,
    sa.Column("role", sa.String(20), primary_key=True),
    sa.Column("host", sa.String(200), primary_key=True),
    sa.Column("pid", sa.Integer, primary_key=True),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)


class Beats(Store):
    """The processes that said they are alive."""

    def beat(self, role: str, message: str = "") -> None:
        """Say that this process (web, worker) is alive; beats of processes that stopped a day ago are dropped."""
        now, me = self.now(), this_process()
        values = {"role": role, "host": me["host"], "pid": me["pid"], "started_at": now, "at": now, "message": message}
        statement = self.upsert(_heartbeats, values)
        statement = statement.on_conflict_do_update(
            index_elements=["role", "host", "pid"], set_={"at": now, "message": message}
        )
        with self.engine.begin() as connection:
            connection.execute(statement)
            connection.execute(sa.delete(_heartbeats).where(_heartbeats.c.at < now - timedelta(days=1)))

    def stop(self, role: str) -> None:
        """Say that this process has stopped in good order."""
        me = this_process()
        same = sa.and_(_heartbeats.c.role == role, _heartbeats.c.host == me["host"], _heartbeats.c.pid == me["pid"])
        with self.engine.begin() as connection:
            connection.execute(sa.delete(_heartbeats).where(same))

    def table(self) -> pd.DataFrame:
        """The processes that said they are alive: role, host, pid, started_at, at, message, age_seconds."""
        frame = self.frame(sa.select(_heartbeats).order_by(_heartbeats.c.role, _heartbeats.c.at.desc()))
        frame["age_seconds"] = (pd.Timestamp(self.now()) - pd.to_datetime(frame["at"])).dt.total_seconds()
        return frame
