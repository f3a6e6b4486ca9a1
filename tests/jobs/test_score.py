import hashlib
import os
import signal
import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from clv.errors import ModelError, NotFittedError, TamperedModelError
from jobs import judgement, models, score
from warehouse import outputs
from warehouse.ask import Warehouse


def content(shop) -> str:
    return hashlib.sha256(outputs.path_of(shop.settings.paths.outputs, "predictions").read_bytes()).hexdigest()


def test_every_customer_has_a_row_for_each_horizon(trained_shop):
    table = trained_shop.output("predictions")
    customers = Warehouse(trained_shop.settings.paths.data).table("core.customers")["customer_id"]

    assert sorted(set(table["customer_id"])) == sorted(customers)
    assert len(table) == 2 * len(customers)
    assert not table.duplicated(["customer_id", "horizon_days"]).any()
    assert table[["customer_id", "horizon_days"]].apply(tuple, axis=1).is_monotonic_increasing


def test_rows_say_which_model_and_which_day(trained_shop):
    table = trained_shop.output("predictions")

    assert set(table["model_version"]) == {models.registry(trained_shop.settings).champion()}
    assert set(table["as_of"]) == {date(2026, 1, 1)}


def test_values_are_possible(trained_shop):
    table = trained_shop.output("predictions")

    assert (table["expected_revenue"] >= 0).all()
    assert table["p_buys"].between(0, 1).all()
    assert table["p_alive"].between(0, 1).all()
    assert (table["revenue_lo"] <= table["revenue_hi"]).all()
    assert (table["revenue_lo_90"] <= table["revenue_lo"]).all()
    assert (table["revenue_hi_90"] >= table["revenue_hi"]).all()
    assert (table["expected_revenue_discounted"] <= table["expected_revenue"] + 1e-9).all()


def test_reasons_add_up_to_the_value_they_explain(trained_shop):
    reasons = trained_shop.output("contributions")
    values = trained_shop.output("predictions").set_index(["customer_id", "horizon_days"])["expected_revenue"]

    totals = reasons.groupby(["customer_id", "horizon_days"])["contribution"].sum()

    assert set(reasons["horizon_days"]) == {trained_shop.settings.model.primary_horizon_days}
    assert len(totals) == len(set(reasons["customer_id"])) > 100
    assert totals.to_numpy() == pytest.approx(values.loc[totals.index].to_numpy(), abs=1e-6)


@pytest.mark.parametrize("column", ["expected_revenue", "expected_orders", "p_buys", "expected_revenue_discounted"])
def test_nothing_falls_with_the_horizon(trained_shop, column):
    wide = trained_shop.output("predictions").pivot_table(index="customer_id", columns="horizon_days", values=column)

    assert (wide[90] >= wide[30] - 1e-9).all()


def test_the_next_order_is_expected_after_today_and_within_a_year(trained_shop):
    table = trained_shop.output("predictions").dropna(subset=["next_order_from"])

    assert len(table)
    assert (table["next_order_from"] >= date(2026, 1, 1)).all()
    assert (table["next_order_to"] >= table["next_order_from"]).all()
    assert (table["next_order_to"] <= date(2026, 1, 1) + timedelta(365)).all()


def test_who_is_long_silent_for_their_rhythm_is_overdue(trained_shop):
    warehouse = Warehouse(trained_shop.settings.paths.data)
    features = warehouse.table("features.customer_features").set_index("customer_id")
    table = trained_shop.output("predictions").query("horizon_days == 90").set_index("customer_id")
    regular = features[features["x"] >= 5].index

    found = table.loc[regular, "overdue_index"]
    gaps = features.loc[regular, "recency_days"] / (features.loc[regular, "t_x"] / features.loc[regular, "x"])

    assert (found >= 0).all()
    assert found.corr(gaps.astype(float), method="spearman") > 0.9


def test_scoring_again_gives_the_same_bytes(shop_copy):
    before = content(shop_copy)

    shop_copy.run("score")

    assert content(shop_copy) == before


def test_scoring_in_parts_gives_the_same_bytes_and_reasons(shop_copy, monkeypatch):
    names = ("predictions", "contributions", "explanation_sample")
    whole = {name: shop_copy.output(name) for name in names}
    before = content(shop_copy)
    monkeypatch.setattr(score, "CUSTOMERS_AT_A_TIME", 200)
    monkeypatch.setattr(score, "MAX_EXPLAINED", 20)
    monkeypatch.setattr(score, "N_SAMPLED", 30)

    shop_copy.run("score")

    assert content(shop_copy) == before
    values = whole["predictions"].query("horizon_days == 90")
    best = values.sort_values(["expected_revenue", "customer_id"], ascending=[False, True])["customer_id"].head(20)
    assert set(shop_copy.output("contributions")["customer_id"]) == set(best)
    drawn = judgement.sampled(values["customer_id"], 30)
    assert set(shop_copy.output("explanation_sample")["customer_id"]) == set(drawn)
    reasons = whole["contributions"]
    pd.testing.assert_frame_equal(
        shop_copy.output("contributions"),
        reasons[reasons["customer_id"].isin(set(best))].reset_index(drop=True),
        rtol=1e-9,
    )


def test_a_champion_that_knows_later_days_is_not_asked_about_earlier_ones(shop_copy):
    before = content(shop_copy)

    with pytest.raises(ModelError, match=r"2026-01-01.*2025-12-01.*clv train --as-of 2025-12-01"):
        shop_copy.run("score", as_of=date(2025, 12, 1))

    assert content(shop_copy) == before


def test_scoring_obeys_promotion_and_rollback(two_versions, tmp_path):
    shop = two_versions.copy(tmp_path / "data")
    registry = models.registry(shop.settings)
    first = registry.champion()
    (second,) = set(registry.versions()) - {first}
    models.promote(shop.settings, second)

    promoted = shop.run("score")["model_version"]
    aside = shop.output("predictions_before")
    models.rollback(shop.settings)
    rolled_back = shop.run("score")["model_version"]

    assert (promoted, rolled_back) == (second, first)
    assert set(shop.output("predictions")["model_version"]) == {first}
    # on the same day the old model says what it had said: the whole change is the model's
    assert set(aside["model_version"]) == {first}
    assert len(aside) == len(shop.output("predictions"))
    assert (aside["expected_revenue_rescored"] == aside["expected_revenue"]).all()


def test_a_tampered_champion_is_refused_and_the_last_predictions_stay(shop_copy):
    registry = models.registry(shop_copy.settings)
    before = content(shop_copy)
    path = registry.folder / registry.champion() / "value.json"
    path.write_text(path.read_text().replace('"level": ', '"level": 2', 1))

    with pytest.raises(TamperedModelError, match=r"value\.json"):
        shop_copy.run("score")

    assert content(shop_copy) == before


def test_without_a_champion_the_remedy_is_named(shop_of):
    shop = shop_of("a,1,2025-12-31,20")

    with pytest.raises(NotFittedError, match="clv train"):
        shop.run("score")


def test_a_customer_who_only_returned_is_worth_nothing(shop_of):
    shop = shop_of("a,1,2025-10-01,20 a,2,2025-11-01,30 b,3,2025-12-01,10 ghost,4,2025-12-31,-20")
    shop.run("train", "score")

    rows = shop.output("predictions").query("customer_id == 'ghost'")

    assert len(rows) == 2
    assert (rows["expected_revenue"] == 0).all()
    assert (rows["revenue_hi"] == 0).all()
    assert rows["p_alive"].isna().all()


def test_predictions_reach_the_customer_mart_with_the_next_build(shop_copy):
    shop_copy.run("build")

    mart = Warehouse(shop_copy.settings.paths.data).table("marts.customers").set_index("customer_id")
    table = shop_copy.output("predictions").query("horizon_days == 90").set_index("customer_id")
    pd.testing.assert_series_equal(
        mart["expected_revenue"].sort_index(), table["expected_revenue"].sort_index(), check_names=False
    )
    assert np.isclose(mart["expected_revenue"].sum(), table["expected_revenue"].sum())


SCORER = """
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from clv.config import Business, Paths, Settings
from jobs import score
from warehouse.ask import Warehouse

data = Path(sys.argv[1])
# another rate of discount: what this one would write is not what is there
settings = Settings(paths=Paths(data=data), business=Business(discount_rate_annual=0.5))

def progress(share, message):
    if message == "writing":
        print(message, flush=True)
        sys.stdin.read()

as_of = date(2026, 1, 1)
warehouse = Warehouse(data, settings.engine)
context = {"settings": settings, "warehouse": warehouse, "as_of": as_of, "today": as_of, "run_id": "r"}
score.run(SimpleNamespace(**context, progress=progress))
"""


def test_a_score_killed_half_way_leaves_the_last_predictions(shop_copy):
    before = content(shop_copy)
    command = [sys.executable, "-c", SCORER, str(shop_copy.settings.paths.data)]

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    assert said == "writing\n"
    assert content(shop_copy) == before
    shop_copy.run("score")
    assert content(shop_copy) == before
