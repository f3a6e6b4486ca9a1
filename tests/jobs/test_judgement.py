"""What is written down of a judged window: four customers whose figures were worked out by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from clv.evaluation import Prediction
from jobs import judgement
from jobs.judgement import Judged
from warehouse import outputs

#            expected  came  80 %      90 %
# ann          10        0   0 … 15    0 … 20     one order, 5 days ago      New       web
# bob          20       30   5 … 25    0 … 35     three orders, 31 days ago  Loyal     web
# cid          40       40  10 … 60    5 … 80     four orders, 400 days ago  At risk   shop
# dot          90       30  40 … 95   35 … 99     nine orders, 31 days ago   Loyal     not known
IDS = ["ann", "bob", "cid", "dot"]
FEATURES = pd.DataFrame({"customer_id": IDS, "n_orders": [1, 3, 4, 9], "recency_days": [5, 31, 400, 31]})
SEGMENTS = pd.Series({"bob": "Loyal", "dot": "Loyal", "ann": "New", "cid": "At risk"})
CHANNELS = pd.Series({"ann": "web", "bob": "web", "cid": "shop", "dot": None})


def window(cut_off: date, *, with_ranges: bool = True) -> Judged:
    ends = {
        "revenue_lo": [0.0, 5.0, 10.0, 40.0],
        "revenue_hi": [15.0, 25.0, 60.0, 95.0],
        "revenue_lo_90": [0.0, 0.0, 5.0, 35.0],
        "revenue_hi_90": [20.0, 35.0, 80.0, 99.0],
    }
    forecast = pd.DataFrame({"customer_id": IDS, **ends})
    if not with_ranges:
        forecast[list(ends)] = np.nan
    revenue = Prediction(np.array([10.0, 20.0, 40.0, 90.0]))
    return Judged(
        cut_off=cut_off,
        horizon_days=30,
        actual=np.array([0.0, 30.0, 40.0, 30.0]),
        bought=np.array([0.0, 1.0, 1.0, 1.0]),
        predictions={"value": revenue, "btyd": revenue},
        forecast=forecast,
        slices=judgement.slices(FEATURES, SEGMENTS, CHANNELS),
    )


NEWER, OLDER = date(2026, 1, 31), date(2026, 1, 1)


def measured(kind: str, metric: str, **more) -> dict[str, float]:
    rows, _ = judgement.evaluations([window(NEWER, **more)], seed=7)
    return {
        row["slice"]: row["value"]
        for row in rows
        if row["slice_kind"] == kind and row["metric"] == metric and row["model"] == "value"
    }


def test_customers_fall_into_slices_by_how_they_stood_at_the_cut_off():
    table = judgement.slices(FEATURES, SEGMENTS, CHANNELS)

    assert table["segment"].tolist() == ["New", "Loyal", "At risk", "Loyal"]
    assert table["orders"].tolist() == ["1", "2–3", "4 and more", "4 and more"]
    assert table["recency"].tolist() == ["up to 30 days", "31–90 days", "longer", "31–90 days"]
    assert table["channel"].tolist() == ["web", "web", "shop", "Unknown"]


@pytest.mark.parametrize(
    ("kind", "metric", "expected"),
    [
        ("segment", "mean_predicted", {"Loyal": 55, "New": 10, "At risk": 40}),
        ("segment", "mean_actual", {"Loyal": 30, "New": 0, "At risk": 40}),
        ("segment", "mae", {"Loyal": 35, "New": 10, "At risk": 0}),
        ("orders", "mean_predicted", {"1": 10, "2–3": 20, "4 and more": 65}),
        ("channel", "mean_actual", {"web": 15, "shop": 40, "Unknown": 30}),
        ("recency", "mae", {"up to 30 days": 10, "31–90 days": 35, "longer": 0}),
        # bob (30 > 25) and dot (30 < 40) are outside at 80 %; at 90 % only dot is (30 < 35)
        ("all", "coverage_80", {"all": 0.5}),
        ("all", "coverage_90", {"all": 0.75}),
        ("segment", "coverage_90", {"Loyal": 0.5, "New": 1, "At risk": 1}),
        ("channel", "coverage_80", {"web": 0.5, "shop": 1, "Unknown": 0}),
    ],
)
def test_each_slice_has_its_means_error_and_coverage(kind, metric, expected):
    assert measured(kind, metric) == pytest.approx(expected)


def test_without_ranges_there_is_no_coverage_and_all_else_stands():
    assert measured("segment", "coverage_80", with_ranges=False) == {}
    assert measured("segment", "mae", with_ranges=False) == pytest.approx({"Loyal": 35, "New": 10, "At risk": 0})


def test_a_metric_of_a_slice_is_written_once():
    rows, _ = judgement.evaluations([window(NEWER)], seed=7)

    keys = [(row["model"], row["slice_kind"], row["slice"], row["metric"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_residuals_are_those_of_the_newest_window():
    table = judgement.residuals([window(OLDER), window(NEWER)])

    assert set(table["as_of"]) == {NEWER}
    assert table.set_index("customer_id")["actual"].to_dict() == {"ann": 0, "bob": 30, "cid": 40, "dot": 30}
    assert set(outputs.TABLES["residuals"]) == {*table.columns, "model_version"}


def test_without_a_window_there_are_no_residuals():
    table = judgement.residuals([]).assign(model_version="v")

    assert table.empty
    assert set(table.columns) == set(outputs.TABLES["residuals"])


def test_the_sample_is_the_same_in_any_order_and_grows_from_its_own_beginning():
    ids = pd.Series([f"c{number}" for number in range(100)])
    mixed = ids.sample(frac=1, random_state=3)

    few, more = judgement.sampled(ids, 10).tolist(), judgement.sampled(mixed, 20).tolist()

    assert more[:10] == few
    assert len(set(more)) == 20
    assert few != ids.head(10).tolist()


def test_a_sample_of_more_than_there_are_is_everybody():
    assert sorted(judgement.sampled(pd.Series(IDS), 50)) == IDS
