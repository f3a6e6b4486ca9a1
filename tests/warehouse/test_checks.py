import json

import pytest
from tiny_shop import ORDERS, TinyShop

from clv.errors import CheckFailedError
from warehouse import publish
from warehouse.ask import Warehouse


def test_a_failed_check_names_itself_its_count_and_a_row(shop: TinyShop):
    shop.land([("c7", "o7", "2024-03-01 00:00:00", None), ("c8", "o8", "2024-03-01 00:00:00", None)])

    with pytest.raises(CheckFailedError, match=r'amounts_are_known: 2 rows, such as .*"order_id": "o8"'):
        shop.build()


def test_a_failed_check_leaves_the_last_good_build_published(shop: TinyShop):
    good = shop.build()
    shop.land([("c7", "o7", "2024-03-01 00:00:00", None)])

    with pytest.raises(CheckFailedError):
        shop.build()

    assert publish.current_id(shop.data) == good.id
    assert publish.build_ids(shop.data) == [good.id]


def test_a_warning_is_published_with_its_sample(shop: TinyShop):
    shop.put_sql(
        "checks/orders_are_large.sql",
        "-- severity: warning\nselect order_id, amount from core.orders where amount < 6e0 order by order_id",
    )

    shop.build()

    told = Warehouse(shop.data, sql_root=shop.sql).table("outputs.checks").set_index("name").loc["orders_are_large"]
    assert (told["severity"], told["n_offending"]) == ("warning", 2)
    assert json.loads(told["sample"]) == [{"order_id": "o3", "amount": 5.0}, {"order_id": "o4", "amount": 1.5}]


def test_a_check_may_use_the_parameters_of_the_build(shop: TinyShop):
    shop.put_sql(
        "checks/no_future.sql", "-- severity: error\nselect order_id from core.orders where order_ts >= $as_of"
    )

    shop.build()

    told = Warehouse(shop.data, sql_root=shop.sql).table("outputs.checks")
    assert told.set_index("name").loc["no_future", "n_offending"] == 0


def test_a_new_check_is_run_on_unchanged_tables(shop: TinyShop):
    shop.build()
    shop.put_sql("checks/there_is_nobody.sql", "-- severity: error\nselect customer_id from marts.customers")

    with pytest.raises(CheckFailedError, match="there_is_nobody: 3 rows"):
        shop.build()


@pytest.mark.parametrize(
    "account",
    [
        pytest.param({"n_lines": 6}, id="a line is missing from the account"),
        pytest.param({"n_lines": 6, "n_accepted": 5}, id="a line is missing from the disk"),
        pytest.param({"n_lines": 6, "n_quarantined": 1}, id="a quarantined line is missing from the disk"),
    ],
)
def test_a_line_that_is_not_accounted_for_fails_the_build(tmp_path, account):
    shop = TinyShop(tmp_path)
    shop.write_sql()
    shop.land(ORDERS, **account)

    with pytest.raises(CheckFailedError, match="every_line_is_accounted_for: 1 rows"):
        shop.build()
