"""The audit trail: who did what to what. Rows are appended and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from warehouse.journal.store import TABLES, Store

_audit = sa.Table(
    "audit",
    TABLES,
    sa.Column("audit_id", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("action", sa.String(100), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)


class Audit(Store):
    """The audit trail."""

    def note(self, who: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Append to the audit trail: exports, promotions, plan changes, sign-ins."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.insert(_audit).values(
                    at=self.now(), who=who, action=action, subject=subject, detail=dict(detail or {})
                )
            )

    def table(self, limit: int = 1000) -> pd.DataFrame:
        """The audit trail, the latest first."""
        return self.frame(sa.select(_audit).order_by(_audit.c.audit_id.desc()).limit(limit))
