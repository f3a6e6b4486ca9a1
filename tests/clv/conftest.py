"""A simulated shop whose law is known (MBG/NBD purchases, gamma amounts), seen through the product's own SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from clv import backtest
from clv.fitting import fit_value_model
from clv.snapshots import Snapshot
from clv.value import ValueModel

SQL = Path(__file__).parents[2] / "sql"
FIRST_DAY = date(2022, 1, 3)
AS_OF = FIRST_DAY + timedelta(days=330)
HORIZONS = (30, 60)


def simulated_orders(n_customers: int, n_days: int, seed: int) -> pd.DataFrame:
    """`customer_id, order_date, amount`: rates gamma(.8, 1/25 a day), dropout beta(1, 5) after each purchase."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n_customers):
        rate, dropout = rng.gamma(0.8, 1 / 25), rng.beta(1, 5)
        mean = 30 / rng.gamma(4, 1 / 3)
        day = float(rng.integers(0, n_days - 40))
        while day < n_days:
            rows.append((f"c{number:05d}", int(day), round(float(rng.gamma(6, mean / 6)) + 0.01, 2)))
            if rng.random() < dropout:
                break
            day += 1 + rng.exponential(1 / max(rate, 1e-4))
    found = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    found["order_date"] = [FIRST_DAY + timedelta(days=day) for day in found.pop("day")]
    return found


class Log:
    """An order log with the product's feature and outcome SQL at any date."""

    def __init__(self, orders: pd.DataFrame) -> None:
        self.con = duckdb.connect(config={"threads": 1})
        self.con.execute("create schema staging; create schema core")
        landed = pd.DataFrame(
            {
                "bucket": 0,
                "customer_id": orders["customer_id"],
                "order_id": orders["customer_id"] + "/" + orders["order_date"].astype(str),
                "line_id": None,
                "order_ts": pd.to_datetime(orders["order_date"]) + pd.Timedelta(hours=12),
                "order_date": orders["order_date"],
                "amount": orders["amount"],
                "quantity": 1.0,
                "unit_price": orders["amount"],
                "discount": 0.0,
                "cost": None,
                "category": "all",
                "product": "thing",
                "channel": "web",
                "country": None,
                "is_return": orders["amount"] < 0,
            }
        )
        self.con.register("landed", landed)
        self.con.execute(
            "create table staging.transactions as select * replace (cast(cost as double) as cost) from landed"
        )
        core = (SQL / "core" / "order_lines.sql").read_text()
        self.con.execute(
            f"create table core.order_lines as {core}", {"bucket": 0, "as_of": date(2100, 1, 1), "gross_margin": 0.4}
        )
        self.first_day = min(orders["order_date"])
        self.n_customers = orders["customer_id"].nunique()

    def features(self, as_of: date, days: int) -> pd.DataFrame:
        return self._run("features/customer_features", as_of, days)

    def outcomes(self, as_of: date, days: int) -> pd.DataFrame:
        return self._run("labels/customer_outcomes", as_of, days)

    def snapshot(self, as_of: date, days: int, *, is_over: bool = True) -> Snapshot:
        return Snapshot(as_of, days, self.features(as_of, days), self.outcomes(as_of, days) if is_over else None)

    def fit(self, as_of: date, horizons: Sequence[int], **settings: Any) -> ValueModel:
        planned = backtest.plan(self.first_day, as_of, horizons, max_snapshots=3, n_customers=self.n_customers)
        return fit_value_model(
            (self.snapshot(cut_off, days) for cut_off, days in planned.snapshots),
            (self.snapshot(as_of, days, is_over=False) for days in planned.today_days),
            as_of=as_of,
            horizons_days=horizons,
            level_snapshots=(self.snapshot(cut_off, days) for cut_off, days in planned.aligned),
            threads=1,
            **settings,
        )

    def frames(self, model: ValueModel, as_of: date) -> dict[int, pd.DataFrame]:
        return {days: self.features(as_of, days) for days in model.feature_horizons}

    def predictions(self, as_of: date, horizons: Sequence[int], **settings: Any) -> pd.DataFrame:
        model = self.fit(as_of, horizons, **settings)
        return model.predict(self.frames(model, as_of)).set_index(["customer_id", "horizon_days"]).sort_index()

    def _run(self, name: str, as_of: date, days: int) -> pd.DataFrame:
        sql = (SQL / f"{name}.sql").read_text()
        return self.con.execute(sql, {"as_of": as_of, "horizon_days": days, "bucket": 0}).df()


@pytest.fixture(scope="session")
def make_log() -> Callable[[pd.DataFrame], Log]:
    return Log


@pytest.fixture(scope="session")
def orders() -> pd.DataFrame:
    """900 customers over 400 days."""
    return simulated_orders(900, 400, seed=1)


@pytest.fixture(scope="session")
def log(orders: pd.DataFrame) -> Log:
    return Log(orders)


@pytest.fixture(scope="session")
def model(log: Log) -> ValueModel:
    """Fitted to what of the log was known on its 330th day."""
    return log.fit(AS_OF, HORIZONS)


@pytest.fixture(scope="session")
def frames(log: Log, model: ValueModel) -> dict[int, pd.DataFrame]:
    """What the model is asked about: the customers of that day."""
    return log.frames(model, AS_OF)
