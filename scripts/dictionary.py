"""Write docs/data-dictionary.md: every table, column and query, from the headers and comments of the SQL files.

Types come from a build without data, origins from the syntax trees (sqlglot's lineage), meanings from the comments at
the end of columns, or from the column that one is taken from, or from the name, by the house's rules for names.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp, parse_one
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from clv.config import Engine, Paths, Settings
from clv.errors import ClvError
from warehouse import meanings, outputs, segment_rules, sqlfiles
from warehouse.ask import Warehouse
from warehouse.build import build
from warehouse.dialect import digest_of
from warehouse.landing import TABLES as LANDED
from warehouse.sqlfiles import SqlFile

TARGET = Path(__file__).parent.parent / "docs" / "data-dictionary.md"
SCHEMAS = {
    "landing": "What was read from files, line by line.",
    "settings": "What the shop has written down for the tables to read.",
    "staging": "The accepted rows under clean names.",
    "core": "Orders, customers and what follows from them at any date.",
    "features": "What is known of each customer at a date; the model reads nothing else.",
    "labels": "What happened after a date: made when asked for, to learn from and to judge by, never a feature.",
    "marts": "What pages read, native in the serving file.",
    "outputs": "What jobs write; a build takes it in.",
}
N_ORIGINS = 4
"""Columns with more origins name their tables instead."""
DECLARED = {
    **LANDED,
    **{f"outputs.{name}": columns for name, columns in outputs.TABLES.items()},
    "outputs.checks": outputs.CHECKS_COLUMNS,
    segment_rules.TABLE: segment_rules.COLUMNS,
}
MARK = 16
"""Characters of a hash that tell one text from another."""
MADE_FROM = re.compile(rf"\n<!-- made from ([0-9a-f]{{{MARK}}}), text ([0-9a-f]{{{MARK}}}) -->\n$")
_MONEY = re.compile(r"revenue|margin|amount|money|monetary|cost|price|discount|value|spend|gain|net$|equity")


@dataclass(frozen=True)
class Described:
    """A column in words."""

    name: str
    kind: str
    meaning: str
    origins: tuple[str, ...]


def fingerprint(files: Mapping[str, SqlFile]) -> str:
    """What the dictionary says, before it is put into words: blind to the layout of the SQL."""
    said = {
        file.name: [file.what, file.grain, file.parameters, file.digest, file.comments, file.is_bucketed]
        for file in files.values()
        if file.folder != "checks"
    }
    return digest_of([said, DECLARED, meanings.TABLES, meanings.COLUMNS])[:MARK]


def is_current(text: str, files: Mapping[str, SqlFile]) -> bool:
    """Whether *text* is the dictionary of *files*, as it was written."""
    found = MADE_FROM.search(text)
    return found is not None and found.groups() == (fingerprint(files), digest_of(MADE_FROM.sub("", text))[:MARK])


def written(files: Mapping[str, SqlFile]) -> str:
    """The dictionary."""
    with tempfile.TemporaryDirectory(prefix="retain-dictionary-") as folder:
        settings = Settings(
            paths=Paths(data=Path(folder) / "data"),
            root=Path(folder),
            engine=Engine(buckets=1, memory_limit="1GB", threads=1),
        )
        made = build(settings)
        kinds = _kinds(made.path)
        warehouse = Warehouse(settings.paths.data, settings.engine)
        answers = {file.name: _answer_kinds(warehouse, file) for file in files.values() if file.folder == "queries"}
        warehouse.close()
    order = sqlfiles.build_order(files, list(DECLARED))
    tables: dict[str, list[Described]] = {
        name: [Described(column, kind, _meaning(name, column, None, (), {}), ()) for column, kind in columns.items()]
        for name, columns in DECLARED.items()
    }
    lazy = [file for file in files.values() if file.folder in sqlfiles.LAZY_FOLDERS]
    named = [file for file in files.values() if file.is_table and file not in order]
    for file in [*order, *lazy, *named]:
        tables[file.name] = _columns(file, kinds, kinds.get(file.name, {}), tables)
    queries = {
        file.name: _columns(file, kinds, answers[file.name], tables)
        for file in files.values()
        if file.folder == "queries"
    }
    body = "\n".join([_OPENING, *_contents(tables), *_tables(tables, files), *_queries(queries, files)]) + "\n"
    return f"{body}\n<!-- made from {fingerprint(files)}, text {digest_of(body)[:MARK]} -->\n"


_OPENING = """# Data dictionary

Made by `make dictionary` from the headers and column comments of the files under `sql/` and from the declared columns
of what is landed and what jobs write; do not edit. The same words stand in the published files, so the shell knows
them, too:

    clv sql "select column_name, comment from duckdb_columns() where table_name = 'customers' and schema_name = 'marts'"

Units: money is in the currency of the shop, net of returns unless said otherwise; shares and probabilities go from 0
to 1; days are whole days in the shop's local time. *From* names the columns that one is computed from, wherever it is
plain which they are."""


def _kinds(folder: Path) -> dict[str, dict[str, str]]:
    """Table → column → type, of a build."""
    with duckdb.connect(str(folder / "shell.duckdb"), read_only=True) as con:
        con.execute("set file_search_path = ?", [str(folder)])
        rows = con.execute(
            "select schema_name || '.' || table_name, column_name, lower(data_type) from duckdb_columns() "
            "where not internal order by table_name, column_index"
        ).fetchall()
    kinds: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        kinds.setdefault(table, {})[column] = kind
    return kinds


def _answer_kinds(warehouse: Warehouse, file: SqlFile) -> dict[str, str]:
    """Column → type of a query, asked of a build without data; nothing where it cannot be asked so."""
    given = {name: _example(name) for name in file.params if name not in warehouse.current().parameters}
    try:
        answer = warehouse.arrow(file.name, **given)
    except (ClvError, duckdb.Error):
        return {}
    short = {"string": "varchar", "int64": "bigint", "int32": "integer", "date32[day]": "date", "bool": "boolean"}
    return {column.name: short.get(str(column.type), str(column.type).partition("[")[0]) for column in answer.schema}


def _example(name: str) -> Any:
    """A value of the kind that a parameter's name says."""
    if name.endswith(("_date", "_month", "as_of")):
        return dt.date(2024, 1, 1)
    if name.startswith(("is_", "has_")):
        return True
    if name.startswith(("max_", "n_", "month_number", "horizon")):
        return 1
    return "x"


def _columns(
    file: SqlFile, kinds: Mapping[str, Mapping[str, str]], mine: Mapping[str, str], known: Mapping[str, list[Described]]
) -> list[Described]:
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for table, columns in {**DECLARED, **kinds}.items():
        first, last = table.split(".")
        schema.setdefault(first, {})[last] = dict(columns)
    # The last comment keeps sqlglot from taking `$name = ''` for the start of a $-quoted string.
    tree = parse_one(f"{file.sql}\n--$\n", read="duckdb")
    names = [column.alias_or_name for column in tree.selects]
    qualified = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False)
    scope = build_scope(qualified)
    found = []
    for name in names:
        leaves = list(lineage(name, qualified, schema={}, scope=scope, dialect="duckdb").walk())
        origins = tuple(
            sorted(
                {
                    f"{leaf.source.db}.{leaf.source.name}.{leaf.name.rpartition('.')[2]}".replace('"', "")
                    for leaf in leaves
                    if not leaf.downstream and isinstance(leaf.source, exp.Table) and leaf.source.db
                }
            )
        )
        found.append(Described(name, mine.get(name, ""), _meaning(file.name, name, file, origins, known), origins))
    return found


def _meaning(
    table: str, column: str, file: SqlFile | None, origins: Sequence[str], known: Mapping[str, list[Described]]
) -> str:
    """What a column means: as said, as the column means that it is taken from, or as its name says."""
    said = meanings.of_columns(table, file).get(column)
    if said:
        return said
    base, days = re.fullmatch(r"(.*?)(?:_(\d+)d)?", column).groups()
    sources = [origin.rpartition(".")[0] for origin in origins if origin.rpartition(".")[2] in (column, base)]
    meant = {one.meaning for source in sources for one in known.get(source, []) if one.name in (column, base)}
    if len(meant) == 1:
        return meant.pop() + (f"; {days} days" if days and base in {one.rpartition(".")[2] for one in origins} else "")
    for start, words in (("n_", "number of "), ("is_", "whether "), ("has_", "whether it has "), ("p_", "chance: ")):
        if column.startswith(start):
            return words + column.removeprefix(start).replace("_", " ")
    return column.replace("_", " ")


def unit_of(column: str, kind: str) -> str:
    """What a column's values are counted in, by the house's rules for names."""
    if kind in ("varchar", "boolean", "blob", "date", "timestamp", "") or kind.endswith("[]"):
        return {"date": "day", "timestamp": "moment", "boolean": "yes or no"}.get(kind, "")
    for pattern, unit in (
        (r"^n_|^x$|^frequency$|_orders|^quantity$|_count$", "count"),
        (r"_days$|^t$|^t_x$|_gap", "days"),
        (r"_share$|^p_|_rate$|coverage|_retention$|_bias$|_capture$|^gini|^auc|^progress$|propensity", "share"),
        (r"^bytes$", "bytes"),
        (r"index|score|rank|decile|percentile|^[rfm]$|priority|place|bucket|number|seed|line_no", ""),
        (_MONEY.pattern, "money"),
    ):
        if re.search(pattern, column):
            return unit
    return ""


def _contents(tables: Mapping[str, Sequence[Described]]) -> list[str]:
    lines = ["", "| schema | holds | tables |", "|---|---|---|"]
    for schema, words in SCHEMAS.items():
        mine = sorted(name.split(".")[1] for name in tables if name.startswith(f"{schema}."))
        linked = ", ".join(f"[{name}](#{schema}{name})" for name in mine)
        lines.append(f"| `{schema}` | {words} | {linked} |")
    return [*lines, "| queries | What pages ask, one file an answer. | [queries](#queries) |"]


def _tables(tables: Mapping[str, Sequence[Described]], files: Mapping[str, SqlFile]) -> list[str]:
    lines = []
    for schema, words in SCHEMAS.items():
        lines += ["", f"## {schema}", "", words]
        for name in sorted(name for name in tables if name.split(".")[0] == schema):
            file = files.get(name)
            what, grain = (file.what, file.grain) if file else meanings.TABLES.get(name, ("", ""))
            lines += ["", f"### {name}", "", f"{_sentence(what)} Grain: {grain}."]
            if file:
                lines += ["", f"From: {_listed(file.refs)}. Made by `{_place(file)}`{_also(file)}."]
            lines += ["", *_column_table(tables[name], file is not None)]
    return lines


def _queries(queries: Mapping[str, Sequence[Described]], files: Mapping[str, SqlFile]) -> list[str]:
    lines = [
        "",
        "## queries",
        "",
        "Each is a file of `sql/queries/`; its text is behind the `</>` of the card that shows it.",
    ]
    for name in sorted(queries):
        file = files[name]
        lines += ["", f"### {name}", "", f"{_sentence(file.what)} Grain: {file.grain}."]
        lines += ["", f"Parameters: {file.parameters}. From: {_listed(file.refs)}."]
        lines += ["", *_column_table(queries[name], True)]
    return lines


def _column_table(columns: Sequence[Described], has_origins: bool) -> list[str]:
    head = ["column", "type", "unit", "meaning", *(["from"] if has_origins else [])]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for column in columns:
        cells = [f"`{column.name}`", column.kind, unit_of(column.name, column.kind), _plain(column.meaning)]
        if has_origins:
            cells.append(_origins(column.origins))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _origins(origins: Sequence[str]) -> str:
    if len(origins) > N_ORIGINS:
        return _listed(sorted({origin.rpartition(".")[0] for origin in origins}))
    return ", ".join(f"`{origin}`" for origin in origins)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _place(file: SqlFile) -> str:
    return "/".join(["sql", *file.path.parts[file.path.parts.index("sql") + 1 :]])


def _also(file: SqlFile) -> str:
    return ", bucket by bucket" if file.is_bucketed else ""


def _sentence(text: str) -> str:
    text = _plain(text)
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write the file, or with --check say whether it is stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
    chosen = parser.parse_args()
    files = sqlfiles.read_tree()
    if chosen.check:
        if not is_current(TARGET.read_text(encoding="utf-8"), files):
            raise SystemExit(f"{TARGET.name} is stale; run `make dictionary`")
        return
    text = written(files)
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET}: {text.count('### ')} tables and queries, {text.count(chr(10) + '| `')} columns")


if __name__ == "__main__":
    main()
