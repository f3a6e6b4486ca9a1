"""What the pickers call a build."""

from datetime import date
from pathlib import Path

from dashboard.builds import names
from dashboard.format import Format
from warehouse.ask import BuildHandle

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
