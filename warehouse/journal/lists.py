"""Kept lists: the very customers that were chosen, whatever filters would give later."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from clv.errors import RequestError
from warehouse.journal.store import TABLES, Store

DELETED_KEPT = timedelta(days=1)
"""So long a deleted list can be had back."""

_saved_lists = sa.Table(
    "saved_lists",
    TABLES,
    sa.Column("list_id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("members", sa.LargeBinary, nullable=False),
    sa.Column("n_customers", sa.Integer, nullable=False),
    sa.Column("build_id", sa.String(60), nullable=False),
    sa.Column("saved_at", sa.DateTime, nullable=False),
    sa.Column("deleted_at", sa.DateTime),
)
# A name that was deleted can be given again.
_one_kept = sa.Index(
    "one_kept_list_per_name",
    _saved_lists.c.owner,
    _saved_lists.c.name,
    unique=True,
    sqlite_where=_saved_lists.c.deleted_at.is_(None),
    postgresql_where=_saved_lists.c.deleted_at.is_(None),
)

_LISTED = ("list_id", "name", "n_customers", "build_id", "saved_at")


class Lists(Store):
    """The kept lists of everybody."""

    def save(self, owner: str, name: str, customer_ids: Iterable[str], build_id: str) -> str:
        """Keep customers under a name, as they are now.

        Args:
            owner: whose list.
            name: free of another kept list of theirs.
            customer_ids: who is in it; at least one.
            build_id: where they were chosen.

        Returns:
            The list's id.

        Raises:
            RequestError: the name is taken or empty, or there is nobody.
        """
        members = sorted(set(customer_ids))
        if not members or not name.strip():
            raise RequestError("a list has a name and at least one customer")
        row = {
            "list_id": secrets.token_hex(8),
            "owner": owner,
            "name": name.strip(),
            "members": zlib.compress(json.dumps(members, ensure_ascii=False).encode()),
            "n_customers": len(members),
            "build_id": build_id,
            "saved_at": self.now(),
        }
        self._change(sa.insert(_saved_lists).values(row), name)
        with self.engine.begin() as connection:
            connection.execute(sa.delete(_saved_lists).where(_saved_lists.c.deleted_at < self.now() - DELETED_KEPT))
        return str(row["list_id"])

    def rename(self, owner: str, name: str, new_name: str) -> None:
        """Give a kept list another name.

        Raises:
            RequestError: there is no such list, or the new name is taken or empty.
        """
        if not new_name.strip():
            raise RequestError("a list has a name")
        self._change(sa.update(_saved_lists).where(_kept(owner, name)).values(name=new_name.strip()), new_name)

    def delete(self, owner: str, name: str) -> str:
        """Forget a list; for a day `restore` brings it back by the id that this gives.

        Raises:
            RequestError: there is no such list.
        """
        statement = (
            sa.update(_saved_lists)
            .where(_kept(owner, name))
            .values(deleted_at=self.now())
            .returning(_saved_lists.c.list_id)
        )
        with self.engine.begin() as connection:
            deleted = connection.execute(statement).scalar()
        if deleted is None:
            raise RequestError(f"no list is called {name[:80]!r}")
        return str(deleted)

    def restore(self, owner: str, list_id: str) -> None:
        """Bring back a deleted list.

        Raises:
            RequestError: it is gone for good, or another list has its name now.
        """
        same = sa.and_(_saved_lists.c.owner == owner, _saved_lists.c.list_id == list_id)
        self._change(sa.update(_saved_lists).where(same).values(deleted_at=None), "it had")

    def table(self, owner: str) -> pd.DataFrame:
        """One person's kept lists, by name: list_id, name, n_customers, build_id, saved_at."""
        columns = [column for column in _saved_lists.c if column.name in _LISTED]
        kept = sa.and_(_saved_lists.c.owner == owner, _saved_lists.c.deleted_at.is_(None))
        return self.frame(sa.select(*columns).where(kept).order_by(_saved_lists.c.name))

    def members(self, owner: str, name: str) -> list[str]:
        """The ids of the customers of a kept list, sorted.

        Raises:
            RequestError: there is no such list.
        """
        with self.engine.connect() as connection:
            packed = connection.execute(sa.select(_saved_lists.c.members).where(_kept(owner, name))).scalar()
        if packed is None:
            raise RequestError(f"no list is called {name[:80]!r}")
        members: list[str] = json.loads(zlib.decompress(packed))
        return members

    def _change(self, statement: Any, name: str) -> None:
        try:
            with self.engine.begin() as connection:
                if connection.execute(statement).rowcount == 0:
                    raise RequestError("that list is not there any more")
        except IntegrityError:
            raise RequestError(f"another list has the name {name[:80]!r}") from None


def _kept(owner: str, name: str) -> Any:
    return sa.and_(_saved_lists.c.owner == owner, _saved_lists.c.name == name, _saved_lists.c.deleted_at.is_(None))
