"""A shop's own segment rules: one CSV file, read for the builder, written by the rules editor and `clv segments`.

| file                          | is                                                                            |
|-------------------------------|-------------------------------------------------------------------------------|
| `segment_rules.csv`           | the rules in force; without it, those of `sql/features/segment_rules.sql`     |
| `segment_rules.previous.csv`  | what was in force before the last change; its head alone stands for the latter|

The place is `[features] segment_rules`, by default in the data folder. What the rules mean is `clv.segments`.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from clv.config import Engine, Settings
from clv.errors import RequestError, SettingsError
from clv.segments import FIELDS, Problem, Rule, rules_of
from warehouse import sqlfiles
from warehouse.engines import duckdb as engine

TABLE = "settings.segment_rules"
COLUMNS: Mapping[str, str] = {
    "priority": "integer",
    "segment": "varchar",
    "r_min": "integer",
    "r_max": "integer",
    "f_min": "integer",
    "f_max": "integer",
    "m_min": "integer",
    "m_max": "integer",
    "max_age_days": "integer",
    "description": "varchar",
}
"""The shop's own rules as the builder gives them to SQL; no row means the rules of the house."""
ORDER = "order"
HEAD = (ORDER, *FIELDS)
NEEDED = tuple(name for name in HEAD if name != "description")
MAX_BYTES = 1_000_000


def own_rules(settings: Settings) -> list[Rule]:
    """The shop's own rules, checked; none when it has not made any.

    Raises:
        SettingsError: the file has an error; the message names all of them.
    """
    path = settings.segment_rules_path
    if not path.is_file():
        if settings.features.segment_rules:
            raise SettingsError(
                f"[features] segment_rules names {path}, which does not exist; `clv segments show` writes the "
                "rules in force, to begin with"
            )
        return []
    rules, problems = read(path)
    _refuse(problems, path)
    return rules


def read(path: Path) -> tuple[list[Rule], list[Problem]]:
    """The rules in a file, and all that is wrong with them.

    Raises:
        SettingsError: it cannot be read at all.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {error}") from error
    if len(raw) > MAX_BYTES:
        raise SettingsError(f"{path} has {len(raw):,} bytes; a table of rules is a few lines")
    return parse(text)


def parse(text: str) -> tuple[list[Rule], list[Problem]]:
    """The rules in the text of a file, and all that is wrong with them."""
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in first and "," not in first else ",")
    rows = [row for row in reader if any(cell.strip() for cell in row)]
    head = [name.strip().lower() for name in rows[0]] if rows else []
    unknown = [name for name in head if name not in HEAD]
    missing = [name for name in NEEDED if name not in head]
    twice = sorted({name for name in head if head.count(name) > 1})
    for names, what in ((unknown, "unknown columns"), (missing, "missing columns"), (twice, "columns named twice")):
        if names:
            return [], [Problem(f"{what}: {', '.join(map(repr, names))}; the columns are {', '.join(HEAD)}")]
    wide = [place for place, row in enumerate(rows[1:]) if len(row) != len(head)]
    if wide:
        return [], [Problem(f"rule {place + 1} has not as many values as there are columns", place) for place in wide]
    named = [dict(zip(head, row, strict=True)) for row in rows[1:]]
    orders = [row[ORDER].strip() for row in named]
    wrong = [
        Problem(f"rule {place + 1}: {ORDER} is {said!r}; it is a whole number, and each rule has its own", place)
        for place, said in enumerate(orders)
        if not said.isdecimal() or orders.count(said) > 1
    ]
    if wrong:
        return [], wrong
    return rules_of(sorted(named, key=lambda row: int(row[ORDER])))


def text_of(rules: Sequence[Rule]) -> str:
    """The text of a file with *rules*."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for order, rule in enumerate(rules, start=1):
        values = asdict(rule)
        writer.writerow([order, *("" if values[name] is None else values[name] for name in FIELDS)])
    return out.getvalue()


def house_rules(settings: Settings) -> list[Rule]:
    """The rules of `sql/features/segment_rules.sql`: those of every shop that has not made its own."""
    path = sqlfiles.DEFAULT_ROOT / "features" / "segment_rules.sql"
    temp = settings.paths.cache / "duckdb" / f"{os.getpid()}-rules"
    days = settings.features.new_customer_days
    return list(_house_rules(path, path.stat().st_mtime_ns, days, settings.engine, temp))


@lru_cache(maxsize=8)
def _house_rules(path: Path, _changed_ns: int, new_customer_days: int, limits: Engine, temp: Path) -> tuple[Rule, ...]:
    """Asked once: to open an engine takes longer than a page may."""
    file = sqlfiles.read_file(path)
    with contextlib.closing(engine.connect(limits, temp, threads=1)) as con:
        con.execute("create schema settings")
        con.execute(f"create view {TABLE} as from {engine.empty_sql(COLUMNS)}")
        rows = con.sql(file.sql, params={"new_customer_days": new_customer_days}).to_arrow_table().to_pylist()
    shutil.rmtree(temp, ignore_errors=True)
    return tuple(
        Rule(**{name: row["max_age_days" if name == "first_order_within_days" else name] for name in FIELDS})
        for row in rows
    )


def rules_in_force(settings: Settings) -> list[Rule]:
    """What the next build will use."""
    return own_rules(settings) or house_rules(settings)


def table_rows(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """*rules* as rows of `settings.segment_rules`."""
    rows = []
    for priority, rule in enumerate(rules, start=1):
        values = asdict(rule)
        values["max_age_days"] = values.pop("first_order_within_days")
        rows.append({"priority": priority, **values})
    return rows


def mark(settings: Settings) -> str:
    """What tells the present file from any other; changes when somebody else saves."""
    path = settings.segment_rules_path
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "house"


def save(settings: Settings, rules: Sequence[Rule], *, seen: str | None = None) -> None:
    """Put *rules* in force from the next build on; what was in force can be brought back by `undo`.

    Args:
        settings: where the file is.
        rules: the new ones.
        seen: the `mark` of what the author has seen; refused when somebody else has saved since.

    Raises:
        SettingsError: the rules have an error.
        RequestError: the file has changed since *seen*.
    """
    text = text_of(rules)
    _refuse(parse(text)[1], settings.segment_rules_path)
    _refuse_late(settings, seen)
    _replace(settings, text)


def reset(settings: Settings, *, seen: str | None = None) -> None:
    """Go back to the rules of the house; `undo` brings the own ones back."""
    _refuse_late(settings, seen)
    # A file that the settings name must be there: it then holds the rules of the house.
    _replace(settings, text_of(house_rules(settings)) if settings.features.segment_rules else None)


def undo(settings: Settings) -> None:
    """Put what was in force before the last change in force again; a second undo takes the first back.

    Raises:
        RequestError: nothing has been changed yet.
    """
    before = previous_path(settings)
    if not before.is_file():
        raise RequestError("the segment rules have not been changed yet: there is nothing to go back to")
    text = before.read_text(encoding="utf-8")
    _replace(settings, text if parse(text)[0] else None)


def previous_path(settings: Settings) -> Path:
    """Where the rules of before the last change are."""
    path = settings.segment_rules_path
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _replace(settings: Settings, text: str | None) -> None:
    """Keep what is there as the previous version, then put *text* in its place at once; None takes the file away."""
    path = settings.segment_rules_path
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(previous_path(settings), path.read_text(encoding="utf-8-sig") if path.is_file() else text_of([]))
    if text is None:
        path.unlink(missing_ok=True)
    else:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _refuse(problems: Sequence[Problem], path: Path) -> None:
    errors = [problem.message for problem in problems if problem.is_error]
    if errors:
        raise SettingsError(
            f"the segment rules in {path} cannot be used: {'; '.join(errors)} (clv segments check says the same)"
        )


def _refuse_late(settings: Settings, seen: str | None) -> None:
    if seen is not None and seen != mark(settings):
        raise RequestError("somebody else has changed the rules since you opened them; load the page again")
