import datetime as dt
import fcntl
import os
import shutil

import pytest

from dashboard import kept_pages
from dashboard.app import create_app
from warehouse import reports
from warehouse.build import build

from ..conftest import AS_OF
from .conftest import Client


@pytest.fixture(scope="module")
def shop(tiny_shop, tmp_path_factory):
    """A shop of one's own, to publish again."""
    settings = tiny_shop(tmp_path_factory.mktemp("kept") / "data")
    app = create_app(settings)
    yield settings, app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def n_answers(shop):
    """Gives how many different questions the warehouse remembers the answers of."""
    return lambda: len(shop[1].server.extensions["retain"].warehouse._answers)


@pytest.fixture
def n_pages_put(shop):
    """Gives how many pages are kept that were not, once something has been done."""

    def count(do):
        kept = shop[1].server.extensions["retain.kept_pages"]
        before = kept.n_put
        do()
        return kept.n_put - before

    return count


def test_all_that_a_reader_can_choose_is_drawn_ahead(shop, n_answers):
    _, app = shop
    n_pages = kept_pages.draw_ahead(app)
    asked = n_answers()

    client = Client(app)
    for href in (
        "/overview?period=365",
        "/cohorts?mode=margin",
        "/cohorts?part=value&goes_on=margin",
        "/segments?part=personas",
    ):
        path, _, query = href.partition("?")
        client.page(path, f"?{query}")

    assert n_pages > len(kept_pages.PAGES) + len(kept_pages.WATCHING)
    assert n_answers() == asked


def test_a_page_is_the_same_the_second_time(shop):
    client = Client(shop[1])

    assert client.page("/cohorts", "?mode=value") == client.page("/cohorts", "?mode=value")


def test_a_search_without_its_question_mark_is_not_taken_for_one_with_it(shop, words_of):
    client = Client(shop[1])
    # A page of 90 days: Dash reads no parameter from it.
    opened = words_of(client.page("/overview", "period=all"))

    assert opened == words_of(client.page("/overview"))
    assert words_of(client.page("/overview", "?period=all")) != opened


def test_the_next_start_and_other_processes_find_the_page(shop):
    settings, app = shop
    before = Client(app).page("/cohorts", "?mode=orders")

    other = create_app(settings)

    assert Client(other).page("/cohorts", "?mode=orders") == before
    assert not other.server.extensions["retain"].warehouse._answers


def test_other_settings_find_no_page(shop, words_of):
    settings, app = shop
    words_of(Client(app).page("/overview"))
    business = settings.business.model_copy(update={"currency": "JPY"})

    other = create_app(settings.model_copy(update={"business": business}))

    assert "¥" in words_of(Client(other).page("/overview"))
    other.server.extensions["retain"].warehouse.close()


def test_a_page_with_runs_is_kept_until_one_is_asked_for_and_again_when_it_has_ended(shop, n_pages_put):
    _, app = shop
    journal, client = app.server.extensions["retain"].journal, Client(app)
    client.page("/")
    assert n_pages_put(lambda: client.page("/")) == 0

    run_id = journal.runs.request("report", "a test", {"name": "executive-summary"})
    assert n_pages_put(lambda: client.page("/")) == 0  # it shows how far the run is
    journal.runs.claim()
    journal.runs.finish(run_id, "failed", error="the printer is on fire")

    assert n_pages_put(lambda: client.page("/")) == 1
    assert "the printer is on fire" not in str(client.page("/overview"))


def test_a_report_that_was_made_is_offered_at_once(shop, words_of):
    settings, app = shop
    client = Client(app)
    assert "Download PDF" not in words_of(client.page("/"))
    build_id = app.server.extensions["retain"].warehouse.current().id

    path = reports.write(
        settings.paths.reports, build_id, reports.REPORTS["executive-summary"], {"pdf": b"%PDF"}, {"n_pages": 1}
    )

    assert "Download PDF" in words_of(client.page("/"))
    path.unlink()
    assert "Download PDF" not in words_of(client.page("/"))


def test_a_page_that_cannot_be_kept_is_sent_all_the_same(shop, words_of):
    settings, app = shop
    kept = settings.paths.cache / "pages"
    shutil.rmtree(kept)
    kept.write_text("no folder")

    assert "Overview" in words_of(Client(app).page("/overview"))

    kept.unlink()


def test_one_process_at_a_time_draws_ahead(shop):
    _, app = shop
    kept: kept_pages.Kept = app.server.extensions["retain.kept_pages"]
    kept.folder.mkdir(parents=True, exist_ok=True)
    with (kept.folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        assert not kept_pages._draw_alone(app, kept, ("a build",))


def test_what_was_drawn_from_something_else_and_the_oldest_are_swept(tmp_path, monkeypatch):
    kept = kept_pages.Kept(tmp_path, "this code")
    monkeypatch.setattr(kept_pages, "KEPT_BYTES", 250)
    pages = [kept.path(("build",), (name,)) for name in "abc"]
    old = kept_pages.Kept(tmp_path, "older code").path(("build",), ("a",))
    for place, path in enumerate([old, *pages]):
        kept.put(path, b"x" * 100)
        os.utime(path, (place, place))

    kept.sweep(("build",))

    assert [path.exists() for path in (old, *pages)] == [False, False, True, True]


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

    run_id = journal.runs.request("build", "a test")

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
