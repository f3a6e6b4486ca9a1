import hashlib
import json
import shutil
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from clv.errors import NotEnoughDataError
from clv.registry import Registry
from jobs import models, train
from warehouse.journal import Journal

CONTENDERS = {"value", "btyd", "past_period", "historic_rate"}


def test_the_first_version_becomes_the_champion(trained_shop):
    registry = models.registry(trained_shop.settings)

    assert registry.versions() == [registry.champion()]
    assert registry.history()[0].reason.startswith("first version")


def test_the_card_says_from_what_the_model_was_made(trained_shop):
    card = models.card(trained_shop.settings, "champion")

    assert card["as_of"] == "2026-01-01"
    assert card["seed"] == 7
    assert card["n_rows"] > 0
    assert card["build_id"]
    assert len(card["features"]) == card["n_features"]
    assert all(len(checksum) == 16 for checksum in card["features"].values())
    ends = [date.fromisoformat(cut_off) + timedelta(days=days) for cut_off, days in card["snapshots"]]
    assert max(ends) == date(2026, 1, 1)
    assert len(card["sufficiency"]) == 2


def test_the_card_has_the_checksum_of_every_file(trained_shop):
    registry = models.registry(trained_shop.settings)
    folder = registry.verified(registry.champion())

    files = registry.card(registry.champion())["files"]

    assert set(files) == {path.name for path in folder.iterdir()} - {"card.json"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == files[name] for name in files)


def test_each_horizon_is_judged_on_its_latest_matured_window(trained_shop):
    metrics = models.card(trained_shop.settings, "champion")["metrics"]

    assert {days: found["cut_off"] for days, found in metrics.items()} == {"30": "2025-12-02", "90": "2025-10-03"}


def test_metrics_on_the_card_carry_their_intervals(trained_shop):
    found = models.card(trained_shop.settings, "champion")["metrics"]["90"]["value"]

    for metric in ("gini", "total_bias", "auc", "rmse", "mae", "spearman", "top_decile_capture"):
        value, lo, hi = found[metric]
        assert lo <= value <= hi, metric


def test_all_contenders_are_measured_on_the_same_customers(trained_shop):
    table = trained_shop.output("evaluations")
    table = table[(table["slice_kind"] == "all") & (table["metric"] == "gini")]

    assert set(table["model"]) == CONTENDERS
    assert (table.groupby(["as_of", "horizon_days"])["n"].nunique() == 1).all()
    assert np.isfinite(table["value"]).all()


def test_deciles_of_the_evaluation_hold_every_customer(trained_shop):
    table = trained_shop.output("evaluations")
    table = table[(table["slice_kind"] == "decile") & (table["metric"] == "mean_actual")]

    total = table.groupby(["model", "as_of", "horizon_days"])["n"].sum()

    n_known = trained_shop.output("evaluations").query("metric == 'gini' and model == 'value'")
    for (_, as_of, days), n in total.items():
        assert n == n_known[(n_known["as_of"] == as_of) & (n_known["horizon_days"] == days)]["n"].iloc[0]


def test_a_model_that_knows_nothing_after_the_cut_off_ranks_better_than_the_past_period(trained_shop):
    found = models.card(trained_shop.settings, "champion")["metrics"]["90"]

    assert found["value"]["auc"][0] > found["past_period"]["auc"][0]
    assert found["value"]["gini"][0] > found["btyd"]["gini"][0] - 0.02


def test_the_total_of_the_champion_keeps_its_interval_beside_a_challenger(two_versions):
    table = two_versions.output("evaluations")
    spreads = table[table["metric"] == "total_log_sd"].groupby("model_version")["horizon_days"].count()
    judged = table[table["metric"] != "total_log_sd"]
    registry = models.registry(two_versions.settings)

    assert set(spreads.index) == set(registry.versions())
    assert spreads.nunique() == 1
    assert set(judged["model_version"]) == set(registry.versions()) - {registry.champion()}


def test_training_again_gives_the_same_version_and_the_same_bytes(shop_copy):
    registry = models.registry(shop_copy.settings)
    before = registry.versions()
    files = models.card(shop_copy.settings, "champion")["files"]
    # without the version on disk, it has to be made again from nothing
    shutil.rmtree(registry.folder)

    did = shop_copy.run("train")

    assert registry.versions() == before
    assert did["version"] == before[0]
    assert models.card(shop_copy.settings, "champion")["files"] == files


def test_training_what_is_champion_promotes_nothing(shop_copy):
    registry = models.registry(shop_copy.settings)

    did = shop_copy.run("train")

    assert did["said"].endswith("the same model as the champion")
    assert len(registry.history()) == 1


def test_training_as_of_an_earlier_date_learns_nothing_later(two_versions):
    settings = two_versions.settings

    card = models.card(settings, models.registry(settings).versions()[0])

    assert card["as_of"] == "2025-11-01"
    for cut_off, days in card["snapshots"]:
        assert (date(2025, 11, 1) - date.fromisoformat(cut_off)).days >= days


def test_versions_are_a_table_for_sql(two_versions):
    table = two_versions.output("model_versions")

    assert len(table) == 2
    assert list(table["as_of"]) == [date(2025, 11, 1), date(2026, 1, 1)]
    assert table["is_champion"].sum() == 1
    assert "gini" in json.loads(table["metrics"].iloc[0])["90"]["value"]


def test_without_automatic_promotion_a_challenger_waits(two_versions, trained_shop):
    journal = Journal(two_versions.settings.journal_url)

    did = journal.runs.last("train").detail

    journal.close()
    assert not did["is_promoted"]
    assert did["version"] in models.registry(two_versions.settings).versions()
    assert models.registry(two_versions.settings).champion() == models.registry(trained_shop.settings).champion()


LITTLE = {
    "one order": "a,1,2025-12-31,20",
    "one customer": "a,1,2025-10-01,20 a,2,2025-11-01,30 a,3,2025-12-31,10",
    "no repeat buyer": "a,1,2025-10-01,20 b,2,2025-11-05,30 c,3,2025-12-31,10",
    "all on one day": "a,1,2025-12-31,20 b,2,2025-12-31,30 a,3,2025-12-31,10",
    "nobody paid": "a,1,2025-10-01,0 b,2,2025-11-05,0 a,3,2025-12-31,0",
}


@pytest.mark.parametrize("lines", LITTLE.values(), ids=LITTLE.keys())
def test_too_little_data_gives_a_model_that_says_so(shop_of, lines):
    shop = shop_of(lines)

    shop.run("train", "score")

    card = models.card(shop.settings, "champion")
    table = shop.output("predictions")
    assert card["notes"]
    assert "history is too short" in " ".join(card["sufficiency"])
    assert len(table) == 2 * len({line[0] for line in lines.split()})
    assert np.isfinite(table["expected_revenue"]).all()
    assert (table["expected_revenue"] >= 0).all()


def test_without_a_purchase_there_is_nothing_to_learn_and_nothing_is_registered(shop_of):
    shop = shop_of("a,1,2025-12-31,-20")

    with pytest.raises(NotEnoughDataError, match="no purchase"):
        shop.run("train")

    assert Registry(shop.settings.paths.registry / models.NAME).versions() == []


def test_older_data_is_not_called_newer():
    assert train._what_it_knows("2026-02-01", "2026-01-01") == "newer data"
    assert "newer" not in train._what_it_knows("2025-07-01", "2026-01-01")


@pytest.mark.parametrize(
    ("x", "amounts", "expected"),
    [([1, 2, 3], [5.0, 6.0, 7.0], 1.0), ([1, 2, 3], [5.0, 5.0, 5.0], None), ([2], [5.0], None), ([], [], None)],
    ids=["rising", "all the same", "one customer", "nobody"],
)
def test_of_what_does_not_vary_there_is_no_correlation(x, amounts, expected):
    features = pa.table({"x": x, "mean_day_amount": amounts}).to_pandas()

    assert train._spend_frequency_correlation(features) == expected
