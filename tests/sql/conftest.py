"""The files of `sql/` run on a shop of twelve customers (tests/data/tiny) in a real DuckDB; nothing is written."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import outputs, segment_rules
from warehouse.landing import COLUMNS, FILES_COLUMNS, QUARANTINE_COLUMNS
from warehouse.sqlfiles import SqlFile, build_order, read_tree

TINY = Path(__file__).parent.parent / "data" / "tiny"
AS_OF = date(2024, 4, 11)
HORIZON_DAYS = 30
Row = dict[str, Any]


class Shop:
    """Landed rows, and the tables and answers that the SQL makes of them."""

    def __init__(self, files: dict[str, SqlFile], as_of: date = AS_OF, n_buckets: int = 3) -> None:
        self.con = duckdb.connect(config={"threads": 2})
        self.files = files
        self.n_buckets = n_buckets
        self.parameters: Row = {
            "as_of": as_of,
            "horizon_days": HORIZON_DAYS,
            "gross_margin": 0.4,
            "discount_rate_annual": 0.1,
            "new_customer_days": 60,
            "rfm_window_days": 0,
        }
        inputs = {f"landing.{name}": columns for name, columns in COLUMNS.items()}
        inputs |= {"landing.quarantine": QUARANTINE_COLUMNS, "landing.files": FILES_COLUMNS}
        inputs |= {segment_rules.TABLE: segment_rules.COLUMNS}
        inputs |= {f"outputs.{name}": columns for name, columns in outputs.TABLES.items()}
        self.inputs = inputs | {"outputs.checks": outputs.CHECKS_COLUMNS}
        for name, columns in self.inputs.items():
            self.con.execute(f"create schema if not exists {name.split('.')[0]}")
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            self.con.execute(f"create table {name} ({listed})")

    def land(self, table: str, rows: Sequence[Row], file_id: str = "f1") -> None:
        """Put rows into an input table, and account for them as a file; text is cast to the declared types."""
        for line_no, row in enumerate(rows, start=2):
            known = {key: None if value == "" else value for key, value in row.items()}
            if table == "landing.transactions":
                known["bucket"] = zlib.crc32(row["customer_id"].encode()) % self.n_buckets
            if table.startswith("landing."):
                known |= {"file_id": file_id, "line_no": line_no}
            columns = ", ".join(f'"{column}"' for column in known)
            values = ", ".join(f"cast(${column} as {self.inputs[table][column]})" for column in known)
            self.con.execute(f"insert into {table} ({columns}) select {values}", known)
        if table.startswith("landing."):
            self.con.execute(
                "insert into landing.files (source, file_id, file_name, n_lines, n_header, n_blank, n_accepted,"
                " n_quarantined, n_duplicates, landed_at)"
                " values ($source, $file_id, $name, $n + 1, 1, 0, $n, 0, 0, cast($at as timestamp))",
                {
                    "source": table.split(".")[1],
                    "file_id": file_id,
                    "name": f"{table}.csv",
                    "n": len(rows),
                    "at": "2024-04-11 06:00:00",
                },
            )

    def build(self, **parameters: Any) -> Shop:
        """Make all tables."""
        values = self.parameters | parameters
        for file in build_order(self.files, self.inputs):
            self.con.execute(f"create schema if not exists {file.folder}")
            for bucket in range(self.n_buckets if file.is_bucketed else 1):
                into = f"insert into {file.name}" if bucket else f"create or replace table {file.name} as"
                self.con.execute(f"{into} {file.sql}", file.bound(values | {"bucket": bucket}))
        return self

    def ask(self, name: str, **parameters: Any) -> list[Row]:
        """The rows of a query, a check or a table file."""
        file = self.files[name]
        values = self.parameters | parameters
        return self._rows(file.sql, {key: values[key] for key in file.params})

    def table(self, name: str) -> list[Row]:
        """The rows of a table, in its order."""
        return self._rows(f"from {name}", {})

    def _rows(self, sql: str, parameters: Row) -> list[Row]:
        answer = self.con.execute(sql, parameters)
        columns = [column[0] for column in answer.description]
        return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


def tiny_rows(name: str) -> list[Row]:
    """One of the tiny shop's files, as text."""
    with (TINY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def sql_files() -> dict[str, SqlFile]:
    """Everything under `sql/`."""
    return read_tree()


@pytest.fixture(scope="session")
def new_shop(sql_files: dict[str, SqlFile]) -> Callable[..., Shop]:
    """Makes an empty shop."""

    def make(**arguments: Any) -> Shop:
        return Shop(sql_files, **arguments)

    return make


@pytest.fixture(scope="session")
def shop(new_shop: Callable[..., Shop]) -> Shop:
    """The twelve customers, built as of 2024-04-11, with predictions for four of them. Only to be read."""
    shop = new_shop()
    shop.land("landing.transactions", tiny_rows("transactions"))
    shop.land("landing.customers", tiny_rows("customers"))
    shop.land("landing.campaigns", tiny_rows("campaigns"))
    shop.land("outputs.predictions", tiny_rows("predictions"))
    return shop.build(horizon_days=180)


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], list[Row]]:
    """Reads one of the tiny shop's files."""
    return tiny_rows
