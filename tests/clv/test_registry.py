import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from clv.errors import ModelError, TamperedModelError
from clv.registry import Registry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CARD = {"seed": 7, "metrics": {"gini": [0.7, 0.6, 0.8]}}


def stored(registry: Registry, content: str, as_of: date = date(2026, 1, 1)) -> str:
    return registry.save(lambda folder: (folder / "model.json").write_text(content), CARD, as_of=as_of)


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path / "registry" / "value")


def test_a_version_comes_back_as_it_was_stored(registry):
    version = stored(registry, "{}")

    folder = registry.verified(version)
    card = registry.card(version)

    assert (folder / "model.json").read_text() == "{}"
    assert card["metrics"] == CARD["metrics"]
    assert card["as_of"] == "2026-01-01"
    assert card["version"] == version
    assert list(card["files"]) == ["model.json"]


def test_the_same_model_is_the_same_version(registry):
    assert stored(registry, "{}") == stored(registry, "{}")
    assert len(registry.versions()) == 1


def test_versions_are_listed_by_date(registry):
    late = stored(registry, "late", date(2026, 2, 1))
    early = stored(registry, "early", date(2026, 1, 1))
    again = stored(registry, "another", date(2026, 1, 1))

    assert registry.versions() == [early, again, late]


def test_nothing_is_there_before_the_first_version(registry):
    assert registry.versions() == []
    assert registry.champion() is None
    assert registry.history() == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda folder: (folder / "model.json").write_text("{ }"),
        lambda folder: (folder / "model.json").unlink(),
        lambda folder: (folder / "extra.ubj").write_bytes(b"x"),
        lambda folder: (folder / "card.json").write_text("{"),
    ],
    ids=["changed", "removed", "added", "card broken"],
)
def test_a_tampered_version_is_refused_by_load_and_promotion(registry, tamper):
    version = stored(registry, "{}")
    tamper(registry.folder / version)

    with pytest.raises(TamperedModelError):
        registry.verified(version)
    with pytest.raises(TamperedModelError):
        registry.promote(version, by="me", at=NOW, reason="test")


def test_one_changed_bit_is_seen(registry):
    version = stored(registry, "0" * 100_000)
    path = registry.folder / version / "model.json"
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)

    with pytest.raises(TamperedModelError, match=r"model\.json"):
        registry.verified(version)


@pytest.mark.parametrize("version", ["20260101-00000000", "../value", "", "."], ids=["absent", "a path", "none", "dot"])
def test_an_unknown_version_is_an_error_that_names_the_known_ones(registry, version):
    known = stored(registry, "{}")

    with pytest.raises(ModelError, match=known):
        registry.card(version)


def test_promotions_are_remembered_with_who_when_and_why(registry):
    first, second = stored(registry, "1"), stored(registry, "2")

    registry.promote(first, by="ana", at=NOW, reason="the first")
    registry.promote(second, by="ben", at=NOW, reason="better")

    assert registry.champion() == second
    assert [(change.version, change.previous, change.by) for change in registry.history()] == [
        (first, None, "ana"),
        (second, first, "ben"),
    ]
    assert registry.history()[0].at == "2026-01-02T03:04:05+00:00"


def test_rollback_goes_back_one_champion_each_time(registry):
    versions = [stored(registry, str(number)) for number in range(3)]
    for version in versions:
        registry.promote(version, by="me", at=NOW, reason="test")

    registry.rollback(by="me", at=NOW)
    once = registry.champion()
    registry.rollback(by="me", at=NOW)
    twice = registry.champion()

    assert (once, twice) == (versions[1], versions[0])
    with pytest.raises(ModelError, match="before"):
        registry.rollback(by="me", at=NOW)


def test_a_rollback_can_be_followed_by_a_promotion_and_undone(registry):
    first, second, third = (stored(registry, str(number)) for number in range(3))
    registry.promote(first, by="me", at=NOW, reason="test")
    registry.promote(second, by="me", at=NOW, reason="test")
    registry.rollback(by="me", at=NOW)
    registry.promote(third, by="me", at=NOW, reason="test")

    registry.rollback(by="me", at=NOW)

    assert registry.champion() == first


def test_rollback_needs_two_champions(registry):
    registry.promote(stored(registry, "{}"), by="me", at=NOW, reason="the first")

    with pytest.raises(ModelError, match="before"):
        registry.rollback(by="me", at=NOW)


def test_a_broken_alias_is_refused(registry):
    registry.promote(stored(registry, "{}"), by="me", at=NOW, reason="the first")
    (registry.folder / "champion.json").write_text("[]")

    with pytest.raises(TamperedModelError):
        registry.champion()


def test_a_save_that_fails_leaves_nothing(registry):
    def write(folder: Path) -> None:
        (folder / "model.json").write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        registry.save(write, CARD, as_of=date(2026, 1, 1))

    assert list(registry.folder.iterdir()) == []


SAVER = """
import sys
from datetime import date
from pathlib import Path
from clv.registry import Registry

def write(folder):
    (folder / "model.json").write_text("half")
    print("inside", flush=True)
    sys.stdin.read()

Registry(Path(sys.argv[1])).save(write, {}, as_of=date(2026, 1, 1))
"""


def test_a_killed_save_is_not_visible_and_is_cleaned_up_by_the_next(registry):
    champion = stored(registry, "good")
    registry.promote(champion, by="me", at=NOW, reason="the first")
    command = [sys.executable, "-c", SAVER, str(registry.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "inside\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    after_kill = registry.versions()
    newer = stored(registry, "newer")

    assert after_kill == [champion]
    assert registry.champion() == champion
    assert sorted(path.name for path in registry.folder.iterdir()) == sorted([champion, newer, "champion.json"])


def test_every_file_in_a_version_is_plain_data(registry):
    version = stored(registry, json.dumps({"a": 1}))

    for path in registry.verified(version).iterdir():
        json.loads(path.read_text())


def test_what_the_gate_said_is_kept_per_version(registry):
    first, second = stored(registry, "1"), stored(registry, "2")

    registry.remember_verdict(first, "the first")
    registry.remember_verdict(second, "no better")

    assert registry.verdicts() == {first: "the first", second: "no better"}
    assert registry.versions() == [first, second]


def test_a_rollback_is_known_before_it_is_made(registry):
    first, second = stored(registry, "1"), stored(registry, "2")
    registry.promote(first, by="me", at=NOW, reason="")
    assert registry.before_champion() is None
    registry.promote(second, by="me", at=NOW, reason="")

    assert registry.before_champion() == first
    assert registry.rollback(by="me", at=NOW).version == first
    assert registry.before_champion() is None
