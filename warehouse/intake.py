"""One file on its way into landing: fields → types and reasons → duplicates → quarantine → the account.

`Intake` works in a folder of its own (`ingest` renames it into place) and knows three forms of files: text, JSON lines
and Parquet. They differ in how fields come out and how a rejected row is copied; everything between is the same SQL.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from sqlglot import exp

from clv.config import Settings, Source
from clv.errors import SourceError
from warehouse import rejects, sources
from warehouse.account import FileAccount
from warehouse.dialect import Bytes, examine
from warehouse.engines import duckdb as engine
from warehouse.landing import COLUMNS, Landed
from warehouse.mapping import CLOCK, MONEY, Mapped, map_columns
from warehouse.records import Account, Layout, reads_whole_as_quoted, records, schema
from warehouse.typed import Query, Reading, run_query
from warehouse.values import sql_text

ONE_PART_ROWS = 2_000_000
"""Up to this many rows a file is landed as one part; larger ones are landed by bucket, so that memory stays flat."""
BAD = -1
"""The part that holds the rows with reasons."""
PARQUET = "compression zstd, compression_level 1, dictionary_size_limit 1000"
"""A dictionary for categories; trying to build one for ids and stamps would cost a third of the time."""
Progress = Callable[[float, str], None]
Spool = Callable[..., object]
"""Gives the fields of all records, or of the first *n* batches, as a relation that DuckDB can scan once."""


@dataclass
class Intake:
    """One file on its way into *temp*."""

    settings: Settings
    file: sources.SourceFile
    file_id: str
    temp: Path
    con: duckdb.DuckDBPyConnection
    today: date
    others: list[Landed]
    """Files of the same source, read by the same mapping, that were landed before."""
    say: Progress
    n_known: int = 0
    """Rows of other files that this one repeats, each counted once."""
    n_told_before: int = 0
    """Accepted rows without an order id that other files hold word for word."""

    @property
    def source(self) -> Source:
        """The file's section of the settings."""
        section: Source = getattr(self.settings.sources, self.file.source)
        return section

    def land(self) -> FileAccount:
        """All parts, and the account counted from them."""
        form = self.file.form
        if form == "parquet":
            return self._land_parquet()
        found = examine(self.file.path, self.source.encoding)
        try:
            if form == "json":
                return self._land_json(found)
            layout, mapped = self._layout(found)
        except sources.EmptyFileError as error:
            return self._empty(found, str(error))
        account = Account()
        spool = self._spool(records(self.file.path, found, layout, account), len(layout.header), found.size_bytes)

        def read(query: Query) -> Reading:
            return Reading.of(
                mapped,
                layout.header,
                self.source,
                query,
                file_name=self.file.name,
                trims=account.has_edge_blanks,
            )

        dialect = "quoted" if layout.quoted else "whitespace" if len(layout.delimiter) > 1 else "lines"
        return self._finish(
            read,
            account,
            spool,
            lambda numbers, reasons, amounts: rejects.write_lines(
                self._quarantine, self._about, found, self.file.path, numbers, reasons, amounts, quoted=layout.quoted
            ),
            FileAccount(
                self.file.source,
                self.file_id,
                self.file.name,
                bytes=found.size_bytes,
                encoding=found.encoding,
                delimiter=layout.delimiter,
                dialect=dialect,
                notes=(*found.notes, *layout.notes),
            ),
        )

    def _layout(self, found: Bytes) -> tuple[Layout, Mapped]:
        """Delimiter, header and mapping; quoted records over several lines only where that loses nothing."""
        try:
            layout, mapped = sources.find_layout(self.file, found, self.source)
        except sources.EmptyFileError:
            raise
        except SourceError:
            if not found.has_quotes:
                raise
            # the header itself may span lines
            layout, mapped = sources.find_layout(self.file, found, self.source, quoted=True)
            if not reads_whole_as_quoted(self.file.path, found, layout):
                raise
            return replace(layout, quoted=True), mapped
        if found.has_quotes and len(layout.delimiter) == 1 and reads_whole_as_quoted(self.file.path, found, layout):
            layout = replace(layout, quoted=True)
        return layout, mapped

    def _land_json(self, found: Bytes) -> FileAccount:
        """JSON lines: the line is the only field; ours are taken out of it by key."""
        header = sources.json_header(found)
        if not found.sample.strip():
            raise sources.EmptyFileError(f"{self.file.name} is empty")
        if not header:
            raise SourceError(
                f"{self.file.name} has no line that is a JSON object; write one object a line (JSON lines)"
            )
        mapped = map_columns(self.file.source, header, self.source.columns, file_name=self.file.name)
        account = Account()
        layout = Layout("\x1f", ("line",), None)
        lines = self._spool(records(self.file.path, found, layout, account), 1, found.size_bytes)
        keys = ", ".join(f"json_extract_string(c0, {sql_text('/' + name)}) as c{i}" for i, name in enumerate(header))
        good = "case when json_valid(c0) then json_type(c0) = 'OBJECT' else false end"
        query = run_query(self.con, lines)
        for (line_no,) in query(f"select line_no from spool where not {good} order by line_no"):
            account.reject(np.array([line_no]), ["bad_json"])
            account.n_records -= 1

        def spool(_batches: int | None = None) -> object:
            self.con.register("json_lines", lines())
            return self.con.sql(f"select line_no, c0 as line, {keys} from json_lines where {good}")

        def read(query: Query) -> Reading:
            return Reading.of(mapped, header, self.source, query, file_name=self.file.name, whole_line=True)

        about = FileAccount(
            self.file.source,
            self.file_id,
            self.file.name,
            bytes=found.size_bytes,
            encoding=found.encoding,
            dialect="json",
            notes=found.notes,
        )
        return self._finish(
            read,
            account,
            spool,
            lambda numbers, reasons, amounts: rejects.write_lines(
                self._quarantine, self._about, found, self.file.path, numbers, reasons, amounts
            ),
            about,
        )

    def _land_parquet(self) -> FileAccount:
        header = sources.parquet_header(self.file.path)
        mapped = map_columns(self.file.source, header, self.source.columns, file_name=self.file.name)
        path = sql_text(str(self.file.path))
        fields = ", ".join(f"cast({_identifier(name)} as varchar) as c{i}" for i, name in enumerate(header))
        relation = f"select file_row_number + 1 as line_no, {fields} from read_parquet({path}, file_row_number = true)"

        def spool(_batches: int | None = None) -> object:
            return self.con.sql(relation)

        try:
            n_rows, line_sum = run_query(self.con, spool)(
                "select count(*), coalesce(sum(line_no), 0)::bigint from spool"
            )[0]
        except duckdb.Error as error:
            raise SourceError(f"{self.file.name} cannot be read as Parquet: {error}") from error
        account = Account(n_lines=n_rows, n_records=n_rows, line_sum=line_sum)

        def read(query: Query) -> Reading:
            return Reading.of(mapped, header, self.source, query, file_name=self.file.name)

        about = FileAccount(
            self.file.source,
            self.file_id,
            self.file.name,
            bytes=self.file.path.stat().st_size,
            encoding="parquet",
            dialect="parquet",
        )
        return self._finish(
            read,
            account,
            spool,
            lambda numbers, reasons, amounts: rejects.write_parquet_rows(
                self.con, self._quarantine, self._about, self.file.path, numbers, reasons, amounts
            ),
            about,
        )

    @property
    def _quarantine(self) -> Path:
        return self.temp / "quarantine.parquet"

    @property
    def _about(self) -> tuple[str, str, str]:
        return self.file.source, self.file_id, self.file.name

    def _empty(self, found: Bytes, note: str) -> FileAccount:
        account = Account()
        for _ in records(self.file.path, found, Layout(",", ("",), None), account):
            raise AssertionError("a file without a filled line has no records")
        return FileAccount(
            self.file.source,
            self.file_id,
            self.file.name,
            bytes=found.size_bytes,
            n_lines=account.n_lines,
            n_blank=account.n_blank,
            landed_at=_now(),
            encoding=found.encoding,
            dialect="lines",
            notes=(note,),
        )

    def _spool(self, tables: Iterator[pa.Table], n_columns: int, size: int) -> Spool:
        """Put the fields of all records aside, as text; they are read several times."""
        path = self.temp / "spool.arrow"
        fields = schema(n_columns)
        with pa.OSFile(str(path), "wb") as out, pa.ipc.new_file(out, fields) as writer:
            n_bytes = 0
            for table in tables:
                writer.write_table(table.combine_chunks())
                n_bytes += table.nbytes
                self.say(min(0.45, 0.45 * n_bytes / (size * 1.3 + 1)), f"reading {self.file.name}")

        def reader(batches: int | None = None) -> pa.RecordBatchReader:
            # not mapped into memory: the pages of a large file would count as this process's own
            file = pa.ipc.open_file(pa.OSFile(str(path)))
            count = file.num_record_batches if batches is None else min(batches, file.num_record_batches)
            return pa.RecordBatchReader.from_batches(fields, (file.get_batch(i) for i in range(count)))

        return reader

    def _finish(
        self,
        read: Callable[[Query], Reading],
        account: Account,
        spool: Spool,
        write_rejects: Callable[[np.ndarray[Any, Any], pa.Array, pa.Array], int],
        about: FileAccount,
    ) -> FileAccount:
        """Type all rows, part by part; then the rejects; then the account.

        Args:
            read: decides how columns are written, given a query over the spool.
            account: of the lines; complete once the spool has been written.
            spool: the fields of all records.
            write_rejects: copies lines of the file: (line numbers, reasons, money) → how many.
            about: what is known of the file.
        """
        self.say(0.5, f"typing {self.file.name}")
        n_parts = 1 if account.n_records <= ONE_PART_ROWS else self.settings.engine.buckets
        # Columns that are plain in the first lines are taken to be plain; a value that is not comes out as bad, and
        # then the whole column is looked at. This spares clean files a pass.
        reading = read(run_query(self.con, lambda: spool(1)))
        surprised = reading.is_plain and self._stage(reading, spool, n_parts)
        if surprised or not reading.is_plain:
            reading = read(run_query(self.con, spool))
            self._stage(reading, spool, n_parts)
        duplicates = []
        for part in range(n_parts):
            self.say(0.7 + 0.2 * part / n_parts, f"writing {self.file.name}")
            duplicates += self._write_part(reading, self._staged(part), part, n_parts)
        numbers, reasons, amounts = self._rejected(self._staged(BAD), account, duplicates)
        self.say(0.9, f"quarantining lines of {self.file.name}")
        written = write_rejects(numbers, reasons, amounts) if len(numbers) else 0
        if written != len(numbers):
            raise AssertionError(f"{self.file.name}: {len(numbers)} lines to quarantine, {written} found in the file")
        result = self._counted(account, reading, about)
        self.say(1.0, f"landed {self.file.name}")
        return result

    def _stage(self, reading: Reading, spool: Spool, n_parts: int) -> bool:
        """Write typed rows by part, bad ones apart; did a value turn up that is not plain?"""
        shutil.rmtree(self.temp / "stage", ignore_errors=True)
        typed = reading.sql(today=self.today, buckets=self.settings.engine.buckets)
        names = COLUMNS[self.file.source]
        listed = ", ".join(f"{sql_text(self.file_id)} as file_id" if name == "file_id" else name for name in names)
        self.con.register("spool", spool())
        self.con.execute(
            f"copy (select {listed}, content_key, reasons, "
            f"case when reasons is null then bucket % {n_parts} else {BAD} end as part "
            f"from ({typed})) to {sql_text(str(self.temp / 'stage'))} (format parquet, partition_by (part), {PARQUET})"
        )
        self.con.unregister("spool")
        bad = self._staged(BAD)
        if not bad:
            return False
        codes = reading.codes_of_odd_values
        tests = (
            " or ".join(f"contains(';' || reasons || ';', {sql_text(';' + code + ';')})" for code in codes) or "false"
        )
        return bool(self._row(f"select count(*) from {engine.files_sql(bad)} where {tests}")[0])

    def _staged(self, part: int) -> list[str]:
        return [str(path) for path in sorted((self.temp / "stage" / f"part={part}").glob("*.parquet"))]

    def _write_part(
        self, reading: Reading, files: list[str], part: int, n_parts: int
    ) -> list[tuple[int, float | None]]:
        """Move a part of the good rows into place; the duplicates among them: (line number, money)."""
        if not files:
            return []
        source = self.file.source
        rows = engine.files_sql(files)
        numbers = source == "transactions" and not reading.has_identity
        prior = self._prior(rows) if reading.has_identity or numbers else []
        # a customer is in one bucket, so that of large files only one bucket need be compared
        same = f" where landed.bucket = {part}" if n_parts > 1 and "bucket" in COLUMNS[source] else ""
        con = self.con
        con.execute("create or replace temp table losers (line_no bigint, money double)")
        if reading.has_identity and self.source.duplicates == "quarantine":
            con.execute(
                f"create or replace temp table repeated as select content_key from {rows} "
                "group by content_key having count(*) > 1"
            )
            if prior:
                landed = engine.files_sql(prior)
                con.execute(
                    "create or replace temp table before as select distinct landed.content_key, landed.customer_id "
                    f"from {landed} as landed semi join {rows} as rows on landed.content_key = rows.content_key{same}"
                )
            else:
                con.execute("create or replace temp table before (content_key ubigint, customer_id varchar)")
            (known,) = self._row(
                f"select count(*) from before semi join {rows} as rows "
                "on rows.content_key = before.content_key and rows.customer_id = before.customer_id"
            )
            self.n_known += known
            con.execute(
                f"insert into losers select line_no, {MONEY[source]} from ("
                "select rows.*, "
                "row_number() over (partition by rows.content_key, rows.customer_id order by rows.line_no) as nth, "
                "before.content_key is not null as is_known "
                f"from {rows} as rows left join before "
                "on before.content_key = rows.content_key and before.customer_id = rows.customer_id "
                "where before.content_key is not null or rows.content_key in (select content_key from repeated)) "
                "where nth > 1 or is_known"
            )
        lost = con.execute("select line_no, money from losers").fetchall()
        stem = "accepted" if n_parts == 1 else f"accepted_{part:04d}"
        if not lost and not numbers:
            for i, path in enumerate(files):
                Path(path).rename(self.temp / f"{stem}_{i:02d}.parquet")
            return []
        listed = ", ".join([*COLUMNS[source], "content_key", "reasons"])
        relation = f"{rows} as rows"
        if numbers:
            made = "strftime(order_ts, '%Y-%m-%d') || '#' || (nth + coalesce(taken, 0)) as order_id"
            listed = listed.replace("order_id", made, 1)
            relation = self._numbered(rows, prior)
            if prior:
                (told,) = self._row(
                    f"select count(*) from {rows} as rows semi join (select content_key from "
                    f"{engine.files_sql(prior)} as landed{same}) as landed on landed.content_key = rows.content_key"
                )
                self.n_told_before += told
        con.execute(
            f"copy (select {listed} from {relation} "
            "where line_no not in (select line_no from losers)) "
            f"to {sql_text(str(self.temp / f'{stem}.parquet'))} (format parquet, {PARQUET})"
        )
        return [(int(line_no), money) for line_no, money in lost]

    def _prior(self, rows: str) -> list[str]:
        """Accepted rows of other files that may hold the same days."""
        clock = CLOCK[self.file.source]
        first, last = self._row(f"select min({clock}), max({clock}) from {rows}")
        paths = []
        for one in self.others:
            their_first, their_last = one.account.get("first_ts"), one.account.get("last_ts")
            apart = (
                first and last and their_first and their_last and (their_last < _iso(first) or their_first > _iso(last))
            )
            paths += [] if apart else [str(path) for path in one.accepted]
        return paths

    def _numbered(self, rows: str, prior: list[str]) -> str:
        """Rows with `nth` among the customer's lines of the day, by content, and the last number that is taken."""
        columns = "amount, quantity, unit_price, product, category, channel, content_key, line_no"
        window = f"partition by customer_id, cast(order_ts as date) order by order_ts, {columns}"
        numbered = f"(select *, row_number() over ({window}) as nth from {rows})"
        if not prior:
            return f"(select *, null as taken from {numbered}) as rows"
        self.con.execute(
            "create or replace temp table taken_numbers as select customer_id, cast(order_ts as date) as day, "
            f"max(try_cast(split_part(order_id, '#', 2) as bigint)) as taken from {engine.files_sql(prior)} "
            "where order_id like '____-__-__#%' group by all"
        )
        return (
            f"(select numbered.*, taken from {numbered} as numbered left join taken_numbers "
            "on taken_numbers.customer_id = numbered.customer_id "
            "and taken_numbers.day = cast(numbered.order_ts as date)) as rows"
        )

    def _rejected(
        self, files: list[str], account: Account, duplicates: list[tuple[int, float | None]]
    ) -> tuple[np.ndarray[Any, Any], pa.Array, pa.Array]:
        """All rejects by line number: (line numbers, reasons, money)."""
        money = MONEY[self.file.source]
        parts = [
            pa.table(
                {
                    "line_no": pa.array(np.concatenate([np.zeros(0, np.int64), *account.reject_numbers])),
                    "reasons": pa.array(
                        [reason for listed in account.reject_reasons for reason in listed], pa.string()
                    ),
                    "amount": pa.nulls(account.n_rejected, pa.float64()),
                }
            ),
            pa.table(
                {
                    "line_no": pa.array([line_no for line_no, _ in duplicates], pa.int64()),
                    "reasons": pa.array(["duplicate"] * len(duplicates), pa.string()),
                    "amount": pa.array([amount for _, amount in duplicates], pa.float64()),
                }
            ),
        ]
        if files:
            finite = f"case when isfinite({money}) then {money} end"
            parts.append(
                self.con.sql(
                    f"select line_no, reasons, cast({finite} as double) as amount from {engine.files_sql(files)}"
                )
                .to_arrow_table()
                .cast(parts[0].schema)
            )
        table = pa.concat_tables(parts).sort_by("line_no").combine_chunks()
        columns = [
            column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in table.columns
        ]
        return columns[0].to_numpy(), columns[1], columns[2]

    def _counted(self, account: Account, reading: Reading, about: FileAccount) -> FileAccount:
        """The account, from what is on disk; insists that each line is there once."""
        clock, money = CLOCK[self.file.source], MONEY[self.file.source]
        accepted = [str(path) for path in sorted(self.temp.glob("accepted*.parquet"))]
        empty: tuple[Any, ...] = (0, 0, 0.0, None, None)
        good = empty
        if accepted:
            good = self._row(
                f"select count(*), coalesce(sum(line_no), 0)::bigint, coalesce(sum({money}), 0), "
                f"min({clock}), max({clock}) "
                f"from {engine.files_sql(accepted)}"
            )
        bad: tuple[Any, ...] = (0, 0, 0.0, 0)
        reasons: dict[str, int] = {}
        if self._quarantine.exists():
            aside = engine.files_sql([str(self._quarantine)])
            is_possible = "not list_contains(string_split(reasons, ';'), 'absurd_amount')"
            bad = self._row(
                "select count(*), coalesce(sum(line_no), 0)::bigint, "
                f"coalesce(sum(amount) filter (where {is_possible}), 0), "
                f"count(*) filter (where reasons = 'duplicate') from {aside}"
            )
            reasons = dict(
                self.con.execute(
                    f"select unnest(string_split(reasons, ';')) as reason, count(*) from {aside} group by 1 order by 1"
                ).fetchall()
            )
        n_accounted = good[0] + bad[0] + account.n_header + account.n_blank
        if n_accounted != account.n_lines or good[1] + bad[1] != account.line_sum:
            raise AssertionError(
                f"{self.file.name}: {account.n_lines} lines, but {good[0]} accepted, {bad[0]} quarantined, "
                f"{account.n_header} header, {account.n_blank} blank"
            )
        return replace(
            about,
            n_lines=account.n_lines,
            n_header=account.n_header,
            n_blank=account.n_blank,
            n_accepted=good[0],
            n_quarantined=bad[0],
            n_duplicates=bad[3],
            n_known=self.n_known,
            amount_accepted=float(good[2]),
            amount_quarantined=float(bad[2]),
            first_ts=None if good[3] is None else _iso(good[3]),
            last_ts=None if good[4] is None else _iso(good[4]),
            landed_at=_now(),
            columns=_named(reading),
            notes=(*about.notes, *reading.notes, *self._told_before()),
            reasons=reasons,
            revisit_on=self._revisit_on(reasons),
        )

    def _told_before(self) -> list[str]:
        if not self.n_told_before:
            return []
        return [
            f"{self.n_told_before} rows stand word for word in files landed before; without an order id each counts "
            "as an order of its own: if the exports overlap, map an order id or land only the newest"
        ]

    def _revisit_on(self, reasons: dict[str, int]) -> str | None:
        """The first day on which a row that is in the future today is not."""
        if "future_date" not in reasons:
            return None
        clock = CLOCK[self.file.source]
        (day,) = self._row(
            f"select min(cast({clock} as date)) from {engine.files_sql(self._staged(BAD))} "
            "where reasons = 'future_date'"
        )
        return day.isoformat() if day else None

    def _row(self, sql: str) -> tuple[Any, ...]:
        """The only row of an answer, read to its end: an open answer blocks the connection."""
        row: tuple[Any, ...] = self.con.execute(sql).fetchall()[0]
        return row


def _named(reading: Reading) -> dict[str, str]:
    """Ours → theirs, in their words."""
    said = {}
    for column, expression in reading.mapped.columns.items():
        tree = expression.copy()
        for node in list(tree.find_all(exp.Column)):
            node.set("this", exp.to_identifier(reading.names[int(node.name[1:])]))
        said[column] = tree.name if isinstance(tree, exp.Column) else tree.sql(dialect="duckdb")
    return said


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _iso(value: date | datetime) -> str:
    """A stamp as in the account: always with a time, so that stamps compare as text."""
    return (value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)).isoformat()  # noqa: DTZ001 shop's local time


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
