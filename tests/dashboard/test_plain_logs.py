"""Shops whose log holds hardly anything: no channel, no category, no model; one order; returns alone."""

import json
from datetime import date, timedelta

import pytest

from clv.config import Engine, Paths, Settings
from dashboard.app import create_app
from warehouse.build import build
from warehouse.ingest import land

from .conftest import Client

PAGES = (
    "/", "/overview", "/value", "/segments", "/segments/rules", "/cohorts", "/customers", "/customers/c1", "/compare",
    "/model", "/model/card", "/data", "/jobs",
)  # fmt: skip
HEADER = "customer_id,order_date,amount\n"
START = date(2025, 1, 1)
LOGS = {
    "who, when, how much": "".join(
        f"c{order % 17 + 1},{START + timedelta(days=3 * order)},{10 + order % 7}.50\n" for order in range(120)
    ),
    "one order": "c1,2025-03-04,9.99\n",
    "returns alone": "c1,2025-01-02,-5.00\nc2,2025-01-03,-7.00\n",
}


@pytest.fixture(scope="module")
def browse(new_data, tmp_path_factory):
    """A browser on the shop of one log."""
    opened = {}

    def browse(log: str) -> Client:
        if log not in opened:
            root = tmp_path_factory.mktemp("plain")
            data = new_data(root / "data", "web font")
            settings = Settings(paths=Paths(data=data), engine=Engine(buckets=2, threads=1), root=root)
            settings.paths.raw.mkdir(parents=True)
            (settings.paths.raw / "orders.csv").write_text(HEADER + LOGS[log])
            land(settings, today=date(2026, 6, 1))
            build(settings)
            opened[log] = create_app(settings)
        return Client(opened[log])

    yield browse
    for app in opened.values():
        app.server.extensions["retain"].warehouse.close()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("log", LOGS)
def test_every_page_stands(browse, log, path):
    said = json.dumps(browse(log).whole(path), default=str)

    assert "This could not be shown" not in said
    assert "state-bad" not in said
    assert "NaN" not in said


@pytest.mark.parametrize(
    ("path", "what"), [("/overview", "channel"), ("/overview", "category"), ("/cohorts", "channel")]
)
def test_what_no_order_names_is_no_bar_called_unknown(browse, path, what):
    said = json.dumps(browse("who, when, how much").whole(path), default=str)

    assert f"The orders name no {what}" in said
    assert f"[sources.transactions.columns] {what}" in said
    assert '"Unknown"' not in said
