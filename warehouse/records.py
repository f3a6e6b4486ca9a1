"""Lines into fields: each line of a delimited text file is a record, a blank, a header, or a structural reject.

The accounting is exact because no parser decides where a line ends: line ends are found first (`dialect.split_lines`),
each line is classed by its own bytes, and only lines that are known to have the right number of fields are handed to
the fast CSV reader, whose row count is then insisted upon. What is odd (stray quotes, wrong counts) is read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from clv.errors import SourceError
from warehouse.dialect import DELIMITERS, Bytes, Lines, raw_lines, split_lines

WHITESPACE = "whitespace"
"""The delimiter of fixed-width files: any run of blanks."""
_BLANKS = re.compile(rb"[ \t]+")
_EDGE_BLANKS = re.compile(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)")


@dataclass(frozen=True)
class Layout:
    """How fields stand in a line."""

    delimiter: str
    header: tuple[str, ...]
    """Names as found; `column1`… when the file has no header."""
    header_line: bytes | None
    n_preamble: int = 0
    """Lines before the header that are neither blank nor data."""
    quoted: bool = False
    """Records may span lines inside double quotes (RFC 4180)."""
    notes: tuple[str, ...] = ()

    @property
    def n_columns(self) -> int:
        """Fields in a good line."""
        return len(self.header)


@dataclass
class Account:
    """Where each line of one file went, so far."""

    n_lines: int = 0
    n_header: int = 0
    n_blank: int = 0
    n_records: int = 0
    n_rejected: int = 0
    has_edge_blanks: bool = False
    """Some field may begin or end with a blank; otherwise none need be trimmed, which is dear."""
    line_sum: int = 0
    """Sum of all line numbers of records and rejects: proves that none is missing or there twice."""
    reject_numbers: list[np.ndarray[Any, Any]] = field(default_factory=list)
    reject_reasons: list[list[str]] = field(default_factory=list)

    def reject(self, numbers: np.ndarray[Any, Any], reasons: list[str]) -> None:
        """Note structural rejects."""
        if len(numbers):
            self.reject_numbers.append(numbers)
            self.reject_reasons.append(reasons)
            self.n_rejected += len(numbers)


def split_fields(line: str, delimiter: str) -> list[str] | None:
    """The fields of one line; None when its quotes do not close where they should.

    A field is quoted when its first character that is not a blank is a double quote; elsewhere a quote is a character
    like any other (`5" pipe`).
    """
    fields: list[str] = []
    position = 0
    while True:
        start = position
        while position < len(line) and line[position] == " ":
            position += 1
        if position < len(line) and line[position] == '"':
            position += 1
            parts = []
            while True:
                close = line.find('"', position)
                if close < 0:
                    return None
                parts.append(line[position:close])
                position = close + 1
                if line[position : position + 1] != '"':
                    break
                parts.append('"')
                position += 1
            while position < len(line) and line[position] == " ":
                position += 1
            if position < len(line) and line[position] != delimiter:
                return None
            fields.append("".join(parts))
        else:
            end = line.find(delimiter, start)
            position = len(line) if end < 0 else end
            fields.append(line[start:position])
        if position >= len(line):
            return fields
        position += 1


def header_fields(line: str, delimiter: str) -> list[str]:
    """The names in a header line; odd quotes are taken as they are."""
    if delimiter == WHITESPACE:
        return line.split()
    return [name.strip() for name in split_fields(line, delimiter) or line.split(delimiter)]


def sample_lines(sample: bytes, n: int = 200, *, quoted: bool = False) -> list[str]:
    """The first *n* lines (or records) of a sample, without line ends."""
    lines, _ = split_lines(sample, 1, quoted=quoted)
    count = len(lines)
    return [lines.line(i).decode("utf-8", "replace") for i in range(min(n, count))]


def candidate_delimiters(lines: list[str]) -> list[str]:
    """Delimiters worth trying, the most regular one first."""
    filled = [line for line in lines if line.strip()][:100]
    scores: list[tuple[float, str]] = []
    for delimiter in DELIMITERS:
        counts = [len(split_fields(line, delimiter) or line.split(delimiter)) for line in filled]
        if not counts or max(counts) < 2:
            continue
        mode = max(set(counts), key=lambda n: (counts.count(n), n))
        if mode > 1:
            scores.append((counts.count(mode) / len(counts) + mode / 1000, delimiter))
    ranked = [delimiter for _, delimiter in sorted(scores, reverse=True)]
    widths = [len(line.split()) for line in filled]
    if widths and widths[0] > 1 and widths.count(widths[0]) > len(widths) / 2:
        ranked.append(WHITESPACE)
    return ranked


def _quoted_pattern(delimiter: str) -> str:
    d = re.escape(delimiter)
    plain, quoted = f'[^"{d}]*', '"(?:[^"]|"")*"'
    return rf"\A(?:{plain}|{quoted})(?:{d}(?:{plain}|{quoted}))*[\r\n]*\z"


def _lines_array(lines: Lines) -> pa.Array:
    """The lines with their line ends, without a copy."""
    offsets = np.append(lines.starts, lines.ends[-1]).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(lines), [None, pa.py_buffer(offsets), pa.py_buffer(lines.data)])


def _data_of(array: pa.Array) -> bytes:
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    return bytes(memoryview(array.buffers()[2])[offsets[0] : offsets[-1]]) if len(array) else b""


def _n_delimiters(lines: Lines, delimiter: str, *, quotes: bool) -> tuple[np.ndarray[Any, Any], bool]:
    """Delimiters outside quotes in each line, whose quotes must balance; and does a blank stand beside one?"""
    buffer = np.frombuffer(lines.data, np.uint8)
    is_delimiter = buffer == ord(delimiter)
    if quotes:
        is_delimiter &= np.bitwise_xor.accumulate((buffer == 34).view(np.uint8)) == 0
    at = np.flatnonzero(is_delimiter)
    counts = np.diff(np.searchsorted(at, np.append(lines.starts, lines.ends[-1:])))
    blank = delimiter != "\t" and b"\t" in lines.data
    edges = [at - 1, at + 1, lines.starts, lines.stops - 1]
    if quotes:
        marks = np.flatnonzero(buffer == 34)
        edges += [marks - 1, marks + 1]
    for edge in edges:
        blank = blank or bool((buffer[np.clip(edge, 0, len(buffer) - 1)] == 32).any())
    return counts, blank


def _lines_with(lines: Lines, byte: int) -> np.ndarray[Any, Any]:
    """A mask of the lines that hold *byte*."""
    mask = np.zeros(len(lines), bool)
    found = np.flatnonzero(np.frombuffer(lines.data, np.uint8) == byte)
    mask[np.searchsorted(lines.ends, found, side="right")] = True
    return mask


def _invalid_utf8(lines: Lines) -> np.ndarray[Any, Any]:
    mask = np.zeros(len(lines), bool)
    if lines.data.isascii():
        return mask
    try:
        lines.data.decode("utf-8")
    except UnicodeDecodeError:
        high = np.flatnonzero(np.frombuffer(lines.data, np.uint8) >= 128)
        for i in np.unique(np.searchsorted(lines.ends, high, side="right")):
            try:
                lines.line(int(i)).decode("utf-8")
            except UnicodeDecodeError:
                mask[i] = True
    return mask


def schema(n_columns: int) -> pa.Schema:
    """The spool: `line_no` and the fields `c0`…, all text."""
    return pa.schema([("line_no", pa.int64()), *((f"c{i}", pa.string()) for i in range(n_columns))])


def _parsed(data: bytes, numbers: np.ndarray[Any, Any], layout: Layout, *, quotes: bool) -> pa.Table:
    names = [f"c{i}" for i in range(layout.n_columns)]
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(
            column_names=names, block_size=max(2 << 20, len(data) // 2 + 1) if not layout.quoted else len(data) + 1
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter="\t" if layout.delimiter == WHITESPACE else layout.delimiter,
            quote_char='"' if quotes else False,
            double_quote=True,
            escape_char=False,
            newlines_in_values=layout.quoted,
            ignore_empty_lines=False,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    )
    if table.num_rows != len(numbers):
        raise AssertionError(f"{len(numbers)} lines became {table.num_rows} rows")
    return table.add_column(0, "line_no", pa.array(numbers))


def records(path: Path, found: Bytes, layout: Layout, account: Account) -> Iterator[pa.Table]:
    """All records of the file as tables of `schema`; rejects, blanks and headers go to *account*.

    Records keep the order of the lines except for those that had to be read one by one.
    """
    header_left = layout.header_line is not None
    preamble_left = layout.n_preamble
    for original in raw_lines(path, found.encoding, found.bom_bytes, quoted=layout.quoted):
        lines = original
        n = len(lines)
        if not n:
            continue
        account.n_lines += n
        if layout.delimiter == WHITESPACE:
            squeezed = _BLANKS.sub(b"\t", _EDGE_BLANKS.sub(b"", lines.data))
            lines, _ = split_lines(squeezed, 1)
            if len(lines) != n:
                raise AssertionError("squeezing blanks must not change the number of lines")
        open_lines = np.ones(n, bool)

        blank = lines.stops == lines.starts
        for i in np.flatnonzero((lines.stops - lines.starts < 64) & ~blank & _starts_blank(lines)):
            blank[i] = not lines.line(int(i)).strip()
        open_lines &= ~blank
        account.n_blank += int(blank.sum())

        if header_left or preamble_left:
            for i in np.flatnonzero(open_lines):
                if not header_left and not preamble_left:
                    break
                open_lines[i] = False
                if preamble_left:
                    preamble_left -= 1
                    account.reject(original.numbers[i : i + 1], ["before_header"])
                    account.line_sum += int(original.numbers[i])
                else:
                    header_left = False
                    account.n_header += 1
        if layout.header_line is not None:
            # concatenated exports repeat the header: compare only lines that have its length, first and last byte
            buffer = np.frombuffer(original.data, np.uint8)
            alike = open_lines & (original.stops - original.starts == len(layout.header_line))
            alike &= buffer[original.starts] == layout.header_line[0]
            alike &= buffer[np.maximum(original.stops - 1, 0)] == layout.header_line[-1]
            for i in np.flatnonzero(alike):
                if original.line(int(i)) == layout.header_line:
                    open_lines[i] = False
                    account.n_header += 1
        account.line_sum += int(original.numbers[open_lines].sum())

        bad = _invalid_utf8(lines) & open_lines
        account.reject(original.numbers[bad], ["invalid_encoding"] * int(bad.sum()))
        open_lines &= ~bad
        if b"\0" in lines.data:
            bad = _lines_with(lines, 0) & open_lines
            account.reject(original.numbers[bad], ["nul_byte"] * int(bad.sum()))
            open_lines &= ~bad

        for table in _tables(lines, original.numbers, open_lines, layout, account):
            account.n_records += table.num_rows
            yield table


def _starts_blank(lines: Lines) -> np.ndarray[Any, Any]:
    mask: np.ndarray[Any, Any] = (
        np.frombuffer(lines.data, np.uint8)[np.minimum(lines.starts, len(lines.data) - 1)] <= 32
    )
    return mask


def _tables(
    lines: Lines, numbers: np.ndarray[Any, Any], is_open: np.ndarray[Any, Any], layout: Layout, account: Account
) -> Iterator[pa.Table]:
    delimiter = "\t" if layout.delimiter == WHITESPACE else layout.delimiter
    has_quotes = layout.delimiter != WHITESPACE and b'"' in lines.data
    odd = np.zeros(len(lines), bool)
    array = _lines_array(lines)
    fast = is_open
    if has_quotes:
        with_quotes = _lines_with(lines, 34) & is_open
        at = np.flatnonzero(with_quotes)
        well = pc.match_substring_regex(array.take(pa.array(at)), _quoted_pattern(delimiter)).to_numpy(
            zero_copy_only=False
        )
        odd[at[~well]] = True
        fast = is_open & ~odd
    kept = array if fast.all() else array.filter(pa.array(fast))
    if len(kept):
        kept_lines = lines if kept is array else split_lines(_data_of(kept), 1, quoted=layout.quoted)[0]
        counts, blanks = _n_delimiters(kept_lines, delimiter, quotes=has_quotes)
        account.has_edge_blanks = account.has_edge_blanks or blanks
        good = counts == layout.n_columns - 1
        at = np.flatnonzero(fast)
        odd[at[~good]] = True
        if good.any():
            data = _data_of(kept if good.all() else kept.filter(pa.array(good)))
            yield _parsed(data, numbers[at[good]], layout, quotes=has_quotes)
    recovered: list[list[str]] = []
    recovered_numbers: list[int] = []
    for i in np.flatnonzero(odd):
        text = lines.line(int(i)).decode("utf-8")
        fields = split_fields(text, delimiter) if has_quotes else text.split(delimiter)
        if fields is None:
            reason = "unclosed_quote"
        elif len(fields) == layout.n_columns:
            recovered.append(fields)
            recovered_numbers.append(int(numbers[i]))
            continue
        else:
            reason = "too_few_columns" if len(fields) < layout.n_columns else "too_many_columns"
        account.reject(numbers[i : i + 1], [reason])
    if recovered:
        edges = any(field[:1] in " \t" or field[-1:] in " \t" for fields in recovered for field in fields if field)
        account.has_edge_blanks = account.has_edge_blanks or edges
        columns = [
            pa.array(recovered_numbers, pa.int64()),
            *(pa.array(column, pa.string()) for column in zip(*recovered, strict=True)),
        ]
        yield pa.table(columns, schema=schema(layout.n_columns))


def reads_whole_as_quoted(path: Path, found: Bytes, layout: Layout) -> bool:
    """Is the file well quoted throughout, with records that span lines?

    True only when some record spans lines and each such record is quoted by the book and has the right number of
    fields, so that a stray quote can never swallow the lines after it.
    """
    pattern = re.compile(_quoted_pattern(layout.delimiter).replace(r"\z", r"\Z").encode())
    spans = False
    try:
        for lines in raw_lines(path, found.encoding, found.bom_bytes, quoted=True):
            if not len(lines):
                continue
            if lines.data.count(b'"') % 2:
                return False
            inner = np.frombuffer(lines.data, np.uint8)
            line_ends = np.flatnonzero((inner == 10) | (inner == 13))
            owners = np.searchsorted(lines.ends, line_ends, side="right")
            within = line_ends < lines.stops[np.minimum(owners, len(lines) - 1)]
            for i in np.unique(owners[within]):
                record = lines.line(int(i))
                if not pattern.match(record):
                    return False
                fields = split_fields(record.decode("utf-8", "replace"), layout.delimiter)
                if fields is None or len(fields) != layout.n_columns:
                    return False
                spans = True
    except SourceError:
        return False
    return spans
