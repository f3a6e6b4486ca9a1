"""The BTYD baseline that the value model starts from: repeat purchases × spend, and its totals at one cut-off.

Trees learn what this leaves out, so it sets what a shop with few customers gets. Not the formulas themselves:
those are in `clv.btyd` and `clv.spend`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from clv import btyd, spend
from clv.snapshots import Floats, numbers


@dataclass(frozen=True)
class Forecast:
    """BTYD's view of each customer over one horizon; [n_customers] each."""

    orders: Floats
    """Expected purchase days."""
    amount: Floats
    """Expected amount of a purchase day, in currency."""
    p_buys: Floats
    """Probability of at least one purchase."""
    p_alive: Floats

    @property
    def value(self) -> Floats:
        """Expected revenue."""
        found: Floats = self.orders * self.amount
        return found


@dataclass(frozen=True)
class Anchor:
    """MBG/NBD and gamma-gamma as fitted at one cut-off."""

    purchases: btyd.MbgNbd | None
    """None when nobody has bought twice: then there is no rate to fit and the shop's mean is the forecast."""
    amounts: spend.GammaGamma | None
    """None when nobody paid anything."""
    orders_per_day: float
    """Purchase days a customer and day, over all."""
    mean_amount: float

    def forecast(self, features: pd.DataFrame, horizon_days: float) -> Forecast:
        """What the customers of *features* will do in the next *horizon_days*."""
        x, t_x, age = (numbers(features, name) for name in ("x", "t_x", "T"))
        if self.amounts is None:
            amount = np.full(len(features), self.mean_amount)
        else:
            paid = np.nan_to_num(numbers(features, "n_paid_days"))
            amount = spend.expected_spend(self.amounts, paid, np.nan_to_num(numbers(features, "mean_day_amount")))
        if self.purchases is None:
            orders = np.full(len(features), self.mean_orders(horizon_days))
            return Forecast(orders, amount, -np.expm1(-orders), np.ones(len(features)))
        return Forecast(
            orders=np.maximum(btyd.expected_purchases(self.purchases, x, t_x, age, horizon_days), 1e-12),
            amount=amount,
            p_buys=np.clip(btyd.p_buys(self.purchases, x, t_x, age, horizon_days), 1e-9, 1 - 1e-9),
            p_alive=btyd.p_alive(self.purchases, x, t_x, age),
        )

    def mean_orders(self, horizon_days: float) -> float:
        """Expected purchases of anybody in a shop without a repeat buyer: at most one, however short its history."""
        return min(self.orders_per_day * horizon_days, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "purchases": None if self.purchases is None else _plain(self.purchases),
            "amounts": None if self.amounts is None else _plain(self.amounts),
            "orders_per_day": self.orders_per_day,
            "mean_amount": self.mean_amount,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Anchor:
        """The inverse of `to_dict`."""
        return cls(
            purchases=None if plain["purchases"] is None else btyd.MbgNbd(**plain["purchases"]),
            amounts=None if plain["amounts"] is None else spend.GammaGamma(**plain["amounts"]),
            orders_per_day=plain["orders_per_day"],
            mean_amount=plain["mean_amount"],
        )


def fit_anchor(features: pd.DataFrame) -> Anchor:
    """Fit both models on all customers known at a cut-off; spend on *all* paid purchase days, the first included."""
    x, t_x, age = (numbers(features, name) for name in ("x", "t_x", "T"))
    paid = np.nan_to_num(numbers(features, "n_paid_days"))
    amount = np.nan_to_num(numbers(features, "mean_day_amount"))
    is_payer = (paid > 0) & (amount > 0)
    # The optimiser's vectors have four numbers: on a busy machine a second thread only waits, ten times as long.
    with _blas().limit(limits=1, user_api="blas"):
        purchases = btyd.fit_mbg_nbd(x, t_x, age) if (x > 0).any() else None
        amounts = spend.fit_gamma_gamma(paid[is_payer], amount[is_payer]) if (paid[is_payer] > 1).any() else None
    n_paid = float(paid.sum())
    return Anchor(
        purchases=purchases,
        amounts=amounts,
        orders_per_day=float((x + 1).sum() / max(age.sum(), 1.0)) if len(x) else 0.0,
        mean_amount=float((paid * amount).sum() / n_paid) if n_paid else 0.0,
    )


@cache
def _blas() -> ThreadpoolController:
    """Finding the libraries takes 20 ms, so once."""
    return ThreadpoolController()


def _plain(fit: Any) -> dict[str, float]:
    return {name: float(value) for name, value in asdict(fit).items()}
