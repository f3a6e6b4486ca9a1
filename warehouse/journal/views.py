"""Saved views: a page's filters under a name. They are looked up anew each time they are opened."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa

from warehouse.journal.store import TABLES, Store

_saved_views = sa.Table(
    "saved_views",
    TABLES,
    sa.Column("owner", sa.String(200), primary_key=True),
    sa.Column("page", sa.String(100), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("saved_at", sa.DateTime, nullable=False),
)


class Views(Store):
    """The saved views of all pages."""

    def save(self, owner: str, page: str, name: str, query: str) -> None:
        """Keep a page's URL query under a name; the same name again replaces it."""
        values = {"owner": owner, "page": page, "name": name, "query": query, "saved_at": self.now()}
        statement = self.upsert(_saved_views, values)
        statement = statement.on_conflict_do_update(
            index_elements=["owner", "page", "name"], set_={"query": query, "saved_at": values["saved_at"]}
        )
        with self.engine.begin() as connection:
            connection.execute(statement)

    def delete(self, owner: str, page: str, name: str) -> bool:
        """Forget a saved view; False when there was none."""
        same = sa.and_(_saved_views.c.owner == owner, _saved_views.c.page == page, _saved_views.c.name == name)
        with self.engine.begin() as connection:
            return connection.execute(sa.delete(_saved_views).where(same)).rowcount == 1

    def table(self, owner: str, page: str) -> pd.DataFrame:
        """One person's saved views of a page, by name: name, query, saved_at."""
        columns = (_saved_views.c.name, _saved_views.c.query, _saved_views.c.saved_at)
        return self.frame(
            sa.select(*columns)
            .where(_saved_views.c.owner == owner, _saved_views.c.page == page)
            .order_by(_saved_views.c.name)
        )
