"""What somebody should look at: one open alert a key, until it is closed."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa

from warehouse.journal.store import TABLES, Store

SEVERITIES = ("info", "warning", "critical")

_alerts = sa.Table(
    "alerts",
    TABLES,
    sa.Column("alert_id", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("run_id", sa.String(40)),
    sa.Column("raised_at", sa.DateTime, nullable=False),
    sa.Column("last_at", sa.DateTime, nullable=False),
    sa.Column("n_times", sa.Integer, nullable=False),
    sa.Column("closed_at", sa.DateTime),
    sa.Column("closed_by", sa.String(200)),
)
_one_open = sa.Index(
    "one_open_alert_per_key",
    _alerts.c.key,
    unique=True,
    sqlite_where=_alerts.c.closed_at.is_(None),
    postgresql_where=_alerts.c.closed_at.is_(None),
)


class Alerts(Store):
    """The alerts."""

    def open(
        self, key: str, severity: str, title: str, *, remedy: str = "", link: str = "", run_id: str | None = None
    ) -> None:
        """Open the alert *key*, or say again that it is open; what is said last stands."""
        if severity not in SEVERITIES:
            raise ValueError(f"an alert is one of {SEVERITIES}, not {severity!r}")
        now = self.now()
        said = {"severity": severity, "title": title, "remedy": remedy, "link": link, "run_id": run_id, "last_at": now}
        statement = self.upsert(_alerts, {"key": key, "raised_at": now, "n_times": 1, **said})
        statement = statement.on_conflict_do_update(
            index_elements=[_alerts.c.key],
            index_where=_alerts.c.closed_at.is_(None),
            set_={**said, "n_times": _alerts.c.n_times + 1},
        )
        with self.engine.begin() as connection:
            connection.execute(statement)

    def close(self, key: str, by: str) -> bool:
        """Close the open alert *key*; False when none was open."""
        with self.engine.begin() as connection:
            closed = connection.execute(
                sa.update(_alerts)
                .where(_alerts.c.key == key, _alerts.c.closed_at.is_(None))
                .values(closed_at=self.now(), closed_by=by)
            )
        return closed.rowcount > 0

    def table(self, *, include_closed: bool = False, limit: int = 200) -> pd.DataFrame:
        """Alerts, the latest first."""
        query = sa.select(_alerts).order_by(_alerts.c.last_at.desc(), _alerts.c.alert_id.desc()).limit(limit)
        return self.frame(query if include_closed else query.where(_alerts.c.closed_at.is_(None)))
