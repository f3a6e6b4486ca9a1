"""Contributions add up, in money, to what is predicted; changes add up to what changed."""

from datetime import timedelta

import numpy as np
import pytest

from clv import explain
from clv.snapshots import input_names
from clv.value import BTYD_INPUTS
from tests.clv.conftest import AS_OF, FIRST_DAY, HORIZONS, simulated_orders


@pytest.fixture(scope="module")
def found(model, frames):
    return explain.explain(model, frames, 60)


def test_terms_add_up_exactly_to_the_prediction(model, frames, found):
    predicted = model.predict(frames).query("horizon_days == 60")["expected_revenue"].to_numpy()

    total = found.baseline + found.level + found.rest + found.contributions.sum(axis=1)

    assert (found.value == predicted).all()
    assert total == pytest.approx(found.value, rel=1e-12)


def test_what_is_left_over_is_small(found):
    assert np.abs(found.rest).sum() < 0.1 * found.value.sum()


def test_the_table_adds_up_however_many_facts_are_kept(found):
    for most in (0, 1, 8):
        table = explain.contribution_table(found, most=most)
        total = table.groupby("customer_id", sort=False)["contribution"].sum().to_numpy()
        assert total == pytest.approx(found.value, rel=1e-9)


def test_the_strongest_facts_come_first(found):
    table = explain.contribution_table(found, most=5)
    first = table[table["customer_id"] == found.customer_ids[0]]

    assert first["rank"].tolist() == list(range(8))
    assert first["feature"].iloc[[0, -2, -1]].tolist() == [explain.BASELINE, explain.LEVEL, explain.REST]
    size = first["contribution"].iloc[1:6].abs()
    assert size.is_monotonic_decreasing


def test_a_fact_stands_as_it_was(found, frames):
    place = found.names.index("recency_days")

    assert (found.facts[:, place] == frames[60]["recency_days"].to_numpy()).all()


def test_every_input_has_plain_words(frames):
    assert [name for name in (*input_names(frames[30]), *BTYD_INPUTS) if name not in explain.WORDS] == []
    assert explain.in_words("some_new_fact") == "some new fact"


def test_importance_is_ordered_and_shares_sum_to_one(found):
    table = explain.importance(found)

    assert table["mean_abs_contribution"].is_monotonic_decreasing
    assert table["share"].sum() == pytest.approx(1)
    assert len(table) == len(found.names)


def test_the_beeswarm_has_a_point_per_customer_and_fact(found):
    points = explain.beeswarm(found, most=4)

    assert len(points) == 4 * len(found.value)
    assert points["value_rank"].dropna().between(0, 1).all()


def test_dependence_pairs_facts_with_their_contributions(found):
    points = explain.dependence(found, "recency_days")

    assert points["contribution"].to_numpy() == pytest.approx(found.contributions[:, found.names.index("recency_days")])
    with pytest.raises(KeyError):
        explain.dependence(found, "shoe_size")


def test_a_change_is_data_plus_model_exactly(log, model, frames):
    later = AS_OF + timedelta(days=30)
    model_later = log.fit(later, HORIZONS, with_intervals=False)
    frames_later = log.frames(model_later, later)

    table = explain.change(model, frames, model_later, frames_later, 60)

    assert (table["data_effect"] + table["model_effect"]).to_numpy() == pytest.approx(
        (table["after"] - table["before"]).to_numpy(), abs=1e-9
    )
    assert len(table) == len(frames[60])
    assert set(table["driver"]) <= {explain.BASELINE, *model.horizons[0].names}


def test_the_same_model_on_new_data_has_no_model_effect(log, model, frames):
    frames_later = log.frames(model, AS_OF + timedelta(days=30))

    table = explain.change(model, frames, model, frames_later, 60)

    assert table["model_effect"].abs().max() < 1e-9
    assert table["data_effect"].abs().max() > 1


def test_the_baseline_alone_is_explained_too(make_log):
    small = make_log(simulated_orders(12, 200, seed=4))
    model = small.fit(FIRST_DAY + timedelta(days=150), [30])

    found = explain.explain(model, small.frames(model, model.as_of), 30)

    assert found.names == ()
    assert found.baseline + found.level + found.rest == pytest.approx(found.value)
    assert set(explain.contribution_table(found)["feature"]) == set(explain.TERMS)


def test_a_sample_has_every_term_and_each_customer_adds_up(found):
    table = explain.sample_table(found)
    total = table.groupby("lot")["contribution"].sum().to_numpy()

    assert total == pytest.approx(found.value, rel=1e-9)
    assert set(table["feature"]) == {*found.names, *explain.TERMS}
    assert table.groupby("lot")["customer_id"].first().tolist() == found.customer_ids.tolist()


def test_part_of_an_explanation_is_that_of_its_customers(found):
    ids = found.customer_ids.iloc[[5, 2]]

    part = found.of(ids)

    assert part.customer_ids.tolist() == ids.tolist()
    assert (part.value == found.value[[5, 2]]).all()
    assert (part.contributions == found.contributions[[5, 2]]).all()


@pytest.mark.parametrize(
    ("feature", "kind"),
    [
        ("net_revenue", "money"),
        ("revenue_decay_1h", "money"),
        ("last3_day_amount", "money"),
        ("mean_unit_price", "money"),
        ("btyd_value", "money"),
        ("recency_days", "days"),
        ("T", "days"),
        ("gap_last3_days", "days"),
        ("discount_share", "share"),
        ("btyd_p_alive", "share"),
        ("n_purchase_days", "number"),
        ("n_days_1h", "number"),
        ("revenue_trend", "number"),
        ("recency_over_gap_mean", "number"),
    ],
)
def test_a_fact_is_worded_in_its_unit(feature, kind):
    assert explain.kind_of(feature) == kind
