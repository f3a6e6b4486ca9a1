"""What a grid in the browser asks for (AG Grid's filter and sort models) as SQL, and the rows, count or file for it.

| who                   | for what                                         |
|-----------------------|--------------------------------------------------|
| a page with a grid    | `Grid.block`: rows from … to …, and how many     |
| the export's route    | `Grid.export`: all rows as CSV, written by DuckDB|
| the SQL panel         | `Grid.shell_sql`: the same rows in the shell     |

Nothing from the browser becomes SQL: names of columns and operators are looked up in closed tables, values are bound.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from clv.errors import RequestError
from warehouse import sqlfiles
from warehouse.ask import Warehouse
from warehouse.engines import duckdb as engine

Kind = Literal["text", "number", "date", "boolean"]
Condition = Mapping[str, Any]

MAX_CONDITIONS = 64
MAX_TEXT = 200
MAX_BLOCK = 500
MAX_SORTED = 6
MAX_IDS = 20_000
PLAIN_ROWS = 5_000
"""Up to here `limit … offset` is quick; further down it sorts ever more rows for every block."""
KEPT_ORDERS = 6
"""Ordered places that are kept, for scrolling further down; 8 MB each for a million customers."""
KEPT_COUNTS = 256
PLACE = "rowid"
"""Where a row stands in the build's table, which never changes; among rows that are else alike also their order."""
FILE_DECIMALS = 6
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by a spreadsheet as a formula."""

_COMPARISONS = {
    "equals": "=",
    "notEqual": "<>",
    "greaterThan": ">",
    "greaterThanOrEqual": ">=",
    "lessThan": "<",
    "lessThanOrEqual": "<=",
}
_PATTERNS = {"contains": "%{}%", "notContains": "%{}%", "startsWith": "{}%", "endsWith": "%{}"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the grid's table that may be shown, filtered and sorted."""

    id: str
    kind: Kind
    is_exact: bool = False
    """Text out of a list of values: `equals` tells upper from lower case, so that a count is exactly a mark's."""


@dataclass(frozen=True)
class Members:
    """Only the rows whose key a named query gives: the customers behind a mark of a chart."""

    query: str
    params: Mapping[str, Any]
    before: str | None = None
    """The build that the query reads as `earlier`, for one that compares two."""
    file: Path | None = None
    """A Parquet file with their keys, for a list that somebody keeps; it stands in for the query."""


@dataclass(frozen=True)
class Wanted:
    """Which rows, in which order."""

    filters: Mapping[str, Condition] = field(default_factory=dict)
    """Column → AG Grid's filter model."""
    sort: tuple[tuple[str, bool], ...] = ()
    """Column and whether it descends; missing values come last either way."""
    members: Members | None = None
    ids: tuple[str, ...] | None = None
    """Only these keys, such as rows that were ticked."""


@dataclass(frozen=True)
class Block:
    """Some consecutive rows of all that are wanted."""

    rows: list[dict[str, Any]]
    n_rows: int
    """Of all, not of the block."""
    build_id: str


@dataclass
class _Clauses:
    """A statement under construction: its conditions, and the values that are bound to it."""

    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        name = f"grid_{len(self.values)}"
        self.values[name] = value
        return f"${name}"


def where(columns: Mapping[str, Column], filters: Mapping[str, Condition]) -> tuple[str, dict[str, Any]]:
    """AG Grid's filter model as a condition and the values of its parameters.

    Raises:
        RequestError: a column, operator or value that the grid does not offer.
    """
    clauses = _Clauses()
    return _all_of(columns, filters, clauses), clauses.values


def order_by(
    columns: Mapping[str, Column], sort: Sequence[tuple[str, bool]], key: str, place: str | None = None
) -> str:
    """The order of *sort*, made total by *key*: otherwise rows would be shown twice or never while scrolling.

    Of a table that is stored in the order of its key, *place* can stand for it: numbers sort twice as fast as text.

    Raises:
        RequestError: a column that the grid does not have, or too many.
    """
    if len(sort) > MAX_SORTED:
        raise RequestError(f"at most {MAX_SORTED} columns can be sorted by")
    by_key = engine.name_sql(place or key)
    parts = []
    seen = set()
    for name, is_descending in sort:
        if name in seen:
            continue
        seen.add(name)
        column = by_key if name == key else _name(_column(columns, name))
        parts.append(f"{column} {'desc' if is_descending else 'asc'} nulls last")
    if key not in seen:
        parts.append(f"{by_key} asc")
    return ", ".join(parts)


def window(start: Any, end: Any) -> tuple[int, int]:
    """First row and number of rows of a block.

    Raises:
        RequestError: not whole numbers, or more rows than a block may have.
    """
    if type(start) is not int or type(end) is not int or not 0 <= start < end or end - start > MAX_BLOCK:
        raise RequestError(f"rows {start!r} to {end!r} are not a block of at most {MAX_BLOCK}")
    return start, end - start


class Grid:
    """One table of the published build, in blocks.

    Args:
        warehouse: where the table is.
        table: `schema.table`, native in the serving file and stored in the order of its key.
        key: its unique text column.
        columns: what may be shown, filtered and sorted; the key among them.
    """

    def __init__(self, warehouse: Warehouse, table: str, key: str, columns: Sequence[Column]) -> None:
        self.warehouse = warehouse
        self.table = table
        self.key = key
        self.columns = {column.id: column for column in columns}
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[Any, ...], int] = OrderedDict()
        self._orders: OrderedDict[tuple[Any, ...], pa.ChunkedArray] = OrderedDict()

    def block(self, wanted: Wanted, start: Any, end: Any, build: str | None = None) -> Block:
        """The rows from *start* up to *end*; see `window`.

        Raises:
            RequestError: something that the grid does not offer.
            NoBuildError: nothing is published, or there is no such build.
        """
        first, n_rows = window(start, end)
        build_id = self.warehouse.current(build).id
        condition, values = self._condition(wanted, build_id)
        before = _before(wanted)
        order = order_by(self.columns, wanted.sort, self.key, place=PLACE)
        # First which rows, then their columns: to sort forty columns of a million rows takes five times as long.
        if first + n_rows <= PLAIN_ROWS:
            places = self._places(condition, values, order, build_id, before, f" limit {n_rows} offset {first}")
        else:
            places = self._all_places(condition, values, order, build_id, before).slice(first, n_rows)
        shown = ", ".join(_name(column) for column in self.columns.values())
        picked = " ".join(
            ("select", shown, "from", self.table, f"where {PLACE} in (select unnest($places)) order by", order)
        )
        rows = self.warehouse.select(picked, {"places": places.to_pylist()}, build_id)
        return Block(_plain(rows), self._count(condition, values, build_id, before), build_id)

    def count(self, wanted: Wanted, build: str | None = None) -> int:
        """How many rows are wanted; errors as for `block`."""
        build_id = self.warehouse.current(build).id
        return self._count(*self._condition(wanted, build_id), build_id, _before(wanted))

    def keys(self, wanted: Wanted, build: str | None = None) -> list[str]:
        """The keys of all wanted rows, sorted; errors as for `block`."""
        build_id = self.warehouse.current(build).id
        condition, values = self._condition(wanted, build_id)
        key = engine.name_sql(self.key)
        found = " ".join((f"select {key} as key from", self.table, "where", condition, "order by key"))
        keys: list[str] = self.warehouse.select(found, values, build_id, _before(wanted))["key"].to_pylist()
        return keys

    def export(self, wanted: Wanted, target: Path, heads: Mapping[str, str], build: str | None = None) -> None:
        """Write all wanted rows to *target* as CSV (UTF-8, one head line), in their order.

        Args:
            wanted: which rows.
            target: the file.
            heads: column → head, in the order of the file.
            build: a build's id.
        """
        build_id = self.warehouse.current(build).id
        condition, values = self._condition(wanted, build_id)
        shown = ", ".join(f"{_cell(self.columns[name])} as {_quoted_name(head)}" for name, head in heads.items())
        order = order_by(self.columns, wanted.sort, self.key)
        rows = " ".join(("select", shown, "from", self.table, "where", condition, "order by", order))
        with self.warehouse.cursor(build_id, _before(wanted)) as cursor:
            cursor.execute(f"copy ({rows}) to {engine.quoted(str(target))} (format csv, header true)", values)

    def shell_sql(self, wanted: Wanted, build: str | None = None) -> str:
        """The statement of all wanted rows with its values written in, to be pasted into the shell."""
        build_id = self.warehouse.current(build).id
        condition, values = self._condition(wanted, build_id)
        order = order_by(self.columns, wanted.sort, self.key)
        lines = (f"from {self.table}", f"where {sqlfiles.inline(condition, values)}", f"order by {order}", ";")
        return self.warehouse.attach_sql(_before(wanted)) + "\n".join(lines) + "\n"

    def _condition(self, wanted: Wanted, build_id: str) -> tuple[str, dict[str, Any]]:
        clauses = _Clauses()
        parts = [_all_of(self.columns, wanted.filters, clauses)]
        key = engine.name_sql(self.key)
        if wanted.members is not None and wanted.members.file is not None:
            kept = engine.files_sql([str(wanted.members.file)])
            parts.append("".join((key, " in (select ", key, " from ", kept, " as members)")))
        elif wanted.members is not None:
            text = self.warehouse.inlined(wanted.members.query, wanted.members.params, build_id)
            parts.append("".join((key, " in (select ", key, " from (\n", text, "\n) as members)")))
        if wanted.ids is not None:
            if len(wanted.ids) > MAX_IDS:
                raise RequestError(f"at most {MAX_IDS} rows can be picked one by one; filter instead")
            parts.append(f"{key} in (select unnest(cast({clauses.bind(list(wanted.ids))} as varchar[])))")
        return " and ".join(parts), clauses.values

    def _count(self, condition: str, values: dict[str, Any], build_id: str, before: str | None) -> int:
        cache_key = (build_id, before, condition, _frozen(values))
        with self._lock:
            if cache_key in self._counts:
                self._counts.move_to_end(cache_key)
                return self._counts[cache_key]
        counted = " ".join(("select count(*) as n from", self.table, "where", condition))
        n_rows = int(self.warehouse.select(counted, values, build_id, before)["n"][0].as_py())
        with self._lock:
            self._counts[cache_key] = n_rows
            while len(self._counts) > KEPT_COUNTS:
                self._counts.popitem(last=False)
        return n_rows

    def _places(
        self, condition: str, values: dict[str, Any], order: str, build_id: str, before: str | None, tail: str = ""
    ) -> pa.ChunkedArray:
        parts = (f"select {PLACE} as place from", self.table, "where", condition, "order by", order, tail)
        return self.warehouse.select(" ".join(parts), values, build_id, before)["place"]

    def _all_places(
        self, condition: str, values: dict[str, Any], order: str, build_id: str, before: str | None
    ) -> pa.ChunkedArray:
        cache_key = (build_id, before, condition, _frozen(values), order)
        with self._lock:
            if cache_key in self._orders:
                self._orders.move_to_end(cache_key)
                return self._orders[cache_key]
        places = self._places(condition, values, order, build_id, before)
        with self._lock:
            self._orders[cache_key] = places
            while len(self._orders) > KEPT_ORDERS:
                self._orders.popitem(last=False)
        return places


def _before(wanted: Wanted) -> str | None:
    return wanted.members.before if wanted.members else None


def _all_of(columns: Mapping[str, Column], filters: Mapping[str, Condition], clauses: _Clauses) -> str:
    if not isinstance(filters, Mapping):
        raise RequestError("filters are not a list of columns and conditions")
    parts = [_filter(_column(columns, name), filters[name], clauses) for name in sorted(filters)]
    return " and ".join(parts) or "true"


def _column(columns: Mapping[str, Column], name: Any) -> Column:
    column = columns.get(name) if isinstance(name, str) else None
    if column is None:
        raise RequestError(f"the list has no column {str(name)[:80]!r}")
    return column


def _filter(column: Column, model: Condition, clauses: _Clauses) -> str:
    """One column's filter: a condition, or several joined by AND or OR."""
    if not isinstance(model, Mapping):
        raise RequestError(f"the filter of {column.id} is not one")
    if "operator" not in model and "conditions" not in model:
        return _BY_KIND[column.kind](column, model, clauses)
    operator, conditions = model.get("operator"), model.get("conditions")
    if (
        operator not in ("AND", "OR")
        or not isinstance(conditions, list)
        or not 1 <= len(conditions) <= MAX_CONDITIONS
        or not all(isinstance(one, Mapping) for one in conditions)
    ):
        raise RequestError(f"the filter of {column.id} is not 1 to {MAX_CONDITIONS} conditions joined by AND or OR")
    parts = [_BY_KIND[column.kind](column, one, clauses) for one in conditions]
    return f"({f' {operator.lower()} '.join(parts)})"


def _text(column: Column, model: Condition, clauses: _Clauses) -> str:
    name, operator, value = _name(column), model.get("type"), model.get("filter")
    if operator == "blank":
        return f"({name} is null or {name} = '')"
    if operator == "notBlank":
        return f"({name} is not null and {name} <> '')"
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise RequestError(f"the filter of {column.id} is not a text of at most {MAX_TEXT} characters")
    if operator in ("equals", "notEqual"):
        left, right = name, clauses.bind(value)
        if not column.is_exact:
            left, right = f"lower({left})", f"lower({right})"
        return f"{left} = {right}" if operator == "equals" else f"({name} is null or {left} <> {right})"
    pattern = _PATTERNS.get(str(operator))
    if pattern is None:
        raise RequestError(f"text cannot be filtered by {str(operator)[:40]!r}")
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = f"like lower({clauses.bind(pattern.format(escaped))}) escape '\\'"
    if operator == "notContains":
        return f"({name} is null or lower({name}) not {like})"
    return f"lower({name}) {like}"


def _number(column: Column, model: Condition, clauses: _Clauses) -> str:
    return _compared(column, model, clauses, "filter", "filterTo", _finite)


def _date(column: Column, model: Condition, clauses: _Clauses) -> str:
    return _compared(column, model, clauses, "dateFrom", "dateTo", _day)


def _compared(column: Column, model: Condition, clauses: _Clauses, first: str, second: str, read: Any) -> str:
    name, operator = _name(column), model.get("type")
    if operator == "blank":
        return f"{name} is null"
    if operator == "notBlank":
        return f"{name} is not null"
    if operator == "inRange":  # both ends belong to it: the columns set inRangeInclusive
        low, high = read(column, model.get(first)), read(column, model.get(second))
        return f"{name} between {clauses.bind(low)} and {clauses.bind(high)}"
    sign = _COMPARISONS.get(str(operator))
    if sign is None:
        raise RequestError(f"a {column.kind} cannot be filtered by {str(operator)[:40]!r}")
    return f"{name} {sign} {clauses.bind(read(column, model.get(first)))}"


def _boolean(column: Column, model: Condition, clauses: _Clauses) -> str:
    name, operator = _name(column), model.get("type")
    if operator in ("true", "false"):
        return f"{name} = {clauses.bind(operator == 'true')}"
    if operator in ("blank", "notBlank"):
        return f"{name} is {'not ' if operator == 'notBlank' else ''}null"
    raise RequestError(f"yes or no cannot be filtered by {str(operator)[:40]!r}")


_BY_KIND = {"text": _text, "number": _number, "date": _date, "boolean": _boolean}


def _finite(column: Column, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestError(f"the filter of {column.id} is not a number")
    return float(value)


def _day(column: Column, value: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise RequestError(f"the filter of {column.id} is not a date such as 2026-01-31") from error


def _name(column: Column) -> str:
    return engine.name_sql(column.id)


def _quoted_name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _cell(column: Column) -> str:
    """A column in a file that a spreadsheet may open, without the noise of floating point at the end of numbers.

    Text that would be a formula gets an apostrophe before it.
    """
    name = _name(column)
    if column.kind == "number":
        return f"round({name}, {FILE_DECIMALS})"
    if column.kind != "text":
        return name
    starts = ", ".join(engine.quoted(start) for start in FORMULA_STARTS)
    return f"case when left({name}, 1) in ({starts}) then '''' || {name} else {name} end"


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON knows them: days as text, and nothing where a number is not one."""
    return [{name: _plain_value(value) for name, value in row.items()} for row in table.to_pylist()]


def _plain_value(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _frozen(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in values.items())
