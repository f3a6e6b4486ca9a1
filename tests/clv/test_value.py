"""What must hold of the value model, whatever the shop."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from clv.errors import ModelError, NotEnoughDataError
from clv.fitting import fit_value_model
from clv.snapshots import Snapshot
from clv.value import ValueModel
from tests.clv.conftest import AS_OF, FIRST_DAY, HORIZONS, simulated_orders

MONEY = ["expected_revenue", "revenue_lo", "revenue_hi", "revenue_lo_90", "revenue_hi_90"]


@pytest.fixture(scope="module")
def predicted(model, frames):
    return model.predict(frames).set_index(["customer_id", "horizon_days"]).sort_index()


def test_every_customer_gets_every_horizon(predicted, frames):
    assert len(predicted) == len(frames[30]) * len(HORIZONS)
    assert not predicted.isna().any().any()
    assert (predicted >= 0).all().all()
    assert predicted["p_buys"].le(1).all()


def test_rows_from_the_cut_off_on_change_nothing(orders, predicted, make_log):
    known = orders["order_date"] < AS_OF
    deleted = orders[known]
    corrupted = orders.assign(amount=orders["amount"].where(known, orders["amount"] * -1000 - 7))

    for other in (deleted, corrupted):
        found = make_log(other).predictions(AS_OF, HORIZONS)
        pd.testing.assert_frame_equal(found, predicted, check_exact=True)


def test_amounts_times_a_hundred_give_predictions_times_a_hundred(orders, predicted, make_log):
    found = make_log(orders.assign(amount=orders["amount"] * 100)).predictions(AS_OF, HORIZONS)

    assert found["expected_revenue"].sum() == pytest.approx(100 * predicted["expected_revenue"].sum(), rel=1e-3)
    ratio = (found[MONEY] + 1e-6) / (100 * predicted[MONEY] + 1e-6)
    assert ratio.quantile([0.02, 0.98]).to_numpy() == pytest.approx(1, rel=0.02)


def test_dates_moved_by_whole_weeks_keep_the_ranking(orders, predicted, make_log):
    by = timedelta(days=364)
    later = make_log(orders.assign(order_date=[day + by for day in orders["order_date"]]))

    found = later.predictions(AS_OF + by, HORIZONS)

    pd.testing.assert_series_equal(found["expected_revenue"], predicted["expected_revenue"], rtol=1e-6)


def test_shuffled_rows_and_renamed_customers_change_nothing(orders, predicted, make_log):
    names = orders["customer_id"].unique()
    other = dict(zip(names, np.random.default_rng(5).permutation([f"z{n}" for n in range(len(names))]), strict=True))
    shuffled = orders.sample(frac=1, random_state=3).assign(customer_id=lambda o: o["customer_id"].map(other))

    found = make_log(shuffled.reset_index(drop=True)).predictions(AS_OF, HORIZONS)

    back = {new: old for old, new in other.items()}
    found = found.rename(index=back, level=0).sort_index()
    # sums may be added in another order: the last bits differ
    pd.testing.assert_frame_equal(found, predicted, rtol=1e-4, atol=1e-3)


def test_expected_revenue_orders_and_chance_do_not_fall_with_the_horizon(predicted):
    for column in ("expected_revenue", "expected_orders", "p_buys"):
        wide = {days: predicted[column].xs(days, level="horizon_days") for days in HORIZONS}
        assert (wide[30] <= wide[60] * (1 + 1e-12)).all()


def test_the_sum_of_customers_is_the_level_times_the_btyd_total(model, frames, predicted):
    for h in model.horizons:
        total = predicted["expected_revenue"].xs(h.horizon_days, level="horizon_days").sum()
        forecast = model.anchor.forecast(frames[h.horizon_days], h.horizon_days)
        assert total == pytest.approx(h.level * forecast.value.sum(), rel=2e-3)


def test_narrow_ranges_lie_inside_wide_ones(predicted):
    assert (predicted["revenue_lo_90"] <= predicted["revenue_lo"]).all()
    assert (predicted["revenue_lo"] <= predicted["revenue_hi"]).all()
    assert (predicted["revenue_hi"] <= predicted["revenue_hi_90"]).all()


def test_a_one_time_buyer_silent_for_long_hardly_buys(frames, predicted):
    frame = frames[30].set_index("customer_id")
    silent = frame.index[(frame["x"] == 0) & (frame["T"] > 250)]

    assert len(silent) > 20
    assert predicted["p_buys"].xs(30, level="horizon_days").loc[silent].max() < 0.1


def test_a_customer_is_predicted_from_their_own_row_alone(model, frames, predicted):
    few = {days: frame.iloc[10:15] for days, frame in frames.items()}

    found = model.predict(few).set_index(["customer_id", "horizon_days"]).sort_index()

    pd.testing.assert_frame_equal(found, predicted.loc[found.index], check_exact=True)


def test_without_trees_for_orders_everything_else_is_the_same(log, predicted):
    found = log.predictions(AS_OF, HORIZONS, with_orders=False)

    same = [*MONEY, "p_buys", "p_alive"]
    pd.testing.assert_frame_equal(found[same], predicted[same], check_exact=True)
    assert (found["expected_orders"] != predicted["expected_orders"]).any()


def test_a_saved_model_predicts_the_same(model, frames, predicted, tmp_path):
    written = model.save(tmp_path)

    found = ValueModel.load(tmp_path).predict(frames).set_index(["customer_id", "horizon_days"]).sort_index()

    pd.testing.assert_frame_equal(found, predicted, check_exact=True)
    assert {path.suffix for path in written} == {".json", ".ubj"}


def test_it_ranks_better_than_a_coin_and_totals_are_near(log, predicted):
    actual = log.outcomes(AS_OF, 60).set_index("customer_id")["revenue"]
    expected = predicted["expected_revenue"].xs(60, level="horizon_days").loc[actual.index]

    assert expected.corr(actual, method="spearman") > 0.4
    assert expected.sum() == pytest.approx(actual.sum(), rel=0.3)


def test_a_period_that_is_not_over_is_refused(log):
    early = log.snapshot(AS_OF - timedelta(days=20), 30)
    today = log.snapshot(AS_OF, 30, is_over=False)

    with pytest.raises(ModelError, match="is not over"):
        fit_value_model([early], [today], as_of=AS_OF, horizons_days=[30])


def test_too_few_purchases_leave_the_baseline_alone(make_log):
    small = make_log(simulated_orders(12, 200, seed=4))

    model = small.fit(FIRST_DAY + timedelta(days=150), [30])

    assert model.horizons[0].basis == "baseline"
    assert "alone" in model.horizons[0].note
    assert (model.predict(small.frames(model, model.as_of))["expected_revenue"] > 0).all()


def test_without_a_repeat_buyer_everybody_gets_the_mean(make_log):
    once = make_log(simulated_orders(40, 200, seed=4).drop_duplicates("customer_id"))

    model = once.fit(FIRST_DAY + timedelta(days=150), [30])
    found = model.predict(once.frames(model, model.as_of))

    assert model.horizons[0].basis == "mean"
    assert found["expected_orders"].min() == found["expected_orders"].max()
    assert found["expected_revenue"].gt(0).all()


def test_short_history_is_scaled_from_a_shorter_period_and_said(log):
    as_of = FIRST_DAY + timedelta(days=150)

    model = log.fit(as_of, [30, 180])
    found = model.predict(log.frames(model, as_of)).set_index(["customer_id", "horizon_days"])["expected_revenue"]

    assert [h.basis for h in model.horizons] == ["full", "shorter"]
    assert "40%" in model.horizon(180).note
    wide = {days: found.xs(days, level="horizon_days") for days in (30, 180)}
    assert (wide[30] <= wide[180]).all()
    assert wide[180].sum() > 2 * wide[30].sum()


def test_nobody_to_forecast_is_said(log):
    with pytest.raises(NotEnoughDataError, match="nothing to forecast"):
        log.fit(FIRST_DAY - timedelta(days=1), [30])


def test_a_missing_frame_is_named(model, frames):
    with pytest.raises(ModelError, match=r"horizon_days = \[15, 60\]"):
        model.predict({30: frames[30]})


def test_a_missing_column_is_named(model, frames):
    with pytest.raises(ModelError, match="recency_days"):
        model.predict({days: frame.drop(columns="recency_days") for days, frame in frames.items()})


def test_frames_of_other_customers_are_refused(model, frames):
    with pytest.raises(ModelError, match="same customers"):
        model.predict({30: frames[30], 60: frames[60].iloc[1:]})


def test_an_unknown_horizon_is_named(model):
    with pytest.raises(ModelError, match="77"):
        model.horizon(77)


def test_rows_are_thinned_by_customer_when_there_are_many(log):
    model = log.fit(AS_OF, [30], max_rows=1000, with_intervals=False)

    assert model.horizons[0].n_rows == pytest.approx(1000, rel=0.15)


def test_a_snapshot_without_customers_is_passed_over(log):
    empty = Snapshot(AS_OF - timedelta(days=60), 30, log.features(FIRST_DAY, 30), log.outcomes(FIRST_DAY, 30))
    today = log.snapshot(AS_OF, 30, is_over=False)

    model = fit_value_model([empty], [today], as_of=AS_OF, horizons_days=[30])

    assert model.horizons[0].basis == "baseline"


def test_the_mean_purchase_sets_the_unit_of_money(model, frames):
    assert model.horizons[0].purchase == pytest.approx(
        np.average(frames[30]["mean_day_amount"], weights=frames[30]["n_paid_days"])
    )
    assert replace(model.horizons[0], basis="full").note == ""


def test_a_small_shop_is_helped_by_a_shorter_period(model):
    # 30 days by 15, which is learnt for that alone, and 60 by the 30 that are forecast anyway
    assert [h.helper.base_days for h in model.horizons] == [15, 30]
    assert model.horizons_days == (30, 60)
    assert model.feature_horizons == (15, 30, 60)


def test_trees_are_believed_by_what_they_say_of_customers_they_have_not_seen(log, model):
    # the shop's law is the baseline's own: there is nothing to add to it
    assert all(h.trust < 1 for h in model.horizons)
    assert all(h.trust > 0 for h in model.horizons)


def test_a_helper_that_was_not_asked_for_is_no_reason_to_call_history_short(make_log):
    small = make_log(simulated_orders(40, 200, seed=4))

    model = small.fit(FIRST_DAY + timedelta(days=150), [30])

    assert model.horizons[0].basis in ("full", "baseline")


def test_the_trees_of_one_period_are_written_once(model, tmp_path):
    written = model.save(tmp_path)

    names = [path.name for path in written]
    assert len(names) == len(set(names))
    assert {name.split("_")[0] for name in names if name.endswith(".ubj")} == {"15", "30", "60"}
