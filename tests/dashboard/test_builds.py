"""What the pickers call a build, and that pages speak of the build that they show."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from dashboard.app import create_app
from dashboard.builds import names
from dashboard.format import Format
from warehouse.ask import BuildHandle

from .conftest import Client

WORDS = Format("GBP", "en_GB")


def a_build(name: str, as_of: date, made_at: str) -> BuildHandle:
    return BuildHandle(name, Path(name), as_of, {"made_at": made_at})


def test_builds_of_a_day_are_told_apart_by_when_they_were_made():
    builds = [
        a_build("b-2f8e10", date(2026, 11, 24), "2026-11-24T19:41:09+00:00"),
        a_build("a-0702ae", date(2026, 11, 24), "2026-11-24T05:00:02+00:00"),
        a_build("c-4d2a01", date(1998, 7, 1), "2026-11-24T19:56:00+00:00"),
    ]

    assert names(builds, WORDS) == {
        "b-2f8e10": "24 Nov 2026, made 19:41",
        "a-0702ae": "24 Nov 2026, made 05:00",
        "c-4d2a01": "01 Jul 1998, made 24 Nov 2026, 19:56",
    }


def test_builds_of_a_minute_have_six_digits_more():
    twins = [a_build(name, date(2026, 11, 24), "2026-11-24T19:41:09") for name in ("a-0702ae", "b-2f8e10")]

    assert list(names(twins, WORDS).values()) == [
        "24 Nov 2026, made 19:41 · 0702ae",
        "24 Nov 2026, made 19:41 · 2f8e10",
    ]


@pytest.fixture(scope="module")
def resettled(settings):
    """The tiny shop, built with 180 days as its first horizon; by now the settings say 30."""
    app = create_app(
        settings.model_copy(update={"model": settings.model.model_copy(update={"primary_horizon_days": 30})})
    )
    yield Client(app)
    app.server.extensions["retain"].warehouse.close()


@pytest.mark.parametrize("path", ["/", "/overview", "/segments", "/customers", "/customers/C01"])
def test_a_page_names_the_horizon_of_its_build_and_not_of_the_settings(resettled, path):
    said = json.dumps(resettled.page(path, ""))

    assert re.search(r"(next|within|in) 180 days", said)
    assert not re.search(r"(next|within|in) 30 days", said)
