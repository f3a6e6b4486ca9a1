"""The list of customers: its columns, and how filters, order and choice stand in the address.

    /customers?segment=At+risk&segment=Loyal&revenue=100..500&name=smith&sort=-expected_revenue

| kind of column  | in the address                                                                             |
|-----------------|--------------------------------------------------------------------------------------------|
| list of values  | each value, repeated: `segment=At+risk&segment=Loyal`; empty is "not given"                |
| text            | what it contains: `name=smith`                                                             |
| number, date    | `5`, `100..500`, `100..`, `..500`, `>100`, `<500`, `none`, `any`; days as `2026-01-31`     |
| yes or no       | `true`, `false`, empty is "not given"                                                      |
| anything else   | AG Grid's own filter model as JSON                                                         |

`list=` with `list.<parameter>=` keeps only the customers that a named query gives, such as a cell of the cohorts' heat
map: `list=cohorts/customers_in&list.cohort_month=2025-03-01&list.month_number=2&list.mode=bought`. Parameters that are
not named are NULL. The page, its callbacks, saved views and the export all speak this language, and nothing else.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from clv.errors import RequestError
from dashboard.data import BUILD_KEY
from warehouse.ask import Warehouse
from warehouse.grid import Column, Condition, Grid, Members, Wanted

TABLE, KEY = "marts.customers", "customer_id"
PATH = "/customers"
SORT, LIST = "sort", "list"
SAVED = "saved/"
"""`list=saved/<name>` names customers that somebody keeps under a name (`dashboard.saved_lists`)."""
BEFORE = "before"
"""`list.before=` names the build that a query of `compare/` reads beside the one that is looked at."""


@dataclass(frozen=True)
class Shown:
    """A column as people see it."""

    column: Column
    head: str
    look: str
    """How a cell is drawn: customer, segment, text, or a function of the assets: money, moneyExact, count, share, …"""
    width: int = 130
    help_text: str = ""
    optional: str = ""
    """The column of `customers/filled` that says whether anybody has a value; empty: always shown."""


def _text(name: str, head: str, width: int = 130, **more: Any) -> Shown:
    return Shown(Column(name, "text"), head, "text", width, **more)


def _listed(name: str, head: str, width: int = 140, look: str = "text", **more: Any) -> Shown:
    return Shown(Column(name, "text", is_exact=True), head, look, width, **more)


def _number(name: str, head: str, look: str, width: int = 120, **more: Any) -> Shown:
    return Shown(Column(name, "number"), head, look, width, **more)


def _day(name: str, head: str, width: int = 125, **more: Any) -> Shown:
    return Shown(Column(name, "date"), head, "day", width, **more)


def _yes_no(name: str, head: str, **more: Any) -> Shown:
    return Shown(Column(name, "boolean"), head, "yesNo", 120, **more)


PREDICTED = "expected_revenue"
LABEL = "label"
"""Look of a name out of the data: with a capital, as all pages show it; filters and files hold it as it is."""
SHOWN = (
    Shown(Column("name", "text"), "Customer", "customer", 200),
    _listed("segment", "Segment", 140, "segment"),
    _number("expected_revenue", "Expected revenue, next {horizon} days", "money", 260, optional=PREDICTED),
    _number("revenue", "Revenue to date", "money", 160, help_text="Net of returns"),
    _number("n_orders", "Orders", "count", 96),
    _day("last_order_date", "Last order", 118),
    _number(
        "p_alive", "P(alive)", "chance", 128, optional="p_alive", help_text="Chance that they still are a customer"
    ),
    _number("value_percentile", "Value percentile", "count", 140, optional=PREDICTED, help_text="100 is best"),
    _listed("country", "Country", optional="country"),
    _listed("channel", "First channel", 140, LABEL, help_text="Of the first order", optional="channel"),
    _listed("category", "Main category", 150, LABEL, help_text="The one with most net revenue", optional="category"),
    _number("revenue_lo", "Expected revenue, low", "money", 210, optional="revenue_lo", help_text="80% interval"),
    _number("revenue_hi", "Expected revenue, high", "money", 215, optional="revenue_lo", help_text="80% interval"),
    _number("expected_orders", "Expected orders, next {horizon} days", "decimal", 240, optional=PREDICTED),
    _number("p_buys", "P(buys), next {horizon} days", "share", 200, optional=PREDICTED),
    _day("next_order_from", "Next order from", 140, optional="next_order_from"),
    _day("next_order_to", "Next order to", 140, optional="next_order_from"),
    _number(
        "overdue_index",
        "Overdue index",
        "decimal",
        130,
        optional="overdue_index",
        help_text="Silence so far ÷ usual pause between purchases: above 1 is overdue",
    ),
    _number("r", "R score", "count", 100, help_text="Recency, 1–5"),
    _number("f", "F score", "count", 100, help_text="Frequency, 1–5"),
    _number("m", "M score", "count", 100, help_text="Monetary, 1–5"),
    _listed(
        "standing", "Standing", 140, LABEL, help_text="What the bounds of the segment's rule say, whatever its name"
    ),
    _text("rfm_score", "RFM", 95),
    _number("revenue_90d", "Revenue, last 90 days", "money", 165),
    _number("revenue_365d", "Revenue, last 365 days", "money", 170),
    _number("margin", "Margin to date", "money", 135),
    _number("avg_order_value", "Average order value", "money", 160),
    _number("n_purchase_days", "Purchase days", "count", 130),
    _number("n_returns", "Returns", "count", 110),
    _number("recency_days", "Days since last order", "count", 165),
    _number("tenure_days", "Days since first order", "count", 165),
    _day("first_order_date", "First order"),
    Shown(Column("cohort_month", "date"), "Cohort", "month", 115, "Month of the first order"),
    _number("expected_revenue_30d", "Expected, 30 days", "money", 175, optional="expected_revenue_30d"),
    _number("expected_revenue_90d", "Expected, 90 days", "money", 175, optional="expected_revenue_90d"),
    _number("expected_revenue_180d", "Expected, 180 days", "money", 175, optional="expected_revenue_180d"),
    _number("expected_revenue_365d", "Expected, 365 days", "money", 175, optional="expected_revenue_365d"),
    _listed("behaviour_persona", "Persona", 220, optional="behaviour_persona", help_text="Derived from how they buy"),
    _listed("persona", "Persona (given)", 150, LABEL, optional="persona"),
    _yes_no("is_subscriber", "Subscriber", optional="is_subscriber"),
    _listed("subscription_plan", "Plan", 120, LABEL, optional="subscription_plan"),
    _listed("acquisition_channel", "Acquired through", 150, LABEL, optional="acquisition_channel"),
    _number("acquisition_cost", "Acquisition cost", "moneyExact", 140, optional="acquisition_cost"),
    _yes_no("is_churned_given", "Churned (given)", optional="is_churned_given"),
    _text("customer_id", "Customer ID", 140),
    _text("email", "E-mail", 210, optional="email"),
)
COLUMNS = {shown.column.id: shown.column for shown in SHOWN}
LABELLED = {shown.column.id for shown in SHOWN if shown.look == LABEL}
FACETS = {"segment": "segments", "channel": "first channels", "country": "countries"}
"""Columns with a multi-select above the list → what all of them are called."""

BOUNDS = ("r_min", "r_max", "f_min", "f_max", "m_min", "m_max", "max_age_days")
"""Parameters that are lists of whole numbers, one a rule: `list.max_age_days=any,30`, the first without a limit."""
ANY = "any"

LISTS = {
    "overview/customers_in": "with order lines in the period",
    "overview/worth_saving": "who are slipping away, by their segment or by their own rhythm",
    "cohorts/customers_in": "behind a cell or a point of the cohorts",
    "segments/moved_customers": "who moved between two segments",
    "segments/drafted_customers": "whom a draft of the segment rules would hold",
    "summary/customers_in": "behind a step of the bridge or a month of the trend",
    "compare/customers_in": "who differ between two builds",
    "value/customers_in": "behind a part of the expected value",
    "model/customers_in": "on whom the model was judged",
    "model/previewed_customers": "whose value would change under another version of the model",
}
"""Named queries that may choose customers → words for those."""
_LIST_PARAMS = {
    "overview/customers_in": ("from_date", "to_date", "channel", "category"),
    "overview/worth_saving": ("max_rows",),
    "cohorts/customers_in": ("cohort_month", "month_number", "mode", "channel", "n_newest"),
    "segments/moved_customers": ("segment_before", "segment"),
    "segments/drafted_customers": ("rule", "segment_draft", "segment_now", *BOUNDS),
    "summary/customers_in": ("horizon_days", "step", "month"),
    "compare/customers_in": ("step", "segment_before", "segment", "horizon_days"),
    "value/customers_in": (
        "horizon_days",
        "measure",
        "is_discounted",
        "value_from",
        "value_to",
        "decile",
        "best_percent",
    ),
    "model/customers_in": (
        "horizon_days",
        "decile",
        "segment",
        "orders",
        "recency",
        "channel",
        "error_from",
        "error_to",
        "is_inside",
    ),
    "model/previewed_customers": ("horizon_days", "way", "segment"),
}
_LIST_NUMBERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("month_number", "horizon_days", "decile", "best_percent", "max_rows", "rule", "n_newest"), int),
    **dict.fromkeys(("value_from", "value_to", "error_from", "error_to"), float),
    **dict.fromkeys(BOUNDS, lambda text: [None if one == ANY else int(one) for one in text.split(",")]),
}


@lru_cache(maxsize=2)
def grid_of(warehouse: Warehouse) -> Grid:
    """The one grid of a warehouse: it remembers counts and orders."""
    return Grid(warehouse, TABLE, KEY, list(COLUMNS.values()))


def wanted(search: str) -> Wanted:
    """What an address's `search` asks for.

    Raises:
        RequestError: a column, value or list that there is not.
    """
    pairs = parse_qsl(search.lstrip("?"), keep_blank_values=True)
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    filters = {name: read_filter(COLUMNS[name], values[name]) for name in values if name in COLUMNS}
    unknown = [name for name in values if name not in COLUMNS and name.partition(".")[0] not in (SORT, LIST, BUILD_KEY)]
    if unknown:
        raise RequestError(f"the list of customers has no column {unknown[0][:80]!r}")
    return Wanted(filters, _sort(values.get(SORT, [""])[-1]), _members(values))


def search_of(asked: Wanted, build: str | None = None) -> str:
    """The address's `search` that asks for *asked*: what `wanted` reads."""
    pairs: list[tuple[str, str]] = []
    for name in COLUMNS:
        if name in asked.filters:
            pairs += [(name, value) for value in written_filter(COLUMNS[name], asked.filters[name])]
    if asked.sort:
        pairs.append((SORT, ",".join(f"{'-' if is_descending else ''}{name}" for name, is_descending in asked.sort)))
    if asked.members:
        pairs.append((LIST, asked.members.query))
        given = {**asked.members.params, BEFORE: asked.members.before}
        pairs += [(f"{LIST}.{name}", _plain(value)) for name, value in given.items() if value is not None]
    if build:
        pairs.append((BUILD_KEY, build))
    return f"?{urlencode(pairs)}" if pairs else ""


def moved(asked: Wanted, filters: Any, sort: Any) -> Wanted:
    """*asked* with the filters and the order that the grid holds now (its filterModel and sortModel).

    Raises:
        RequestError: they are not what a grid holds.
    """
    if not isinstance(filters or {}, Mapping) or not isinstance(sort or [], list):
        raise RequestError("the grid's filters or order are not what a grid sends")
    order = []
    for entry in sort or []:
        if not isinstance(entry, Mapping) or entry.get("sort") not in ("asc", "desc"):
            raise RequestError("the grid's order is not what a grid sends")
        order.append((str(entry.get("colId")), entry["sort"] == "desc"))
    for name in filters or {}:
        if name not in COLUMNS:
            raise RequestError(f"the list of customers has no column {str(name)[:80]!r}")
    return replace(asked, filters=dict(filters or {}), sort=tuple(order))


def read_filter(column: Column, values: Sequence[str]) -> Condition:
    """The filter model of *column* that *values* of the address stand for.

    Raises:
        RequestError: they stand for none.
    """
    if len(values) == 1 and values[0].startswith("{"):
        try:
            model = json.loads(values[0])
        except ValueError:
            model = None
        if isinstance(model, dict):
            return model
        if not column.is_exact:  # a name may begin so, too
            raise RequestError(f"the filter of {column.id} in the address is not JSON")
    if column.is_exact:
        return chosen(values)
    if len(values) != 1:
        raise RequestError(f"{column.id} stands in the address more than once")
    return {"filterType": column.kind, **_READ[column.kind](column, values[0])}


def written_filter(column: Column, model: Condition) -> list[str]:
    """The values of the address for a filter model: short where there is a short form, else JSON."""
    short = _short(column, model)
    is_plain = short is not None and not (len(short) == 1 and short[0].startswith("{"))
    if short is not None and is_plain and read_filter(column, short) == dict(model):
        return short
    return [json.dumps(model, ensure_ascii=False, separators=(",", ":"), sort_keys=True)]


def chosen(values: Sequence[str]) -> Condition:
    """The filter model of a column of which only *values* are wanted; an empty one is "not given"."""
    conditions = [
        {"filterType": "text", "type": "equals", "filter": value} if value else {"filterType": "text", "type": "blank"}
        for value in values
    ]
    if len(conditions) == 1:
        return conditions[0]
    return {"filterType": "text", "operator": "OR", "conditions": conditions}


def choice(model: Condition | None) -> list[str] | None:
    """The values that `chosen` made *model* of; [] without a model, None for another kind of filter."""
    if not model:
        return []
    conditions = model.get("conditions", [model]) if model.get("operator", "OR") == "OR" else []
    values = ["" if one.get("type") == "blank" else one.get("filter") for one in conditions]
    is_choice = conditions and all(one.get("type") in ("equals", "blank") for one in conditions)
    return [str(value) for value in values] if is_choice else None


def _short(column: Column, model: Condition) -> list[str] | None:
    if column.is_exact:
        return choice(model) or None
    if "operator" in model:
        return None
    kind = model.get("type")
    if column.kind == "boolean":
        return {"true": ["true"], "false": ["false"], "blank": [""]}.get(str(kind))
    if column.kind == "text":
        return [str(model.get("filter"))] if kind == "contains" else None
    if kind in ("blank", "notBlank"):
        return ["none" if kind == "blank" else "any"]
    first, second = ("dateFrom", "dateTo") if column.kind == "date" else ("filter", "filterTo")
    low, high = _plain(model.get(first)), _plain(model.get(second))
    forms = {
        "equals": low,
        "inRange": f"{low}..{high}",
        "greaterThanOrEqual": f"{low}..",
        "lessThanOrEqual": f"..{low}",
        "greaterThan": f">{low}",
        "lessThan": f"<{low}",
    }
    return [forms[kind]] if kind in forms else None


def _read_text(_column: Column, text: str) -> dict[str, Any]:
    return {"type": "contains", "filter": text}


def _read_yes_no(column: Column, text: str) -> dict[str, Any]:
    if text not in ("true", "false", ""):
        raise RequestError(f"{column.id} in the address is neither true nor false")
    return {"filterType": "text", "type": text or "blank"}


def _read_range(column: Column, text: str) -> dict[str, Any]:
    first, second = ("dateFrom", "dateTo") if column.kind == "date" else ("filter", "filterTo")
    if text in ("none", "any"):
        return {"type": "blank" if text == "none" else "notBlank"}
    if text[:1] in (">", "<"):
        return {"type": "greaterThan" if text[0] == ">" else "lessThan", first: _value(column, text[1:])}
    low, dots, high = text.partition("..")
    if not dots:
        return {"type": "equals", first: _value(column, text)}
    if not low:
        return {"type": "lessThanOrEqual", first: _value(column, high)}
    if not high:
        return {"type": "greaterThanOrEqual", first: _value(column, low)}
    return {"type": "inRange", first: _value(column, low), second: _value(column, high)}


_READ = {"text": _read_text, "boolean": _read_yes_no, "number": _read_range, "date": _read_range}


def _value(column: Column, text: str) -> Any:
    try:
        if column.kind == "date":
            return f"{dt.date.fromisoformat(text)} 00:00:00"
        number = float(text)
    except ValueError:
        raise RequestError(f"{column.id}={text[:40]} in the address is not a {column.kind}") from None
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _plain(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(ANY if one is None else str(one) for one in value)
    return str(value).removesuffix(" 00:00:00")


def _sort(text: str) -> tuple[tuple[str, bool], ...]:
    order = tuple((name.removeprefix("-"), name.startswith("-")) for name in text.split(",") if name)
    for name, _ in order:
        if name not in COLUMNS:
            raise RequestError(f"the list of customers cannot be sorted by {name[:80]!r}")
    return order


def _members(values: Mapping[str, list[str]]) -> Members | None:
    if LIST not in values:
        return None
    query = values[LIST][-1]
    if query.startswith(SAVED):
        return Members(query, {})
    if query not in LISTS:
        raise RequestError(f"no list of customers is called {query[:80]!r}")
    params = {name: _list_value(name, values) for name in _LIST_PARAMS[query]}
    before = values.get(f"{LIST}.{BEFORE}", [None])[-1] if query.startswith("compare/") else None
    if before is None and query.startswith("compare/"):
        raise RequestError(f"{LIST}.{BEFORE}=, the build to compare with, is missing in the address")
    return Members(query, params, before)


def _list_value(name: str, values: Mapping[str, list[str]]) -> Any:
    text = values.get(f"{LIST}.{name}", [None])[-1]
    if text is None:
        return None
    try:
        if name in _LIST_NUMBERS:
            return _LIST_NUMBERS[name](text)
        if name.startswith("is_"):
            return {"true": True, "false": False}[text]
        return dt.date.fromisoformat(text) if name.endswith(("_date", "month")) else text
    except (ValueError, KeyError):
        raise RequestError(f"{LIST}.{name}={text[:40]} in the address cannot be read") from None
