"""From fields of text to typed rows, each accepted or with all its reasons: the facts of a file, and one SQL statement.

`Reading.of` asks the spool how its columns are written (`values`); `Reading.sql` then types every row once:
`line_no`, our columns, `reasons` (null for a good row), `bucket` and `content_key`, the hash of everything that the
row says, by which exact duplicates are found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from clv.config import Source
from clv.errors import SourceError
from warehouse.mapping import CLOCK, IDENTITY, REQUIRED, TARGETS, Kind, Mapped, normalised, render
from warehouse.values import (
    MAX_SHAPES,
    MISSING,
    DateFacts,
    DateReading,
    NumberReading,
    among_sql,
    date_shape_sql,
    flag_sql,
    iso_sql,
    missing_sql,
    number_shape_sql,
    read_dates,
    read_number_shape,
    read_numbers,
    sql_text,
)

REASONS = {
    "absurd_amount": "the amount is larger than max_amount, or not finite",
    "ambiguous_amount": "1,600 may be 1600 or 1.6: set decimal",
    "ambiguous_date": "day and month could be swapped: set date_formats",
    "bad_amount": "the amount is not a number",
    "bad_date": "the date is not a date in any known form",
    "bad_json": "the line is not a JSON object",
    "before_header": "the line stands before the header",
    "date_too_old": "the date is before min_date",
    "duplicate": "the same row has been landed from another line or file",
    "future_date": "the date is after today",
    "invalid_encoding": "the line has bytes that its encoding does not know",
    "missing_amount": "no amount",
    "missing_customer": "no customer id",
    "missing_date": "no date",
    "missing_order": "no order id although the file has such a column",
    "nul_byte": "the line holds a NUL",
    "too_few_columns": "fewer fields than the header",
    "too_many_columns": "more fields than the header",
    "unclosed_quote": "a field opens with a quote that does not close where it should",
}
"""What a row can be put aside for; besides `bad_<column>` and `missing_<column>` for any other column."""
_WORDS = {
    "customer_id": "customer",
    "order_id": "order",
    "order_ts": "date",
    "event_ts": "date",
    "sent_ts": "date",
    "signup_date": "date",
}

Query = Callable[..., list[tuple[Any, ...]]]
"""Runs SQL over the relation `spool`; called with the SQL text."""


def reason(what: str, column: str) -> str:
    """The code for *what* (`bad`, `missing`, `ambiguous`) being wrong with one of our columns."""
    return f"{what}_{_WORDS.get(column, column)}"


@dataclass(frozen=True)
class Reading:
    """How one file's fields are read."""

    mapped: Mapped
    names: tuple[str, ...]
    """Header names of the fields `c0`…."""
    settings: Source
    expressions: dict[str, str]
    """SQL of each mapped column over `c…` (text), `n…` (number) and `b…` (flag)."""
    asked: dict[str, frozenset[tuple[int, Kind]]]
    """Which fields each column reads, and how."""
    numbers: dict[int, NumberReading]
    dates: dict[str, DateReading]
    whole_line: bool = False
    """`spool` has a column `line` that holds all that the row says."""
    trims: bool = True
    """Fields may have blanks around them."""

    @classmethod
    def of(
        cls,
        mapped: Mapped,
        names: tuple[str, ...],
        settings: Source,
        query: Query,
        *,
        file_name: str,
        whole_line: bool = False,
        trims: bool = True,
    ) -> Reading:
        """Ask *query* how the columns are written.

        Raises:
            SourceError: most dates of the file read in two ways.
        """
        asked: dict[str, set[tuple[int, Kind]]] = {}
        expressions: dict[str, str] = {}
        for column, expression in mapped.columns.items():
            uses = asked.setdefault(column, set())

            def field_sql(position: int, kind: Kind, uses: set[tuple[int, Kind]] = uses) -> str:
                uses.add((position, kind))
                return f"{'n' if kind == 'number' else 'b' if kind == 'bool' else 'c'}{position}"

            expressions[column] = render(expression, TARGETS[mapped.source][column], field_sql)
        numeric = sorted({position for uses in asked.values() for position, kind in uses if kind == "number"})
        dated = [column for column in mapped.columns if TARGETS[mapped.source][column] in ("timestamp", "date")]
        numbers, dates = _facts(numeric, {column: expressions[column] for column in dated}, settings, query, names)
        for column in dated:
            if dates[column].blocking and column in REQUIRED[mapped.source]:
                raise SourceError(f"{file_name}: {dates[column].blocking} in [sources.{mapped.source}] of config.toml")
        frozen = {column: frozenset(uses) for column, uses in asked.items()}
        return cls(mapped, names, settings, expressions, frozen, numbers, dates, whole_line, trims)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided, in words."""
        said = [note for reading in self.numbers.values() for note in reading.notes]
        said += [note for reading in self.dates.values() for note in reading.notes]
        return (*self.mapped.notes, *dict.fromkeys(said))

    @property
    def is_plain(self) -> bool:
        """Is each number and date taken to be written in the plain form?"""
        return all(reading.is_plain for reading in self.numbers.values()) and all(
            reading.is_iso for reading in self.dates.values()
        )

    @property
    def codes_of_odd_values(self) -> list[str]:
        """Reasons that a number or date gets when it is not written as it was taken to be."""
        odd = {column for column, uses in self.asked.items() if any(kind == "number" for _, kind in uses)}
        return sorted(reason("bad", column) for column in odd | set(self.dates))

    @property
    def has_identity(self) -> bool:
        """Is the column mapped that makes equal rows duplicates?"""
        return IDENTITY[self.mapped.source] in self.mapped.columns

    def sql(self, *, today: date, buckets: int) -> str:
        """One row per row of `spool`: `line_no`, our columns, `reasons`, `bucket`, `content_key`."""
        source, targets = self.mapped.source, TARGETS[self.mapped.source]
        clock = CLOCK[source]
        flags = sorted({position for uses in self.asked.values() for position, kind in uses if kind == "bool"})
        odd = [f"{self.numbers[i].odd_sql(f'c{i}')} as x{i}" for i in self.numbers if not self.numbers[i].is_plain]
        fields = [f"{self.numbers[i].sql(f'c{i}', f'x{i}')} as n{i}" for i in self.numbers]
        fields += [f"{flag_sql(f'c{i}')} as b{i}" for i in flags]
        texts = [f"cast({self.expressions[column]} as varchar) as d_{column}" for column in self.dates]
        texts += [f"(n{i} is null and not {missing_sql(f'c{i}')}) as bad_n{i}" for i in self.numbers]
        texts += [f"(b{i} is null and not {missing_sql(f'c{i}')}) as bad_b{i}" for i in flags]
        odd_dates = [f"{self.dates[column].odd_sql(f'd_{column}')} as x_{column}" for column in self.dates]
        shift = timedelta(hours=self.settings.utc_offset_hours)
        moved = f" + to_microseconds({shift // timedelta(microseconds=1)})" if shift else ""

        values = []
        for column, kind in targets.items():
            if column not in self.mapped.columns:
                continue
            if column in self.dates:
                stamp = self.dates[column].sql(f"d_{column}", f"x_{column}")
                # a date without a time has no clock to move
                values.append(f"{stamp}{moved if kind == 'timestamp' else ''} as {column}")
            elif kind == "text":
                text = self._trimmed(f"cast({self.expressions[column]} as varchar)")
                values.append(f"nullif({text}, '') as {column}")
            else:
                values.append(
                    f"try_cast({self.expressions[column]} as {'double' if kind == 'number' else 'boolean'}) as {column}"
                )

        tests: list[tuple[str, str]] = []
        for column, kind in targets.items():
            if column not in self.mapped.columns:
                continue
            if column in self.dates:
                ambiguous = self.dates[column].ambiguous_sql(f"x_{column}")
                tests.append((reason("ambiguous", column), ambiguous))
                tests.append((reason("bad", column), f"{column} is null and not no_{column} and not {ambiguous}"))
                if column in REQUIRED[source]:
                    tests.append((reason("missing", column), f"{column} is null and no_{column}"))
                if column == clock:
                    tests.append(
                        ("future_date", f"{column} >= timestamp {sql_text((today + timedelta(days=1)).isoformat())}")
                    )
                    tests.append(("date_too_old", f"{column} < timestamp {sql_text(self.settings.min_date)}"))
                continue
            bad, unsure = [], []
            for position, how in sorted(self.asked[column]):
                if how == "number":
                    two_ways = self.numbers[position].ambiguous_sql(f"x{position}")
                    if two_ways != "false":
                        unsure.append(f"(bad_n{position} and {two_ways})")
                    bad.append(f"(bad_n{position} and not {two_ways})")
                elif how == "bool":
                    bad.append(f"bad_b{position}")
            if bad:
                tests.append((reason("bad", column), " or ".join(bad)))
            if unsure:
                tests.append((reason("ambiguous", column), " or ".join(unsure)))
            must = column in REQUIRED[source] or column == IDENTITY[source]
            if must and kind == "text":
                nobody = f" or {among_sql(f'lower({column})', MISSING)}" if column == "customer_id" else ""
                tests.append((reason("missing", column), f"{column} is null{nobody}"))
            elif must:
                wrong = " or ".join([*bad, *unsure]) or "false"
                tests.append((reason("missing", column), f"{column} is null and not ({wrong})"))
            if kind == "number":
                limit = self.settings.max_amount if column == "amount" else 1e300
                tests.append((f"absurd_{column}", f"abs({column}) > {limit!r} or not isfinite({column})"))
        reasons = ", ".join(f"case when {test} then {sql_text(code)} end" for code, test in sorted(tests))

        nulls = {"text": "varchar", "number": "double", "timestamp": "timestamp", "date": "date", "bool": "boolean"}
        finished = []
        for column, kind in targets.items():
            if column == "is_return":
                prefix = self.settings.cancelled_order_prefix
                signs = ["amount < 0e0"]
                signs += ["coalesce(quantity < 0e0, false)"] if "quantity" in self.mapped.columns else []
                signs += (
                    [f"starts_with(order_id, {sql_text(prefix)})"]
                    if prefix and "order_id" in self.mapped.columns
                    else []
                )
                signs += ["coalesce(is_return, false)"] if "is_return" in self.mapped.columns else []
                finished.append(f"({' or '.join(signs)}) as is_return")
            elif column in self.mapped.columns:
                finished.append(f"cast({column} as {nulls[kind]}) as {column}")
            else:
                finished.append(f"cast(null as {nulls[kind]}) as {column}")
        ours = ", ".join(self.mapped.columns)
        absent = [f"{missing_sql(f'x_{column}')} as no_{column}" for column in self.dates]
        carried = [f"d_{column}, x_{column}" for column in self.dates]
        carried += [f"x{i}" for i in self.numbers if not self.numbers[i].is_plain]
        carried += [*(f"bad_n{i}" for i in self.numbers), *(f"bad_b{i}" for i in flags)]
        rest = f"{self._rest_sql()} as rest"
        # Each step adds columns to the one before. Left to itself DuckDB would store the whole of each.
        return (
            f"with odd as not materialized (select {', '.join(['*', *odd])} from spool), "
            f"fields as not materialized (select {', '.join(['*', *fields])} from odd), "
            f"texts as not materialized (select {', '.join(['*', *texts])} from fields), "
            f"odd_dates as not materialized (select {', '.join(['*', *odd_dates])} from texts), "
            f"valued as not materialized (select {', '.join(['line_no', *values, rest, *carried])} from odd_dates), "
            f"typed as not materialized (select {', '.join(['*', *absent])} from valued) "
            f"select line_no, {', '.join(finished)}, nullif(concat_ws(';', {reasons}), '') as reasons, "
            f"cast(hash(customer_id) % {buckets} as integer) as bucket, hash({ours}, rest) as content_key from typed"
        )

    def _trimmed(self, text: str) -> str:
        return f"trim({text}, ' \t')" if self.trims else text

    def _rest_sql(self) -> str:
        """SQL of what the row says in columns that are not mapped, whatever their order."""
        if self.whole_line:
            return "line"
        rest = sorted((normalised(name), i) for i, name in enumerate(self.names) if i not in self.mapped.used)
        parts = []
        for name, i in rest:
            text = self._trimmed(f"c{i}")
            parts.append(f"case when {text} <> '' then {sql_text(name + '=')} || {text} end")
        return f"hash({', '.join(parts)})" if parts else "0"


def _shapes(query: Query, field: str, condition: str) -> list[tuple[str, int]]:
    rows = query(
        f"select {number_shape_sql(field)} as shape, count(*) as n from spool "
        f"where {field} is not null and {condition} group by 1 order by n desc, shape limit {MAX_SHAPES}"
    )
    return [(str(shape), int(n)) for shape, n in rows]


def _facts(
    numeric: list[int], dated: dict[str, str], settings: Source, query: Query, names: tuple[str, ...]
) -> tuple[dict[int, NumberReading], dict[str, DateReading]]:
    if settings.date_formats:
        try:
            query(f"select try_strptime('', [{', '.join(sql_text(text) for text in settings.date_formats)}])")
        except duckdb.Error as error:
            raise SourceError(f"date_formats in [sources] of config.toml: {error}; use strptime formats") from error
    asks = []
    for i in numeric:
        plain = f"coalesce(isfinite(try_cast(c{i} as double)), false)"
        asks.append(f"count(*) filter (where not {plain} and not {missing_sql(f'c{i}')})")
    for text in dated.values():
        iso = iso_sql(text)
        asks.append(f"count(*) filter (where {iso} is not null)")
        asks.append(f"count(*) filter (where {iso} is null and not {missing_sql(text)})")
    counts = list(query(f"select {', '.join(asks)} from spool")[0]) if asks else []
    numbers: dict[int, NumberReading] = {}
    for i in numeric:
        n_odd = counts.pop(0)
        if n_odd == 0 and settings.decimal != ",":
            numbers[i] = NumberReading()
            continue
        shapes = _shapes(query, f"c{i}", f"not coalesce(isfinite(try_cast(c{i} as double)), false)")
        telling = {seen.decimal for shape, _ in shapes if (seen := read_number_shape(shape))}
        if settings.decimal == "," or telling & {",", "?"}:
            # only the plain values can tell what a comma is
            shapes = _shapes(query, f"c{i}", "true")
        numbers[i] = read_numbers(shapes, settings.decimal, name=names[i])
    dates: dict[str, DateReading] = {}
    for column, text in dated.items():
        n_iso, n_other = counts.pop(0), counts.pop(0)
        if n_other == 0 or settings.date_formats:
            dates[column] = read_dates([], n_iso, settings.date_formats, name=column)
            continue
        rows = query(
            "with other as not materialized (select trim(cast("
            + text
            + " as varchar)) as d from spool where "
            + iso_sql(text)
            + " is null "
            f"and not {missing_sql(text)}), "
            f"grouped as not materialized (select {date_shape_sql('d')} as shape, left(d, 6) as front, "
            "min(d) as example, count(*) as n from other group by all) "
            "select shape, min(example), cast(sum(n) as bigint) as n_rows, "
            "coalesce(max(try_cast(regexp_extract(front, '^([0-9]{1,2})', 1) as integer)), 0), "
            "coalesce(max(try_cast(regexp_extract(front, '^[0-9]{1,2}[-/. ]([0-9]{1,2})', 1) as integer)), 0) "
            f"from grouped group by shape order by n_rows desc, shape limit {MAX_SHAPES}"
        )
        dates[column] = read_dates([DateFacts(*row) for row in rows], n_iso, name=column)
    return numbers, dates


def run_query(con: duckdb.DuckDBPyConnection, spool: Callable[[], object]) -> Query:
    """A `Query` on *con*; *spool* gives the relation anew for each statement."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        con.register("spool", spool())
        return con.execute(sql).fetchall()

    return query
