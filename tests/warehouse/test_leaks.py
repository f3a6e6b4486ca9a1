from datetime import date

import pytest
from tiny_shop import TinyShop

from clv.errors import BuildError
from warehouse.leaks import leaks

REVENUE = (
    "-- layout: bucketed\nselect customer_id, sum(amount) as revenue from core.orders"
    " where bucket = $bucket {} group by customer_id order by customer_id"
)


@pytest.fixture
def busy_shop(shop: TinyShop) -> TinyShop:
    """A shop with enough orders after February that a look ahead shows."""
    shop.land([(f"c{i % 5}", f"n{i}", f"2024-03-{1 + i % 28:02d} {i % 23:02d}:00:00", float(i)) for i in range(60)])
    return shop


def test_features_that_end_at_their_date_do_not_leak(busy_shop: TinyShop):
    assert leaks(busy_shop.settings, date(2024, 3, 10), sql_root=busy_shop.sql) == []


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("", id="no cut-off"),
        pytest.param("and order_ts <= cast($as_of as timestamp) + interval 23 hour", id="one day late"),
    ],
)
def test_a_feature_that_looks_ahead_is_named(busy_shop: TinyShop, condition: str):
    busy_shop.put_sql("features/nosy.sql", REVENUE.format(condition))

    assert leaks(busy_shop.settings, date(2024, 3, 10), sql_root=busy_shop.sql) == ["features.nosy"]


def test_a_core_fact_that_knows_the_future_is_caught(busy_shop: TinyShop):
    busy_shop.put_sql(
        "core/orders.sql",
        "-- layout: bucketed\nselect bucket, customer_id, order_ts, cast(order_ts as date) as order_date, amount,"
        " max(order_ts) over (partition by customer_id) as last_order_ts from staging.transactions"
        " where bucket = $bucket and order_ts < $as_of order by customer_id, order_ts, order_id, amount",
    )
    busy_shop.put_sql(
        "features/nosy.sql",
        "-- layout: bucketed\nselect customer_id, max(last_order_ts) as last_order_ts from core.orders"
        " where bucket = $bucket and order_ts < $as_of group by customer_id order by customer_id",
    )

    assert leaks(busy_shop.settings, date(2024, 3, 10), sql_root=busy_shop.sql) == ["features.nosy"]


def test_some_buckets_are_enough_to_find_a_leak(busy_shop: TinyShop):
    busy_shop.put_sql("features/nosy.sql", REVENUE.format(""))

    assert leaks(busy_shop.settings, date(2024, 3, 10), n_buckets=1, sql_root=busy_shop.sql) == ["features.nosy"]


def test_a_date_without_a_future_proves_nothing(busy_shop: TinyShop):
    with pytest.raises(BuildError, match="take an earlier date"):
        leaks(busy_shop.settings, date(2025, 1, 1), sql_root=busy_shop.sql)


def test_nothing_is_left_behind(busy_shop: TinyShop):
    leaks(busy_shop.settings, date(2024, 3, 10), sql_root=busy_shop.sql)

    assert list((busy_shop.data / "cache" / "leaks").iterdir()) == []
