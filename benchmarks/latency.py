"""How long a reader waits: server time of every interaction at one and at eight readers, and first paint of each page.

`python benchmarks/latency.py --data FOLDER` measures a published shop; without `--data` a synthetic one is made first
(`--customers N`, default 20,000; activity 5 gives about twenty orders a customer). Pages, callbacks and choices are
discovered: a real Chromium opens each page that the sidebar lists, and what it asks of the server is asked again, with
every choice of every control, with the grid scrolled, sorted and filtered, and with customers' pages. The server is
`clv serve` as anyone starts it. Interactions are asked of a server that has just started, and of one that has settled:
it has drawn its pages ahead, but customers, blocks and words to search are others than before. Times are those of a
client on the same machine, so they include the wait for a worker. A single reader does not pause; of several, each
thinks for a second on average, which is shorter than people do (`--think 0`: as fast as they can). Nothing is compared:
no peer shows these pages.
"""

from __future__ import annotations

import argparse
import copy
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psutil
from rich.console import Console
from rich.table import Table
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
from chromium import DESKTOP, DRAWN, chromium, resize, set_theme

from clv.config import load_settings
from dashboard.kept_pages import props_of
from jobs.demo import write_demo

END = date(2026, 1, 1)
TARGETS_MS = {1: 150.0, 8: 300.0}
"""Readers → p95 of the server's time that is good enough."""
PAINT_TARGET_MS = 1000.0
PASSES = ("just started", "settled")
UPDATE = "/_dash-update-component"
LOCATION = "_pages_location"
N_CUSTOMERS, N_LISTS, N_SEARCHES = 40, 30, 8
WAIT_SECONDS = 120

# Remembers when the page's content was first all there.
WHEN_DRAWN = (
    "window.__drawn = null; (function look() {"
    f"if ((() => {{ {DRAWN} }})()) window.__drawn = performance.now(); else requestAnimationFrame(look);"
    "})();"
)


@dataclass(frozen=True)
class Interaction:
    """What one thing that a reader does asks of the server."""

    kind: str
    page: str
    body: str

    def __repr__(self) -> str:
        return f"{self.kind} {self.page}"


@dataclass
class Timed:
    """How long an interaction took, and what came."""

    what: Interaction
    seconds: float
    status: int


@dataclass
class Site:
    """What was discovered."""

    paints: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Page → milliseconds to the first paint and until all is drawn, when it has been opened before."""
    asked: dict[str, list[str]] = field(default_factory=dict)
    """Page → bodies that the browser posted while it opened."""


@contextmanager
def published_shop(chosen: argparse.Namespace) -> Iterator[Path]:
    """The config of a published shop; a synthetic one is made when none is named, and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="retain-latency-") as name:
        folder = Path(name)
        config = folder / "config.toml"
        data = (chosen.data or folder / "data").resolve()
        config.write_text(f"[paths]\ndata = {json.dumps(str(data))}\n", encoding="utf-8")
        if chosen.data is None:
            write_demo(
                load_settings(config, environ={}), n_customers=chosen.customers, end_date=END, activity=chosen.activity
            )
            for step in ("ingest", "build", "train", "score", "build"):
                subprocess.run([clv(), step, "--config", str(config)], check=True, stdout=subprocess.DEVNULL)
        yield config


def clv() -> str:
    """The command."""
    return str(Path(sys.executable).parent / "clv")


@contextmanager
def served(config: Path) -> Iterator[tuple[str, psutil.Process]]:
    """`clv serve` on a free port: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [clv(), "serve", "--config", str(config), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield f"127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise SystemExit(f"clv serve did not answer on port {port}")


def discover(address: str) -> Site:
    """Open every page twice in a real browser; the second time is measured and listened to."""
    site = Site()
    with chromium() as browser:
        resize(browser, DESKTOP)
        set_theme(browser, f"http://{address}", "light")
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WHEN_DRAWN})
        _open(browser, f"http://{address}/")
        paths = browser.execute_script(
            "return [...document.querySelectorAll('.nav-item')].map((link) => new URL(link.href).pathname)"
        )
        # Pages that the sidebar does not list are reached by links of those that it does.
        waiting, seen = list(dict.fromkeys(["/", *paths])), set[str]()
        while waiting:
            path = waiting.pop(0)
            seen.add(_shape(path))
            _open(browser, f"http://{address}{path}")
            browser.get_log("performance")
            _open(browser, f"http://{address}{path}")
            site.asked[path] = _posted(browser)
            site.paints[path] = tuple(browser.execute_script(_PAINTS))
            links = browser.execute_script(
                "return [...document.querySelectorAll('#content a[href^=\"/\"]')]"
                ".map((link) => new URL(link.href).pathname)"
            )
            for link in links:
                if _shape(link) not in seen and link not in waiting and not link.startswith(("/export", "/quarantine")):
                    seen.add(_shape(link))
                    waiting.append(link)
    return site


_PAINTS = """
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    return [paint ? paint.startTime : NaN, window.__drawn ?? NaN];
"""


def _shape(path: str) -> str:
    """An address without its last part, when it has several: pages of customers are all alike."""
    parts = path.strip("/").split("/")
    return f"{parts[0]}/…" if len(parts) > 1 and parts[0] == "customers" else path


def _open(browser: webdriver.Chrome, url: str) -> None:
    browser.get(url)
    WebDriverWait(browser, WAIT_SECONDS, poll_frequency=0.05).until(
        lambda driver: driver.execute_script("return window.__drawn !== null && window.__drawn !== undefined")
    )
    time.sleep(0.3)  # a grid asks for its rows after the page is drawn


def _posted(browser: webdriver.Chrome) -> list[str]:
    """Bodies of the callbacks that the browser has asked for."""
    bodies = []
    for entry in browser.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        if event["method"] != "Network.requestWillBeSent":
            continue
        request = event["params"]["request"]
        if UPDATE not in request["url"]:
            continue
        body = (
            request.get("postData")
            or browser.execute_cdp_cmd("Network.getRequestPostData", {"requestId": event["params"]["requestId"]})[
                "postData"
            ]
        )
        if "shell-tick" not in body or '"changedPropIds":[]' in body:
            bodies.append(body)
    return list(dict.fromkeys(bodies))


class Reader:
    """One reader's connection."""

    def __init__(self, address: str) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=WAIT_SECONDS)

    def ask(self, body: str) -> tuple[float, int, bytes]:
        """Seconds, status and answer of a callback."""
        began = time.perf_counter()
        try:
            response = self._posted(body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The server closes a connection that was silent for long; a browser asks again, too.
            self.connection.close()
            response = self._posted(body)
        answer = response.read()
        return time.perf_counter() - began, response.status, answer

    def _posted(self, body: str) -> http.client.HTTPResponse:
        self.connection.request("POST", UPDATE, body.encode(), {"Content-Type": "application/json"})
        return self.connection.getresponse()


def interactions(site: Site, address: str, seed: int = 7) -> list[Interaction]:
    """All that a reader can do on the pages, as far as it asks the server: each once."""
    reader, chance = Reader(address), _chance(seed)
    found: list[Interaction] = []
    grids: list[tuple[str, str]] = []
    page_body = ""
    for path, bodies in site.asked.items():
        for body in bodies:
            said = json.loads(body)
            if "getRowsRequest" in body:
                grids.append((path, body))
                continue
            is_page = "_pages_content" in said["output"]
            found.append(Interaction("open a page" if is_page else "what stands around it", path, body))
            if is_page:
                page_body = body
                found += _choices(reader, path, body)
    for path, body in grids:
        found += _grid(reader, path, body, chance)
    found += _customers(reader, page_body, grids, chance)
    found += _searches(reader, site, chance)
    return list({one.body: one for one in found}.values())


def _choices(reader: Reader, path: str, body: str) -> list[Interaction]:
    """The page with each choice of its controls, and each of its links to itself; and the lists that it leads to."""
    _, status, answer = reader.ask(body)
    if status != 200:
        raise SystemExit(f"{path} answered {status}")
    found: dict[str, Interaction] = {}
    for props in props_of(json.loads(answer)):
        id_, href = props.get("id"), str(props.get("href") or "")
        if isinstance(id_, Mapping) and id_.get("type") == "url":
            for option in props.get("options") or []:
                value = option["value"] if isinstance(option, Mapping) else option
                if value != props.get("value"):
                    search = f"?{urlencode({id_['key']: value})}"
                    found[search] = Interaction("choose on a page", path, _moved(body, path, search))
        parts = urlsplit(href)
        if parts.path == path and parts.query:
            found[parts.query] = Interaction("choose on a page", path, _moved(body, path, f"?{parts.query}"))
    return list(found.values())


def _grid(reader: Reader, path: str, body: str, chance: random.Random) -> list[Interaction]:
    """A grid's blocks: the first, far down, sorted by each column, filtered by what its cells hold."""
    _, _, answer = reader.ask(body)
    block = _block(answer)
    rows, n_rows = block["rowData"], block["rowCount"]
    found = [Interaction("grid: first rows", path, body)]
    far = [chance.randrange(max(1, n_rows)) // 100 * 100 for _ in range(6)]
    starts = [start for start in [100, 1_000, 4_900, *far, n_rows - 100] if 0 < start < n_rows]
    found += [Interaction("grid: scroll", path, _asking(body, start, {}, [])) for start in starts]
    numbers = [name for name, value in rows[0].items() if isinstance(value, (int, float))] if rows else []
    for name in rows[0] if rows else []:
        order = [{"colId": name, "sort": chance.choice(["asc", "desc"])}]
        found.append(Interaction("grid: sort", path, _asking(body, 0, {}, order)))
        deep = chance.randrange(max(1, n_rows)) // 100 * 100
        found.append(Interaction("grid: sort, far down", path, _asking(body, deep, {}, order)))
    for name in numbers:
        value = chance.choice(rows)[name]
        if value is not None:
            kind = {"filterType": "number", "type": "greaterThan", "filter": value}
            found.append(Interaction("grid: filter", path, _asking(body, 0, {name: kind}, [])))
    for name in ("segment", "country", "channel", "name"):
        value = rows[0].get(name) if rows else None
        if value:
            kind = {"filterType": "text", "type": "equals" if name != "name" else "contains", "filter": value}
            found.append(Interaction("grid: filter", path, _asking(body, 0, {name: kind}, [])))
    return found


def _customers(
    reader: Reader, page_body: str, grids: Sequence[tuple[str, str]], chance: random.Random
) -> list[Interaction]:
    """Pages of customers from anywhere in the list."""
    found = []
    for path, body in grids[:1]:
        n_rows = _block(reader.ask(body)[2])["rowCount"]
        for _ in range(N_CUSTOMERS):
            start = chance.randrange(max(1, n_rows)) // 100 * 100
            row = chance.choice(_block(reader.ask(_asking(body, start, {}, []))[2])["rowData"])
            href = f"{path}/{quote(str(row['customer_id']), safe='')}"
            found.append(Interaction("open a customer", f"{path}/…", _moved(page_body, href, "")))
            for part in ("why", "history"):
                moved = _moved(page_body, href, f"?{urlencode({'part': part})}")
                found.append(Interaction(f"a customer, {part}", f"{path}/…", moved))
    return found


def _searches(reader: Reader, site: Site, chance: random.Random) -> list[Interaction]:
    """What is typed into the search at the top."""
    dependencies = json.loads(_get(reader, "/_dash-dependencies"))
    entry = next(one for one in dependencies if one["output"] == "search-results.children")
    found = []
    for text in chance.sample(["an", "mar", "smith", "c00", "C0000042", "lee", "o", "zz", "ja", "C0001"], N_SEARCHES):
        body = {
            "output": entry["output"],
            "outputs": {"id": "search-results", "property": "children"},
            "inputs": [{"id": "search-text", "property": "value", "value": text}],
            "state": [{"id": LOCATION, "property": "search", "value": ""}],
            "changedPropIds": ["search-text.value"],
        }
        found.append(Interaction("search", "/", json.dumps(body)))
    return found


def _get(reader: Reader, path: str) -> bytes:
    reader.connection.request("GET", path)
    return reader.connection.getresponse().read()


def _block(answer: bytes) -> dict[str, Any]:
    return next(
        props["getRowsResponse"] for props in json.loads(answer)["response"].values() if "getRowsResponse" in props
    )


def _asking(body: str, start: int, filters: Mapping[str, Any], order: Sequence[Mapping[str, str]]) -> str:
    said = json.loads(body)
    for one in said["inputs"]:
        if one.get("property") == "getRowsRequest":
            one["value"] = {
                **one["value"],
                "startRow": start,
                "endRow": start + 100,
                "filterModel": filters,
                "sortModel": order or one["value"].get("sortModel", []),
            }
    return json.dumps(said)


def _moved(body: str, path: str, search: str) -> str:
    said = copy.deepcopy(json.loads(body))
    for one in [*said["inputs"], *said.get("state", [])]:
        if isinstance(one, Mapping) and one.get("id") == LOCATION:
            one["value"] = path if one["property"] == "pathname" else search
    return json.dumps(said)


def load(address: str, todo: Sequence[Interaction], n_readers: int, think: float, seed: int) -> list[Timed]:
    """Have *n_readers* do all of *todo* between them, each one thing after the other."""
    order = list(todo)
    _chance(seed).shuffle(order)

    def read(place: int) -> list[Timed]:
        reader, chance, done = Reader(address), _chance(seed + place), []
        for one in order[place::n_readers]:
            if think:
                time.sleep(chance.expovariate(1 / think))
            seconds, status, _ = reader.ask(one.body)
            done.append(Timed(one, seconds, status))
        return done

    with ThreadPoolExecutor(n_readers) as readers:
        return [timed for done in readers.map(read, range(n_readers)) for timed in done]


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same interactions in the same order each time


def share(times: Sequence[float], at: float) -> float:
    """The value below which a share *at* of *times* lies, in milliseconds."""
    ordered = sorted(times)
    return 1e3 * ordered[min(len(ordered) - 1, int(at * len(ordered)))]


def settle(process: psutil.Process, at_most: float = 300.0) -> None:
    """Wait until the server has nothing to do any more."""
    deadline = time.monotonic() + at_most
    while time.monotonic() < deadline:
        before = cpu_of(process)
        time.sleep(6)  # it looks for a new build every five seconds
        if cpu_of(process) - before < 0.3:
            return


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds of a process and its children so far."""
    return sum(sum(one.cpu_times()[:2]) for one in [process, *process.children(recursive=True)])


def show(console: Console, title: str, done: Sequence[Timed]) -> None:
    """A table by kind of interaction, and the slowest."""
    table = Table("interaction", "n", "p50 ms", "p95 ms", "max ms", title=title)
    kinds = sorted({one.what.kind for one in done})
    for kind in [*kinds, "all"]:
        times = [one.seconds for one in done if kind in (one.what.kind, "all")]
        row = [f"{1e3 * statistics.median(times):.0f}", f"{share(times, 0.95):.0f}", f"{1e3 * max(times):.0f}"]
        table.add_row(kind, str(len(times)), *row, style="bold" if kind == "all" else "")
    console.print(table)
    for one in sorted(done, key=lambda timed: -timed.seconds)[:8]:
        console.print(f"  {1e3 * one.seconds:6.0f} ms  {one.what}  {_told(one.what.body)}", highlight=False)


def _told(body: str) -> str:
    """What tells an interaction from its like."""
    said = json.loads(body)
    places = [one for one in [*said["inputs"], *said.get("state", [])] if isinstance(one, Mapping)]
    for one in places:
        if one.get("property") == "getRowsRequest":
            asked = one["value"]
            return f"from {asked['startRow']}, {asked['sortModel']}, {asked['filterModel']}"[:110]
    return " ".join(str(one.get("value") or "") for one in places)[:110] or said["output"][:60]


def main() -> None:
    """Serve, discover, ask, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=None, help="the data folder of a published shop")
    parser.add_argument("--customers", type=int, default=20_000, help="size of the shop that is made without --data")
    parser.add_argument("--activity", type=float, default=5.0)
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--think", type=float, default=1.0, help="mean pause of one of several readers, in seconds")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    console = Console(width=150)
    os.environ.pop("CLV_CONFIG", None)
    with published_shop(chosen) as config:
        with served(config) as (address, _):
            site = discover(address)
            todo = {name: interactions(site, address, chosen.seed + place) for place, name in enumerate(PASSES)}
        paints = Table("page", "first paint ms", "all drawn ms", title="opened again in Chromium, one reader")
        for path, (paint, drawn) in site.paints.items():
            paints.add_row(path, f"{paint:.0f}", f"{drawn:.0f}")
        console.print(paints)
        verdicts = [("first paint of the slowest page", max(p for p, _ in site.paints.values()), PAINT_TARGET_MS)]
        for n_readers in chosen.readers:
            with served(config) as (address, process):
                for name in PASSES:
                    if name != PASSES[0]:
                        settle(process)
                    cpu, began = cpu_of(process), time.perf_counter()
                    think = chosen.think if n_readers > 1 else 0.0
                    done = load(address, todo[name], n_readers, think, chosen.seed)
                    wall, cpu = time.perf_counter() - began, cpu_of(process) - cpu
                    people = "1 reader" if n_readers == 1 else f"{n_readers} readers, {think:g} s between actions"
                    show(console, f"{people}, {name}: {wall:.1f} s wall, {cpu:.1f} CPU-s of the server", done)
                    failed = [one for one in done if one.status not in (200, 204)]
                    if failed:
                        raise SystemExit(f"{len(failed)} interactions failed, such as {failed[0].what}")
                    p95 = share([one.seconds for one in done], 0.95)
                    verdicts.append((f"p95, {people}, {name}", p95, TARGETS_MS.get(n_readers, float("inf"))))
        for words, value, target in verdicts:
            console.print(f"{'met   ' if value < target else 'MISSED'} {words}: {value:.0f} ms (target {target:.0f})")


if __name__ == "__main__":
    main()
