import datetime as dt

import pytest

from dashboard import kept_pages
from dashboard.app import create_app
from warehouse.build import build

from .conftest import AS_OF, Client, publish_tiny


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop of one's own, to publish again."""
    settings = publish_tiny(tmp_path_factory.mktemp("kept") / "data")
    app = create_app(settings)
    yield settings, app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def n_answers(shop):
    """Gives how many different questions the warehouse remembers the answers of."""
    return lambda: len(shop[1].server.extensions["retain"].warehouse._answers)


def test_all_that_a_reader_can_choose_is_drawn_ahead(shop, n_answers):
    _, app = shop
    n_pages = kept_pages.draw_ahead(app)
    asked = n_answers()

    client = Client(app)
    for href in ("/overview?period=365", "/cohorts?mode=margin", "/segments?show=revenue"):
        path, _, query = href.partition("?")
        client.page(path, f"?{query}")

    assert n_pages > len(kept_pages.PAGES)
    assert n_answers() == asked


def test_a_page_is_the_same_the_second_time(shop):
    client = Client(shop[1])

    assert client.page("/cohorts", "?mode=value") == client.page("/cohorts", "?mode=value")


def test_a_page_is_drawn_anew_when_a_build_is_published(shop, words_of):
    settings, app = shop
    client = Client(app)
    before = words_of(client.page("/segments"))

    build(settings, as_of=AS_OF - dt.timedelta(days=30))

    assert "11 Apr 2024" in before
    assert "12 Mar 2024" in words_of(client.page("/segments"))


def test_pages_that_show_the_journal_are_never_kept(shop):
    _, app = shop
    journal = app.server.extensions["retain"].journal
    client = Client(app)
    client.page("/jobs")

    run_id = journal.request("build", "a test")

    assert run_id in str(client.page("/jobs"))


@pytest.mark.parametrize(
    ("options", "addresses"),
    [
        ({}, []),
        ({"mode": ["a", "b"]}, ["?mode=a", "?mode=b"]),
        ({"mode": ["a"], "to": ["x"]}, ["?to=x", "?mode=a", "?mode=a&to=x"]),
        (
            {"mode": list("abcdef"), "to": list("uvwxyz")},
            [f"?mode={v}" for v in "abcdef"] + [f"?to={v}" for v in "uvwxyz"],
        ),
    ],
    ids=["no choice", "one", "all pairs", "too many pairs"],
)
def test_choices_become_addresses(options, addresses):
    assert kept_pages.searches(options) == addresses
