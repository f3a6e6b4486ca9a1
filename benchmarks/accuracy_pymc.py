"""pymc-marketing's MBG/NBD and gamma-gamma, as a program: it needs older libraries than the product.

    python -m venv pymc && pymc/bin/pip install pymc-marketing
    python benchmarks/accuracy.py --complete-journey --pymc-python pymc/bin/python

Called by `accuracy.py` with a CSV of customers (frequency, recency, T in weeks, monetary_value), the number of weeks to
forecast, and where to write expected revenue and purchases; point estimates (MAP), as its own quick start has them.
"""

from __future__ import annotations

import logging
import sys
import warnings

import pandas as pd
from pymc_marketing.clv import GammaGammaModel, ModifiedBetaGeoModel


def main(customers: str, weeks: str, forecasts: str) -> None:
    """Fit on *customers*, write *forecasts*."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    data = pd.read_csv(customers)
    orders = ModifiedBetaGeoModel(data=data)
    orders.fit(method="map", progressbar=False)
    amounts = GammaGammaModel(data=data[(data["frequency"] > 0) & (data["monetary_value"] > 0)])
    amounts.fit(method="map", progressbar=False)
    n = orders.expected_purchases(data, future_t=float(weeks)).mean(("chain", "draw")).to_numpy()
    money = amounts.expected_customer_spend(data).mean(("chain", "draw")).to_numpy()
    pd.DataFrame({"revenue": n * money, "orders": n}).to_csv(forecasts, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
