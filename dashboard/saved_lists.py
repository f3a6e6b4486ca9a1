"""Customers kept for a plan under a name: in the journal, and as a file that the list of customers can be cut by.

A kept list is who was chosen, not how: filters that give others tomorrow do not change it. The journal holds the ids;
the Parquet file in the cache is made from them when it is missing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clv.errors import RequestError
from dashboard import customer_list
from dashboard.customer_list import KEY, SAVED
from dashboard.data import Door
from warehouse.grid import Wanted

OWNER = "everyone"
"""Lists and views belong to all who can look: there is no sign-in."""
BY = "the Customers page"
MAX_LISTS = 100
MAX_NAME = 80


def ready(door: Door, asked: Wanted) -> Wanted:
    """*asked* with the file of the kept list that it names, if it names one.

    Raises:
        RequestError: there is no such list.
    """
    if asked.members is None or not asked.members.query.startswith(SAVED):
        return asked
    return replace(asked, members=replace(asked.members, file=_file(door, asked.members.query.removeprefix(SAVED))))


def keep(door: Door, name: str, asked: Wanted, ticked: Sequence[str] | None = None) -> None:
    """Keep the *ticked* customers under *name*, or all that *asked* gives.

    Raises:
        RequestError: the name is taken or empty, there are too many lists or customers, or nobody is chosen.
    """
    name = name.strip()[:MAX_NAME]
    if len(door.journal.lists.table(OWNER)) >= MAX_LISTS:
        raise RequestError(f"there are {MAX_LISTS} lists already; delete one first")
    ids = list(ticked) if ticked is not None else _matching(door, asked)
    door.journal.lists.save(OWNER, name, ids, door.handle.id)
    door.journal.audit.note(BY, "keep a list", "customers", {"n_customers": len(set(ids)), "build": door.handle.id})


def delete(door: Door, name: str) -> str:
    """Forget a list; gives the id with which the journal can bring it back."""
    list_id = door.journal.lists.delete(OWNER, name)
    door.journal.audit.note(BY, "delete a list", "customers", {"list": list_id})
    return list_id


def restore(door: Door, list_id: str) -> None:
    """Bring back a list that was deleted within a day."""
    door.journal.lists.restore(OWNER, list_id)
    door.journal.audit.note(BY, "restore a list", "customers", {"list": list_id})


def rename(door: Door, name: str, new_name: str) -> None:
    """Give a list another name."""
    door.journal.lists.rename(OWNER, name, new_name.strip()[:MAX_NAME])


def all_lists(door: Door) -> Any:
    """The kept lists, by name: list_id, name, n_customers, build_id, saved_at."""
    return door.journal.lists.table(OWNER)


def _matching(door: Door, asked: Wanted) -> list[str]:
    grid = customer_list.grid_of(door.site.warehouse)
    asked = ready(door, asked)
    n_rows, most = grid.count(asked, door.build), door.settings.dashboard.max_export_rows
    if n_rows > most:
        raise RequestError(f"{n_rows} customers are more than dashboard.max_export_rows = {most}")
    return grid.keys(asked, door.build)


def _file(door: Door, name: str) -> Path:
    members = door.journal.lists.members(OWNER, name)
    mark = hashlib.sha256("\n".join(members).encode()).hexdigest()[:32]
    path = door.settings.paths.cache / "lists" / f"{mark}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        pq.write_table(pa.table({KEY: pa.array(members, pa.string())}), aside)
        aside.replace(path)
    return path
