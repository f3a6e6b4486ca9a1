"""The files under `sql/`, read: header, references, parameters, build order and the portable-SQL lint.

One statement a file. The folder says what a file is:

| folder                                | is                        | its name here          |
|---------------------------------------|---------------------------|------------------------|
| `staging/ core/ features/ marts/`     | a table, made by a build  | `core.orders`          |
| `labels/`                             | a table, made when asked  | `labels.outcomes`      |
| `checks/`                             | returns the rows that break a claim | `checks/<file>` |
| `queries/<page>/`                     | an answer for a page      | `<page>/<file>`        |

The text is run as it stands: parameters are `$name` and bound, so each file can be pasted into the shell.
Nothing here opens a database.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from clv.errors import RequestError, SqlFileError

DEFAULT_ROOT = Path(__file__).resolve().parent.parent / "sql"
TABLE_FOLDERS = ("staging", "core", "features", "marts")
"""Made by a build, in this direction."""
LAZY_FOLDERS = ("labels",)
"""Tables that are only made when somebody asks for a date."""
READS_FROM = {
    "staging": {"landing", "staging"},
    "core": {"staging", "core"},
    "features": {"core", "features", "settings"},
    "labels": {"core"},
    "marts": {"landing", "core", "features", "outputs", "marts"},
    "checks": {"landing", "staging", "core", "features", "outputs", "marts"},
    "queries": {"landing", "staging", "core", "features", "outputs", "marts"},
}
"""Which schemas a folder may read: data goes one way, and a feature sees no data but core's."""
BEFORE = "before"
"""`-- also: before` makes a second table of a file, as things stood one primary horizon earlier."""
EARLIER = "earlier"
"""Catalog of another build's serving file, for the queries of `compare/`."""
_READ_EARLIER = ("marts.", "outputs.", "landing.files")
"""What can be read there: native tables. A view would find the files of the wrong build."""
_REFUSED = {
    **dict.fromkeys(
        ("hash", "md5_number", "columns", "read_parquet", "read_csv", "read_csv_auto"), "this engine's own"
    ),
    **dict.fromkeys(("approx_quantile", "approx_count_distinct", "approx_distinct", "reservoir_quantile"), "not exact"),
    **dict.fromkeys(
        ("quantile", "quantile_cont", "quantile_disc", "percentile_cont", "percentile_disc"),
        "exact quantiles only as median(), others by cut points",
    ),
    **dict.fromkeys(
        ("dayofweek", "day_of_week", "isodow", "day_of_week_iso", "dayofweek_iso", "weekday"),
        "the weekday is date_diff('day', date '1970-01-05', d) % 7",
    ),
    **dict.fromkeys(("regr_slope", "regr_intercept"), "the slope is covar_pop / nullif(var_pop, 0e0)"),
    **dict.fromkeys(
        ("now", "today", "current_date", "current_timestamp", "current_time", "get_current_timestamp"),
        "no clock but the parameters",
    ),
    **dict.fromkeys(("random", "rand", "uuid", "gen_random_uuid", "setseed"), "not the same twice"),
    **dict.fromkeys(
        ("first", "last", "any_value", "arbitrary"), "left to chance; use min, max, or a window with an order"
    ),
}
"""Functions that another engine does not have, or that answer differently there or from run to run, and why."""

_FACTS_VERSION = 4
"""Counts up when what is read out of a syntax tree changes, so that cached facts are read again."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN = re.compile(
    r"""(?P<skip>--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*")|\$(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)""", re.DOTALL
)


@dataclass(frozen=True)
class SqlFile:
    """One file under `sql/`."""

    name: str
    folder: str
    """First folder under the root; for tables this is the schema."""
    path: Path
    sql: str
    what: str
    """First line of the header: what the file answers."""
    grain: str
    parameters: str
    """The header's words about the parameters and their units."""
    is_bucketed: bool
    severity: str
    """For checks: `error` fails the build, `warning` is only shown."""
    params: tuple[str, ...]
    """Names of the `$parameters` in the text, sorted."""
    refs: tuple[str, ...]
    """Tables read, as `schema.table`, sorted."""
    digest: str
    """sha256 of the normalised syntax tree: blind to white space and comments."""
    comments: tuple[tuple[str, str], ...]
    """(column, comment) for result columns with a comment at their end."""
    is_before: bool = False
    """The second table of a file: its `$as_of` is that of the others less `$horizon_days`."""

    @property
    def is_table(self) -> bool:
        """True for what a build makes."""
        return self.folder in TABLE_FOLDERS

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Exactly the values that the file's parameters get, out of *values*.

        Raises:
            KeyError: one of them has no value.
        """
        if self.is_before:
            values = {**values, "as_of": values["as_of"] - timedelta(days=int(values["horizon_days"]))}
        return {name: values[name] for name in self.params}


def read_tree(root: Path = DEFAULT_ROOT, *, cache: Path | None = None) -> dict[str, SqlFile]:
    """Every file under *root* by name, in path order.

    Args:
        root: the `sql/` folder.
        cache: a JSON file that remembers what was read out of each text, so that an unchanged tree is not parsed.

    Raises:
        SqlFileError: a header, a name or the SQL itself is wrong; the message names the file.
    """
    known = _load_facts(cache)
    facts: dict[str, Any] = {}
    files: dict[str, SqlFile] = {}
    for path in sorted(root.rglob("*.sql")):
        for file in _tables(path, root, known, facts):
            if file.name in files:
                raise SqlFileError(f"{path} and {files[file.name].path} are both called {file.name}; rename one")
            files[file.name] = file
    if cache is not None and facts != known:
        _save_facts(cache, facts)
    return files


def read_file(path: Path, root: Path = DEFAULT_ROOT) -> SqlFile:
    """One file; see `read_tree`."""
    return _tables(path, root, {}, {})[0]


def build_order(files: Mapping[str, SqlFile], inputs: Iterable[str]) -> list[SqlFile]:
    """The tables that a build makes, each after all that it reads; ties by name.

    Args:
        files: from `read_tree`.
        inputs: names of the tables that are there before the build (`landing.…`, `outputs.…`).

    Raises:
        SqlFileError: a file reads a table that does not exist, or tables read each other in a circle.
    """
    given = set(inputs)
    tables = {name: file for name, file in files.items() if file.is_table}
    check_refs(files, given)
    order: list[SqlFile] = []
    state: dict[str, str] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if state.get(name) == "done":
            return
        if state.get(name) == "open":
            circle = " → ".join([*trail[trail.index(name) :], name])
            raise SqlFileError(f"{tables[name].path}: tables read each other in a circle: {circle}")
        state[name] = "open"
        for ref in tables[name].refs:
            if ref in tables:
                visit(ref, (*trail, name))
        state[name] = "done"
        order.append(tables[name])

    for folder in TABLE_FOLDERS:
        for name in sorted(name for name, file in tables.items() if file.folder == folder):
            visit(name, ())
    return order


def check_refs(files: Mapping[str, SqlFile], inputs: Iterable[str]) -> None:
    """Refuse references to tables that neither a file makes nor the builder provides.

    Raises:
        SqlFileError: naming the file, the table and the nearest known name.
    """
    import difflib

    known = {name for name, file in files.items() if file.is_table} | set(inputs)
    for file in files.values():
        for ref in file.refs:
            if ref not in known:
                close = difflib.get_close_matches(ref, sorted(known), n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                raise SqlFileError(f"{file.path} reads {ref}, which nothing makes{hint}")


def parameters_in(sql: str) -> tuple[str, ...]:
    """Names of the `$parameters` in *sql*, outside strings and comments; sorted."""
    return tuple(sorted({match["name"] for match in _TOKEN.finditer(sql) if match["name"]}))


def inline(sql: str, values: Mapping[str, Any]) -> str:
    """*sql* with each `$parameter` written as a literal, for pasting into a shell; the layout is kept.

    Raises:
        RequestError: a parameter has no value.
    """

    def written(match: re.Match[str]) -> str:
        name = match["name"]
        if not name:
            return match[0]
        if name not in values:
            raise RequestError(f"no value for ${name}")
        return literal(values[name])

    return _TOKEN.sub(written, sql)


def literal(value: Any) -> str:
    """A Python value as a SQL literal.

    Raises:
        RequestError: no literal is known for this kind of value.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = repr(value)
        if text in ("inf", "-inf", "nan"):
            return f"cast('{text}' as double)"
        return text if "e" in text else text + "e0"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if hasattr(value, "item"):
        return literal(value.item())
    raise RequestError(f"a {type(value).__name__} cannot be a SQL parameter")


def lint(file: SqlFile) -> list[str]:
    """What in *file* breaks the portable-SQL rules of docs/warehouse.md; one sentence each, empty when fine."""
    tree = _parse(file.sql, file.path)
    return [f"{file.path.name}: {finding}" for finding in _lint(file, tree)]


def _tables(path: Path, root: Path, known: Mapping[str, Any], facts: dict[str, Any]) -> list[SqlFile]:
    """What a file makes: one table, query or check, and with `-- also: before` a second table."""
    file, also = _read(path, root, known, facts)
    if not also:
        return [file]
    if also != BEFORE or not file.is_table or "as_of" not in file.params:
        raise SqlFileError(
            f"{path}: `-- also: {also}` is not understood; `-- also: {BEFORE}`, on a table with $as_of, is all there is"
        )
    return [file, replace(file, name=f"{file.name}_{BEFORE}", what=f"One horizon earlier: {file.what}", is_before=True)]


def _read(path: Path, root: Path, known: Mapping[str, Any], facts: dict[str, Any]) -> tuple[SqlFile, str]:
    """The file, and what its header says under `also`."""
    parts = path.relative_to(root).with_suffix("").parts
    folder, stem = parts[0], parts[-1]
    if folder not in READS_FROM or len(parts) != (3 if folder == "queries" else 2):
        raise SqlFileError(
            f"{path} is out of place: a file is {'|'.join(READS_FROM)}/<name>.sql, a query queries/<page>/<name>.sql"
        )
    if not all(_NAME.fullmatch(part) for part in parts):
        raise SqlFileError(f"{path}: file and folder names are lower case letters, digits and _")
    name = {"queries": "/".join(parts[1:]), "checks": f"checks/{stem}"}.get(folder, f"{folder}.{stem}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SqlFileError(f"{path} is not UTF-8: {error}") from error
    header = _header(path, text)
    params = parameters_in(text)
    layout, severity = header.get("layout", ""), header.get("severity", "error")
    if layout not in ("", "bucketed"):
        raise SqlFileError(f"{path}: unknown layout {layout!r}; `-- layout: bucketed` is the only one")
    if severity not in ("error", "warning"):
        raise SqlFileError(f"{path}: unknown severity {severity!r}; it is error or warning")
    if layout and "bucket" not in params:
        raise SqlFileError(
            f"{path} is `layout: bucketed` but has no `bucket = $bucket`: each part would be the whole table"
        )
    if "bucket" in params and not layout:
        raise SqlFileError(f"{path} uses $bucket without the header line `-- layout: bucketed`")
    sql = text.strip().removesuffix(";").rstrip()
    mark = hashlib.sha256(text.encode()).hexdigest()
    fact = known.get(mark) or _facts(path, sql)
    facts[mark] = fact
    file = SqlFile(
        name=name,
        folder=folder,
        path=path,
        sql=sql,
        what=header["what"],
        grain=header["grain"],
        parameters=header["parameters"],
        is_bucketed=bool(layout),
        severity=severity,
        params=params,
        refs=tuple(fact["refs"]),
        digest=fact["digest"],
        comments=tuple((column, comment) for column, comment in fact["comments"]),
    )
    return file, header.get("also", "")


def _header(path: Path, text: str) -> dict[str, str]:
    """The leading comment lines: `what` (first), and the `key: value` lines."""
    found: dict[str, str] = {}
    key = "what"
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        words = line.removeprefix("--").strip()
        match = re.match(r"(grain|parameters|layout|severity|also)\s*:\s*(.*)", words, re.IGNORECASE)
        if match:
            key = match[1].lower()
            found[key] = match[2].strip()
        else:
            found[key] = f"{found.get(key, '')} {words}".strip()
    missing = [f"`-- {key}: …`" for key in ("grain", "parameters") if not found.get(key)]
    if not found.get("what"):
        missing.insert(0, "`-- what it answers`")
    if missing:
        raise SqlFileError(f"{path} does not open with its header; missing: {', '.join(missing)}")
    return found


def _parse(sql: str, path: Path) -> Any:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        # The last comment keeps sqlglot from taking `$name = ''` for the start of a $-quoted string.
        trees = [tree for tree in sqlglot.parse(f"{sql}\n--$\n", read="duckdb") if tree is not None]
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise SqlFileError(f"{path} is not SQL that can be read: {first}") from error
    if len(trees) != 1:
        raise SqlFileError(f"{path} has {len(trees)} statements; a file is one")
    if not isinstance(trees[0], sqlglot.exp.Query):
        raise SqlFileError(f"{path} is not a select; files only ask, the builder writes")
    return trees[0]


def _facts(path: Path, sql: str) -> dict[str, Any]:
    """What the syntax tree says and what is slow to find: references, digest, column comments."""
    from sqlglot import exp

    tree = _parse(sql, path)
    ctes = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    refs: set[str] = set()
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue  # a table function such as range()
        if table.db:
            refs.add(f"{table.db}.{table.name}".lower())
        elif table.name.lower() not in ctes:
            raise SqlFileError(f"{path} reads {table.name} without its schema; tables are always written schema.table")
    comments = [
        (column.alias_or_name, " ".join(comment.split()))
        for column in tree.selects
        for comment in column.comments or []
        if column.alias_or_name and _is_at_line_end(sql, comment)
    ]
    normalised = tree.sql(dialect="duckdb", comments=False)
    return {"refs": sorted(refs), "digest": hashlib.sha256(normalised.encode()).hexdigest(), "comments": comments}


def _is_at_line_end(sql: str, comment: str) -> bool:
    """True when the comment stands behind code: one on a line of its own explains the code, not the column."""
    return re.search(rf"^[^\n]*\S[^\n]*--{re.escape(comment.rstrip())}\s*$", sql, re.MULTILINE) is not None


def _facts_stamp() -> str:
    return f"{_FACTS_VERSION}/{importlib.metadata.version('sqlglot')}"


def _load_facts(cache: Path | None) -> dict[str, Any]:
    if cache is None:
        return {}
    try:
        content = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(content["facts"]) if content.get("stamp") == _facts_stamp() else {}


def _save_facts(cache: Path, facts: Mapping[str, Any]) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    aside = cache.with_name(f"{cache.name}.{os.getpid()}")
    aside.write_text(json.dumps({"stamp": _facts_stamp(), "facts": facts}), encoding="utf-8")
    aside.replace(cache)


def _lint(file: SqlFile, tree: Any) -> Iterator[str]:
    from sqlglot import exp

    ordered = exp.RowNumber | exp.FirstValue | exp.LastValue | exp.Lag | exp.Lead | exp.Ntile
    yield from _lint_house(file, tree)
    for literal_ in tree.find_all(exp.Literal):
        if not literal_.is_string and "." in literal_.this and "e" not in literal_.this.lower():
            yield f"{literal_.this} is a decimal on some engines; write it with an exponent, as 1e0"
    for call in tree.find_all(exp.Func):
        name = (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()
        if name in _REFUSED:
            yield f"{name}(): {_REFUSED[name]}"
    for division in tree.find_all(exp.Div):
        if not _cannot_be_zero(division.expression) and not _is_guarded(division):
            yield f"{_short(division)}: divide by nullif(…, 0e0)"
    for difference in tree.find_all(exp.DateDiff):
        yield from _lint_date_diff(difference)
    for window in tree.find_all(exp.Window):
        if isinstance(window.this, ordered) and not window.args.get("order"):
            yield f"{_short(window)}: a ranking needs an order with a tie-break"
    for kind in tree.find_all(exp.DataType):
        if kind.this in (exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ):
            yield "timestamps have no zone here"
    for found, words in (
        (exp.Pivot, "no pivot"),
        (exp.Lambda, "no lambda functions"),
        (exp.AtTimeZone, "timestamps have no zone here"),
        (exp.Columns, "no columns(…)"),
    ):
        if tree.find(found):
            yield words
    if any(str(join.args.get("method") or "").upper() == "ASOF" for join in tree.find_all(exp.Join)):
        yield "no asof join"
    for inner in tree.find_all(exp.Subquery):
        if isinstance(inner.parent, exp.From | exp.Join) and not inner.alias:
            yield f"{_short(inner)}: a sub-query in from has an alias"


def _lint_house(file: SqlFile, tree: Any) -> Iterator[str]:
    """The rules that are ours rather than an engine's."""
    from sqlglot import exp

    is_written = file.folder in (*TABLE_FOLDERS, *LAZY_FOLDERS)
    if is_written and not tree.args.get("order"):
        yield "a table ends with an order by, so that equal inputs give equal bytes"
    if any(select.args.get("limit") and not select.args.get("order") for select in tree.find_all(exp.Select)):
        yield "limit without order by: which rows stay is left to chance"
    if any(isinstance(column, exp.Star) or getattr(column, "is_star", False) for column in tree.selects):
        yield "no select * out of a file: name the columns"
    for name in file.params:
        if f"${name}" not in file.parameters:
            yield f"${name} is not explained in the header line `-- parameters:`"
    for ref in file.refs:
        if ref.split(".")[0] not in READS_FROM[file.folder]:
            yield f"reads {ref}: {file.folder} may read {', '.join(sorted(READS_FROM[file.folder]))}"
    for table in tree.find_all(exp.Table):
        ref = f"{table.db}.{table.name}".lower()
        if table.catalog and table.catalog != EARLIER:
            yield f"reads {table.catalog}.{ref}: the only other catalog is {EARLIER}"
        elif table.catalog and not (file.name.startswith("compare/") and ref.startswith(_READ_EARLIER)):
            yield f"reads {EARLIER}.{ref}: queries of compare/ may read its marts, outputs and landing.files"
    if file.folder == "features" and any(ref.startswith("core.") for ref in file.refs) and "as_of" not in file.params:
        yield "a feature has one clock, $as_of"


def _lint_date_diff(difference: Any) -> Iterator[str]:
    from sqlglot import exp

    unit = str(difference.args.get("unit") or "day").strip("'").lower()
    if unit == "month":
        for side in (difference.this, difference.expression):
            # `::date` and `cast` do not change which month it is
            inner = side.this if isinstance(side, exp.Cast) else side
            if not (
                isinstance(inner, exp.DateTrunc | exp.TimestampTrunc)
                or re.search("month|period_start", inner.name.lower())
            ):
                yield f"{_short(difference)}: months are counted between dates that are cut to their month"
    elif unit != "day":
        yield f"{_short(difference)}: count days, or months between dates that are cut to their month"


def _cannot_be_zero(node: Any) -> bool:
    """True for what is NULL instead of zero, and for numbers that are not zero."""
    from sqlglot import exp

    if isinstance(node, exp.Paren | exp.Cast):
        return _cannot_be_zero(node.this)
    if isinstance(node, exp.Literal):
        return not node.is_string and float(node.this) != 0
    if isinstance(node, exp.Mul):
        return _cannot_be_zero(node.this) and _cannot_be_zero(node.expression)
    if isinstance(node, exp.Greatest):
        return any(isinstance(part, exp.Literal) and _cannot_be_zero(part) for part in (node.this, *node.expressions))
    if isinstance(node, exp.Sqrt | exp.Exp | exp.Ln):
        return isinstance(node, exp.Exp) or _cannot_be_zero(node.this)
    return isinstance(node, exp.Nullif)


def _is_guarded(division: Any) -> bool:
    """True inside `case when <divisor> > 0 then …`."""
    from sqlglot import exp

    branch = division.find_ancestor(exp.If)
    while branch is not None:
        if any(test.this == division.expression for test in branch.this.find_all(exp.GT)):
            return True
        branch = branch.find_ancestor(exp.If)
    return False


def _short(node: Any) -> str:
    text: str = node.sql(dialect="duckdb", comments=False)
    return text if len(text) <= 60 else text[:59] + "…"
