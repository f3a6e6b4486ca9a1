"""Trees on top of a baseline."""

import numpy as np
import pytest

from clv import boosting

NAMES = ["one", "two"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(3000, 2)).astype(np.float32)
    rate = np.exp(0.5 * inputs[:, 0]).astype(float)
    return inputs, rng.poisson(rate).astype(float)


def grown(kind, inputs, target, margin, rounds=40):
    return boosting.fit_trees(kind, inputs, target, margin, names=NAMES, rounds=rounds, seed=1, threads=1)


def predicted(trees, inputs, margin):
    return boosting.margins(trees, inputs, margin, names=NAMES, threads=1)


@pytest.mark.parametrize(
    ("n_positive", "n_buyers", "expected"),
    [(0, 0, 0), (500, 20, 0), (20, 28, 1), (500, 500, 25), (2000, 1000, 100), (2000, 420, 50), (9000, 9000, 100)],
)
def test_rounds_grow_with_purchases_and_with_buyers(n_positive, n_buyers, expected):
    assert boosting.n_rounds(n_positive, n_buyers) == expected


@pytest.mark.parametrize("kind", ["tweedie", "poisson"])
def test_trees_learn_what_the_baseline_leaves_out(data, kind):
    inputs, target = data
    flat = np.zeros(len(target))

    found = np.exp(predicted(grown(kind, inputs, target, flat), inputs, flat))

    assert np.corrcoef(np.log(found), inputs[:, 0])[0, 1] > 0.9


def test_a_right_baseline_is_left_alone(data):
    inputs, target = data
    right = 0.5 * inputs[:, 0].astype(float)

    added = predicted(grown("poisson", inputs, target, right), inputs, right) - right

    assert np.abs(added).mean() < 0.1


def test_a_shift_of_the_baseline_shifts_the_forecast(data):
    inputs, target = data
    flat = np.zeros(len(target))
    trees = grown("tweedie", inputs, target, flat)

    moved = predicted(trees, inputs, flat + 2) - predicted(trees, inputs, flat)

    assert moved == pytest.approx(2, abs=1e-5)


def test_contributions_and_baseline_add_up_to_the_margin(data):
    inputs, target = data
    margin = np.linspace(-1, 1, len(target))
    trees = grown("tweedie", inputs, target, margin)

    found = boosting.contributions(trees, inputs, margin, names=NAMES, threads=1)

    assert found.shape == (len(target), 3)
    assert np.ptp(found[:, -1] - margin) < 1e-5  # the trees' mean on top of the baseline
    assert found.sum(axis=1) == pytest.approx(predicted(trees, inputs, margin), abs=1e-5)


def test_contributions_are_shapley_values_by_their_definition(data):
    shap = pytest.importorskip("shap")
    inputs, target = data
    margin = np.zeros(len(target))
    trees = grown("tweedie", inputs, target, margin, rounds=5)

    ours = boosting.contributions(trees, inputs[:50], margin[:50], names=NAMES, threads=1)
    theirs = shap.TreeExplainer(trees).shap_values(inputs[:50])

    assert ours[:, :2] == pytest.approx(theirs, abs=1e-4)


def test_bytes_bring_back_the_same_trees(data):
    inputs, target = data
    margin = np.zeros(len(target))
    trees = grown("gamma", inputs, target + 1, margin)

    back = boosting.from_bytes(boosting.to_bytes(trees))

    assert (predicted(back, inputs, margin) == predicted(trees, inputs, margin)).all()


def test_the_same_seed_grows_the_same_trees(data):
    inputs, target = data
    margin = np.zeros(len(target))

    one, two = (boosting.to_bytes(grown("logistic", inputs, (target > 0) * 1.0, margin)) for _ in range(2))

    assert one == two
