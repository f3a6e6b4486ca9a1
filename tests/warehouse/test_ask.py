import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from tiny_shop import TinyShop

from clv.errors import BuildError, NoBuildError, RequestError
from warehouse import ask, publish
from warehouse.ask import Warehouse


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda door: door.current(), id="current"),
        pytest.param(lambda door: door.query("overview/headline", least=""), id="query"),
        pytest.param(lambda door: door.table("marts.customers"), id="table"),
        pytest.param(lambda door: door.run_sql("select 1"), id="run_sql"),
        pytest.param(lambda door: door.features(date(2024, 1, 1)), id="features"),
        pytest.param(lambda door: door.outcomes(date(2024, 1, 1), 30), id="outcomes"),
        pytest.param(lambda door: door.shell().__enter__(), id="shell"),
    ],
)
def test_asking_before_the_first_build_says_what_to_do(tmp_path: Path, ask):
    shop = TinyShop(tmp_path)
    shop.write_sql()

    with pytest.raises(NoBuildError, match="clv build"):
        ask(Warehouse(shop.data, sql_root=shop.sql))


def test_a_door_opened_before_the_first_build_sees_it(shop: TinyShop):
    warehouse = Warehouse(shop.data, sql_root=shop.sql)
    with pytest.raises(NoBuildError):
        warehouse.current()

    info = shop.build()

    assert (warehouse.current().id, warehouse.current().as_of) == (info.id, date(2024, 3, 1))


def test_the_next_build_is_seen_by_the_next_query(shop: TinyShop, warehouse: Warehouse):
    before = warehouse.query("overview/headline", least="")
    shop.land([("c4", "o9", "2024-03-05 12:00:00", 100.0)])
    shop.build()

    after = warehouse.query("overview/headline", least="")

    assert (before["revenue"][0], after["revenue"][0]) == (36.5, 136.5)


def test_parameters_are_bound(warehouse: Warehouse):
    assert warehouse.query("overview/headline", least="c2")["n_customers"].tolist() == [2]
    assert warehouse.query("overview/headline", least="' or true --")["n_customers"].tolist() == [3]


@pytest.mark.parametrize("params", [{}, {"least": "", "most": ""}], ids=["missing", "unknown"])
def test_other_parameters_than_the_querys_are_refused(warehouse: Warehouse, params):
    with pytest.raises(RequestError, match="overview/headline"):
        warehouse.query("overview/headline", **params)


@pytest.mark.parametrize("name", ["overview/nothing", "../core/orders", "overview", "/etc/passwd", "core.orders; drop"])
def test_only_names_of_files_are_queries(warehouse: Warehouse, name):
    with pytest.raises(RequestError):
        warehouse.query(name)


def test_an_answer_is_remembered_and_safe_from_its_reader(warehouse: Warehouse):
    first = warehouse.query("overview/headline", least="")
    first.loc[0, "revenue"] = -1.0

    assert warehouse.query("overview/headline", least="")["revenue"].tolist() == [36.5]
    assert warehouse.arrow("overview/headline", least="") is warehouse.arrow("overview/headline", least="")


def test_a_build_that_lacks_what_a_query_reads_says_so(shop: TinyShop, warehouse: Warehouse):
    path = shop.sql / "queries" / "overview" / "headline.sql"
    path.write_text(path.read_text().replace("from marts.customers", "from marts.tomorrow"), encoding="utf-8")

    with pytest.raises(RequestError, match="made by another version and lacks what overview/headline reads"):
        warehouse.query("overview/headline", least="")


def test_an_edited_query_answers_anew(shop: TinyShop, warehouse: Warehouse):
    warehouse.query("overview/headline", least="")
    shop.put_sql("queries/overview/headline.sql", "select 7 as n where $least = ''")

    assert warehouse.query("overview/headline", least="")["n"].tolist() == [7]


def test_the_shell_gives_the_same_answer_to_the_pasted_query(shop: TinyShop, warehouse: Warehouse):
    sql = warehouse.shell_sql("overview/headline", {"least": "c'"})

    with warehouse.shell() as argv:
        done = subprocess.run([*argv, "-csv"], input=sql, capture_output=True, text=True, check=True)

    wanted = warehouse.query("overview/headline", least="c'")
    assert done.stdout.split()[-1] == f"{wanted['n_customers'][0]},{wanted['revenue'][0]},2024-03-01"


def test_the_shell_cannot_write(warehouse: Warehouse):
    with warehouse.shell() as argv:
        done = subprocess.run([*argv, "-c", "create table marts.x as select 1"], capture_output=True, text=True)

    assert done.returncode != 0
    assert "read-only" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "select count(*) as n from core.orders",
        "with o as (from core.orders) select count(*) as n from o;",
        "describe core.orders",
        "summarize marts.customers",
        "explain select 1",
        "show all tables",
        "values (1)",
    ],
)
def test_typed_sql_may_read(warehouse: Warehouse, text):
    assert len(warehouse.run_sql(text)) > 0


@pytest.mark.parametrize(
    "text",
    [
        "create table x as select 1",
        "insert into marts.customers values (1)",
        "drop view core.orders",
        "attach '/tmp/x.duckdb'",
        "copy core.orders to '/tmp/x.csv'",
        "copy (select 1) to 'core/x.parquet'",
        "set enable_external_access = true",
        "pragma threads = 1",
        "install httpfs",
        "select 1; select 2",
        "",
        "select * from read_csv('/etc/passwd')",
        "from '/etc/passwd'",
        "select * from read_text('../../journal.db')",
        "select getenv('HOME')",
        "selec 1",
    ],
)
def test_typed_sql_may_do_nothing_else(warehouse: Warehouse, text):
    with pytest.raises(RequestError):
        warehouse.run_sql(text)


def test_typed_sql_is_cut_at_the_row_limit(warehouse: Warehouse):
    assert len(warehouse.run_sql("from core.orders", max_rows=2)) == 2


def test_an_older_build_can_be_asked(shop: TinyShop, warehouse: Warehouse):
    first = warehouse.current().id
    shop.land([("c4", "o9", "2024-03-05 12:00:00", 100.0)])
    second = shop.build().id

    assert [handle.id for handle in warehouse.builds()] == [second, first]
    assert warehouse.query("overview/headline", build=first, least="")["revenue"].tolist() == [36.5]
    assert warehouse.query("overview/headline", least="")["revenue"].tolist() == [136.5]


def test_an_unknown_build_is_refused(warehouse: Warehouse):
    with pytest.raises(NoBuildError, match="there is no build nothing"):
        warehouse.query("overview/headline", build="nothing", least="")


def test_a_superseded_build_is_let_go(shop: TinyShop, warehouse: Warehouse):
    first = warehouse.current().id
    for value in range(4):
        shop.predict(float(value))
        shop.build()
        warehouse.current()

    assert first not in publish.build_ids(shop.data)
    assert len(publish.build_ids(shop.data)) == 3


def test_a_picked_build_stays_until_another_is_picked(shop: TinyShop, warehouse: Warehouse):
    picked = warehouse.current().id
    warehouse.current(picked)
    for value in range(4):
        shop.predict(float(value))
        shop.build()
        warehouse.current()

    assert picked in publish.build_ids(shop.data)
    warehouse.current(publish.build_ids(shop.data)[1])
    shop.predict(9.0)
    shop.build()
    assert picked not in publish.build_ids(shop.data)


def test_a_door_that_is_open_at_a_fork_refuses_rather_than_hangs(warehouse: Warehouse, monkeypatch):
    warehouse.query("overview/headline", least="")
    monkeypatch.setattr(warehouse, "_pid", -1)

    with pytest.raises(BuildError, match="after the fork"):
        warehouse.query("overview/headline", least="")


def test_a_door_that_was_not_open_yet_may_be_forked(warehouse: Warehouse, monkeypatch):
    monkeypatch.setattr(warehouse, "_pid", -1)

    assert warehouse.query("overview/headline", least="")["n_customers"].tolist() == [3]


def test_a_typed_statement_that_takes_too_long_is_stopped(warehouse: Warehouse, monkeypatch):
    monkeypatch.setattr(ask, "TYPED_SECONDS", 0.05)

    with pytest.raises(RequestError, match=r"(?i)interrupt"):
        warehouse.run_sql("select sum(a.i * b.i) as n from range(100000000) as a(i), range(100000) as b(i)")


def test_threads_share_the_door_over_a_publish(shop: TinyShop, warehouse: Warehouse):
    shop.put_sql("queries/overview/sums.sql", "select sum(amount) + $i as revenue, $i as i from core.orders")
    stop = threading.Event()

    def read(i: int) -> set[float]:
        seen: set[float] = set()
        while not stop.is_set():
            row = warehouse.query("overview/sums", i=i).iloc[0]
            assert row["i"] == i
            seen.add(row["revenue"] - i)
        return seen

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(read, i) for i in range(4)]
        for day in (1, 2):
            shop.land([("c4", f"n{day}", f"2024-03-{day:02d} 12:00:00", 100.0)])
            shop.build()
        stop.set()
        seen = set().union(*(future.result() for future in running))

    assert seen <= {36.5, 136.5, 236.5}
    assert len(seen) >= 2


def test_features_at_the_builds_date_are_those_of_the_build(warehouse: Warehouse):
    made = warehouse.table("features.customer_features")

    found = warehouse.features(date(2024, 3, 1))

    # the build writes one file a bucket, here they are one query
    pd.testing.assert_frame_equal(found, made.sort_values("customer_id", ignore_index=True))


@pytest.mark.parametrize("rows_per_query", [1, 2, 100])
def test_how_many_buckets_a_query_takes_changes_no_row(warehouse: Warehouse, monkeypatch, rows_per_query: int):
    whole = warehouse.features(date(2024, 2, 29))
    monkeypatch.setattr(ask, "ROWS_PER_QUERY", rows_per_query)

    found = warehouse.features(date(2024, 2, 29))

    pd.testing.assert_frame_equal(found.sort_values("customer_id", ignore_index=True), whole)


def test_some_buckets_are_some_customers_with_the_rows_that_they_have_among_all(warehouse: Warehouse):
    whole = warehouse.features(date(2024, 3, 1)).set_index("customer_id")
    parts = [warehouse.features(date(2024, 3, 1), buckets=[n]) for n in range(warehouse.current().n_buckets)]

    together = pd.concat(parts).set_index("customer_id")

    assert all(len(part) < len(whole) for part in parts)
    pd.testing.assert_frame_equal(together.sort_index(), whole)


def test_outcomes_of_some_buckets_are_about_the_customers_of_their_features(warehouse: Warehouse):
    for bucket in range(warehouse.current().n_buckets):
        known = set(warehouse.features(date(2024, 3, 1), buckets=[bucket])["customer_id"])

        found = warehouse.outcomes(date(2024, 1, 1), 60, buckets=[bucket])

        assert set(found["customer_id"]) == known


def test_features_can_be_asked_again_after_closing_and_after_the_next_build(shop: TinyShop, warehouse: Warehouse):
    before = warehouse.features(date(2024, 3, 1))
    warehouse.close()
    shop.land([("c4", "o9", "2024-03-05 12:00:00", 100.0)])
    shop.build()

    after = warehouse.features(date(2024, 3, 6))

    assert set(after["customer_id"]) - set(before["customer_id"]) == {"c4"}


def test_features_at_an_earlier_date_know_nothing_later(warehouse: Warehouse):
    frame = warehouse.features(date(2024, 2, 3)).set_index("customer_id")

    assert frame["revenue"].to_dict() == {"c1": 30.0}


def test_features_after_the_build_are_refused(warehouse: Warehouse):
    with pytest.raises(RequestError, match="knows only what happened before 2024-03-01"):
        warehouse.features(date(2024, 3, 2))


def test_features_may_read_features_at_the_same_date(shop: TinyShop, warehouse: Warehouse):
    shop.put_sql(
        "features/totals.sql", "select sum(amount) as total from core.orders where order_ts < $as_of order by total"
    )
    shop.put_sql(
        "features/shares.sql",
        "-- layout: bucketed\n"
        "select customer_id, sum(amount) / (select max(total) from features.totals) as revenue_share"
        " from core.orders where bucket = $bucket and order_ts < $as_of group by customer_id order by customer_id",
    )

    frame = warehouse.at_date("features.shares", date(2024, 2, 29)).to_pandas()

    # 30 and 5 of the 35 known by then
    assert sorted(frame["revenue_share"]) == [5 / 35, 30 / 35]


def test_outcomes_are_what_happened_in_the_horizon(warehouse: Warehouse):
    frame = warehouse.outcomes(date(2024, 2, 1), 28)

    # o2 on 1 February is in; o4 on 29 February is the 29th day and is out
    assert frame.set_index("customer_id")["revenue"].to_dict() == {"c1": 20.0, "c2": 5.0}


def test_an_outcome_that_has_not_ended_is_refused_unless_asked_for(warehouse: Warehouse):
    with pytest.raises(RequestError, match="end on 2024-03-02"):
        warehouse.outcomes(date(2024, 2, 1), 30)

    assert len(warehouse.outcomes(date(2024, 2, 1), 30, is_partial_ok=True)) == 3


def test_nothing_is_left_behind_by_features(warehouse: Warehouse):
    warehouse.features(date(2024, 2, 1))
    warehouse.close()

    assert [path for path in (warehouse.data / "cache").glob("*/*") if path.name != f"{os.getpid()}-ask"] == []


def test_query_names_and_texts_are_those_of_the_files(shop: TinyShop, warehouse: Warehouse):
    assert warehouse.query_names() == ["overview/headline"]
    assert warehouse.sql_text("overview/headline") == (shop.sql / "queries/overview/headline.sql").read_text(
        encoding="utf-8"
    )
    assert "from staging.transactions" in warehouse.sql_text("core.orders")


def test_a_build_whose_serving_file_is_gone_says_what_to_do(shop: TinyShop):
    info = shop.build()
    (info.path / "serving.duckdb").unlink()

    with pytest.raises(NoBuildError, match=r"is damaged.*`clv build` makes it anew"):
        Warehouse(shop.data, sql_root=shop.sql).query("overview/headline", least="")
