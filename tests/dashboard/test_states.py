"""Every page in the shops that break pages: nothing yet, nobody, one order, one customer, only a return, no model."""

from datetime import date

import dash
import pytest

from clv.config import Settings
from dashboard.app import create_app
from warehouse.build import build
from warehouse.ingest import land

from .conftest import Client

HEADER = "customer_id,order_id,order_date,amount\n"
SHOPS = {
    "nobody": "",
    "one order": "C1,O1,2024-03-01,10.00\n",
    "one customer": "C1,O1,2024-01-01,10.00\nC1,O2,2024-02-01,12.00\nC1,O3,2024-03-01,0.00\n",
    "only a return": "C1,O1,2024-03-01,-5.00\n",
    "no model": "".join(f"C{i},O{i}-{k},2024-0{k}-1{i},{10 * k}.50\n" for i in range(6) for k in range(1, 5) if k != i),
}
PAGES = [
    "/",
    "/overview",
    "/value",
    "/segments",
    "/segments/rules",
    "/cohorts",
    "/customers",
    "/customers/C1",
    "/compare",
    "/model",
    "/model/card",
    "/data",
    "/jobs",
]


def land_and_build(settings: Settings, lines: str) -> None:
    settings.paths.raw.mkdir(parents=True)
    if lines:
        (settings.paths.raw / "customers_transactions.csv").write_text(HEADER + lines)
        land(settings, today=date(2024, 5, 1))
    build(settings)


@pytest.fixture(scope="module", params=["no build", *SHOPS])
def odd_client(request, new_shop, tmp_path_factory):
    settings = new_shop(tmp_path_factory.mktemp("odd") / "data")
    if request.param != "no build":
        land_and_build(settings, SHOPS[request.param])
    app = create_app(settings)
    yield Client(app)
    app.server.extensions["retain"].warehouse.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_drawn_and_no_part_of_it_fails(odd_client, path, walk, words_of):
    page = odd_client.whole(path)

    assert words_of(page)
    failed = [node for node in walk(page) if "state-bad" in str(node["props"].get("className", ""))]
    assert not failed, [words_of(page)]


def test_all_pages_are_tried(app):
    known = {page["path"] for page in dash.page_registry.values() if not page.get("path_template")}

    assert known - set(PAGES) <= {"/not-found-404", "/404"}
