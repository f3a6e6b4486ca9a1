"""Boosted trees that correct a baseline: each starts from a base margin and learns shape, not level.

| kind       | target                    | link  | base margin            |
|------------|---------------------------|-------|------------------------|
| `tweedie`  | revenue, zeros included   | log   | log BTYD value         |
| `logistic` | buys at all               | logit | logit BTYD probability |
| `gamma`    | revenue of those who buy  | log   | log BTYD value if buys |
| `poisson`  | purchase days             | log   | log BTYD purchase days |

The hyper-parameters are flat: what matters is the objective, the base margin and several snapshots.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from clv.snapshots import Floats

T = TypeVar("T")
R = TypeVar("R")

Kind = Literal["tweedie", "logistic", "gamma", "poisson"]
Matrix = npt.NDArray[np.float32]

OBJECTIVES: dict[Kind, dict[str, Any]] = {
    "tweedie": {"objective": "reg:tweedie", "tweedie_variance_power": 1.5},
    "logistic": {"objective": "binary:logistic"},
    "gamma": {"objective": "reg:gamma"},
    "poisson": {"objective": "count:poisson", "max_delta_step": 0.7},
}
SHAPE: dict[str, Any] = {
    "tree_method": "hist",
    "eta": 0.05,
    "max_depth": 4,
    "subsample": 0.8,
    "colsample_bytree": 0.3,
    "min_child_weight": 10,
    "lambda": 5,
    "max_bin": 128,
}
MAX_ROUNDS = 100
ROUNDS_FACTOR: dict[Kind, int] = {"tweedie": 1, "logistic": 1, "gamma": 2, "poisson": 1}
"""Only buyers teach `gamma`, so each tree sees less; twice as many add .0003–.0014 Gini where most customers buy."""
BUYERS_PER_ROUND = 8
MIN_POSITIVE_ROWS = 20
"""With fewer the baseline stands alone."""


def n_rounds(n_positive: int, n_buyers: int) -> int:
    """Trees to grow: one for every 20 rows with a purchase and every 8 buyers beyond the first 20, at most 100.

    One buyer can be in every cut-off: rows alone would let five customers grow trees.
    """
    by_rows = n_positive / MIN_POSITIVE_ROWS
    by_buyers = (n_buyers - MIN_POSITIVE_ROWS) / BUYERS_PER_ROUND
    return int(np.clip(min(by_rows, by_buyers), 0, MAX_ROUNDS))


def n_threads(threads: int) -> int:
    """*threads*, or as many as there are processors where it is 0."""
    return threads or os.cpu_count() or 1


def side_by_side(do: Callable[[T], R], tasks: Iterable[T], threads: int) -> list[R]:
    """What *do* gives for each of *tasks*, in their order, with up to *threads* of them at work at once.

    Ensembles that do not wait for each other share out the processors better than the threads of one do: these meet
    at every level of every tree, and on a busy machine the one that is late keeps the others spinning.
    """
    with ThreadPoolExecutor(n_threads(threads), thread_name_prefix="trees") as pool:
        return list(pool.map(do, tasks))


def binned(inputs: Matrix, weight: Floats | None, *, names: list[str], threads: int) -> xgb.DMatrix:
    """Training rows put into bins once, for several calls of `fit_trees` on the same rows and weights."""
    return xgb.QuantileDMatrix(
        inputs, weight=weight, feature_names=names, nthread=threads or -1, max_bin=SHAPE["max_bin"]
    )


def fit_trees(
    kind: Kind,
    inputs: Matrix | xgb.DMatrix,
    target: Floats,
    base_margin: Floats,
    weight: Floats | None = None,
    *,
    names: list[str],
    rounds: int,
    seed: int,
    threads: int,
    n_parallel: int = 1,
) -> xgb.Booster:
    """Grow *rounds* trees on top of *base_margin*.

    Args:
        kind: what is learnt, see the table above.
        inputs: [n_rows, n_names] NaN is missing; or what `binned` made of them, with their weights.
        target: [n_rows] on the scale of *base_margin*: its mean is what the inverse link of the margin should give.
        base_margin: [n_rows] on the link scale.
        weight: [n_rows] of the rows; default 1.
        names: of the columns.
        rounds: number of trees, at least 1.
        seed: of the row and column samples.
        threads: 0 for all that the machine has.
        n_parallel: trees a round, each on its own sample of rows and columns; their mean is the round's step.
    """
    data = inputs if isinstance(inputs, xgb.DMatrix) else binned(inputs, weight, names=names, threads=threads)
    data.set_info(label=target, base_margin=base_margin)
    settings = {**SHAPE, **OBJECTIVES[kind], "seed": seed, "nthread": threads, "base_score": 0.5, "verbosity": 0}
    settings["num_parallel_tree"] = n_parallel
    return xgb.train(settings, data, num_boost_round=rounds)


def loaded(inputs: Matrix, *, names: list[str], threads: int) -> xgb.DMatrix:
    """Rows as XGBoost holds them, for several calls of `margins` on the same rows."""
    return xgb.DMatrix(inputs, feature_names=names, nthread=threads or -1)


def margins(
    trees: xgb.Booster, inputs: Matrix | xgb.DMatrix, base_margin: Floats, *, names: list[str], threads: int
) -> Floats:
    """[n_rows] baseline plus what the trees add, on the link scale."""
    data = inputs if isinstance(inputs, xgb.DMatrix) else loaded(inputs, names=names, threads=threads)
    data.set_info(base_margin=base_margin)
    trees.set_param({"nthread": threads})
    return trees.predict(data, output_margin=True).astype(np.float64)


def contributions(
    trees: xgb.Booster, inputs: Matrix, base_margin: Floats, *, names: list[str], threads: int
) -> npt.NDArray[np.float64]:
    """[n_rows, n_names + 1] exact TreeSHAP values on the link scale; a row sums to its margin.

    The last column is the baseline plus what the trees say on average over the rows they were grown on.
    """
    data = xgb.DMatrix(inputs, base_margin=base_margin, feature_names=names, nthread=threads or -1)
    trees.set_param({"nthread": threads})
    return trees.predict(data, pred_contribs=True).astype(np.float64)


def to_bytes(trees: xgb.Booster) -> bytes:
    """The trees as UBJSON."""
    return bytes(trees.save_raw(raw_format="ubj"))


def from_bytes(raw: bytes) -> xgb.Booster:
    """The inverse of `to_bytes`."""
    return xgb.Booster(model_file=bytearray(raw))
