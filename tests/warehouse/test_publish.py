import multiprocessing
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tiny_shop import TinyShop, build_stamped

from clv.errors import NoBuildError
from warehouse import publish
from warehouse.ask import Warehouse

REPO = Path(__file__).resolve().parents[2]
BUILDERS = multiprocessing.get_context("forkserver")
"""Forks a process for each builder off one that has loaded all it needs, which takes longer than to build."""
BUILDERS.set_forkserver_preload(["tiny_shop"])
STEPS = [
    "staging.transactions",
    "core.orders",
    "marts.customers",
    "checking",
    "writing the serving file",
    "writing the manifest",
    "publishing",
    "removing old builds",
    "build ",
]
"""What a build says on its way: one place to die before, between and after all that matters."""

READER = """
import os, sys
from pathlib import Path
from warehouse.ask import Warehouse
os.nice(5)  # builders first
data, sql, stop = map(Path, sys.argv[1:])
warehouse, n, builds = Warehouse(data, sql_root=sql), 0, set()
while True:
    last = stop.exists()
    told = warehouse.query("overview/stamps").iloc[0]
    assert told["a"] == told["b"] == told["p"] == told["q"], told.to_dict()
    typed = warehouse.run_sql("select a.stamp - b.stamp as d from marts.stamp_a as a, marts.stamp_b as b")
    assert typed["d"].tolist() == [0]
    builds.add(warehouse.current().id)
    n += 1
    if n == 1:
        print("reading", flush=True)
    if last:
        break
print(n, len(builds))
"""
STAMPS = (
    "select (select max(stamp) from marts.stamp_a) as a, (select max(stamp) from marts.stamp_b) as b,"
    " cast((select max(expected_revenue) from marts.customers) as bigint) as p,"
    " cast((select max(expected_revenue) from outputs.predictions) as bigint) as q"
)


def built_elsewhere(shop: TinyShop, stamp: int, kill_at: str = "") -> int | None:
    """The exit code of a builder process."""
    builder = BUILDERS.Process(target=build_stamped, args=(shop.root, stamp, kill_at))
    builder.start()
    builder.join()
    return builder.exitcode


def test_nothing_is_published_at_first(tmp_path: Path):
    with pytest.raises(NoBuildError, match="clv build"):
        publish.lease(tmp_path)


@pytest.mark.parametrize("step", STEPS)
def test_a_builder_killed_at_any_step_leaves_the_last_or_the_next_build(shop: TinyShop, step: str):
    assert built_elsewhere(shop, 1) == 0
    before = publish.current_id(shop.data)

    assert built_elsewhere(shop, 2, kill_at=step) == -signal.SIGKILL

    # `current` moves between "publishing" and "removing old builds"
    has_moved = publish.current_id(shop.data) != before
    assert has_moved == (step in ("removing old builds", "build "))
    shop.put_sql("queries/overview/stamps.sql", STAMPS)
    told = Warehouse(shop.data, sql_root=shop.sql).query("overview/stamps").iloc[0]
    assert set(told) == {2 if has_moved else 1}


@pytest.mark.parametrize("step", ["core.orders", "writing the manifest", "publishing"])
def test_the_run_after_a_kill_is_clean(shop: TinyShop, step: str):
    assert built_elsewhere(shop, 1) == 0
    assert built_elsewhere(shop, 2, kill_at=step) == -signal.SIGKILL

    assert built_elsewhere(shop, 3) == 0

    finished = publish.build_ids(shop.data)
    assert sorted(path.name for path in (shop.data / "builds").iterdir()) == sorted(finished)
    shop.put_sql("queries/overview/stamps.sql", STAMPS)
    assert set(Warehouse(shop.data, sql_root=shop.sql).query("overview/stamps").iloc[0]) == {3}


def test_only_the_newest_builds_are_kept(shop: TinyShop):
    ids = []
    for value in range(5):
        shop.predict(float(value))
        ids.append(shop.build().id)

    assert publish.build_ids(shop.data) == sorted(ids, reverse=True)[:3]


def test_a_leased_build_is_not_collected(shop: TinyShop):
    first = shop.build()
    with publish.lease(shop.data) as held:
        for value in range(4):
            shop.predict(float(value))
            shop.build()

        assert held.folder.is_dir()
        assert first.id in publish.build_ids(shop.data)
    shop.predict(9.0)
    shop.build()

    assert first.id not in publish.build_ids(shop.data)


def test_a_folder_without_manifest_is_invisible_and_goes(shop: TinyShop):
    shop.build()
    stray = shop.data / "builds" / "29990101T000000-abcdef"
    stray.mkdir()
    (stray / ".lease").touch()

    assert stray.name not in publish.build_ids(shop.data)
    with pytest.raises(NoBuildError):
        publish.lease(shop.data, stray.name)
    shop.build()

    assert not stray.exists()


def test_a_build_outside_the_folder_cannot_be_asked_for(shop: TinyShop):
    shop.build()

    with pytest.raises(NoBuildError):
        publish.lease(shop.data, "../builds")


def test_ids_sort_by_time_even_within_a_second_or_when_the_clock_goes_back(shop: TinyShop):
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)

    names = [
        publish.new_folder(shop.data, key * 64, now).name
        for key, now in (("f", noon), ("a", noon), ("b", noon - timedelta(days=1)))
    ]

    assert names == ["20300101T120000-ffffff", "20300101T120001-aaaaaa", "20300101T120002-bbbbbb"]


@pytest.mark.slow
def test_readers_see_whole_builds_while_builders_publish_and_die(shop: TinyShop, tmp_path: Path):
    """Ten publishes and eight kills under three readers: no reader error, no mixed build."""
    shop.put_sql("queries/overview/stamps.sql", STAMPS)
    assert built_elsewhere(shop, 1) == 0
    stop = tmp_path / "stop"
    environ = {**os.environ, "PYTHONPATH": str(REPO)}
    command = [sys.executable, "-c", READER, str(shop.data), str(shop.sql), str(stop)]
    readers = [
        subprocess.Popen(command, cwd=REPO, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [reader.stdout.readline() for reader in readers] == ["reading\n"] * 3
    chance = random.Random(7)
    plan = [""] * 9 + chance.choices(STEPS, k=8)
    chance.shuffle(plan)

    codes = [built_elsewhere(shop, stamp, kill_at) for stamp, kill_at in enumerate(plan, start=2)]
    stop.touch()
    told = [reader.communicate() for reader in readers]

    assert codes == [-signal.SIGKILL if kill_at else 0 for kill_at in plan]
    assert [(reader.returncode, errors) for reader, (_, errors) in zip(readers, told, strict=True)] == [(0, "")] * 3
    assert all(int(answer.split()[1]) >= 2 for answer, _ in told), told
