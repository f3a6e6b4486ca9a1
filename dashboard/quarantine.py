"""The rows that were put aside, as one CSV file: the route behind the download button of Data quality.

The address carries the page's filters and the build. A cell that a spreadsheet would take for a formula gets an
apostrophe before it; numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import flask
import pyarrow as pa

from clv.errors import NoBuildError, RequestError
from dashboard import data
from dashboard.data import Door
from warehouse.grid import FORMULA_STARTS

ROUTE = "/export/quarantine.csv"
BY = "the Data quality page"
QUERY = "data/samples"
FILTERS = {"source": "source", "reason": "reason", "file": "file_id"}
"""Name in the address, on the page and here → parameter of the query."""


def register(server: flask.Flask) -> None:
    """The route."""

    @server.get(ROUTE)
    def quarantine_csv() -> flask.Response:
        door = data.door(flask.request.args)
        try:
            handle = door.handle
            chosen = {param: flask.request.args.get(name) for name, param in FILTERS.items()}
            rows = door.site.warehouse.arrow(
                QUERY, handle.id, **chosen, max_rows=door.settings.dashboard.max_export_rows
            )
        except (NoBuildError, RequestError) as error:
            return flask.Response(str(error), status=404, mimetype="text/plain")
        door.journal.audit.note(BY, "export", "quarantine", {"n_rows": rows.num_rows, "build": handle.id})
        name = f"quarantine_{handle.as_of.isoformat()}.csv"
        return flask.Response(
            _csv(rows),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


def href(door: Door, **chosen: str | None) -> str:
    """The address of the file with the rows that *chosen* (source, reason, file) leaves."""
    return door.href(ROUTE, **{name: chosen.get(name) for name in FILTERS})


def harmless(value: Any) -> Any:
    """*value* as a spreadsheet may see it: text that would be a formula is text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple(FORMULA_STARTS)) else value


def _csv(rows: pa.Table) -> Iterator[str]:
    """The file, a batch at a time."""
    yield _lines([rows.column_names])
    for batch in rows.to_batches(max_chunksize=5000):
        yield _lines([[harmless(value) for value in row.values()] for row in batch.to_pylist()])


def _lines(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
