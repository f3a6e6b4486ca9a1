"""The twelve customers of tests/data/tiny as a real data folder: landed, built, published, served."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from dash import Dash

from clv.config import Business, Engine, Paths, Settings
from dashboard.app import create_app
from jobs.demo import write_demo
from warehouse import outputs
from warehouse.build import build
from warehouse.ingest import land

if TYPE_CHECKING:
    from .site_walk import Drawn, PageFile

TINY = Path(__file__).parent.parent / "data" / "tiny"
AS_OF = date(2024, 4, 11)
DEMO_END = date(2026, 1, 1)
TWELVE, DEMO = "the twelve customers", "the demo shop"
SHOPS = (TWELVE, DEMO)
"""Shops that are walked from page to page."""
FILES = {
    "transactions": "customers_transactions.csv",
    "customers": "customer_status.csv",
    "campaigns": "campaigns.csv",
}


def settings_at(data: Path) -> Settings:
    """A shop in London with two buckets."""
    return Settings(
        paths=Paths(data=data),
        root=data,
        business=Business(name="Tiny & Sons", currency="GBP", locale="en_GB", timezone="Europe/London"),
        engine=Engine(buckets=2, memory_limit="1GB", threads=2),
    )


def publish_tiny(data: Path) -> Settings:
    """The tiny shop at *data*, published as of 11 April 2024, with predictions for four of its customers."""
    settings = settings_at(data)
    settings.paths.raw.mkdir(parents=True)
    for source, name in FILES.items():
        shutil.copy(TINY / f"{source}.csv", settings.paths.raw / name)
    land(settings, today=AS_OF)
    predictions = pd.read_csv(TINY / "predictions.csv", dtype={"customer_id": str}, parse_dates=["as_of"])
    predictions["as_of"] = predictions["as_of"].dt.date
    frame = outputs.empty("predictions").reindex(range(len(predictions)))
    for column in predictions:
        frame[column] = predictions[column]
    outputs.write(settings.paths.outputs, "predictions", frame)
    build(settings, as_of=AS_OF)
    return settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny shop, published."""
    return publish_tiny(tmp_path_factory.mktemp("dashboard") / "data")


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
        """The same, with what the page's callbacks add once it has opened."""
        from .site_walk import filled  # the browser's tests load this file alone

        return filled(self, self.page(path, search), path, search)


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
        from .site_walk import addresses  # the browser's tests load this file alone, to publish the twelve customers

        if page not in self.seen:
            self.seen[page] = addresses(self.client, page, {"customer_id": self.customers})
        return self.seen[page]


def _demo_shop(folder: Path) -> Settings:
    """Four hundred synthetic customers, dirty lines among theirs: trained, and scored on two dates."""
    shop = _module(Path(__file__).parents[1] / "jobs" / "conftest.py").ModelledShop(folder / "data")
    write_demo(shop.settings, n_customers=400, n_months=14, end_date=DEMO_END, dirty=0.02)
    before = DEMO_END - timedelta(days=60)
    shop.run("ingest")
    shop.run("build", "train", "score", "build", as_of=before)
    shop.run("build", "score", "build")
    return shop.settings


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("modelled_shop", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def shop_called(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Gives one of the shops that are walked by its name, made when it is first asked for."""
    made: dict[str, Shop] = {}

    def shop_called(name: str) -> Shop:
        if name not in made:
            app = (
                request.getfixturevalue("app")
                if name == TWELVE
                else create_app(_demo_shop(tmp_path_factory.mktemp("demo")))
            )
            ids = app.server.extensions["retain"].warehouse.table("marts.customers")["customer_id"].tolist()
            made[name] = Shop(Client(app), ids if name == TWELVE else [ids[0], ids[len(ids) // 2], ids[-1]])
        return made[name]

    yield shop_called
    for name, shop in made.items():
        if name != TWELVE:
            shop.site.warehouse.close()
