"""Derived personas on the pages: the twelve customers, of whom C01 and C12 are one kind and the others another."""

from urllib.parse import urlsplit

import pandas as pd
import pytest

from dashboard import customer_list, data
from dashboard.app import create_app
from warehouse import outputs
from warehouse.build import build

from ..conftest import AS_OF
from .conftest import Client

OFTEN, OTHERS = "Steady regulars", 'Full-price "one-timers" & <co>'
KINDS = {f"C{i:02d}": OTHERS for i in (2, 3, 5, 6, 7, 8, 9, 10, 11)} | {"C01": OFTEN, "C12": OFTEN}


def write(settings):
    folder = settings.paths.outputs
    members = pd.DataFrame({"customer_id": list(KINDS), "persona": list(KINDS.values()), "as_of": AS_OF})
    members["persona_id"] = members["persona"].map({OFTEN: "p1", OTHERS: "p2"})
    profiles = pd.DataFrame({"persona_id": ["p1", "p2"], "persona": [OFTEN, OTHERS], "place": [1, 2]})
    profiles = profiles.assign(
        n_customers=[2, 9], stability=[0.91, 0.8], stability_lo=[0.85, 0.7], stability_hi=[0.97, 0.9],
        is_new=[False, True], n_personas=2, agreement=0.88, agreement_lo=0.8, agreement_hi=0.95, as_of=AS_OF,
    )  # fmt: skip
    rows = [(name, "frequency", 1, z, value, 1.9, 0.0) for name, z, value in (("p1", 1.5, 3.5), ("p2", -0.4, 1.5))]
    rows += [(name, "discount", 2, -0.3, 0.25, 0.4, 0.0) for name in ("p1", "p2")]
    facts = pd.DataFrame(rows, columns=["persona_id", "feature", "rank", "z", "value", "shop_value", "centre"])
    for name, frame in (("personas", members), ("persona_profiles", profiles), ("persona_features", facts)):
        outputs.write(folder, name, frame)
    build(settings, as_of=AS_OF)


@pytest.fixture(scope="module")
def client(tiny_shop, tmp_path_factory):
    settings = tiny_shop(tmp_path_factory.mktemp("personas") / "data")
    write(settings)
    app = create_app(settings)
    yield Client(app)
    app.server.extensions["retain"].warehouse.close()


def test_personas_say_their_size_their_stability_and_what_sets_them_apart(client, words_of):
    words = " ".join(words_of(client.page("/segments", "?part=personas")).split())

    assert "2 groups by how customers buy, up to 11 Apr 2024" in words
    assert "drawn again: 0.88 (0.80 to 0.95; 1 is the same each time)" in words
    assert f"{OFTEN} 2 18% £230" in words  # C01's 200 and C12's 30
    assert "3.50 orders each all: 1.90 25% with a discount all: 40% 91% 85% to 97%" in words
    assert f"{OTHERS} new 9" in words


def test_every_mark_of_a_persona_leads_to_its_customers(client, walk, words_of):
    grid = customer_list.grid_of(client.app.server.extensions["retain"].warehouse)
    links = [
        node
        for path in ("/segments", "/")
        for node in walk(client.whole(path))
        if node["type"] == "Link" and "behaviour_persona=" in node["props"]["href"]
    ]

    assert len(links) > 8
    for node in links:
        shown = words_of(node).split()
        asked = customer_list.wanted(urlsplit(node["props"]["href"]).query)
        assert str(grid.count(asked)) in shown, node["props"]["href"]


def test_given_and_derived_personas_stand_against_each_other(client):
    with client.app.server.test_request_context("/"):
        cross = data.door("").ask("segments/persona_cross").frame
        given = data.door("").ask("segments/personas").frame

    assert set(cross["behaviour_persona"]) <= {OFTEN, OTHERS}
    assert cross["n_customers"].sum() <= given["n_customers"].sum()


def test_the_grid_can_be_filtered_by_persona(client, walk):
    page = client.page("/customers", f"?behaviour_persona={OFTEN.replace(' ', '+')}")

    (count,) = [node["props"] for node in walk(page) if node["props"].get("id") == "customers-count"]
    assert count["children"] == "2 of 12 customers"


def test_a_customer_wears_the_derived_persona_beside_the_given_one(client, words_of):
    words = words_of(client.whole("/customers/C01"))

    assert f"Persona: {OFTEN}" in words
    assert "Persona, as given: " in words


def test_value_goes_by_derived_personas_once_there_are_any(client, words_of):
    words = words_of(client.page("/value"))

    assert "Derived from how they buy" in words
    assert OFTEN in words
    assert "By given persona" not in words
