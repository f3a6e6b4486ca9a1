"""All customers that a list shows, as one CSV file: a signed link, and the route that makes the file.

The link carries what the page's address says, the build and, for ticked rows, the name of a file with their ids; its
signature keeps others from asking for what no page has offered. DuckDB writes the file, so a million customers take a
second or two and no memory here. Each export is a line in the audit trail.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import flask
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from clv.errors import RequestError
from dashboard import customer_list, data, saved_lists
from dashboard.data import BUILD_KEY, Door
from warehouse.grid import MAX_IDS, Wanted

ROUTE = "/export/customers.csv"
BY = "the Customers page"
VALID_SECONDS = 900
PIECE_BYTES = 2**20
KEPT_SECONDS = 3600
"""A file that is still here after this was being sent when the process died."""
_KEY_FILE = "secret.key"
_SALT = "customers.csv"


def register(server: flask.Flask) -> None:
    """The route."""

    @server.get(ROUTE)
    def customers_csv() -> flask.Response:
        door = data.door({})
        try:
            request = _opened(door, flask.request.args.get("token", ""))
            return _file(data.door({BUILD_KEY: request["build"]}), request)
        except RequestError as error:
            return flask.Response(str(error), status=400, mimetype="text/plain")


def link(door: Door, search: str, ids: Sequence[str] | None = None) -> str:
    """A link to the file of what *search* shows, or of the rows with *ids* alone; good for a quarter of an hour.

    Raises:
        RequestError: *search* asks for something that the list does not have, or too many ids.
    """
    customer_list.wanted(search)
    request: dict[str, Any] = {"search": search, "build": door.handle.id}
    if ids is not None:
        request["ids"] = _kept(door, ids)
    return f"{ROUTE}?{urlencode({'token': _signer(door).dumps(request)})}"


def _file(door: Door, request: dict[str, Any]) -> flask.Response:
    asked = customer_list.wanted(request["search"])
    if "ids" in request:
        asked = replace(asked, filters={}, members=None, ids=_picked(door, request["ids"]))
    asked = saved_lists.ready(door, asked)
    grid = customer_list.grid_of(door.site.warehouse)
    n_rows = grid.count(asked, door.build)
    if n_rows > door.settings.dashboard.max_export_rows:
        raise RequestError(
            f"{n_rows} customers are more than dashboard.max_export_rows = {door.settings.dashboard.max_export_rows}"
        )
    target = _folder(door) / f"{uuid.uuid4().hex}.csv"
    try:
        grid.export(asked, target, _heads(), door.build)
        n_bytes = target.stat().st_size
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    response = flask.Response(_sent(target), mimetype="text/csv")
    response.headers["Content-Length"] = str(n_bytes)
    response.headers["Content-Disposition"] = f"attachment; filename=customers_{door.handle.as_of.isoformat()}.csv"
    response.headers["Cache-Control"] = "no-store"
    door.journal.audit.note(BY, "export", "customers", _noted(asked, n_rows, door))
    return response


def _sent(target: Path) -> Iterator[bytes]:
    """The file piece by piece; it is gone when all is sent or nobody listens any more."""
    try:
        with target.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    finally:
        target.unlink(missing_ok=True)


def _noted(asked: Wanted, n_rows: int, door: Door) -> dict[str, Any]:
    """What the audit trail keeps: which columns were filtered, never by what; that may be somebody's name."""
    return {
        "n_rows": n_rows,
        "build": door.handle.id,
        "filtered_by": sorted(asked.filters),
        "list": asked.members.query.partition(customer_list.SAVED)[0] or "saved" if asked.members else None,
        "is_selection": asked.ids is not None,
    }


def _heads() -> dict[str, str]:
    """The file's columns under their own names, the id first."""
    names = [customer_list.KEY, *(name for name in customer_list.COLUMNS if name != customer_list.KEY)]
    return {name: name for name in names}


def _opened(door: Door, token: str) -> dict[str, Any]:
    try:
        request: dict[str, Any] = _signer(door).loads(token, max_age=VALID_SECONDS)
    except SignatureExpired:
        raise RequestError("this link was good for a quarter of an hour; go back and export again") from None
    except BadSignature:
        raise RequestError("this link was not made by the list of customers; go back and export again") from None
    return request


def _signer(door: Door) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_secret(door.settings.paths.data), salt=_SALT)


def _secret(folder: Path) -> str:
    """The key of this data folder's links, the same in all web processes; made when there is none."""
    path = folder / _KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        mine = folder / f"{_KEY_FILE}.{uuid.uuid4().hex}"
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        # A link, not a rename: of two processes that start together, the second must not replace the first one's key.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(mine)
        mine.unlink()
    return path.read_text(encoding="ascii")


def _kept(door: Door, ids: Sequence[str]) -> str:
    """Put *ids* into a file, whose name the link carries: a thousand of them are too long for an address."""
    if not ids or len(ids) > MAX_IDS or not all(isinstance(one, str) for one in ids):
        raise RequestError(f"1 to {MAX_IDS} rows can be exported one by one; filter instead")
    text = json.dumps(sorted(set(ids)))
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    (_folder(door) / f"{name}.json").write_text(text, encoding="utf-8")
    return name


def _picked(door: Door, name: str) -> tuple[str, ...]:
    path = _folder(door) / f"{name}.json"
    if not path.exists():
        raise RequestError("the ticked rows are no longer known; go back and tick them again")
    return tuple(json.loads(path.read_text(encoding="utf-8")))


def _folder(door: Door) -> Path:
    """Where files and ticked ids are meanwhile; what a link could no longer ask for is swept out."""
    folder = door.settings.paths.cache / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    oldest = time.time() - KEPT_SECONDS
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process sweeps, too
            if path.stat().st_mtime < oldest:
                path.unlink()
    return folder
