"""Pages that show answers of builds, kept as they were drawn: a build never changes, and neither do they.

| who                   | for what                                                                                   |
|-----------------------|--------------------------------------------------------------------------------------------|
| `create_app`          | `register`: a page that was drawn before is sent again                                      |
| `dashboard.server`    | `warm`: after each publish one process draws all of them, while nobody waits for anything   |

They lie in `<data>/cache/pages/<what they were drawn from>/`, for all processes and the next start: pages of other
builds, settings or code are under another name. A page with a part that could not be shown is drawn anew each time.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import flask
from dash import Dash
from loguru import logger

from clv.config import Settings
from dashboard import data, model_card
from warehouse import publish, sqlfiles
from warehouse.dialect import digest_of, sha256_of

PAGES = ("/overview", "/segments", "/cohorts", "/value", "/compare", "/data")
"""Those that read neither journal nor clock, in the order in which they are drawn ahead."""
WATCHING = ("/", "/model")
"""Those that show runs, promotions and reports, too: kept until one of these changes, and not while a run goes on."""
CONTENT = "_pages_content.children"
UPDATE = "_dash-update-component"
LOCATION = "_pages_location"
KEPT_BYTES = 256 * 2**20
MAX_CHOICES = 24
"""Of a page with fewer combinations of its choices all are drawn ahead, otherwise one choice at a time."""
LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 10.0
DRAWN_BY = ("dash", "dash-ag-grid", "dash-bootstrap-components", "plotly", "pandas", "duckdb", "babel")
_STATE = "retain.kept_pages"
_FAILED = b"state-icon state-bad"
_AHEAD = "HTTP_X_DRAWN_AHEAD"


class Kept:
    """What has been drawn, in a folder that may vanish at any time.

    Args:
        folder: of all kept pages.
        drawn_from: what pages depend on beside builds and what they are asked for.
    """

    def __init__(self, folder: Path, drawn_from: str) -> None:
        self.folder = folder
        self._drawn_from = drawn_from
        self._lock = threading.Lock()
        self.n_waiting = 0
        """Readers whose request is being answered."""
        self.n_put = 0

    def path(self, builds: tuple[str, ...], key: tuple[str, ...]) -> Path:
        """Where the page *key* of *builds* is, once it has been drawn."""
        return self.home(builds) / f"{digest_of(key)}.json"

    def home(self, builds: tuple[str, ...]) -> Path:
        """The folder of all pages of *builds*."""
        return self.folder / digest_of([self._drawn_from, builds])[:24]

    def put(self, path: Path, page: bytes) -> None:
        """Keep a page; a reader sees all of it or none."""
        aside = path.with_name(f".{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(page)
            aside.replace(path)
        except OSError as error:
            logger.debug("a page could not be kept: {}", error)
            return
        self.n_put += 1

    def count(self, change: int) -> None:
        """A reader has come (1) or has been answered (−1)."""
        with self._lock:
            self.n_waiting += change

    def sweep(self, builds: tuple[str, ...]) -> None:
        """Remove pages of other builds, settings and code; and the oldest while there are more than `KEPT_BYTES`."""
        home = self.home(builds)
        for folder in self.folder.glob("*/"):
            if folder != home:
                shutil.rmtree(folder, ignore_errors=True)
        found = sorted(((path, path.stat()) for path in home.glob("*")), key=lambda one: one[1].st_mtime_ns)
        n_bytes = sum(stat.st_size for _, stat in found)
        for path, stat in found:
            if n_bytes <= KEPT_BYTES:
                break
            path.unlink(missing_ok=True)
            n_bytes -= stat.st_size


def register(server: flask.Flask, settings: Settings) -> None:
    """Send pages that are kept; keep those that are drawn."""
    kept = server.extensions[_STATE] = Kept(settings.paths.cache / "pages", _drawn_from(settings))

    @server.before_request
    def again() -> flask.Response | None:
        if _AHEAD not in flask.request.environ:
            flask.g.is_reader = True
            kept.count(1)
        path = _place(kept)
        if path is None:
            return None
        try:
            return flask.Response(path.read_bytes(), mimetype="application/json")
        except OSError:
            flask.g.kept_path = path
        return None

    @server.after_request
    def keep(response: flask.Response) -> flask.Response:
        path = flask.g.get("kept_path")
        if path and response.status_code == 200:
            page = response.get_data()
            # What stands beside a page may have changed while it was drawn.
            if _FAILED not in page and _place(kept) == path:
                kept.put(path, page)
        return response

    @server.teardown_request
    def done(_error: BaseException | None) -> None:
        if flask.g.pop("is_reader", False):
            kept.count(-1)


def _drawn_from(settings: Settings) -> str:
    """A digest of what pages are made of beside data: settings, our code and queries, the libraries that draw."""
    root = Path(__file__).parent.parent
    folders = [root / name for name in ("clv", "warehouse", "dashboard")]
    files = [path for folder in folders for path in folder.rglob("*.py")] + [*sqlfiles.DEFAULT_ROOT.rglob("*.sql")]
    return digest_of(
        [
            settings.model_dump(mode="json"),
            sorted([str(path.relative_to(root)), sha256_of(path)] for path in files),
            [version(name) for name in DRAWN_BY],
        ]
    )


def _place(kept: Kept) -> Path | None:
    """Where the page that is asked for is kept; None for anything else than a page that may be."""
    request = flask.request
    if request.method != "POST" or not request.path.endswith(UPDATE):
        return None
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or CONTENT not in str(body.get("output")):
        return None
    place = {one["property"]: str(one.get("value") or "") for one in body["inputs"] if one.get("id") == LOCATION}
    path = place.get("pathname", "")
    if path not in PAGES and path not in WATCHING:
        return None
    beside = _beside() if path in WATCHING else ""
    builds = _builds()
    if beside is None or not builds:
        return None
    asked = place.get("search") or ""
    # Dash reads nothing from a search without its question mark: what is drawn then is the page as it opens.
    search = urlencode(sorted(parse_qsl(asked[1:], keep_blank_values=True))) if asked.startswith("?") else ""
    return kept.path(builds, (path, search, beside))


def _builds() -> tuple[str, ...]:
    """What is published, and the builds that there are; nothing before the first."""
    folder = data.door().settings.paths.data
    current = publish.current_id(folder)
    return (current, *publish.build_ids(folder)) if current else ()


def _beside() -> str | None:
    """A digest of what pages show beside builds: runs, versions of the model, reports; None while a run goes on."""
    door = data.door()
    runs = door.journal.runs.last_change()
    if runs is None:
        return None
    folders = (model_card.registry_of(door.settings).folder, door.settings.paths.reports)
    files = [path for folder in folders for path in folder.glob("**/*")]
    return digest_of([runs, sorted([str(path), path.stat().st_mtime_ns, path.stat().st_size] for path in files)])


def warm(app: Dash) -> threading.Thread:
    """Draw all pages once after each publish, for the life of the process; gives the thread that does it."""
    thread = threading.Thread(target=_follow, args=(app,), name="pages", daemon=True)
    thread.start()
    return thread


def _follow(app: Dash) -> None:
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)  # on Linux that is this thread alone
    kept: Kept = app.server.extensions[_STATE]
    seen, n_put = None, 0
    while True:
        with app.server.app_context():
            builds = _builds()
        try:
            is_new = builds and builds != seen and _draw_alone(app, kept, builds)
            if is_new:
                seen = builds
            if is_new or kept.n_put != n_put:
                n_put = kept.n_put
                kept.sweep(builds)
        except OSError as error:
            logger.warning("no pages are drawn ahead: {}", error)
        time.sleep(LOOK_SECONDS)


def _draw_alone(app: Dash, kept: Kept, builds: tuple[str, ...]) -> bool:
    """Draw all pages unless another process is at it; what that one has drawn is there when our turn comes."""
    kept.folder.mkdir(parents=True, exist_ok=True)
    with (kept.folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        began, n_put = time.monotonic(), kept.n_put
        n_pages = draw_ahead(app)
        n_drawn, seconds = kept.n_put - n_put, round(time.monotonic() - began, 1)
        if n_drawn:
            logger.bind(build=builds[0], pages=n_pages, drawn=n_drawn, seconds=seconds).info("pages drawn ahead")
    return True


def draw_ahead(app: Dash) -> int:
    """Draw every page that is kept, as it opens and with its choices; give how many."""
    n_pages = 0
    choices = {}
    for path in (*WATCHING, *PAGES):
        choices[path] = _options(_drawn(app, path, ""))
        n_pages += 1
    for path, options in choices.items():
        for search in searches(options):
            part = _options(_drawn(app, path, search))
            # What can be chosen only in a part that the page does not open with.
            inner = [(key, value) for key in part if key not in options for value in part[key]]
            for key, value in inner:
                _drawn(app, path, f"{search}&{urlencode({key: value})}")
            n_pages += 1 + len(inner)
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
