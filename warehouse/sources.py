"""Which files belong to which source, and how each of them is laid out.

With `[sources.<name>] files` the user says so. Without, the files in `data/raw` are told apart by name and header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from clv.config import SOURCE_NAMES, Settings, Source
from clv.errors import SourceError
from warehouse.dialect import Bytes, peek
from warehouse.mapping import Mapped, map_columns, normalised, shown
from warehouse.records import WHITESPACE, Layout, candidate_delimiters, header_fields, sample_lines

Form = Literal["text", "json", "parquet"]
_SUFFIX = re.compile(r"\.(csv|tsv|tab|txt|dat|psv|json|jsonl|ndjson|parquet|pq)(\.(gz|bz2|xz))?$", re.IGNORECASE)
_HEADER_WITHIN = 20
"""A header may follow a few lines of title; later than this it is not looked for."""
_VALUE = re.compile(r"[-+]?\d[\d.,:/ T+-]*")
"""A number or a date: no name of a column."""
_NAMES = (
    ("campaigns", re.compile(r"campaign|treatment|experiment", re.IGNORECASE)),
    ("cart_events", re.compile(r"cart|checkout|basket_event", re.IGNORECASE)),
    ("transactions", re.compile(r"transaction|order|sale|invoice|purchase|retail|cdnow", re.IGNORECASE)),
    ("customers", re.compile(r"customer|client|member|subscriber", re.IGNORECASE)),
)


@dataclass(frozen=True)
class SourceFile:
    """A file, and the source that it feeds."""

    source: str
    path: Path

    @property
    def name(self) -> str:
        """The name used in messages and accounts."""
        return self.path.name

    @property
    def form(self) -> Form:
        """How the file is opened, from the end of its name."""
        return form_of(self.path)


def form_of(path: Path) -> Form:
    """Parquet, JSON lines, or text with delimiters; from the end of the name."""
    found = _SUFFIX.search(path.name)
    kind = found[1].lower() if found else "csv"
    return "parquet" if kind in ("parquet", "pq") else "json" if kind in ("json", "jsonl", "ndjson") else "text"


def resolve(settings: Settings, files: Sequence[Path] | None = None) -> list[SourceFile]:
    """The files to land, in the order in which they are landed: by source, then by name.

    Args:
        settings: `[sources]` says which files feed what; a source without `files` takes what it recognises in
            `data/raw`. Files whose name contains `truth` are never data.
        files: only these, wherever they lie; what feeds what is decided as for `data/raw`.

    Raises:
        SourceError: a file given in *files* does not exist or is not recognised.
    """
    configured = {
        name: _globbed(settings, source) for name in SOURCE_NAMES if (source := getattr(settings.sources, name)).files
    }
    found: list[SourceFile] = []
    if files is None:
        found += [SourceFile(name, path) for name, paths in configured.items() for path in paths]
        named = {path for paths in configured.values() for path in paths}
        raw = settings.paths.raw
        for path in sorted(raw.iterdir()) if raw.is_dir() else []:
            if (
                path.is_file()
                and path.resolve() not in named
                and _SUFFIX.search(path.name)
                and "truth" not in path.name.lower()
            ):
                source = recognise(path, settings)
                # a source whose files are listed takes no others
                if source and source not in configured:
                    found.append(SourceFile(source, path.resolve()))
    else:
        for path in files:
            if not path.is_file():
                said = "is a folder" if path.is_dir() else "does not exist"
                raise SourceError(f"{path} {said}; give the path of an existing file")
            real = path.resolve()
            source = next((name for name, paths in configured.items() if real in paths), None) or recognise(
                path, settings
            )
            if source is None:
                raise SourceError(f"{path.name} {_unrecognised(header_of(path))}")
            found.append(SourceFile(source, real))
    order = {name: i for i, name in enumerate(SOURCE_NAMES)}
    return sorted(dict.fromkeys(found), key=lambda file: (order[file.source], file.name, str(file.path)))


def left_out(settings: Settings, found: Sequence[SourceFile]) -> dict[str, str]:
    """Why the other files in `data/raw` are not read: file name → reason, for whoever put them there.

    Args:
        settings: where the raw folder is.
        found: what `resolve` gave.
    """
    raw, taken = settings.paths.raw, {file.path for file in found}
    said: dict[str, str] = {}
    for path in sorted(raw.iterdir()) if raw.is_dir() else []:
        name = path.name
        if name.startswith(".") or "truth" in name.lower() or path.resolve() in taken:
            continue
        if path.is_dir():
            inside = path.resolve()
            is_read = any(inside in one.parents for one in taken)
            if not is_read and any(_SUFFIX.search(one.name) for one in path.rglob("*")):
                said[name] = (
                    "it is a folder; put its files beside it, or list them under files in one of the [sources] "
                    f'sections of config.toml, as "{path}/*.csv"'
                )
        elif not path.is_file():
            said[name] = "the link leads to no file" if path.is_symlink() else "it is no file"
        elif not _SUFFIX.search(name):
            said[name] = "files of this kind are not read; save it as CSV (UTF-8), JSON lines or Parquet"
        elif (kind := recognise(path, settings)) is not None:
            said[name] = f"[sources.{kind}] files in config.toml lists others"
        else:
            said[name] = _unknown(path)
    return said


def _unknown(path: Path) -> str:
    try:
        return f"it {_unrecognised(header_of(path))}"
    except SourceError as error:
        return str(error)


def _unrecognised(header: Sequence[str]) -> str:
    return (
        f"is not recognised as transactions, customers, cart_events or campaigns (has: {shown(header)}); "
        "list it under files in one of the [sources] sections of config.toml and map its columns there"
    )


def _globbed(settings: Settings, source: Source) -> list[Path]:
    patterns = [source.files] if isinstance(source.files, str) else list(source.files)
    paths: set[Path] = set()
    for pattern in patterns:
        full = Path(pattern).expanduser()
        base = Path(full.anchor) if full.is_absolute() else settings.root
        relative = str(full.relative_to(full.anchor)) if full.is_absolute() else str(full)
        # `..` at the front of a relative pattern is not for glob
        while relative.startswith("../"):
            base, relative = base.parent if base != Path() else Path(".."), relative[3:]
        paths |= {path.resolve() for path in base.glob(relative) if path.is_file()}
    return sorted(paths)


def recognise(path: Path, settings: Settings) -> str | None:
    """The source that *path* feeds by its name, else by its header; None when neither tells."""
    for name, pattern in _NAMES:
        hit = pattern.search(path.name)
        # customers_transactions.csv holds transactions: the kind of thing stands last
        if hit and not (name == "cart_events" and re.search("transaction|order", path.name, re.IGNORECASE)):
            return name
    try:
        header = header_of(path)
    except SourceError:
        return None
    names = {normalised(name) for name in header}
    for name in ("campaigns", "cart_events", "transactions"):
        if name == "cart_events" and not names & {"cartvalue", "eventid", "cartid"}:
            continue
        try:
            map_columns(name, header, getattr(settings.sources, name).columns, file_name=path.name)
        except SourceError:
            continue
        return name
    return None


def header_of(path: Path) -> tuple[str, ...]:
    """The column names of a file, as well as a look at its beginning can tell."""
    form = form_of(path)
    if form == "parquet":
        return parquet_header(path)
    found = peek(path)
    if form == "json":
        return json_header(found)
    lines = [line for line in sample_lines(found.sample) if line.strip()]
    ranked = candidate_delimiters(lines)
    return tuple(header_fields(lines[0], ranked[0])) if ranked else tuple(lines[:1])


def parquet_header(path: Path) -> tuple[str, ...]:
    """Column names of a Parquet file.

    Raises:
        SourceError: it is not Parquet.
    """
    try:
        return tuple(pq.read_schema(path).names)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path.name} is not a Parquet file: {error}") from error


def json_header(found: Bytes) -> tuple[str, ...]:
    """The keys of the first objects of a file of JSON lines; a key of an inner object is `outer/inner`."""
    keys: dict[str, None] = {}

    def walk(prefix: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}/{key}" if prefix else str(key), inner)
        else:
            keys[prefix] = None

    for line in sample_lines(found.sample, 5000):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            walk("", value)
    return tuple(keys)


def find_layout(file: SourceFile, found: Bytes, source: Source, *, quoted: bool = False) -> tuple[Layout, Mapped]:
    """Delimiter, header and mapping of a text file, such that all required columns are found.

    The configured delimiter is tried first; when it does not give the required columns and another one does, the
    other one is used and a note says so. With *quoted*, the header may span lines inside quotes.

    Raises:
        SourceError: the file is empty, or no delimiter gives the required columns.
    """
    lines = sample_lines(found.sample, 400, quoted=quoted)
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise EmptyFileError(f"{file.name} is empty: it has no header line")
    wanted = [WHITESPACE] if source.fixed_width else [source.delimiter] if source.delimiter else []
    ranked = candidate_delimiters(lines)
    # a header alone shows no regularity; a file of one column has no delimiter
    tried = wanted + [delimiter for delimiter in [*ranked, ",", ";", "\t", "|"] if delimiter not in wanted]
    failures: list[SourceError] = []
    for delimiter in dict.fromkeys(tried):
        for skipped, line in enumerate(filled[: _HEADER_WITHIN if source.header is None else 1]):
            header = tuple(header_fields(line, delimiter))
            has_header = source.header is not False
            if not has_header:
                header = tuple(f"column{i + 1}" for i in range(len(header)))
            if has_header and skipped and len(header) < 2:
                continue
            try:
                mapped = map_columns(file.source, header, source.columns, file_name=file.name)
            except SourceError as error:
                if not skipped:
                    failures.append(error)
                continue
            notes = []
            if wanted and delimiter not in wanted:
                notes.append(f"the configured delimiter {wanted[0]!r} does not fit: read with {delimiter!r}")
            header = _with_trailing_blank(header, filled[skipped + 1 :], delimiter)
            encoded = line.encode() if has_header else None
            return Layout(delimiter, header, encoded, skipped if has_header else 0, notes=tuple(notes)), mapped
    if source.header is None and any(_VALUE.fullmatch(name) for name in header_fields(filled[0], tried[0])):
        raise SourceError(
            f"{failures[0]}. If its first line is not a header: header = false in [sources.{file.source}], and map "
            "column1, column2 and so on"
        )
    raise failures[0]


class EmptyFileError(SourceError):
    """The file has no line that is not blank."""


def _with_trailing_blank(header: tuple[str, ...], lines: list[str], delimiter: str) -> tuple[str, ...]:
    """Some exports end each line, but not the header, with a delimiter: then the header has a nameless last column."""
    if delimiter == WHITESPACE or not lines:
        return header
    longer = sum(line.count(delimiter) == len(header) and line.endswith(delimiter) for line in lines)
    return (*header, "") if longer > 0.9 * len(lines) else header
