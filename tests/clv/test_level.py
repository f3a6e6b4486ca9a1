"""The level of the total, worked out by hand."""

import math
from datetime import date

import pytest

from clv.level import Ratio, aligned_date, evidence, level, recent_level


def ratio(month: int, value: float, history: int = 400) -> Ratio:
    return Ratio(date(2024, month, 1), history, value)


@pytest.mark.parametrize(
    ("horizon_days", "expected"), [(30, date(2023, 6, 2)), (365, date(2023, 6, 2)), (366, date(2022, 6, 2))]
)
def test_the_aligned_cut_off_is_whole_years_earlier_and_its_period_is_over(horizon_days, expected):
    assert aligned_date(date(2024, 6, 1), horizon_days) == expected


def test_without_anything_known_the_baseline_is_kept():
    assert level(None, [], 90) == 1.0


def test_recent_cut_offs_count_half():
    assert level(None, [ratio(1, 1.44)], 90) == pytest.approx(1.2)  # √1.44


def test_only_the_newest_three_cut_offs_count():
    found = recent_level([ratio(1, 9.0), ratio(2, 2.0), ratio(4, 2.0), ratio(3, 2.0)], 90)

    assert found == pytest.approx(0.5 * math.log(2))


@pytest.mark.parametrize(("history", "horizon", "counts"), [(59, 30, False), (60, 30, True), (89, 180, False)])
def test_a_cut_off_with_little_history_does_not_count(history, horizon, counts):
    assert (recent_level([ratio(1, 2.0, history)], horizon) > 0) is counts


def test_a_trusted_aligned_cut_off_counts_four_fifths_and_alone():
    assert level(ratio(1, 2.0, 180), [ratio(5, 9.0)], 90) == pytest.approx(2**0.8)


def test_a_half_trusted_one_is_mixed_with_the_recent():
    # w = 90/180 = ½: exp(.8·½·ln 2 + ½·(½·ln 4)) = 2^.4 · 2^.5
    assert level(ratio(1, 2.0, 90), [ratio(5, 4.0)], 90) == pytest.approx(2**0.9)


def test_an_aligned_cut_off_at_the_very_start_says_nothing():
    assert level(ratio(1, 2.0, 44), [ratio(5, 1.44)], 90) == pytest.approx(1.2)


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_ratio_that_is_not_known_is_left_out(value):
    assert level(ratio(1, value), [ratio(5, value), ratio(6, 1.44)], 90) == pytest.approx(1.2)


def test_a_total_made_by_few_buyers_is_half_believed():
    assert level(None, [Ratio(date(2024, 1, 1), 400, 1.44, evidence(20))], 90) == pytest.approx(1.44**0.25)
    assert evidence(0) == 0
    assert evidence(2000) > 0.98
