"""The twelve customers of tests/data/tiny served, and a demo shop: what a browser would ask, and what it would get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dash import Dash

from clv.config import Settings
from dashboard.app import create_app
from jobs.demo import write_demo

from ..jobs.conftest import ModelledShop
from .site_walk import Drawn, PageFile, addresses, filled

DEMO_END = date(2026, 1, 1)
TWELVE, DEMO = "the twelve customers", "the demo shop"
SHOPS = (TWELVE, DEMO)
"""Shops that are walked from page to page."""


@pytest.fixture(scope="session")
def settings(tiny_shop: Callable[[Path], Settings], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny shop, published."""
    return tiny_shop(tmp_path_factory.mktemp("dashboard") / "data")


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Dash]:
    """The application on the tiny shop."""
    app = create_app(settings)
    yield app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def context(app: Dash) -> Iterator[None]:
    """Inside a request, so that a door opens."""
    with app.server.test_request_context("/"):
        yield


class Client:
    """Speaks to the callbacks as the browser does."""

    def __init__(self, app: Dash) -> None:
        self.app = app
        self.http = app.server.test_client()

    def post(self, output: str, inputs: list[dict[str, Any]], state: list[dict[str, Any]] | None = None, **more: Any):
        """Post to the callback whose outputs contain *output*; give the response."""
        key = next(key for key in self.app.callback_map if output in key)
        outputs_sent: Any = [
            {"id": _id(part.rpartition(".")[0]), "property": part.rpartition(".")[2]}
            for part in key.strip(".").split("...")
        ]
        body = {
            "output": key,
            "outputs": outputs_sent if key.startswith("..") else outputs_sent[0],
            "inputs": inputs,
            "state": state or [],
            "changedPropIds": more.get("changed", [f"{inputs[0]['id']}.{inputs[0]['property']}"]),
        }
        return self.http.post("/_dash-update-component", json=body)

    def press(self, button: dict[str, Any], value: dict[str, Any]) -> Any:
        """What the SQL panel shows after one of the page's `</>` buttons was pressed."""
        key = next(key for key in self.app.callback_map if "sql-panel.is_open" in key)
        body = {
            "output": key,
            "outputs": [{"id": "sql-panel", "property": "is_open"}, {"id": "sql-content", "property": "children"}],
            "inputs": [[{**button, "id": _id(button["id"])}]],
            "state": [[{**value, "id": _id(value["id"])}]],
            "changedPropIds": [f"{button['id']}.n_clicks"],
        }
        response = self.http.post("/_dash-update-component", json=body)
        assert response.status_code == 200, response.text
        return response.get_json()["response"]["sql-content"]["children"]

    def page(self, path: str, search: str = "") -> Any:
        """What stands in the middle of the screen at *path*."""
        inputs = [
            {"id": "_pages_location", "property": "pathname", "value": path},
            {"id": "_pages_location", "property": "search", "value": search},
        ]
        response = self.post("_pages_content.children", inputs)
        assert response.status_code == 200, response.text
        return response.get_json()["response"]["_pages_content"]["children"]

    def whole(self, path: str, search: str = "") -> Any:
        """The same in all its parts, each with what the page's callbacks add once it has opened."""
        opened = filled(self, self.page(path, search), path, search)
        tabs = [one["props"] for one in _walk(opened) if one["props"].get("className") == "tabs"]
        others = [part["value"] for one in tabs for part in one["options"] if part["value"] != one["value"]]
        searches = [f"{search or '?'}{'&' if search else ''}part={part}" for part in others]
        return [opened, *(filled(self, self.page(path, other), path, other) for other in searches)]


@pytest.fixture
def client(app: Dash) -> Client:
    """A browser without a screen."""
    return Client(app)


def _id(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else text


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """All components of a drawn tree, outside in."""
    if isinstance(node, dict) and "props" in node:
        yield node
        yield from _walk(node["props"].get("children"))
    elif isinstance(node, list):
        for child in node:
            yield from _walk(child)
    elif hasattr(node, "to_plotly_json"):
        yield from _walk(node.to_plotly_json())


def _words(node: Any) -> str:
    """All words of a drawn tree, in reading order."""
    if hasattr(node, "to_plotly_json"):
        node = node.to_plotly_json()
    if isinstance(node, dict) and "props" in node:
        return _words(node["props"].get("children"))
    if isinstance(node, (list, tuple)):
        return " ".join(filter(None, map(_words, node)))
    return "" if node is None else str(node)


@pytest.fixture(scope="session")
def walk() -> Callable[[Any], Iterator[dict[str, Any]]]:
    """Gives all components of a tree."""
    return _walk


@pytest.fixture(scope="session")
def words_of() -> Callable[[Any], str]:
    """Gives the words of a tree."""
    return _words


@dataclass
class Shop:
    """A published shop, the app on it, and what a walk through it has drawn."""

    client: Client
    customers: list[str]
    """Whose pages are walked."""
    seen: dict[PageFile, list[Drawn]] = field(default_factory=dict)

    @property
    def site(self) -> Any:
        return self.client.app.server.extensions["retain"]

    def drawn(self, page: PageFile) -> list[Drawn]:
        """All addresses of *page*, drawn once."""
        if page not in self.seen:
            self.seen[page] = addresses(self.client, page, {"customer_id": self.customers})
        return self.seen[page]


@pytest.fixture(scope="session")
def demo_shop(made_once: Any, new_data: Any, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Four hundred synthetic customers, dirty lines among theirs: trained, and scored on two dates."""

    def make(folder: Path) -> None:
        shop = ModelledShop(new_data(folder / "data", "web font"))
        write_demo(shop.settings, n_customers=400, n_months=14, end_date=DEMO_END, dirty=0.02)
        before = DEMO_END - timedelta(days=60)
        shop.run("ingest")
        shop.run("build", "train", "score", "build", as_of=before)
        shop.run("build", "score", "build")

    made = ModelledShop(made_once("demo shop", make) / "data")
    return made.copy(tmp_path_factory.mktemp("demo") / "data").settings


@pytest.fixture(scope="session")
def demo_app(demo_shop: Settings) -> Iterator[Dash]:
    """The application on the demo shop."""
    app = create_app(demo_shop)
    yield app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture(scope="session")
def shop_called(request: pytest.FixtureRequest) -> Callable[[str], Shop]:
    """Gives one of the shops that are walked by its name, made when it is first asked for."""
    made: dict[str, Shop] = {}

    def shop_called(name: str) -> Shop:
        if name not in made:
            app = request.getfixturevalue("app" if name == TWELVE else "demo_app")
            ids = app.server.extensions["retain"].warehouse.table("marts.customers")["customer_id"].tolist()
            made[name] = Shop(Client(app), ids if name == TWELVE else [ids[0], ids[len(ids) // 2], ids[-1]])
        return made[name]

    return shop_called
