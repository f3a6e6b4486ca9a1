"""Every card and chart of every page: its SQL, run in the real `duckdb` shell, gives the numbers that it shows.

Pages, their choices and their cards are found by walking (`site_walk`): a card that is added is tested by being there.
"""

import copy
import json
from typing import Any

import dash
import pytest

from dashboard.components.sql import _unpacked

from .conftest import DEMO, SHOPS, TWELVE
from .shown_numbers import differences, has_numbers, shell_answers, typed, unexplained
from .site_walk import PAGE_FILES, sql_buttons, title_of, tree

BY_NAME = {"argvalues": PAGE_FILES, "ids": [page.name for page in PAGE_FILES]}
NOT_OF_A_BUILD = {"Operate"}
"""Groups of pages whose numbers are about this machine and its jobs: the journal and the logs, not the warehouse."""
NOT_OF_A_QUERY = {"model-card", "model_card", "manifests"}
"""Cards, or whole pages, that show what is in no table: a model's card in the registry, the manifests of builds."""


class Asked:
    """The statements behind the cards of a page, as they are copied, with what the shell says to them."""

    def __init__(self, shop, buttons):
        self.shop = shop
        values = list(dict.fromkeys(buttons))
        self.statements = {value: self._copied(value) for value in values}
        answers: dict[str, list[dict[str, Any]]] = {}
        for build_id in {json.loads(value)["build"] for value in values}:
            mine = [value for value in values if json.loads(value)["build"] == build_id]
            with shop.site.warehouse.shell(build_id) as command:
                said = shell_answers(command, [self.statements[value] for value in mine])
            answers.update(zip(mine, said, strict=True))
        self.pages = {value: self._on_the_page(value) for value in values}
        self.shells = {value: typed(answers[value], self.pages[value]) for value in values}

    def _copied(self, value):
        at = '{"at":"any","type":"show-sql"}'
        panel = self.shop.client.press(
            {"id": at, "property": "n_clicks", "value": 1}, {"id": at, "property": "value", "value": value}
        )
        return next(node.words() for node in tree(panel).walk() if node.id == "sql-shell")

    def _on_the_page(self, value):
        name, params, build_id, before = _unpacked(value)
        return self.shop.site.warehouse.query(name, build_id, before, **params)

    def findings(self, card):
        """The numbers on *card* that its statements do not give."""
        values = [button.props["value"] for button in sql_buttons(card)]
        known = "\n".join([*(self.statements[value] for value in values), *values])
        known += json.dumps(dict(self.shop.site.warehouse.current().parameters), default=str)
        return unexplained(card, [self.shells[value] for value in values], self.shop.site.words, known)


def buttons_of(pages):
    return [button.props["value"] for drawn in pages for card in drawn.cards for button in sql_buttons(card)]


def cards_of_a_build(page, pages):
    """(address, card) for all cards whose numbers come from a build."""
    if page.group in NOT_OF_A_BUILD:
        return []
    found = [(drawn.href, card) for drawn in pages for card in drawn.cards]
    return [(href, card) for href, card in found if not {page.name, card.id} & NOT_OF_A_QUERY]


@pytest.mark.parametrize("page", **BY_NAME)
@pytest.mark.parametrize("shop", SHOPS)
def test_the_sql_of_every_card_gives_its_numbers_in_the_duckdb_shell(shop_called, shop, page):
    shop = shop_called(shop)
    pages = shop.drawn(page)
    asked = Asked(shop, buttons_of(pages))

    assert pages
    found = [
        f"{packed_name(value)}: {difference}"
        for value in asked.statements
        for difference in differences(asked.shells[value], asked.pages[value])
    ]
    found += [f"{drawn.href} | {failed.words()[:200]}" for drawn in pages for failed in drawn.root.find("state-bad")]
    for href, card in cards_of_a_build(page, pages):
        found += [f"{href} | {title_of(card)} | {finding}" for finding in asked.findings(card)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", **BY_NAME)
@pytest.mark.parametrize("shop", SHOPS)
def test_every_card_that_shows_a_number_shows_its_sql(shop_called, shop, page):
    cards = cards_of_a_build(page, shop_called(shop).drawn(page))

    mute = [f"{href} | {title_of(card)}" for href, card in cards if has_numbers(card) and not sql_buttons(card)]
    assert not mute, "\n".join(mute)


def test_the_walk_knows_every_registered_page(app):
    registered = {
        page.get("path_template") or page["relative_path"]
        for page in dash.page_registry.values()
        if not page["module"].endswith("not_found_404")
    }

    assert {page.path for page in PAGE_FILES} == registered


def test_the_walk_takes_the_choices_of_a_page(shop_called):
    hrefs = {drawn.href for page in PAGE_FILES for drawn in shop_called(DEMO).drawn(page)}

    assert {"/overview?period=365", "/cohorts?mode=margin", "/segments?show=revenue", "/value?horizon=30"} <= hrefs
    assert {"/segments?part=personas", "/cohorts?part=value", "/cohorts?part=value&goes_on=margin"} <= hrefs


@pytest.mark.parametrize("shop", SHOPS)
def test_a_number_that_is_one_off_is_found(shop_called, shop):
    shop = shop_called(shop)
    page = next(page for page in PAGE_FILES if page.name == "overview")
    drawn = shop.drawn(page)[0]
    asked = Asked(shop, buttons_of([drawn]))
    kpi = next(card for card in drawn.cards if "kpi" in card.classes and "Orders" in title_of(card))
    wrong = copy.deepcopy(kpi)
    value = next(wrong.find("kpi-value"))
    value.children = [shop.site.words.count(int(value.words().replace(",", "")) + 100_001)]

    assert asked.findings(kpi) == []
    assert len(asked.findings(wrong)) == 1


def test_a_point_that_is_one_off_is_found(shop_called):
    shop = shop_called(DEMO)
    page = next(page for page in PAGE_FILES if page.name == "overview")
    drawn = shop.drawn(page)[0]
    asked = Asked(shop, buttons_of([drawn]))
    chart = next(card for card in drawn.cards if any(node.kind == "Graph" for node in card.walk()))
    wrong = copy.deepcopy(chart)
    figure = next(node for node in wrong.walk() if node.kind == "Graph").props["figure"]
    figure["data"].append({"type": "scatter", "y": [-123.456]})

    assert asked.findings(chart) == []
    assert "-123.456" in asked.findings(wrong)[0]


def test_a_card_without_its_button_is_found(shop_called):
    page = next(page for page in PAGE_FILES if page.name == "summary")
    cards = shop_called(TWELVE).drawn(page)[0].cards
    stripped = copy.deepcopy(next(card for card in cards if "kpi" in card.classes))
    tools = next(stripped.find("kpi-tools"))
    tools.parent.children.remove(tools)

    assert has_numbers(stripped)
    assert not sql_buttons(stripped)


def packed_name(value):
    said = json.loads(value)
    return f"{said['query']} {said['params']}"
