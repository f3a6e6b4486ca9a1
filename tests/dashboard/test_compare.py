"""Two builds of the tiny shop side by side: as of 1 April, and of 11 April 2024.

Since 1 April C01 bought for 60, C08 for 20 and C12 for 10; C11 came and bought for 45; the campaigns landed. Scored on
1 April: C01 170, C02 8, C10 5.005; on the 11th by the same model: C01 150, C02 5, C03 20, C10 5.
"""

import contextlib
import json
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest

from clv.errors import NoBuildError, RequestError
from dashboard import customer_list, data
from dashboard.app import create_app
from dashboard.builds import facts
from warehouse import outputs
from warehouse.ask import Warehouse
from warehouse.build import build
from warehouse.ingest import land

from ..conftest import AS_OF, FILES, TINY
from .conftest import Client

BEFORE = date(2024, 4, 1)


@pytest.fixture(scope="module")
def builds(new_shop, tmp_path_factory):
    """Settings of a shop with two builds, and their ids, the older first."""
    settings = new_shop(tmp_path_factory.mktemp("compare") / "data")
    settings.paths.raw.mkdir(parents=True)
    for source in ("transactions", "customers"):
        shutil.copy(TINY / f"{source}.csv", settings.paths.raw / FILES[source])
    land(settings, today=AS_OF)
    rows = [("C01", 170.0), ("C02", 8.0), ("C10", 5.005)]
    _score(settings, [{"customer_id": name, "expected_revenue": value} for name, value in rows], BEFORE)
    older = build(settings, as_of=BEFORE)
    shutil.copy(TINY / "campaigns.csv", settings.paths.raw / FILES["campaigns"])
    land(settings, today=AS_OF)
    rows = [("C01", 150.0), ("C02", 5.0), ("C03", 20.0), ("C10", 5.0)]
    _score(settings, [{"customer_id": name, "expected_revenue": value} for name, value in rows], AS_OF)
    newer = build(settings, as_of=AS_OF)
    return settings, older.id, newer.id


def _score(settings, rows, as_of):
    known = pd.DataFrame(rows).assign(as_of=as_of, horizon_days=180, model_version="v1")
    frame = outputs.empty("predictions").reindex(range(len(known)))
    for column in known:
        frame[column] = known[column]
    outputs.write(settings.paths.outputs, "predictions", frame)


@pytest.fixture(scope="module")
def two(builds):
    """The app on both builds."""
    app = create_app(builds[0])
    yield app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def warehouse(two):
    return two.server.extensions["retain"].warehouse


@pytest.fixture
def page(two):
    """The newer build, compared with the one before it: what the page opens with."""
    return Client(two).page("/compare", "")


def answer(warehouse, builds, name, **params):
    return warehouse.query(f"compare/{name}", builds[2], builds[1], **params)


def test_the_page_opens_with_the_latest_build_and_the_one_before_it(page, walk, words_of, builds):
    pickers = {
        node["props"]["id"]["key"]: node["props"]["value"]
        for node in walk(page)
        if isinstance(node["props"].get("id"), dict) and node["props"]["id"].get("type") == "url"
    }

    assert pickers == {"a": builds[1], "b": "latest"}
    assert "One knows everything before 01 Apr 2024, the other before 11 Apr 2024" in words_of(page)
    assert "could not be shown" not in words_of(page)


def test_numbers_of_both_builds_stand_side_by_side(warehouse, builds):
    found = answer(warehouse, builds, "headline").set_index("metric")

    # C11 is new; 532 to date, 135 of it since 1 April in four orders.
    columns = ["before_value", "present_value", "difference"]
    assert found.loc["n_customers", columns].tolist() == [10, 11, 1]
    assert found.loc["revenue", columns].tolist() == [397, 532, 135]
    assert found.loc["n_orders", "difference"] == 4
    assert found.loc["expected_revenue", columns].tolist() == pytest.approx([183.005, 180, -3.005])


def test_expected_money_over_another_horizon_is_not_compared(tiny_shop, tmp_path):
    """The shop's first horizon was 30 days (C01 alone: 40), and is 180 (C01 150, C02 5, C03 20, C10 5)."""
    settings = tiny_shop(tmp_path / "data")
    short = settings.model_copy(update={"model": settings.model.model_copy(update={"primary_horizon_days": 30})})
    before, present = build(short, as_of=AS_OF).id, build(settings, as_of=AS_OF).id

    with contextlib.closing(Warehouse(settings.paths.data)) as door:
        found = door.query("compare/headline", present, before).set_index("metric")
        changes = door.query("compare/largest_changes", present, before, max_rows=10)
        bridge = door.query("compare/bridge", present, before)

    assert found.loc["expected_revenue", "present_value"] == 180
    assert found.loc["expected_revenue", ["before_value", "difference", "change"]].isna().all()
    assert found.loc["revenue", "difference"] == 0
    assert (len(changes), len(bridge)) == (0, 0)


def test_the_bridge_between_two_builds_adds_up_to_the_cent(warehouse, builds):
    rows = answer(warehouse, builds, "bridge", horizon_days=180)
    steps = dict(zip(rows["step"], rows["money"], strict=True))

    # Behaviour is the rest: 180 − 183.01 + 60 − 20.
    assert steps == pytest.approx(
        {
            "opening": 183.01,
            "realised": -60,
            "gone": 0,
            "new_customers": 20,
            "behaviour_change": 36.99,
            "model_change": 0,
            "closing": 180,
        },
        abs=0.011,
    )
    assert round(sum(money for step, money in steps.items() if step != "closing"), 2) == steps["closing"]


def test_looking_back_the_new_ones_are_gone(warehouse, builds):
    _, older, newer = builds
    rows = warehouse.query("compare/bridge", older, newer, horizon_days=180).set_index("step")
    (totals,) = warehouse.query("compare/totals", older, newer).to_dict("records")

    assert rows.loc["gone", ["money", "n_customers"]].tolist() == [-20, 1]
    assert rows.loc["new_customers", "n_customers"] == 0
    assert (totals["n_new"], totals["n_gone"]) == (0, 1)


def test_the_largest_differences_come_first(warehouse, builds):
    rows = answer(warehouse, builds, "largest_changes", max_rows=2)

    assert rows[["customer_id", "difference", "revenue_between"]].to_numpy().tolist() == [
        ["C01", -20, 60],
        ["C02", -3, 0],
    ]


def test_a_file_that_only_one_has_read_is_named_with_its_rows(warehouse, builds):
    (row,) = answer(warehouse, builds, "files").to_dict("records")

    assert (row["step"], row["source"], row["n_accepted"], row["n_quarantined"]) == ("new", "campaigns", 3, 0)


@pytest.mark.parametrize("swapped", [False, True], ids=["forwards", "backwards"])
def test_every_mark_opens_exactly_its_customers(two, builds, walk, words_of, swapped):
    _, older, newer = builds
    client = Client(two)
    page = client.page("/compare", f"?a={newer}&b={older}" if swapped else f"?a={older}&b={newer}")
    checked = 0

    with two.server.test_request_context("/"):
        for node in walk(page):
            href = str(node["props"].get("href"))
            if not href.startswith("/customers?"):
                continue
            asked = customer_list.wanted(urlsplit(href).query)
            named = data.door(urlsplit(href).query).build
            n_rows = customer_list.grid_of(two.server.extensions["retain"].warehouse).count(asked, named)
            said = words_of(node)
            count = re.search(r"(\d+)(?: customers?)?$", said)
            assert n_rows == int(count[1]), (said, href)
            checked += 1

    assert checked > 12


def test_a_build_without_predictions_is_not_one_that_expects_the_same(words_of, new_shop, tmp_path):
    settings = new_shop(tmp_path / "data")
    settings.paths.raw.mkdir(parents=True)
    shutil.copy(TINY / "transactions.csv", settings.paths.raw / FILES["transactions"])
    land(settings, today=AS_OF)
    build(settings, as_of=BEFORE)
    build(settings, as_of=AS_OF)
    app = create_app(settings)

    words = words_of(Client(app).page("/compare"))
    app.server.extensions["retain"].warehouse.close()

    assert words.count("No predictions to compare") == 2
    assert "not predicted in the other build" in words
    assert "Nobody is expected to bring more or less" not in words


def test_a_list_of_a_comparison_survives_its_address(builds):
    search = f"?list=compare%2Fcustomers_in&list.step=new&list.before={builds[1]}"

    assert customer_list.search_of(customer_list.wanted(search)) == search


def test_the_list_says_which_difference_it_shows(two, builds, words_of):
    page = Client(two).page("/customers", f"?list=compare/customers_in&list.step=new&list.before={builds[1]}")

    assert f"who differ between two builds : step: not there before, compared with build {builds[1]}." in words_of(page)


def test_a_list_of_a_comparison_says_with_what(builds):
    with pytest.raises(RequestError, match="the build to compare with, is missing"):
        customer_list.wanted("?list=compare/customers_in&list.step=new")


def test_the_shown_sql_attaches_the_other_build_in_the_real_shell(two, page, builds, walk, words_of):
    settings, _, newer = builds
    button = next(
        node for node in walk(page) if node["type"] == "Button" and node["props"].get("data-title") == "All customers"
    )
    at = json.dumps(button["props"]["id"], sort_keys=True, separators=(",", ":"))

    panel = Client(two).press(
        {"id": at, "property": "n_clicks", "value": 1},
        {"id": at, "property": "value", "value": button["props"]["value"]},
    )
    copied = next(words_of(node) for node in walk(panel) if node["props"].get("id") == "sql-shell")
    done = subprocess.run(
        [shutil.which("duckdb", path=Path(sys.executable).parent), "-readonly", "-json", "shell.duckdb"],
        input=copied,
        cwd=settings.paths.builds / newer,
        capture_output=True,
        text=True,
        check=True,
    )

    (row,) = json.loads(done.stdout)
    assert copied.startswith("attach ")
    assert (row["n_new"], row["n_gone"]) == (1, 0)
    assert row["n_moved"] + row["n_stayed"] == 11


def test_an_answer_is_remembered_for_its_pair(warehouse, builds):
    _, older, newer = builds

    forwards = warehouse.query("compare/totals", newer, older)
    backwards = warehouse.query("compare/totals", older, newer)
    alone = warehouse.query("compare/totals", newer, newer)

    assert [frame["n_new"].item() for frame in (forwards, backwards, alone)] == [1, 0, 0]


def test_a_build_that_is_not_there_is_refused(warehouse, builds):
    with pytest.raises(NoBuildError):
        warehouse.query("compare/totals", builds[2], "20200101T000000-abcdef")


def test_facts_say_what_the_builds_were_made_with(two, warehouse, builds):
    handles = [warehouse.current(build_id) for build_id in builds[1:]]
    found = {fact.name: fact for fact in facts(*handles, two.server.extensions["retain"].words)}

    assert (found["Known before"].before, found["Known before"].present) == ("01 Apr 2024", "11 Apr 2024")
    assert not found["SQL files"].is_different
    assert "Setting gross_margin" not in found


def test_a_setting_that_differs_is_named(two, warehouse, builds):
    from dataclasses import replace

    handle = warehouse.current(builds[2])
    other = replace(
        handle,
        manifest={
            **handle.manifest,
            "parameters": {**handle.manifest["parameters"], "gross_margin": 0.9},
            "settings_digest": "abcdef0123",
        },
    )
    found = {fact.name: fact for fact in facts(handle, other, two.server.extensions["retain"].words)}

    assert (found["Setting gross_margin"].before, found["Setting gross_margin"].present) == ("0.4", "0.9")
    assert found["Settings that tables depend on"].present == "abcdef01"


def test_a_single_build_has_nothing_to_be_compared_with(client, words_of):
    assert "There is only one build" in words_of(client.page("/compare", ""))


@pytest.mark.parametrize("names", ["?a={0}&b={0}", "?a=latest&b={0}", "?a=latest"], ids=["by id", "latest", "left out"])
def test_the_same_build_twice_says_so(two, builds, words_of, names):
    page = Client(two).page("/compare", names.format(builds[2]))

    assert "Both are the same build: nothing differs" in words_of(page)
