import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pytest
from tiny_shop import ORDERS, TinyShop

from clv.config import Engine
from clv.errors import BuildError, BusyError, CheckFailedError, SettingsError, SqlFileError
from clv.segments import Rule
from warehouse import outputs, publish, segment_rules
from warehouse.ask import Warehouse
from warehouse.build import EMPTY_AS_OF, is_of_this_version
from warehouse.ingest import land


def contents(folder: Path) -> dict[str, bytes]:
    """Every Parquet file of a build, by its name in the build."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def inodes(folder: Path, schema: str) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in sorted((folder / schema).rglob("*.parquet"))}


def test_a_build_has_the_numbers_of_the_landed_rows(shop: TinyShop):
    shop.build()

    answer = Warehouse(shop.data, sql_root=shop.sql).query("overview/headline", least="")

    # 10 + 20 + 5 + 1.5
    assert answer.iloc[0][["n_customers", "revenue"]].tolist() == [3, 36.5]


def test_the_default_as_of_is_the_day_after_the_last_transaction(shop: TinyShop):
    assert shop.build().as_of == date(2024, 3, 1)


def test_nothing_on_or_after_as_of_is_read(shop: TinyShop):
    shop.build(as_of=date(2024, 2, 3))

    answer = Warehouse(shop.data, sql_root=shop.sql).query("overview/headline", least="")

    # o3 is dated at midnight of the as-of date, which is not known any more
    assert answer.iloc[0][["n_customers", "revenue"]].tolist() == [1, 30.0]


def test_an_empty_shop_builds(tmp_path: Path):
    shop = TinyShop(tmp_path)
    shop.write_sql()

    info = shop.build()

    answer = Warehouse(shop.data, sql_root=shop.sql).query("overview/headline", least="")
    assert (info.as_of, answer["n_customers"].tolist()) == (EMPTY_AS_OF, [0])


def test_a_file_without_one_good_row_is_an_empty_shop(tmp_path: Path):
    shop = TinyShop(tmp_path)
    shop.write_sql()
    folder = shop.land([])
    (folder / "accepted.parquet").unlink()

    assert shop.build().as_of == EMPTY_AS_OF


def test_the_same_inputs_give_the_same_bytes(shop: TinyShop, tmp_path: Path):
    shop.predict(3.0)
    first = contents(shop.build().path)
    shutil.rmtree(shop.data / "builds")
    (shop.data / "current").unlink()

    second = contents(shop.build().path)

    assert first == second
    assert {"core/orders/0000.parquet", "core/orders/0001.parquet", "marts/customers.parquet"} <= set(first)


def test_the_order_of_landing_does_not_show(tmp_path: Path):
    made = []
    for name, rows in (("a", ORDERS), ("b", ORDERS[::-1])):
        shop = TinyShop(tmp_path / name)
        shop.write_sql()
        shop.land(rows)
        made.append(contents(shop.build().path)["marts/customers.parquet"])

    assert made[0] == made[1]


def test_an_unchanged_shop_keeps_its_build(shop: TinyShop):
    first = shop.build()

    second = shop.build()

    assert (second.id, second.reused) == (first.id, True)


def test_white_space_and_comments_rebuild_nothing(shop: TinyShop):
    first = shop.build()
    path = shop.sql / "core" / "orders.sql"
    path.write_text(path.read_text(encoding="utf-8").replace("select", "SELECT -- so\n  "), encoding="utf-8")

    assert shop.build().id == first.id


def test_a_changed_mart_leaves_core_linked(shop: TinyShop):
    first = shop.build()
    shop.put_sql("marts/revenue.sql", "select sum(amount) * 2e0 as revenue from core.orders order by revenue")

    second = shop.build()

    assert inodes(first.path, "core") == inodes(second.path, "core")
    assert inodes(first.path, "marts")["customers.parquet"] == inodes(second.path, "marts")["customers.parquet"]
    assert inodes(first.path, "marts")["revenue.parquet"] != inodes(second.path, "marts")["revenue.parquet"]


def test_a_changed_core_file_rebuilds_what_reads_it(shop: TinyShop):
    shop.build()
    path = shop.sql / "core" / "orders.sql"
    path.write_text(
        path.read_text(encoding="utf-8").replace("amount, category\nfrom", "amount + 1e0 as amount, category\nfrom"),
        encoding="utf-8",
    )

    second = shop.build()

    linked = {name for name, table in second.tables.items() if table["is_linked"]}
    assert linked == {"staging.transactions"}


def test_a_new_file_is_taken_in(shop: TinyShop):
    shop.build()
    shop.land([("c4", "o9", "2024-03-05 12:00:00", 100.0)])

    info = shop.build()

    answer = Warehouse(shop.data, sql_root=shop.sql).query("overview/headline", least="")
    assert (info.as_of, answer["revenue"].tolist()) == (date(2024, 3, 6), [136.5])


def test_a_file_that_is_landed_again_with_more_rows_is_read_again(tmp_path: Path):
    """Two of three lines are quarantined as of the future on the first day; a third is still to come on the second."""
    raw = tmp_path / "data" / "raw" / "transactions.csv"
    raw.parent.mkdir(parents=True)
    lines = ("c1,o1,2024-02-01,10", "c1,o2,2024-02-05,20", "c2,o3,2024-02-09,40")
    raw.write_text("\n".join(["customer_id,order_id,order_date,amount", *lines]) + "\n", encoding="utf-8")
    shop = TinyShop(tmp_path)
    shop.write_sql()
    found = []
    for today in (date(2024, 2, 2), date(2024, 2, 6)):
        land(shop.settings, today=today)
        info = shop.build()
        answer = Warehouse(shop.data, sql_root=shop.sql).query("overview/headline", least="")
        found.append((info.as_of, answer["revenue"].tolist()))

    assert found == [(date(2024, 2, 2), [10.0]), (date(2024, 2, 6), [30.0])]


def test_a_folder_without_account_is_not_landed(shop: TinyShop):
    folder = shop.land([("c4", "o9", "2024-03-05 12:00:00", 100.0)])
    (folder / "account.json").unlink()

    assert shop.build().as_of == date(2024, 3, 1)


def test_the_newest_mapping_of_a_file_wins(shop: TinyShop):
    shop.land(ORDERS, content_sha256="same", landed_at="2024-05-02T00:00:00")
    shop.land([("c1", "o1", "2024-01-01 10:00:00", 7.0)], content_sha256="same", landed_at="2024-05-03T00:00:00")

    shop.build()

    assert Warehouse(shop.data, sql_root=shop.sql).query("overview/headline", least="")["revenue"].tolist() == [7.0]


def test_a_new_prediction_is_taken_in_and_the_rest_is_linked(shop: TinyShop):
    first = shop.build()
    shop.predict(50.0)

    second = shop.build()

    assert inodes(first.path, "features") == inodes(second.path, "features")
    table = Warehouse(shop.data, sql_root=shop.sql).table("marts.customers")
    assert table["expected_revenue"].fillna(0).tolist() == [50.0, 50.0, 0.0]


def test_the_setting_of_a_parameter_rebuilds_only_what_uses_it(shop: TinyShop):
    shop.put_sql("marts/margin.sql", "select sum(amount) * $gross_margin as margin from core.orders order by margin")
    shop.build()
    shop.settings = shop.settings.model_copy(
        update={"business": shop.settings.business.model_copy(update={"gross_margin": 0.5})}
    )

    second = shop.build()

    made = {
        name for name, table in second.tables.items() if not table["is_linked"] and name.startswith(("core", "marts"))
    }
    assert made == {"marts.margin"}


def test_own_segment_rules_are_an_input_and_rebuild_only_what_reads_them(shop: TinyShop):
    shop.put_sql("features/rules.sql", "select priority, segment from settings.segment_rules order by priority")
    shop.put_sql("marts/named.sql", "select segment from features.rules order by segment")
    first = shop.build()
    segment_rules.save(shop.settings, [Rule("Best", r_min=5), Rule("Rest")])

    second = shop.build()

    made = {
        name
        for name, table in second.tables.items()
        if not table["is_linked"] and name.startswith(("core", "features", "marts"))
    }
    assert made == {"features.rules", "marts.named"}
    warehouse = Warehouse(shop.data, sql_root=shop.sql)
    assert warehouse.table("marts.named", first.id).empty
    assert warehouse.table("marts.named")["segment"].tolist() == ["Best", "Rest"]
    assert shop.build().id == second.id


def test_wrong_segment_rules_leave_the_last_build_published(shop: TinyShop):
    first = shop.build()
    shop.settings.segment_rules_path.write_text("order,segment\n1,A\n", encoding="utf-8")

    with pytest.raises(SettingsError, match="missing columns"):
        shop.build()

    assert Warehouse(shop.data, sql_root=shop.sql).current().id == first.id


def test_a_build_of_an_earlier_day_does_not_know_what_was_predicted_later(shop: TinyShop):
    shop.predict(1.0)
    contributions = outputs.empty("contributions").reindex(range(1)).assign(customer_id="c1", feature="recency")
    outputs.write(shop.settings.paths.outputs, "contributions", contributions)
    counted = {}

    for as_of in (date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 2)):
        shop.build(as_of=as_of)
        tables = Warehouse(shop.data, sql_root=shop.sql)
        counted[as_of] = [len(tables.table(f"outputs.{name}")) for name in ("predictions", "contributions")]

    assert list(counted.values()) == [[0, 0], [2, 1], [2, 1]]


def test_the_diary_of_runs_alone_makes_no_build(shop: TinyShop):
    first = shop.build()
    runs = outputs.empty("runs").reindex(range(1)).assign(run_id="r1", job="build", status="done")
    outputs.write(shop.settings.paths.outputs, "runs", runs)

    assert shop.build().id == first.id


def test_the_diary_of_runs_comes_with_the_next_build(shop: TinyShop):
    shop.build()
    runs = outputs.empty("runs").reindex(range(1)).assign(run_id="r1", job="build", status="done")
    outputs.write(shop.settings.paths.outputs, "runs", runs)
    shop.predict(1.0)

    shop.build()

    assert Warehouse(shop.data, sql_root=shop.sql).table("outputs.runs")["run_id"].tolist() == ["r1"]


def test_a_damaged_build_is_made_again(shop: TinyShop):
    first = shop.build()
    (first.path / "marts" / "customers.parquet").unlink()

    second = shop.build()

    assert (second.reused, second.id == first.id) == (False, False)


def test_a_failing_statement_names_its_file_and_publishes_nothing(shop: TinyShop):
    first = shop.build()
    shop.put_sql("marts/revenue.sql", "select cast('x' as integer) as n from core.orders order by n")

    with pytest.raises(BuildError, match=r"revenue\.sql: .*Could not convert"):
        shop.build()

    assert publish.current_id(shop.data) == first.id
    assert publish.build_ids(shop.data) == [first.id]


def test_a_parameter_that_no_build_binds_is_refused(shop: TinyShop):
    shop.put_sql("marts/revenue.sql", "select $colour as colour order by colour")

    with pytest.raises(SqlFileError, match=r"revenue\.sql uses \$colour"):
        shop.build()


def test_working_folders_of_dead_processes_go_after_an_hour(shop: TinyShop):
    cache = shop.settings.paths.cache / "duckdb"
    gone = subprocess.Popen(["true"])
    gone.wait()
    mine, old, young = (cache / name for name in (f"{os.getpid()}-x", f"{gone.pid}-x", f"{gone.pid}-y"))
    for folder in (mine, old, young):
        folder.mkdir(parents=True)
    for folder in (mine, old):
        os.utime(folder, (0, 0))

    shop.build()

    assert (mine.exists(), old.exists(), young.exists()) == (True, False, True)


def test_two_builders_do_not_meet(shop: TinyShop):
    shop.data.mkdir(exist_ok=True)

    with publish.builder_lock(shop.data), pytest.raises(BusyError, match="another build is running"):
        shop.build()


def test_core_alone_is_not_published(shop: TinyShop):
    first = shop.build()
    shop.put_sql("marts/revenue.sql", "select 1 as n order by n")

    core = shop.build(only_core=True, as_of=date(2024, 2, 1))

    assert publish.current_id(shop.data) == first.id
    assert "marts.customers" not in core.tables
    assert core.tables["core.orders"]["rows"] == 1


def test_progress_ends_at_one_and_never_falls(shop: TinyShop):
    told: list[tuple[float, str]] = []

    shop.build(progress=lambda share, message: told.append((share, message)))

    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_the_manifest_says_what_is_in_the_build(shop: TinyShop):
    info = shop.build()

    manifest = publish.manifest_of(info.path) or {}

    assert manifest["as_of"] == "2024-03-01"
    assert manifest["tables"]["core.orders"]["rows"] == 4
    assert manifest["sources"][0]["file_name"] == "orders.csv"
    assert [check["n_offending"] for check in manifest["checks"]] == [0, 0, 0]


def test_the_data_folder_can_be_moved(shop: TinyShop):
    shop.put_sql("queries/overview/orders.sql", "select count(*) as n from core.orders")
    shop.build()
    elsewhere = shop.root / "elsewhere"

    shutil.move(shop.data, elsewhere)

    warehouse = Warehouse(elsewhere, sql_root=shop.sql)
    assert warehouse.query("overview/orders")["n"].tolist() == [4]
    assert warehouse.run_sql("select count(*) as n from core.orders")["n"].tolist() == [4]


def test_who_names_the_bucket_reads_one_file_and_the_rows_are_those_of_the_files(shop: TinyShop):
    info = shop.build()
    ask = Warehouse(shop.data, sql_root=shop.sql).run_sql

    of_view = ask("select * from core.orders order by all")
    of_files = duckdb.sql(f"from '{info.path}/core/orders/*.parquet' order by all").to_arrow_table().to_pandas()
    plan = "\n".join(ask("explain analyze from core.orders where bucket = 1")["explain_value"])

    assert of_view.equals(of_files)
    assert set(of_view["bucket"]) == {0, 1}
    assert "Scanning Files: 1/2" in plan


def test_columns_carry_their_comments(shop: TinyShop):
    shop.build()

    found = Warehouse(shop.data, sql_root=shop.sql).run_sql(
        "select comment from duckdb_columns() where table_name = 'customers' and column_name = 'revenue'"
    )

    assert found["comment"].tolist() == ["net, to date"]


def test_tables_and_what_jobs_wrote_carry_their_meaning(shop: TinyShop):
    shop.build()
    ask = Warehouse(shop.data, sql_root=shop.sql).run_sql

    tables = ask("select comment from duckdb_views() where schema_name = 'outputs' and view_name = 'predictions'")
    columns = ask(
        "select comment from duckdb_columns() where schema_name = 'outputs' and table_name = 'predictions' "
        "and column_name = 'p_buys'"
    )

    assert "Grain: one row per customer and horizon." in tables["comment"][0]
    assert columns["comment"].tolist() == ["chance of a purchase in the horizon"]


def test_integer_sums_stay_integers(shop: TinyShop):
    info = shop.build()

    kind = duckdb.sql(f"describe from '{info.path}/marts/revenue.parquet'").fetchall()[0][1]

    assert kind == "BIGINT"


def test_the_shell_reads_both_files_while_a_build_runs(shop: TinyShop):
    shop.build()
    shop.predict(1.0)
    answers: list[str] = []

    def ask(share: float, message: str) -> None:
        if message == "writing the manifest":
            with Warehouse(shop.data, sql_root=shop.sql).shell() as argv:
                for file in ("shell.duckdb", "serving.duckdb"):
                    command = [*argv[:-1], str(Path(argv[-1]).with_name(file)), "-csv", "-noheader"]
                    sql = "select count(*), sum(amount) from core.orders; select sum(revenue) from marts.customers"
                    done = subprocess.run([*command, "-c", sql], capture_output=True, text=True, check=True)
                    answers.append(done.stdout.strip())

    shop.build(progress=ask)

    assert answers == ["4,36.5\n36.5"] * 2


def test_fewer_buckets_than_landed_fail_the_build(shop: TinyShop):
    shop.settings = shop.settings.model_copy(update={"engine": shop.settings.engine.model_copy(update={"buckets": 1})})

    with pytest.raises(CheckFailedError, match="every_accepted_line_is_staged"):
        shop.build()


def test_engine_settings_that_change_no_number_rebuild_nothing(shop: TinyShop):
    first = shop.build()
    engine = Engine(buckets=2, memory_limit="2GB", threads=1)
    shop.settings = shop.settings.model_copy(update={"engine": engine})

    assert shop.build().id == first.id


def test_a_damaged_landed_file_is_named_with_what_to_do(shop: TinyShop):
    shop.build()
    account = next((shop.data / "landing" / "transactions").glob("*/account.json"))
    part = next(account.parent.rglob("accepted*.parquet"))
    part.write_bytes(b"not a table")
    published = publish.current_id(shop.data)

    with pytest.raises(BuildError, match=r"landed of orders\.csv is damaged: delete .*, then `clv run` lands it again"):
        shop.build(as_of=date(2024, 2, 3))

    assert publish.current_id(shop.data) == published
    assert publish.build_ids(shop.data) == [published]


def test_a_damaged_output_is_named_with_what_to_do(shop: TinyShop):
    path = outputs.path_of(shop.data / "outputs", "personas")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not a table")

    with pytest.raises(BuildError, match=r"personas\.parquet is damaged: delete it, then `clv run` makes it again"):
        shop.build()


def test_a_build_made_by_other_sql_is_known_as_such(shop: TinyShop):
    before = is_of_this_version(shop.settings, shop.sql)
    shop.build()
    after = is_of_this_version(shop.settings, shop.sql)
    path = shop.sql / "marts" / "added.sql"
    path.write_text("-- Nothing much.\n-- grain: one row\n-- parameters: none\nselect 1 as one,\n")

    assert (before, after, is_of_this_version(shop.settings, shop.sql)) == (False, True, False)
