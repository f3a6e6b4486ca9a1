from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clv import backtest

END = date(2026, 1, 1)


def test_cut_offs_step_back_by_a_third_of_the_horizon():
    found = backtest.cut_offs(date(2025, 1, 1), END, 90, most=14)

    # 90 days before the end, then every 30, while 45 days of history are left
    assert found[:3] == [date(2025, 10, 3), date(2025, 9, 3), date(2025, 8, 4)]
    assert found[-1] - date(2025, 1, 1) >= timedelta(45)
    assert found[-1] - date(2025, 1, 1) < timedelta(45 + 30)


def test_short_horizons_step_by_a_week():
    found = backtest.cut_offs(date(2025, 1, 1), END, 14, most=3)

    assert [END - day for day in found] == [timedelta(14), timedelta(21), timedelta(28)]


@pytest.mark.parametrize(("horizon_days", "needed"), [(7, 14), (28, 14), (90, 45), (120, 60), (180, 60), (365, 60)])
def test_the_first_cut_off_has_enough_history(horizon_days, needed):
    enough = END - timedelta(horizon_days + needed)

    assert backtest.cut_offs(enough, END, horizon_days, most=14) == [END - timedelta(horizon_days)]
    assert backtest.cut_offs(enough + timedelta(1), END, horizon_days, most=14) == []


def test_no_more_cut_offs_than_asked_for():
    assert len(backtest.cut_offs(date(2010, 1, 1), END, 30, most=14)) == 14


@given(
    st.dates(date(2000, 1, 1), date(2025, 12, 31)),
    st.lists(st.integers(7, 1095), min_size=1, max_size=4, unique=True),
    st.integers(1, 14),
)
def test_nothing_after_the_end_is_ever_learnt_from(first_day, horizons, most):
    planned = backtest.plan(first_day, END, horizons, max_snapshots=most)

    for cut_off, days in (*planned.snapshots, *planned.aligned):
        assert first_day < cut_off <= END - timedelta(days)
    assert planned.today_days
    assert {found.horizon_days for found in planned.sufficiency} == set(horizons)


@given(st.integers(0, 2000), st.lists(st.integers(7, 1095), min_size=1, max_size=4, unique=True))
def test_today_is_asked_for_at_each_period_that_is_learnt_from(history_days, horizons):
    planned = backtest.plan(END - timedelta(history_days), END, horizons, max_snapshots=14)

    learnt = {days for _, days in planned.snapshots}
    assert set(planned.today_days) == learnt or (not learnt and len(planned.today_days) == 1)


def test_a_long_history_learns_full_periods_and_knows_the_season():
    (found,) = backtest.plan(date(2022, 1, 1), END, [90], max_snapshots=14).sufficiency

    assert (found.trained_days, found.n_snapshots, found.is_aligned, found.is_verified) == (90, 14, True, True)
    assert found.words == "90 days: learnt from 14 earlier periods"


def test_a_horizon_longer_than_the_history_learns_from_a_third_of_it_and_says_so():
    # the CD shop at 1997-10-01: 273 days of history, 273 days asked
    planned = backtest.plan(date(1997, 1, 1), date(1997, 10, 1), [273], max_snapshots=14)

    (found,) = planned.sufficiency
    assert found.trained_days == 91
    assert not found.is_verified
    assert planned.today_days == (91,)
    assert "totals can be off by 40%" in found.words


def test_days_old_shops_are_told_that_nothing_is_verified():
    (found,) = backtest.plan(END - timedelta(10), END, [90], max_snapshots=14).sufficiency

    assert found.trained_days == 0
    assert "nothing is verified" in found.words


def test_words_name_what_is_missing():
    # 150 days: a period of 90 fits once, but none can be held back, and there is no last year
    (found,) = backtest.plan(END - timedelta(150), END, [90], max_snapshots=14).sufficiency

    assert not found.is_aligned
    assert not found.is_verified
    assert "season" in found.words
    assert "verify" in found.words


def test_a_small_shop_learns_from_half_the_period_too():
    few = backtest.plan(date(2025, 1, 1), END, [90], max_snapshots=14, n_customers=500)
    many = backtest.plan(date(2025, 1, 1), END, [90], max_snapshots=14, n_customers=50_000)

    assert few.today_days == (45, 90)
    assert many.today_days == (90,)
    assert [days for _, days in few.aligned] == [days for _, days in many.aligned]
    assert few.sufficiency == many.sufficiency


def test_a_shorter_period_that_is_forecast_anyway_is_help_enough():
    planned = backtest.plan(date(2023, 1, 1), END, [30, 90], max_snapshots=14, n_customers=500)

    # 90 by 30, 30 by 15
    assert planned.today_days == (15, 30, 90)


@pytest.mark.parametrize(
    ("days", "others", "expected"), [(90, [30, 60], 30), (90, [45, 30], 45), (90, [20], None), (90, [], None)]
)
def test_a_helper_is_a_quarter_to_three_fifths_of_the_period(days, others, expected):
    assert backtest.helper_of(days, others) == expected
