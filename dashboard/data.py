"""The page's door: answers of the warehouse for the build that the URL names, and the facts of a page's URL.

A page makes one `Door` from its query (`door(query)`) and asks it. Only `warehouse` knows SQL, only `Door` knows which
build is looked at; links made by `Door.href` keep looking at it.
"""

from __future__ import annotations

import datetime as dt
from collections import namedtuple
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode

import flask
import pandas as pd

from clv.config import Settings
from clv.errors import NoBuildError, RequestError
from dashboard.format import Format
from dashboard.theme import SegmentLook
from dashboard.theme import segment_looks as segment_looks_of
from warehouse.ask import BuildHandle, Warehouse
from warehouse.journal import Journal, utc_now

BUILD_KEY = "build"
"""Name of the URL parameter that names an older build."""
LATEST = "latest"
"""Its value when none is named."""
WORKER_SILENT_SECONDS = 60
_EXTENSION = "retain"

PERIODS = {"30": "30 days", "90": "90 days", "365": "12 months", "all": "All", "custom": "Custom"}
DEFAULT_PERIOD = "90"


@dataclass(frozen=True, eq=False)
class Site:
    """What one web process holds open; like nothing but itself."""

    settings: Settings
    warehouse: Warehouse
    journal: Journal
    words: Format


@dataclass(frozen=True)
class Answer:
    """The rows of a named query, and all that is needed to ask again."""

    name: str
    params: Mapping[str, Any]
    build_id: str
    frame: pd.DataFrame
    before: str | None = None
    """The build that the query read as `earlier`."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.frame.empty

    @cached_property
    def rows(self) -> list[Any]:
        """The rows, as objects with a field a column."""
        return records(self.frame)

    @property
    def row(self) -> Any:
        """The only row."""
        return self.rows[0]


@dataclass(frozen=True)
class Period:
    """A span of days, and the equally long one before it."""

    key: str
    start: dt.date
    end: dt.date
    """First day after the period."""
    first_day: dt.date
    """First day that is known at all."""

    @property
    def n_days(self) -> int:
        """Length of the period."""
        return (self.end - self.start).days

    @property
    def bounds(self) -> dict[str, dt.date]:
        """The parameters `$from_date` and `$to_date` of the queries."""
        return {"from_date": self.start, "to_date": self.end}

    @property
    def is_comparable(self) -> bool:
        """Whether the period before is wholly known."""
        return self.start - (self.end - self.start) >= self.first_day


@dataclass(frozen=True)
class Health:
    """What the dot at the foot of the sidebar says."""

    tone: Literal["good", "warn", "bad"]
    text: str
    build_id: str | None
    made_at: dt.datetime | None


@dataclass(frozen=True)
class Door:
    """The warehouse as one page sees it: bound to the build that its URL names."""

    site: Site
    build: str | None = None
    """The build that the URL names; None for the published one."""
    before: str | None = None
    """The build that it is compared with, which queries read as `earlier`."""

    @property
    def words(self) -> Format:
        """Wording in the shop's locale and currency."""
        return self.site.words

    @property
    def settings(self) -> Settings:
        """The settings that the process was started with."""
        return self.site.settings

    @property
    def journal(self) -> Journal:
        """Runs, alerts, saved views."""
        return self.site.journal

    @property
    def handle(self) -> BuildHandle:
        """The build that is looked at.

        Raises:
            NoBuildError: nothing is published, or there is no such build.
        """
        return self.site.warehouse.current(self.build)

    @property
    def horizon_days(self) -> int:
        """The first horizon of the build that is looked at: what is expected is over so many days where none is named.

        Another one may stand in the settings by now, and in another build.
        """
        return int(self.handle.parameters["primary_horizon_days"])

    def ask(self, name: str, **params: Any) -> Answer:
        """The answer of `sql/queries/<name>.sql`.

        Raises:
            NoBuildError: nothing is published, or there is no such build.
            RequestError: there is no such query, or a parameter is missing or unknown.
        """
        build_id = self.handle.id
        frame = self.site.warehouse.query(name, build_id, self.before, **params)
        return Answer(name, params, build_id, frame, self.before)

    def period(self, query: Mapping[str, str]) -> Period:
        """The period that the URL names, cut to the days that are known; 90 days when it names none."""
        known = self.ask("overview/period").row
        first_day, as_of = _date(known.first_day), _date(known.as_of)
        key = query.get("period", DEFAULT_PERIOD)
        if key == "all":
            return Period(key, first_day, as_of, first_day)
        if key == "custom":
            start, last_day = _iso(query.get("from")), _iso(query.get("to"))
            end = as_of if last_day is None or last_day >= as_of else last_day + dt.timedelta(days=1)
            # A period that ends before the first day is none that could be cut to it.
            start = max(first_day, start or max(first_day, end) - dt.timedelta(days=int(DEFAULT_PERIOD)))
            if start < end:
                return Period(key, start, end, first_day)
        n_days = int(key) if key in PERIODS and key.isdigit() else int(DEFAULT_PERIOD)
        return Period(str(n_days), as_of - dt.timedelta(days=n_days), as_of, first_day)

    def href(self, path: str, **query: Any) -> str:
        """A link to a page of ours that keeps looking at the same build; parameters that are None are left out."""
        pairs = {name: value for name, value in query.items() if value is not None}
        if self.build:
            pairs[BUILD_KEY] = self.build
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def kept(self, link: str) -> str:
        """*link*, which a query gave, made to keep looking at the same build."""
        address, hash_sign, place = link.partition("#")
        path, _, query = address.partition("?")
        return f"{self.href(path, **dict(parse_qsl(query)))}{hash_sign}{place}"

    def listed(self, query: str, **params: Any) -> str:
        """A link to the list of exactly the customers whom *query* gives; see `dashboard.customer_list.LISTS`."""
        return self.href("/customers", list=query, **{f"list.{name}": value for name, value in params.items()})

    def customer_href(self, customer_id: str, **query: Any) -> str:
        """A link to a customer's page; an id may hold slashes, quotes or anything else."""
        return self.href(f"/customers/{quote(str(customer_id), safe='')}", **query)

    def worker_is_alive(self) -> bool:
        """Whether a worker has been heard of within the last minute."""
        beats = self.journal.beats.table()
        return bool(((beats["role"] == "worker") & (beats["age_seconds"] <= WORKER_SILENT_SECONDS)).any())

    def health(self) -> Health:
        """Whether the warehouse answers and the worker lives."""
        try:
            handle = self.site.warehouse.current()
        except NoBuildError:
            return Health("warn", "No data yet", None, None)
        made_at = dt.datetime.fromisoformat(handle.manifest["made_at"]).replace(tzinfo=None)
        if not self.worker_is_alive():
            return Health("warn", "Warehouse healthy, worker not running", handle.id, made_at)
        return Health("good", "Warehouse healthy", handle.id, made_at)


def install(server: flask.Flask, settings: Settings) -> Site:
    """Open what *settings* name, for the life of the process."""
    site = Site(
        settings=settings,
        warehouse=Warehouse(settings.paths.data, settings.engine),
        journal=Journal(settings.journal_url),
        words=Format(settings.business.currency, settings.business.locale, settings.business.timezone),
    )
    server.extensions[_EXTENSION] = site
    return site


def door(query: Mapping[str, Any] | str | None = None) -> Door:
    """The door for a page's query: the keyword arguments of a layout, or the `search` of a location."""
    pairs = query_of(query) if isinstance(query, str) or query is None else query
    made = Door(flask.current_app.extensions[_EXTENSION], _named_build(pairs))
    flask.g.door = made
    return made


def has_builds() -> bool:
    """Whether this request could look at any build; no outside a request."""
    return flask.has_request_context() and bool((flask.g.get("door") or door()).site.warehouse.builds())


def segment_looks() -> Mapping[str, SegmentLook]:
    """How the segments look in the build that this request reads; nothing outside a request and before a first build.

    Marks ask for it, so that no page has to carry the looks to them; the build is that of the last `door`.
    """
    if not flask.has_request_context():
        return {}
    asked = flask.g.get("door") or door()
    known: dict[str | None, Mapping[str, SegmentLook]] = flask.g.setdefault("segment_looks", {})
    if asked.build not in known:
        try:
            rules = asked.ask("segments/rules")
        except NoBuildError:
            return {}
        known[asked.build] = segment_looks_of((row.segment, row.standing) for row in rules.rows)
    return known[asked.build]


def query_of(search: str | None) -> dict[str, str]:
    """The parameters in a location's `search`."""
    return dict(parse_qsl((search or "").lstrip("?")))


def one_of(query: Mapping[str, str], key: str, options: Container[str], default: str) -> str:
    """What the URL says of *key* where that is one of *options*, else *default*."""
    named = query.get(key, default)
    return named if named in options else default


def _named_build(pairs: Mapping[str, Any]) -> str | None:
    build = pairs.get(BUILD_KEY)
    return build if build and build != LATEST else None


def records(frame: pd.DataFrame) -> list[Any]:
    """The rows of *frame* as objects with a field a column; what is missing is None, whatever the column's type."""
    columns = [_plain(frame[name]) for name in frame.columns]
    return list(map(_row_type(tuple(frame.columns))._make, zip(*columns, strict=True)))


@lru_cache(maxsize=1024)
def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)


def _plain(column: pd.Series) -> list[Any]:
    """The values of a column as Python has them."""
    values, is_missing = column.tolist(), column.isna().to_numpy()
    if not is_missing.any():
        return values
    return [None if gone else value for value, gone in zip(values, is_missing, strict=True)]


def day_of(value: Any) -> dt.date:
    """A day that an answer gave or that the URL names (ISO 8601).

    Raises:
        RequestError: it is not a day.
    """
    try:
        return _date(value)
    except ValueError as error:
        raise RequestError(f"{value!r} is not a day; days are written 2025-08-03") from error


def now() -> dt.datetime:
    """The present, UTC without zone, as the journal counts it."""
    return utc_now()


def _date(value: Any) -> dt.date:
    return pd.Timestamp(value).date()


def _iso(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None
