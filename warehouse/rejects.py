"""Quarantined rows with the bytes of their lines, copied from the file itself: no parser stands between.

A line that a CSV reader hands back is no evidence: it may have lost a byte, or a neighbouring delimiter. So the file is
read again, line by line, and the lines with the wanted numbers are taken as they lie.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.dialect import Bytes, raw_lines, to_file_bytes
from warehouse.values import sql_text

_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("file_id", pa.string()),
        ("file_name", pa.string()),
        ("line_no", pa.int64()),
        ("raw_text", pa.string()),
        ("raw_bytes", pa.binary()),
        ("reasons", pa.string()),
        ("amount", pa.float64()),
    ]
)


def readable(line: bytes) -> str:
    r"""A line as text; bytes that are not UTF-8, and NUL, as `\xNN`."""
    return line.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def write_lines(
    path: Path,
    about: tuple[str, str, str],
    found: Bytes,
    file: Path,
    numbers: np.ndarray[Any, Any],
    reasons: pa.Array,
    amounts: pa.Array,
    *,
    quoted: bool = False,
) -> int:
    """Write the lines *numbers* of *file* to *path*; how many were found.

    Args:
        path: the Parquet file to write.
        about: source, file id, file name.
        found: encoding and byte order mark.
        file: where the lines are.
        numbers: ascending line numbers.
        reasons: of each line.
        amounts: of each line, when one could be read.
        quoted: records may span lines.
    """
    written = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for lines in raw_lines(file, found.encoding, found.bom_bytes, quoted=quoted):
            if not len(lines):
                continue
            end = int(np.searchsorted(numbers, lines.numbers[-1], side="right"))
            if end == written:
                continue
            wanted = numbers[written:end]
            at = np.searchsorted(lines.numbers, wanted)
            if not np.array_equal(lines.numbers[at], wanted):
                raise AssertionError(f"{file.name}: a line to quarantine is not in the file")
            raw = [lines.data[start:stop] for start, stop in zip(lines.starts[at], lines.stops[at], strict=True)]
            writer.write_batch(
                _batch(
                    about,
                    wanted,
                    [readable(line) for line in raw],
                    [to_file_bytes(line, found.encoding) for line in raw],
                    reasons[written:end],
                    amounts[written:end],
                )
            )
            written = end
    return written


def write_parquet_rows(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    about: tuple[str, str, str],
    file: Path,
    numbers: np.ndarray[Any, Any],
    reasons: pa.Array,
    amounts: pa.Array,
) -> int:
    """The same for a Parquet file, whose rows have no text: they are written as JSON objects."""
    con.register("wanted", pa.table({"line_no": pa.array(numbers)}))
    rows = con.execute(
        "with numbered as (select *, file_row_number + 1 as line_no from read_parquet("
        + sql_text(str(file))
        + ", file_row_number = true)) "
        "select numbered.line_no, cast(to_json(numbered) as varchar) as raw from numbered semi join wanted "
        "on wanted.line_no = numbered.line_no order by numbered.line_no"
    ).fetchall()
    con.unregister("wanted")
    texts = [str(raw) for _, raw in rows]
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        writer.write_batch(_batch(about, numbers, texts, [text.encode() for text in texts], reasons, amounts))
    return len(rows)


def _batch(
    about: tuple[str, str, str],
    numbers: np.ndarray[Any, Any],
    texts: list[str],
    raw: list[bytes],
    reasons: pa.Array,
    amounts: pa.Array,
) -> pa.RecordBatch:
    n = len(numbers)
    source, file_id, file_name = (pa.array([value] * n, pa.string()) for value in about)
    columns = [
        source,
        file_id,
        file_name,
        pa.array(numbers),
        pa.array(texts, pa.string()),
        pa.array(raw, pa.binary()),
        reasons,
        amounts,
    ]
    return pa.record_batch(columns, schema=_SCHEMA)
