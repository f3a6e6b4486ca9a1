"""The twelve customers of tests/data/tiny as a real data folder: landed, built, published, served."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dash import Dash

from clv.config import Business, Engine, Paths, Settings
from dashboard.app import create_app
from warehouse import outputs
from warehouse.build import build
from warehouse.ingest import land

TINY = Path(__file__).parent.parent / "data" / "tiny"
AS_OF = date(2024, 4, 11)
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
