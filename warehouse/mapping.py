"""Which of their columns is which of ours: declared targets, built-in synonyms, and expressions over columns.

A mapping is decided from the header alone. What the values look like is decided in `values`, from the whole column.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlglot
from sqlglot import exp

from clv.errors import SourceError
from warehouse.synonyms import SYNONYMS

Kind = Literal["text", "number", "timestamp", "date", "bool"]

TARGETS: dict[str, dict[str, Kind]] = {
    "transactions": {
        "customer_id": "text",
        "order_id": "text",
        "line_id": "text",
        "order_ts": "timestamp",
        "amount": "number",
        "quantity": "number",
        "unit_price": "number",
        "discount": "number",
        "cost": "number",
        "category": "text",
        "product": "text",
        "channel": "text",
        "country": "text",
        "is_return": "bool",
    },
    "customers": {
        "customer_id": "text",
        "name": "text",
        "email": "text",
        "persona": "text",
        "is_subscriber": "bool",
        "subscription_plan": "text",
        "acquisition_channel": "text",
        "acquisition_cost": "number",
        "signup_date": "date",
        "country": "text",
        "email_consent": "bool",
        "status_is_churned": "bool",
    },
    "cart_events": {
        "customer_id": "text",
        "event_id": "text",
        "event_ts": "timestamp",
        "cart_value": "number",
        "category": "text",
        "channel": "text",
        "converted": "bool",
    },
    "campaigns": {
        "campaign_id": "text",
        "customer_id": "text",
        "treated": "bool",
        "sent_ts": "timestamp",
        "action": "text",
        "cost": "number",
        "propensity": "number",
    },
}
"""The landed columns of each source, in their order."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "transactions": ("customer_id", "order_ts", "amount"),
    "customers": ("customer_id",),
    "cart_events": ("customer_id", "event_ts"),
    "campaigns": ("campaign_id", "customer_id", "treated"),
}
"""Columns without which a file cannot be read as this source; a row without one is quarantined."""

IDENTITY = {
    "transactions": "order_id",
    "customers": "customer_id",
    "cart_events": "event_id",
    "campaigns": "campaign_id",
}
"""When this column is mapped, equal rows are duplicates; without it each line stands for itself."""

CLOCK = {"transactions": "order_ts", "customers": "signup_date", "cart_events": "event_ts", "campaigns": "sent_ts"}
MONEY = {"transactions": "amount", "customers": "acquisition_cost", "cart_events": "cart_value", "campaigns": "cost"}


_MAX_NAMES, _MAX_NAME_LENGTH = 40, 40
"""What a message shows of a header: a photograph named .csv has names, too."""


def normalised(name: str) -> str:
    """A header name without case, blanks, underscores and signs: `Invoice No` and `invoice_no` are the same."""
    return re.sub(r"[\W_]+", "", name.lower())


def shown(header: Sequence[str]) -> str:
    """The names of a header for a message: whatever the file holds, it stays short and on its line."""
    cut = (name if len(name) <= _MAX_NAME_LENGTH else f"{name[:_MAX_NAME_LENGTH]}…" for name in header[:_MAX_NAMES])
    words = ["".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name) for name in cut]
    more = len(header) - len(words)
    return ", ".join([*words, *([f"and {more:,} more"] if more else [])]) or "no columns"


@dataclass(frozen=True)
class Mapped:
    """Our columns over theirs: each an expression whose column names are fields `c0`… of the file."""

    source: str
    columns: dict[str, exp.Expr]
    used: frozenset[int]
    """Positions of the fields that some expression reads."""
    notes: tuple[str, ...] = ()


def map_columns(source: str, header: Sequence[str], configured: Mapping[str, str], *, file_name: str = "") -> Mapped:
    """Decide which field of a file with *header* feeds which of our columns.

    Args:
        source: one of `TARGETS`.
        header: names as found.
        configured: `[sources.<source>.columns]`: ours = their name, or an SQL expression over their names. What is
            not configured is looked up among `SYNONYMS`; `""` says that a column of ours has no counterpart.
        file_name: for messages.

    Raises:
        SourceError: a required column is not found, a configured name is not in the header, or an expression uses
            something other than columns, literals, arithmetic and safe functions.
    """
    targets = TARGETS[source]
    where = f"[sources.{source}.columns] in config.toml"
    known: dict[str, int] = {}
    notes: list[str] = []
    for i, name in enumerate(header):
        key = normalised(name)
        if key and key in known:
            notes.append(f"column {name!r} is there twice: the first one is read")
        elif key:
            known[key] = i
    columns: dict[str, exp.Expr] = {}
    for ours, theirs in configured.items():
        if ours not in targets:
            close = difflib.get_close_matches(ours, list(targets), n=1, cutoff=0.4)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(targets)}"
            raise SourceError(f"{where}: {source} has no column {ours!r} ({hint})")
        if theirs:
            columns[ours] = _expression(theirs, known, header, f"{ours} = {theirs!r} in {where}", file_name)
    taken = {i for expression in columns.values() for i in _positions(expression)}
    for ours in targets:
        if ours in configured:
            continue
        for synonym in SYNONYMS[source].get(ours, "").split():
            position = known.get(normalised(synonym))
            if position is not None and position not in taken:
                columns[ours] = _field(position)
                taken.add(position)
                break
    if source == "transactions" and "amount" not in columns and "amount" not in configured and "unit_price" in columns:
        price = columns["unit_price"].copy()
        if "quantity" in columns:
            columns["amount"] = exp.Mul(this=columns["quantity"].copy(), expression=price)
            notes.append("amount = quantity × unit price")
        else:
            columns["amount"] = price
            notes.append("amount is the price")
    missing = [ours for ours in REQUIRED[source] if ours not in columns]
    if missing:
        listed = " and ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
        them = "them" if missing[1:] else "it"
        raise SourceError(f"{file_name} has no column for {listed} (has: {shown(header)}); map {them} in {where}")
    return Mapped(
        source,
        {ours: columns[ours] for ours in targets if ours in columns},
        frozenset(i for expression in columns.values() for i in _positions(expression)),
        tuple(notes),
    )


def _field(position: int) -> exp.Expr:
    return exp.column(f"c{position}")


def _positions(expression: exp.Expr) -> list[int]:
    return [int(column.name[1:]) for column in expression.find_all(exp.Column)]


_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_LOGIC = (exp.And, exp.Or, exp.Not)
_NUMERIC_FUNCTIONS = (exp.Abs, exp.Round, exp.Floor, exp.Ceil)
_CHOICES = (exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.Case, exp.If)
_TEXT_FUNCTIONS = (
    exp.Concat, exp.ConcatWs, exp.DPipe, exp.Upper, exp.Lower, exp.Trim, exp.Substring, exp.Left, exp.Right,
    exp.Replace, exp.SplitPart, exp.RegexpExtract, exp.RegexpReplace, exp.Pad,
)  # fmt: skip
_TEXT_TESTS = (exp.Like, exp.ILike, exp.StartsWith, exp.RegexpLike, exp.Contains)
_PLAIN = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Paren,
    exp.In,
    exp.Is,
    exp.Between,
    exp.Length,
)
_CASTS = (exp.Cast, exp.TryCast, exp.DataType)
_ALLOWED = (
    *_ARITHMETIC, *_COMPARISONS, *_LOGIC, *_NUMERIC_FUNCTIONS, *_CHOICES, *_TEXT_FUNCTIONS, *_TEXT_TESTS, *_PLAIN,
    *_CASTS,
)  # fmt: skip


def _expression(text: str, known: Mapping[str, int], header: Sequence[str], where: str, file_name: str) -> exp.Expr:
    """*text* with field names for columns: a name of theirs as it stands, else an SQL expression over such names."""
    whole = known.get(normalised(text)) if re.fullmatch(r"[^'()*/+|<>=]*", text) else None
    exact = [i for i, name in enumerate(header) if name == text]
    if exact or whole is not None:
        return _field(exact[0] if exact else int(whole or 0))
    has = f"{file_name or 'the file'} has: {shown(header)}"
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except sqlglot.errors.SqlglotError:
        raise SourceError(f"{where}: neither a column nor an SQL expression ({has})") from None
    for node in tree.walk():
        if not isinstance(node, _ALLOWED):
            raise SourceError(
                f"{where}: {type(node).__name__.upper()} is not allowed; "
                "use columns, literals, arithmetic, comparisons, case, and text functions"
            )
    for column in list(tree.find_all(exp.Column)):
        position = known.get(normalised(column.name))
        if position is None or column.table:
            raise SourceError(f"{where}: there is no column {column.sql()!r} ({has})")
        column.set("this", exp.to_identifier(f"c{position}"))
    return tree


def _reads_text(node: exp.Expr) -> bool:
    """Does a comparison with *node* compare text?"""
    node = node.unnest()
    return (isinstance(node, exp.Literal) and node.is_string) or isinstance(node, _TEXT_FUNCTIONS)


def render(expression: exp.Expr, kind: Kind, field_sql: Callable[[int, Kind], str]) -> str:
    """DuckDB SQL of a mapped column.

    Args:
        expression: from `map_columns`.
        kind: the type wanted: arithmetic reads its columns as numbers, text functions as text, a comparison as its
            other side; anything else passes the wanted type down. A timestamp or date wants text here (`values`
            reads the text as a date).
        field_sql: (position, "text" or "number" or "bool") → the SQL that reads the field so.
    """
    wanted: Kind = "text" if kind in ("timestamp", "date") else kind

    def typed(node: exp.Expr, want: Kind) -> exp.Expr:
        if isinstance(node, exp.Column):
            return sqlglot.parse_one(field_sql(int(node.name[1:]), want), read="duckdb")
        if isinstance(node, (*_ARITHMETIC, *_NUMERIC_FUNCTIONS)):
            inner: Kind = "number"
        elif isinstance(node, (*_TEXT_FUNCTIONS, *_TEXT_TESTS, exp.Length)):
            inner = "text"
        elif isinstance(node, _LOGIC):
            inner = "bool"
        elif isinstance(node, exp.Is):
            inner = "text"
        elif isinstance(node, (*_COMPARISONS, exp.In, exp.Between)):
            sides = [part for part in node.iter_expressions() if isinstance(part, exp.Expr)]
            inner = "text" if any(_reads_text(part) for part in sides) else "number"
        elif isinstance(node, (exp.Cast, exp.TryCast)):
            inner = "text"
        else:
            inner = want
        for key, value in list(node.args.items()):
            parts = value if isinstance(value, list) else [value]
            done = []
            for part in parts:
                if not isinstance(part, exp.Expr):
                    done.append(part)
                    continue
                # the test of a CASE is a condition, whatever the CASE gives
                want_part: Kind = "bool" if isinstance(node, exp.If) and key == "this" else inner
                done.append(typed(part, want_part))
            node.set(key, done if isinstance(value, list) else done[0])
        if isinstance(node, exp.Div):
            node.set("expression", exp.Nullif(this=node.expression, expression=exp.Literal.number(0)))
        if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
            return exp.TryCast(this=node.this, to=node.to)
        return node

    return typed(expression.copy(), wanted).sql(dialect="duckdb")
