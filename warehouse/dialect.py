"""How a text file is written: compression, encoding, line ends, delimiter, quotes, header.

The bytes are read here and nowhere else: once to decide (`examine`), once to take fields out (`records`), and once
more to copy quarantined lines, byte for byte (`raw_lines`). Everything after this module speaks of UTF-8 text and of
line numbers that start at 1.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from clv.errors import SourceError

CHUNK_BYTES = 16 << 20
SAMPLE_BYTES = 1 << 20
DELIMITERS = (",", ";", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "an Excel workbook, or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PAR1", "a Parquet file, whose name should end in .parquet"),
    (b"SQLite format 3\0", "a database"),
)
"""How files begin that are often given the name of a table of text."""
_LETTERS_1252 = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŒœŠšŽž".encode("cp1252"))
_SIGNS_1252 = frozenset("€£¥§©®°±´·ºª¿¡«»‘’“”–—…™¼½¾\xa0".encode("cp1252"))
_HALF = b"\xff"
"""Stands in our UTF-8 stream before the bytes, in hexadecimal, of a character that the end of the file cuts."""
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True)
class Bytes:
    """What one pass over the bytes of a file tells."""

    size_bytes: int
    encoding: str
    bom_bytes: int
    has_quotes: bool
    sample: bytes
    """The first lines, as UTF-8, without the byte order mark."""
    notes: tuple[str, ...] = ()


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if magic.startswith(b"BZh"):
        return bz2.open(path, "rb")
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.open(path, "rb")
    return path.open("rb")


def _blocks(path: Path, skip: int = 0) -> Iterator[bytes]:
    """The decompressed bytes of *path*, from byte *skip* on."""
    try:
        with _open(path) as file:
            file.read(skip)
            while block := file.read(CHUNK_BYTES):
                yield block
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise SourceError(f"{path.name} is damaged: {error}; get the file again and ingest it") from error
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error}") from error


def sha256_of(path: Path) -> str:
    """The content hash of the file as it lies on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """The hash of a plain *value* (numbers, text, lists, mappings), whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _c1_decode(error: UnicodeError) -> tuple[str, int]:
    """The five bytes that cp1252 leaves open stand for themselves, as browsers do it, so that they can go back."""
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(byte) for byte in error.object[error.start : error.end]), error.end
    raise error


def _c1_encode(error: UnicodeError) -> tuple[bytes, int]:
    if isinstance(error, UnicodeEncodeError):
        return bytes(ord(char) for char in error.object[error.start : error.end]), error.end
    raise error


codecs.register_error("clv-c1-decode", _c1_decode)
codecs.register_error("clv-c1-encode", _c1_encode)


def _wide(encoding: str) -> bool:
    return encoding.startswith(("utf-16", "utf-32"))


def _decode_errors(encoding: str) -> str:
    return "surrogatepass" if _wide(encoding) else "clv-c1-decode" if encoding == "cp1252" else "strict"


def to_file_bytes(line: bytes, encoding: str) -> bytes:
    """A line of our UTF-8 stream as it stands in the file."""
    if encoding == "utf-8":
        return line
    errors = "surrogatepass" if _wide(encoding) else "clv-c1-encode" if encoding == "cp1252" else "strict"
    if _HALF in line:
        whole, half = line.split(_HALF, 1)
        return to_file_bytes(whole, encoding) + bytes.fromhex(half.decode())
    return line.decode("utf-8", "surrogatepass").encode(encoding, errors)


def _utf8_blocks(path: Path, encoding: str, bom_bytes: int) -> Iterator[bytes]:
    if encoding == "utf-8":
        yield from _blocks(path, bom_bytes)
        return
    decoder = codecs.getincrementaldecoder(encoding)(_decode_errors(encoding))
    try:
        for block in _blocks(path, bom_bytes):
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        pending, _ = decoder.getstate()
        if pending and _wide(encoding):
            # half a character at the end of the file: the mark is invalid in UTF-8 and so quarantines the line
            yield _HALF + pending.hex().encode()
        else:
            yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path.name} is not {encoding}: {error.reason}; set encoding in its [sources] section"
        ) from error


def chunks(path: Path, encoding: str, bom_bytes: int) -> Iterator[bytes]:
    """The file as UTF-8, cut after line ends; a chunk holds whole lines, whatever the line end (LF, CRLF, CR)."""
    rest = b""
    for block in _utf8_blocks(path, encoding, bom_bytes):
        text = rest + block if rest else block
        # a CR at the very end may be half of a CRLF: leave it for the next chunk
        cut = max(text.rfind(b"\n"), text.rfind(b"\r", 0, len(text) - 1)) + 1
        if cut < len(text) and text[cut - 1 : cut] == b"\r" and text[cut : cut + 1] == b"\n":
            cut += 1
        if cut:
            yield text[:cut]
            rest = text[cut:]
        else:
            rest = text
    if rest:
        yield rest


def _plausible_1252(line: bytes) -> bool:
    """Is each high byte of *line* a letter or sign that people write in cp1252, where they would write it?"""
    for run in _HIGH_RUN.finditer(line):
        around = line[max(run.start() - 1, 0) : run.start()] + line[run.end() : run.end() + 1]
        for byte in run.group():
            if byte in _SIGNS_1252:
                continue
            if byte not in _LETTERS_1252 or not any(chr(near).isalpha() for near in around if near < 128):
                return False
    return True


def examine(path: Path, encoding: str = "") -> Bytes:
    """Read the whole file once: encoding, whether it holds quotes, and a sample.

    Args:
        path: the file.
        encoding: as configured; empty for: find out.

    Raises:
        SourceError: the file cannot be read or decompressed, is no text, or the encoding is unknown.
    """
    head = _head(path)
    bom = next(((mark, name) for mark, name in _BOMS if head.startswith(mark)), None)
    notes: list[str] = []
    if encoding:
        try:
            name = codecs.lookup(encoding).name
        except LookupError:
            raise SourceError(
                f"encoding {encoding!r} in [sources] is not known; use a name such as utf-8, cp1252, utf-16"
            ) from None
        name = {
            "utf-8-sig": "utf-8",
            "iso8859-1": "latin-1",
            "ascii": "utf-8",
            "utf-16": "utf-16-le",
            "utf-32": "utf-32-le",
        }.get(name, name)
        bom_bytes = len(bom[0]) if bom and bom[1][:5] == name[:5] else 0
        name = bom[1] if bom and bom_bytes else name
    elif bom:
        name, bom_bytes = bom[1], len(bom[0])
    else:
        name, bom_bytes = _guess_wide(head), 0
        if not name:
            name, found = _guess_narrow(path)
            notes += found
    sample, has_quotes = b"", False
    for block in _utf8_blocks(path, name, bom_bytes):
        if len(sample) < SAMPLE_BYTES:
            sample += block[:SAMPLE_BYTES]
        has_quotes = has_quotes or b'"' in block
        if has_quotes and len(sample) >= SAMPLE_BYTES:
            break
    return Bytes(path.stat().st_size, name, bom_bytes, has_quotes, sample[:SAMPLE_BYTES], tuple(notes))


def peek(path: Path) -> Bytes:
    """Like `examine`, but only from the beginning of the file."""
    head = _head(path)
    bom = next(((mark, name) for mark, name in _BOMS if head.startswith(mark)), (b"", ""))
    encoding = bom[1] or _guess_wide(head) or "utf-8"
    text = head[len(bom[0]) :].decode(encoding, "replace").encode()
    return Bytes(path.stat().st_size, encoding, len(bom[0]), b'"' in text, text)


def _head(path: Path) -> bytes:
    head = next(_blocks(path), b"")[:SAMPLE_BYTES]
    for magic, what in _NO_TEXT:
        if head.startswith(magic):
            raise SourceError(f"{path.name} is {what}, not text: save the table as CSV (UTF-8) and ingest that")
    return head


def _guess_wide(head: bytes) -> str:
    """UTF-16 without a mark shows as zeros in every other byte."""
    even, odd = head[0:4000:2], head[1:4000:2]
    if (len(head) >= 8 and len(head) % 2 == 0) or len(head) == SAMPLE_BYTES:
        if odd.count(0) > 0.6 * len(odd) and even.count(0) < 0.1 * len(even):
            return "utf-16-le"
        if even.count(0) > 0.6 * len(even) and odd.count(0) < 0.1 * len(odd):
            return "utf-16-be"
    return ""


def _guess_narrow(path: Path) -> tuple[str, list[str]]:
    """UTF-8 unless every line outside ASCII is invalid UTF-8 and reads well as cp1252."""
    n_cp1252 = 0
    for chunk in chunks(path, "utf-8", 0):
        if chunk.isascii():
            continue
        try:
            chunk.decode("utf-8")
        except UnicodeDecodeError:
            for line in re.split(rb"[\r\n]+", chunk):
                if line.isascii():
                    continue
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    if not _plausible_1252(line):
                        return "utf-8", []
                    n_cp1252 += 1
                else:
                    return "utf-8", []
        else:
            return "utf-8", []
    if n_cp1252:
        return "cp1252", [
            f"read as cp1252 (Western European): {n_cp1252} lines are not UTF-8 and read well so; "
            "set encoding to say otherwise"
        ]
    return "utf-8", []


@dataclass(frozen=True)
class Lines:
    """Whole lines (or, with *quoted*, whole records) of one chunk.

    *starts* and *ends* are byte offsets into *data* with the line end, *stops* without it; *numbers* are line numbers
    in the file.
    """

    data: bytes
    starts: np.ndarray[Any, np.dtype[np.int64]]
    stops: np.ndarray[Any, np.dtype[np.int64]]
    ends: np.ndarray[Any, np.dtype[np.int64]]
    numbers: np.ndarray[Any, np.dtype[np.int64]]

    def __len__(self) -> int:
        return len(self.starts)

    def line(self, i: int) -> bytes:
        """Line *i* of the chunk without its line end."""
        return self.data[self.starts[i] : self.stops[i]]


def split_lines(data: bytes, first_number: int, *, quoted: bool = False) -> tuple[Lines, int]:
    """The lines of *data*, and the number of the line after it.

    With *quoted*, a line end inside double quotes does not end a record.
    """
    buffer = np.frombuffer(data, np.uint8)
    line_feed = buffer == 10
    if b"\r" in data:
        carriage_return = buffer == 13
        carriage_return[:-1] &= ~line_feed[1:]
        line_feed |= carriage_return
    ends = np.flatnonzero(line_feed).astype(np.int64) + 1
    if len(buffer) and (len(ends) == 0 or ends[-1] < len(buffer)):
        ends = np.append(ends, len(buffer))
    n_lines = len(ends)
    numbers = np.arange(first_number, first_number + n_lines, dtype=np.int64)
    starts = np.concatenate(([0], ends[:-1])).astype(np.int64) if n_lines else np.zeros(0, np.int64)
    if quoted and b'"' in data:
        inside = np.bitwise_xor.accumulate((buffer == 34).view(np.uint8))
        closes = inside[ends - 1] == 0
        if n_lines:
            closes[-1] = True
        opens = np.concatenate(([True], closes[:-1]))
        starts, ends, numbers = starts[opens], ends[closes], numbers[opens]
    stops = ends.copy()
    if n_lines:
        last = buffer[ends - 1]
        stops -= (last == 10) | (last == 13)
        before = buffer[np.maximum(stops - 1, 0)]
        stops -= (last == 10) & (before == 13) & (stops > starts)
    return Lines(data, starts, stops, ends, numbers), first_number + n_lines


def raw_lines(path: Path, encoding: str, bom_bytes: int, *, quoted: bool = False) -> Iterator[Lines]:
    """All lines of the file, chunk by chunk; with *quoted*, all records."""
    number = 1
    pending = b""
    for chunk in chunks(path, encoding, bom_bytes):
        data = pending + chunk if pending else chunk
        pending = b""
        if quoted and data.count(b'"') % 2:
            # an open record: keep it for the next chunk
            lines, _ = split_lines(data, number, quoted=True)
            cut = int(lines.starts[-1])
            pending, data = data[cut:], data[:cut]
            if len(pending) > 4 * CHUNK_BYTES:
                raise SourceError(f"{path.name}: a quoted record that starts at line {lines.numbers[-1]} does not end")
            if not data:
                continue
        lines, number = split_lines(data, number, quoted=quoted)
        yield lines
    if pending:
        yield split_lines(pending, number, quoted=quoted)[0]
