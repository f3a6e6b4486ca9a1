"""Pages that show nothing but answers of builds, kept as they were drawn: a build never changes, and neither do they.

| who                   | for what                                                                              |
|-----------------------|---------------------------------------------------------------------------------------|
| `create_app`          | `register`: a page that was drawn before is sent again, from this process's memory    |
| `dashboard.server`    | `warm`: after each publish all of them are drawn once, while nobody waits for anything|

A page with a part that could not be shown is drawn anew each time. Nothing here outlives the process: settings and code
are those that it was started with.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import flask
from dash import Dash
from loguru import logger

from dashboard import data
from warehouse import publish

PAGES = ("/overview", "/segments", "/cohorts", "/value", "/compare", "/data")
"""Those that read neither journal nor clock, in the order in which they are drawn ahead."""
CONTENT = "_pages_content.children"
UPDATE = "_dash-update-component"
LOCATION = "_pages_location"
KEPT_BYTES = 128 * 2**20
MAX_CHOICES = 24
"""Of a page with fewer combinations of its choices all are drawn ahead, otherwise one choice at a time."""
LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 10.0
_STATE = "retain.kept_pages"
_FAILED = b"state-icon state-bad"
_AHEAD = "HTTP_X_DRAWN_AHEAD"


class Kept:
    """What has been drawn, up to `KEPT_BYTES`; the one asked for longest ago goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._n_bytes = 0
        self.n_waiting = 0
        """Readers whose request is being answered."""

    def get(self, key: tuple[str, ...]) -> bytes | None:
        """The page, when it is there."""
        with self._lock:
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
            return page

    def put(self, key: tuple[str, ...], page: bytes) -> None:
        """Keep a page."""
        with self._lock:
            self._n_bytes += len(page) - len(self._pages.pop(key, b""))
            self._pages[key] = page
            while self._n_bytes > KEPT_BYTES:
                self._n_bytes -= len(self._pages.popitem(last=False)[1])

    def count(self, change: int) -> None:
        """A reader has come (1) or has been answered (−1)."""
        with self._lock:
            self.n_waiting += change


def register(server: flask.Flask) -> None:
    """Send pages that are kept; keep those that are drawn."""
    kept = server.extensions[_STATE] = Kept()

    @server.before_request
    def again() -> flask.Response | None:
        if _AHEAD not in flask.request.environ:
            flask.g.is_reader = True
            kept.count(1)
        key = _key()
        page = kept.get(key) if key else None
        if page is not None:
            return flask.Response(page, mimetype="application/json")
        flask.g.kept_key = key
        return None

    @server.after_request
    def keep(response: flask.Response) -> flask.Response:
        key = flask.g.get("kept_key")
        if key and response.status_code == 200:
            page = response.get_data()
            if _FAILED not in page:
                kept.put(key, page)
        return response

    @server.teardown_request
    def done(_error: BaseException | None) -> None:
        if flask.g.pop("is_reader", False):
            kept.count(-1)


def _key() -> tuple[str, ...] | None:
    """What the page that is asked for depends on; None for anything else than a page that is kept."""
    request = flask.request
    if request.method != "POST" or not request.path.endswith(UPDATE):
        return None
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or CONTENT not in str(body.get("output")):
        return None
    place = {one["property"]: str(one.get("value") or "") for one in body["inputs"] if one.get("id") == LOCATION}
    if place.get("pathname") not in PAGES:
        return None
    folder = data.door().settings.paths.data
    search = urlencode(sorted(parse_qsl(place.get("search", "").lstrip("?"), keep_blank_values=True)))
    return (place["pathname"], search, str(publish.current_id(folder)), *publish.build_ids(folder))


def warm(app: Dash) -> threading.Thread:
    """Draw all pages once after each publish, for the life of the process; gives the thread that does it."""
    thread = threading.Thread(target=_follow, args=(app,), name="pages", daemon=True)
    thread.start()
    return thread


def _follow(app: Dash) -> None:
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)  # on Linux that is this thread alone
    with app.server.app_context():
        folder = data.door().settings.paths.data
    seen = None
    while True:
        build = publish.current_id(folder)
        if build is not None and build != seen:
            began, n_pages = time.monotonic(), draw_ahead(app)
            logger.bind(build=build, pages=n_pages, seconds=round(time.monotonic() - began, 1)).info(
                "pages drawn ahead"
            )
            seen = build
        time.sleep(LOOK_SECONDS)


def draw_ahead(app: Dash) -> int:
    """Draw every page that is kept, as it opens and with its choices; give how many."""
    n_pages = 0
    choices = {}
    for path in PAGES:
        choices[path] = _options(_drawn(app, path, ""))
        n_pages += 1
    for path, options in choices.items():
        for search in searches(options):
            _drawn(app, path, search)
            n_pages += 1
    return n_pages


def searches(options: Mapping[str, list[str]]) -> list[str]:
    """The addresses that a page's choices lead to, without the one that it opens with.

    Args:
        options: name in the URL → its values other than the one that needs no mention.
    """
    combinations = list(itertools.product(*([None, *values] for values in options.values())))
    chosen = [
        {name: value for name, value in zip(options, values, strict=True) if value is not None}
        for values in combinations[:1000]
    ]
    if len(combinations) > MAX_CHOICES:
        chosen = [{name: value} for name, values in options.items() for value in values]
    return [f"?{urlencode(one)}" for one in chosen if one]


def _drawn(app: Dash, path: str, search: str) -> Any:
    """The page at an address, asked for as a browser asks, once no reader waits any more."""
    kept: Kept = app.server.extensions[_STATE]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while kept.n_waiting and time.monotonic() < deadline:
        time.sleep(0.05)
    output = next(key for key in app.callback_map if CONTENT in key)
    parts = [part.rpartition(".") for part in output.strip(".").split("...")]
    body = {
        "output": output,
        "outputs": [{"id": id_, "property": name} for id_, _, name in parts],
        "inputs": [
            {"id": LOCATION, "property": "pathname", "value": path},
            {"id": LOCATION, "property": "search", "value": search},
        ],
        "state": [],
        "changedPropIds": [f"{LOCATION}.pathname"],
    }
    response = app.server.test_client().post(f"/{UPDATE}", json=body, headers={"X-Drawn-Ahead": "1"})
    return json.loads(response.get_data()) if response.status_code == 200 else None


def _options(page: Any) -> dict[str, list[str]]:
    """Name in the URL → values, of the controls on a page that was drawn."""
    found: dict[str, list[str]] = {}
    for props in props_of(page):
        id_ = props.get("id")
        if isinstance(id_, Mapping) and id_.get("type") == "url" and id_.get("key") != data.BUILD_KEY:
            values = [one["value"] if isinstance(one, Mapping) else one for one in props.get("options") or []]
            found[str(id_["key"])] = [value for value in values if value != id_.get("default")]
    return {key: values for key, values in found.items() if values}


def props_of(node: Any) -> Iterator[Mapping[str, Any]]:
    """Those of every component in what a page or a callback was answered with."""
    if isinstance(node, Mapping):
        if isinstance(node.get("props"), Mapping):
            yield node["props"]
        for child in node.values():
            yield from props_of(child)
    elif isinstance(node, list):
        for child in node:
            yield from props_of(child)
