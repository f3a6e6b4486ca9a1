import numpy as np
import pytest

from clv import promotion

RULES = {"min_gini_gain": 0.0, "max_abs_bias": 0.25, "confidence": 0.8}
CHAMPION = {"gini": np.full(200, 0.70)}


def challenger(gain: float, spread: float = 0.01) -> dict[str, np.ndarray]:
    return {"gini": 0.70 + np.random.default_rng(1).normal(gain, spread, 200)}


def judge(gain: float = 0.05, **changed) -> promotion.Verdict:
    given = {"challenger_bias": 0.05, "champion_bias": 0.05, "baseline_gini": 0.68, **RULES, **changed}
    return promotion.judge(challenger(gain), CHAMPION, **given)


def test_a_challenger_that_is_surely_better_is_promoted_and_says_by_how_much():
    found = judge(0.05)

    assert found.is_promoted
    assert found.reason.startswith("Gini +0.0493 against the champion")


@pytest.mark.parametrize("gain", [0.0, -0.05], ids=["as good", "worse"])
def test_a_challenger_that_is_not_surely_better_waits(gain):
    found = judge(gain, baseline_gini=0.5)

    assert not found.is_promoted
    assert "80% are needed" in found.reason


def test_a_better_ranking_with_a_wrong_total_is_refused():
    found = judge(0.05, challenger_bias=-0.4)

    assert not found.is_promoted
    assert "-40%" in found.reason


def test_a_wrong_total_may_replace_a_more_wrong_one():
    assert judge(0.05, challenger_bias=-0.4, champion_bias=0.6).is_promoted


def test_nothing_that_ranks_worse_than_the_baseline_is_promoted():
    found = judge(0.05, baseline_gini=0.80)

    assert not found.is_promoted
    assert "baseline" in found.reason


def test_the_least_gain_is_obeyed():
    assert not judge(0.05, min_gini_gain=0.1).is_promoted


def test_a_window_without_buyers_decides_nothing():
    nothing = {"gini": np.full(200, np.nan)}

    found = promotion.judge(
        nothing, CHAMPION, challenger_bias=np.nan, champion_bias=np.nan, baseline_gini=np.nan, **RULES
    )

    assert not found.is_promoted


@pytest.mark.parametrize(
    ("bias", "words"),
    [(None, "no window"), (0.1, "+10%"), (-0.5, "more than the 25% allowed")],
    ids=["unjudged", "good", "far off"],
)
def test_the_first_version_is_promoted_and_told_how_good_it_is(bias, words):
    found = promotion.first(bias, max_abs_bias=0.25)

    assert found.is_promoted
    assert words in found.reason
