from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from clv import simulate
from clv.config import Engine, Paths, Settings
from clv.errors import SettingsError, SourceError
from clv.simulate_dirt import ADDED, KINDS, dirty_lines
from jobs.demo import DIRTY_SHARE, FILES, DemoInfo, remove_demo, write_demo
from warehouse import publish
from warehouse.build import build
from warehouse.ingest import land
from warehouse.landing import landed_files

END = date(2026, 11, 1)
COLUMNS = {
    "transactions": (
        "customer_id,order_id,order_date,amount,category,channel,is_repeat,persona,is_subscriber,subscription_plan,"
        "is_churned,quantity,discount,product,country,is_return"
    ),
    "customers": (
        "customer_id,persona,is_subscriber,subscription_plan,is_churned,first_order_date,last_order_date,total_orders,"
        "total_revenue,distinct_categories,distinct_channels,name,email,country,acquisition_channel,acquisition_cost,"
        "consent"
    ),
    "cart_events": "customer_id,event_id,event_date,cart_value,category,channel,persona,converted",
    "campaigns": "campaign_id,customer_id,treated,sent_ts,action,cost,propensity",
}

REASONS = {
    "exact_duplicate": "duplicate",
    "missing_customer": "missing_customer",
    "missing_date": "missing_date",
    "future_date": "future_date",
    "date_of_1970": "date_too_old",
    "absurd_amount": "absurd_amount",
    "amount_in_words": "bad_amount",
    "too_few_cells": "too_few_columns",
    "too_many_cells": "too_many_columns",
    "unclosed_quote": "unclosed_quote",
    "invalid_utf8": "invalid_encoding",
    "nul_byte": "nul_byte",
}


@pytest.fixture
def settings(new_data: Callable[[Path], Path], tmp_path: Path) -> Settings:
    """A small shop of which there is nothing yet."""
    return Settings(paths=Paths(data=new_data(tmp_path)), engine=Engine(buckets=2))


def write(folder: Path, **changes: object) -> DemoInfo:
    arguments = {"n_customers": 400, "n_months": 12, "seed": 3, "end_date": END, **changes}
    return write_demo(Settings(paths=Paths(data=folder)), **arguments)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("source", FILES)
def test_files_have_the_promised_columns_and_rows(tmp_path: Path, source: str) -> None:
    info = write(tmp_path)

    with info.files[source].open(encoding="utf-8", newline="") as stream:
        header, *rows = list(csv.reader(stream))

    assert info.files[source] == tmp_path / "raw" / FILES[source]
    assert ",".join(header) == COLUMNS[source]
    assert len(rows) == info.n_rows[source] > 0
    assert {len(row) for row in rows} == {len(header)}


def test_clean_files_need_no_quotes(tmp_path: Path) -> None:
    info = write(tmp_path)

    assert all(b'"' not in path.read_bytes() for path in info.files.values())


def test_amounts_have_two_decimals(tmp_path: Path) -> None:
    with write(tmp_path).files["transactions"].open(encoding="utf-8", newline="") as stream:
        assert all(row["amount"][-3] == "." for row in csv.DictReader(stream))


@pytest.mark.parametrize("dirty", [0.0, 0.05], ids=["clean", "dirty"])
def test_same_arguments_give_the_same_bytes(tmp_path: Path, dirty: float) -> None:
    write(tmp_path / "a", dirty=dirty)
    write(tmp_path / "b", dirty=dirty)

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_files_are_the_blocks_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "BLOCK", 100)
    seen: list[float] = []

    info = write(tmp_path, progress=lambda share, _: seen.append(share))

    with info.files["customers"].open(encoding="utf-8", newline="") as stream:
        ids = [row["customer_id"] for row in csv.DictReader(stream)]
    assert ids == sorted(ids)
    assert len(ids) == 400
    assert seen == [0.25, 0.5, 0.75, 1.0]


def test_truth_lies_beside_the_raw_folder_with_a_row_for_each_customer(tmp_path: Path) -> None:
    info = write(tmp_path)

    card = json.loads((info.truth / "truth.json").read_text())

    assert info.truth == tmp_path / "truth"
    assert pq.read_table(info.truth / "truth.parquet").num_rows == card["n_customers"] == 400
    assert card["as_of"] == "2026-11-01"
    assert card["n_rows"] == info.n_rows
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == [".clv-demo.json", *sorted(FILES.values())]


def test_own_files_are_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    before = contents(tmp_path)

    write(tmp_path, seed=4)

    assert contents(tmp_path)["campaigns.csv"] != before["campaigns.csv"]


@pytest.mark.parametrize("name", FILES.values())
def test_files_of_others_are_not_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / name).write_text("mine\n")

    with pytest.raises(SourceError, match=name):
        write(tmp_path)

    assert contents(tmp_path) == {name: b"mine\n"}


def test_own_files_that_were_edited_are_not_touched(tmp_path: Path) -> None:
    edited = write(tmp_path).files["campaigns"]
    edited.write_text(edited.read_text() + "by hand\n")

    with pytest.raises(SourceError, match="changed since"):
        write(tmp_path, seed=4)


def test_a_failure_leaves_the_old_files(tmp_path: Path) -> None:
    write(tmp_path)
    before = contents(tmp_path)

    def stop(share: float, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, seed=4, progress=stop)

    assert contents(tmp_path) == before


@pytest.mark.parametrize("changes", [{"n_customers": 0}, {"n_months": 0}, {"dirty": 1.5}])
def test_impossible_wishes_are_settings_errors(tmp_path: Path, changes: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        write(tmp_path, **changes)


def test_dirt_is_counted_by_kind(tmp_path: Path) -> None:
    clean = write(tmp_path / "clean", n_customers=8000).files["transactions"].read_bytes().split(b"\n")
    info = write(tmp_path / "dirty", n_customers=8000, dirty=0.3)
    dirty = info.files["transactions"].read_bytes().split(b"\n")

    assert set(info.n_dirty) == set(KINDS)
    assert json.loads((info.truth / "truth.json").read_text())["n_dirty"] == info.n_dirty
    added = sum(info.n_dirty[kind] for kind in ADDED)
    assert len(dirty) - len(clean) == added
    assert sum(b"\x00" in line for line in dirty) == info.n_dirty["nul_byte"]
    assert sum(b"\xff" in line for line in dirty) == info.n_dirty["invalid_utf8"]
    assert sum(b",2099-" in line for line in dirty) == info.n_dirty["future_date"]
    assert sum(line.startswith(b",") for line in dirty) == info.n_dirty["missing_customer"]
    assert len(dirty) - len(set(dirty)) >= info.n_dirty["exact_duplicate"]


def test_dirt_on_wish_has_the_share_that_the_option_promises(tmp_path: Path) -> None:
    info = write(tmp_path, n_customers=3000, dirty=True)

    share = sum(info.n_dirty.values()) / info.n_rows["transactions"]

    assert share == pytest.approx(DIRTY_SHARE, rel=0.3)


def test_dirt_keeps_every_good_row(tmp_path: Path) -> None:
    lines = [f"C{i},O{i},2026-01-02 03:04:05,10.00,x,false".encode() for i in range(4000)]
    columns = ["customer_id", "order_id", "order_date", "amount", "product", "is_return"]

    out, counts = dirty_lines(np.random.default_rng(5), lines, 0.5, columns)

    rewritten = sum(n for kind, n in counts.items() if kind not in ADDED)
    assert len(set(lines) & set(out)) == len(lines) - rewritten


def test_landing_puts_aside_exactly_the_dirt_and_keeps_the_money(tmp_path: Path) -> None:
    clean = write(tmp_path / "clean", n_customers=2000)
    dirty = write(tmp_path / "dirty", n_customers=2000, dirty=0.05)
    settings = Settings(paths=Paths(data=tmp_path / "dirty"), root=tmp_path)

    land(settings, today=END)

    landed = tmp_path / "dirty" / "landing" / "transactions" / "*"
    aside, kept, good = (
        str(landed / "quarantine*.parquet"),
        str(landed / "accepted*.parquet"),
        clean.files["transactions"],
    )
    with duckdb.connect() as engine:
        counts = engine.execute("select reasons, count(*) from read_parquet($1) group by all", [aside]).fetchall()
        [(n_kept, kept_amount)] = engine.execute(
            "select count(*), sum(amount) from read_parquet($1)", [kept]
        ).fetchall()
        [(good_amount,)] = engine.execute("select sum(amount) from read_csv($1)", [str(good)]).fetchall()
    assert dict(counts) == {REASONS[kind]: n for kind, n in dirty.n_dirty.items() if kind in REASONS}
    # A zero amount is a purchase of nothing: it is landed.
    assert n_kept == clean.n_rows["transactions"] + dirty.n_dirty["zero_amount"]
    assert kept_amount == pytest.approx(good_amount)


MINE = "customer_id,order_id,order_date,amount\nann,1,2026-01-01,10.00\n"


def orders_landed(settings: Settings) -> dict[str, int]:
    landed = landed_files(settings.paths.landing)
    return {one.account["file_name"]: one.account["n_accepted"] for one in landed if one.source == "transactions"}


def test_another_synthetic_shop_replaces_the_landed_one(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(data=tmp_path))
    for n_customers in (40, 30):
        write(tmp_path, n_customers=n_customers)
        land(settings, today=END)

    customers = [one for one in landed_files(settings.paths.landing) if one.source == "customers"]
    assert [one.account["n_accepted"] for one in customers] == [30]


def test_removing_leaves_own_files_and_nothing_of_the_synthetic_shop(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, n_customers=40)
    (settings.paths.raw / "my_orders.csv").write_text(MINE)
    land(settings, today=END)
    build(settings)
    champion = settings.paths.registry / "value" / "champion.json"
    champion.parent.mkdir(parents=True)
    champion.touch()

    remove_demo(settings)

    assert orders_landed(settings) == {"my_orders.csv": 1}
    assert [path.name for path in settings.paths.raw.iterdir()] == ["my_orders.csv"]
    assert publish.current_id(tmp_path) is None
    assert publish.build_ids(tmp_path) == []
    assert not champion.exists()
    assert not (tmp_path / "truth").exists()
    assert build(settings).as_of == date(2026, 1, 2)


def test_without_a_synthetic_shop_removing_touches_nothing(settings: Settings, tmp_path: Path) -> None:
    settings.paths.raw.mkdir()
    (settings.paths.raw / "my_orders.csv").write_text(MINE)
    land(settings, today=END)
    build(settings)

    with pytest.raises(SourceError, match="nothing was removed"):
        remove_demo(settings)

    assert publish.current_id(tmp_path) is not None


def test_a_synthetic_file_that_was_edited_is_not_removed(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(data=tmp_path))
    info = write(tmp_path)
    with info.files["transactions"].open("a") as file:
        file.write("mine\n")
    before = contents(tmp_path)

    with pytest.raises(SourceError, match="changed since"):
        remove_demo(settings)

    assert contents(tmp_path) == before
