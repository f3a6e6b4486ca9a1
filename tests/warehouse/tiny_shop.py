"""A shop small enough to work out by hand: five SQL files, a few landed rows."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from clv.config import Engine, Jobs, Paths, Settings
from warehouse import landing, outputs
from warehouse.build import BuildInfo, build

HEADER = "-- what it says\n-- grain: one row per thing\n-- parameters: $as_of, $bucket, $horizon_days, $least\n"
FILES = {
    "staging/transactions.sql": "-- layout: bucketed\n"
    "select bucket, customer_id, order_id, order_ts, amount, category, line_no, file_id\n"
    "from landing.transactions where bucket = $bucket order by customer_id, order_ts, order_id, file_id, line_no",
    "core/orders.sql": "-- layout: bucketed\n"
    "select bucket, customer_id, order_id, order_ts, cast(order_ts as date) as order_date, amount, category\n"
    "from staging.transactions where bucket = $bucket and order_ts < $as_of\n"
    "order by customer_id, order_ts, order_id, amount, category",
    "features/customer_features.sql": "-- layout: bucketed\n"
    "select customer_id, count(*) as n_orders, sum(amount) as revenue from core.orders\n"
    "where bucket = $bucket and order_ts < $as_of group by customer_id order by customer_id",
    "labels/customer_outcomes.sql": "-- layout: bucketed\n"
    "select customer_id, sum(amount) as revenue from core.orders where bucket = $bucket and order_ts >= $as_of\n"
    "and date_diff('day', $as_of, order_date) < $horizon_days group by customer_id order by customer_id",
    "marts/customers.sql": "select\n    f.customer_id,\n    f.n_orders,\n    f.revenue,  -- net, to date\n"
    "    p.expected_revenue\nfrom features.customer_features as f\n"
    "left join outputs.predictions as p on p.customer_id = f.customer_id order by f.customer_id",
    "marts/revenue.sql": "select cast(count(*) as bigint) as n_orders, sum(amount) as revenue, $as_of as as_of\n"
    "from core.orders order by revenue",
    "checks/amounts_are_known.sql": "-- severity: error\n"
    "select customer_id, order_id from core.orders where amount is null",
    "queries/overview/headline.sql": "select count(*) as n_customers, sum(revenue) as revenue, $as_of as as_of\n"
    "from marts.customers where customer_id >= $least",
}


class TinyShop:
    """A data folder and a `sql/` folder under *root*."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sql = root / "sql"
        self.data = root / "data"
        self.settings = Settings(
            paths=Paths(data=self.data),
            engine=Engine(buckets=2, memory_limit="1GB", threads=2),
            jobs=Jobs(keep_builds=3),
        )

    def write_sql(self) -> None:
        for name, text in FILES.items():
            self.put_sql(name, text)

    def put_sql(self, name: str, text: str) -> None:
        path = self.sql / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + text, encoding="utf-8")

    def land(
        self, rows: list[tuple[str, str, str, float | None]], source: str = "transactions", **account: Any
    ) -> Path:
        """Land (customer, order, timestamp, amount) rows the way ingest does."""
        file_id = hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
        folder = self.data / "landing" / source / file_id
        folder.mkdir(parents=True, exist_ok=True)
        columns = landing.COLUMNS[source]
        with duckdb.connect() as con:
            con.execute(f"create table landed ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
            for line_no, (customer, order, ts, amount) in enumerate(rows, start=2):
                con.execute(
                    "insert into landed by name"
                    " select $c as customer_id, $o as order_id, cast($t as timestamp) as order_ts,"
                    " $a as amount, $b as bucket, $f as file_id, $n as line_no",
                    {
                        "c": customer,
                        "o": order,
                        "t": ts,
                        "a": amount,
                        "b": int(customer[1:]) % 2,
                        "f": file_id,
                        "n": line_no,
                    },
                )
            con.execute(f"copy landed to '{folder / 'accepted.parquet'}' (format parquet)")
        told = {
            "source": source,
            "file_id": file_id,
            "file_name": "orders.csv",
            "n_lines": len(rows) + 1,
            "n_header": 1,
            "n_blank": 0,
            "n_accepted": len(rows),
            "n_quarantined": 0,
            "n_duplicates": 0,
            "first_ts": min((row[2] for row in rows), default=None),
            "last_ts": max((row[2] for row in rows), default=None),
            "landed_at": "2024-05-01T00:00:00",
        }
        (folder / "account.json").write_text(json.dumps({**told, **account}), encoding="utf-8")
        return folder

    def build(self, **options: Any) -> BuildInfo:
        return build(self.settings, sql_root=self.sql, **options)

    def predict(self, value: float) -> None:
        """Write a prediction of *value* for customers 1 and 2, horizon 180."""
        frame = outputs.empty("predictions").reindex(range(2))
        frame["customer_id"] = ["c1", "c2"]
        frame["horizon_days"] = 180
        frame["as_of"] = date(2024, 3, 1)
        frame["expected_revenue"] = value
        outputs.write(self.settings.paths.outputs, "predictions", frame)


ORDERS = [
    ("c1", "o1", "2024-01-01 10:00:00", 10.0),
    ("c1", "o2", "2024-02-01 10:00:00", 20.0),
    ("c2", "o3", "2024-02-03 00:00:00", 5.0),
    ("c3", "o4", "2024-02-29 23:59:59", 1.5),
]
"""Three customers, 36.5 in all; the last order is on 29 February, so the default as-of date is 1 March."""


def build_stamped(root: Path, stamp: int, kill_at: str = "") -> None:
    """Build the shop at *root* with *stamp* in several tables; die by SIGKILL at the step called *kill_at*, if any."""
    shop = TinyShop(root)
    for name in ("a", "b"):
        shop.put_sql(f"marts/stamp_{name}.sql", f"select {stamp} as stamp, count(*) as n from core.orders order by n")
    # Another syntax tree each time, so that no table is linked from the build before.
    staging = FILES["staging/transactions.sql"].replace("= $bucket", f"= $bucket and line_no > -{stamp}")
    shop.put_sql("staging/transactions.sql", staging)
    shop.predict(float(stamp))

    def step(share: float, message: str) -> None:
        if kill_at and message.startswith(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)

    shop.build(progress=step)
