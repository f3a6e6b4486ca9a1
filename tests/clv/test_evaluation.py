import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from clv import evaluation
from clv.evaluation import Prediction


def a_shop(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, Prediction]:
    """Customers of whom most buy nothing, and a forecast that knows their rate but for noise."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.5, 1, n)
    bought = (rng.random(n) < -np.expm1(-rate)).astype(float)
    actual = bought * rng.gamma(2, 20, n) * (1 + rate)
    return actual, bought, Prediction(rate * 40 * np.exp(rng.normal(0, 0.5, n)), -np.expm1(-rate))


def test_metrics_of_four_customers_worked_out_by_hand():
    actual = np.array([0.0, 0.0, 10.0, 30.0])
    predicted = Prediction(np.array([1.0, 2.0, 20.0, 15.0]))

    found = evaluation.metrics(actual, (actual > 0).astype(float), predicted)

    # errors 1, 2, 10, -15
    assert found["mae"] == pytest.approx(7.0)
    assert found["rmse"] == pytest.approx(np.sqrt((1 + 4 + 100 + 225) / 4))
    assert found["total_bias"] == pytest.approx(38 / 40 - 1)
    # Lorenz by actual: 0, 0, 0, 1/4, 1 -> 1 - (0 + 0 + .25 + 1.25)/4 = .625; by forecast: 0, 0, 0, 3/4, 1 -> .375
    assert found["gini"] == pytest.approx(0.375 / 0.625)
    # the top tenth is .4 of the customer with the highest forecast, who holds 10 of 40
    assert found["top_decile_capture"] == pytest.approx(0.4 * 0.25)
    assert found["auc"] == pytest.approx(1.0)
    # ranks 1.5, 1.5, 3, 4 and 1, 2, 4, 3
    assert found["spearman"] == pytest.approx(np.corrcoef([1.5, 1.5, 3, 4], [1, 2, 4, 3])[0, 1])
    # every customer has a decile of their own
    assert found["decile_error"] == pytest.approx((1 + 2 + 10 + 15) / 40)


def test_a_perfect_forecast_has_gini_one_and_no_error():
    actual, bought, _ = a_shop(500)

    found = evaluation.metrics(actual, bought, Prediction(actual))

    assert found["gini"] == pytest.approx(1)
    assert found["decile_error"] == pytest.approx(0)
    assert found["total_bias"] == pytest.approx(0)


def test_a_forecast_that_is_equal_for_all_ranks_nobody():
    actual, bought, _ = a_shop(500)

    found = evaluation.metrics(actual, bought, Prediction(np.full(500, 7.0)))

    assert found["gini"] == pytest.approx(0, abs=1e-12)
    assert found["auc"] == pytest.approx(0.5)
    assert np.isnan(found["spearman"])
    assert found["top_decile_capture"] == pytest.approx(0.1)


def test_rank_metrics_agree_with_scipy_and_scikit_learn():
    actual, bought, predicted = a_shop(3000)
    coarse = Prediction(np.round(predicted.revenue, -1), np.round(predicted.p_buys, 1))

    found = evaluation.metrics(actual, bought, coarse)

    assert found["spearman"] == pytest.approx(stats.spearmanr(actual, coarse.revenue).statistic)
    assert found["auc"] == pytest.approx(roc_auc_score(bought, coarse.p_buys))


def test_half_of_the_money_everywhere_is_bias_and_decile_error_but_no_loss_of_rank():
    actual, bought, predicted = a_shop(2000)

    whole = evaluation.metrics(actual, bought, predicted)
    half = evaluation.metrics(actual, bought, Prediction(predicted.revenue / 2, predicted.p_buys))

    assert half["gini"] == pytest.approx(whole["gini"])
    assert half["total_bias"] == pytest.approx((whole["total_bias"] + 1) / 2 - 1)
    assert half["decile_error"] > 2 * whole["decile_error"]


@given(st.permutations(range(40)))
def test_no_order_of_rows_changes_a_metric(order):
    actual, bought, predicted = a_shop(40)
    coarse = np.round(predicted.revenue, -1)
    rows = np.array(order)

    before = evaluation.metrics(actual, bought, Prediction(coarse, predicted.p_buys))
    after = evaluation.metrics(actual[rows], bought[rows], Prediction(coarse[rows], predicted.p_buys[rows]))

    assert after == pytest.approx(before)


def test_a_weight_of_two_is_the_customer_twice():
    actual, bought, predicted = a_shop(300)
    weight = np.random.default_rng(3).integers(0, 4, 300)
    rows = np.repeat(np.arange(300), weight)

    weighted = evaluation.metrics(actual, bought, predicted, weight.astype(float))
    repeated = evaluation.metrics(
        actual[rows], bought[rows], Prediction(predicted.revenue[rows], predicted.p_buys[rows])
    )

    assert weighted == pytest.approx(repeated)


def test_decile_table_adds_up_to_the_totals():
    actual, _, predicted = a_shop(1234)

    table = evaluation.decile_table(actual, predicted.revenue)

    assert list(table["decile"]) == list(range(1, 11))
    assert table["n"].sum() == 1234
    assert (table["n"] * table["mean_actual"]).sum() == pytest.approx(actual.sum())
    assert table["mean_predicted"].is_monotonic_increasing


def test_decile_error_is_the_gap_of_the_decile_table_weighted_by_actual():
    actual, _, predicted = a_shop(1000)
    table = evaluation.decile_table(actual, predicted.revenue)

    found = evaluation.decile_error(actual, predicted.revenue)

    # |P - A| / A weighted by A is |P - A|; the lowest deciles have A = 0
    gap = table["n"] * (table["mean_predicted"] - table["mean_actual"]).abs()
    assert found == pytest.approx(gap.sum() / actual.sum())


def test_bootstrap_intervals_hold_the_truth_nineteen_times_in_twenty():
    truth = evaluation.metrics(*a_shop(400_000, seed=99))
    hits = []

    for seed in range(40):
        actual, bought, predicted = a_shop(800, seed)
        found = evaluation.bootstrap(actual, bought, {"ours": predicted}, seed=seed, n_draws=100)["ours"]["total_bias"]
        hits.append(found.lo <= truth["total_bias"] <= found.hi)

    assert 0.85 <= np.mean(hits) <= 1


def test_intervals_of_a_large_shop_are_drawn_from_a_part_and_as_narrow_as_the_whole(monkeypatch):
    actual, bought, predicted = a_shop(20_000)
    whole = evaluation.bootstrap(actual, bought, {"ours": predicted}, seed=1)["ours"]["gini"]

    monkeypatch.setattr(evaluation, "MAX_BOOTSTRAP_ROWS", 4_000)
    part = evaluation.bootstrap(actual, bought, {"ours": predicted}, seed=1)["ours"]["gini"]

    assert part.value == whole.value
    assert part.hi - part.lo == pytest.approx(whole.hi - whole.lo, rel=0.35)
    assert part.lo < part.value < part.hi


def test_the_same_seed_gives_the_same_intervals():
    actual, bought, predicted = a_shop(500)

    one, two = (evaluation.bootstrap(actual, bought, {"ours": predicted}, seed=4) for _ in range(2))

    assert one == two


def test_every_interval_holds_its_own_value():
    actual, bought, predicted = a_shop(2_000)

    found = evaluation.bootstrap(actual, bought, {"ours": predicted}, seed=4, n_draws=50)["ours"]

    assert all(one.lo <= one.value <= one.hi for one in found.values())


def test_contenders_are_compared_on_the_same_draws():
    actual, bought, predicted = a_shop(500)

    draws = evaluation.bootstrap_draws(actual, bought, {"one": predicted, "two": predicted}, seed=4)

    assert all((draws["one"][name] == draws["two"][name]).all() for name in evaluation.METRICS)


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.filterwarnings("error")
def test_few_customers_and_no_purchases_give_no_metric_and_no_error(n):
    nothing = np.zeros(n)

    found = evaluation.bootstrap(nothing, nothing, {"ours": Prediction(nothing)}, seed=1, n_draws=5)["ours"]

    assert np.isnan([found[name].value for name in ("gini", "total_bias", "decile_error", "auc")]).all()


@pytest.mark.slow
def test_a_million_customers_are_compared_in_seconds():
    actual, bought, predicted = a_shop(1_000_000)
    began = time.process_time()

    evaluation.bootstrap(actual, bought, {"ours": predicted}, seed=1)

    assert time.process_time() - began < 10
