"""Should the predictions be trusted: what the page says of windows that have passed, and when there are none."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from clv.registry import Registry
from dashboard import data, model_card
from dashboard.app import create_app
from dashboard.charts import model as charts
from warehouse import outputs
from warehouse.build import build

from .conftest import AS_OF, Client, publish_tiny

CUT_OFF, EARLIER = date(2024, 3, 12), date(2024, 2, 11)
CARD = {
    "n_rows": 40,
    "n_customers": 12,
    "n_features": 2,
    "features": {"x": "0", "recency_days": "1"},
    "snapshots": [["2024-03-12", 30], ["2024-02-11", 30]],
    "sufficiency": ["30 days: learnt from 2 earlier periods", "180 days: history is shorter than the horizon"],
    "notes": ["180 days: the total can be off by 40 %"],
    "primary_horizon_days": 30,
    "horizons": [{"horizon_days": 30, "level": 1.1}],
    "settings": {"max_snapshots": 14, "max_training_rows": 300000},
    "seed": 7,
}


def evaluations(version):
    """Two windows of 30 days; on the newer one ours is .80 against .70, the total 20 % too high."""
    rows = []

    def add(as_of, model, metric, value, lo=np.nan, hi=np.nan, kind="all", label="all", n=12):
        rows.append((version, model, as_of, 30, kind, label, metric, value, lo, hi, n))

    for model, gini, bias in (("value", 0.8, 0.2), ("btyd", 0.7, -0.1)):
        add(CUT_OFF, model, "gini", gini, gini - 0.04, gini + 0.04)
        add(CUT_OFF, model, "total_bias", bias, bias - 0.05, bias + 0.05)
        add(EARLIER, model, "gini", gini - 0.2, 0.3, 0.9)
        for decile, n in ((1, 6), (10, 6)):
            add(CUT_OFF, model, "mean_predicted", 3.0 * decile, kind="decile", label=str(decile), n=n)
            add(CUT_OFF, model, "mean_actual", 2.5 * decile, kind="decile", label=str(decile), n=n)
            add(CUT_OFF, model, "coverage_80", 0.9, kind="decile", label=str(decile), n=n)
            add(CUT_OFF, model, "coverage_90", 0.95, kind="decile", label=str(decile), n=n)
    for segment, predicted, actual, n in (("New", 10.0, 12.0, 4), ("Loyal", 30.0, 28.0, 8)):
        add(CUT_OFF, "value", "mean_predicted", predicted, kind="segment", label=segment, n=n)
        add(CUT_OFF, "value", "mean_actual", actual, kind="segment", label=segment, n=n)
    return pd.DataFrame(rows, columns=list(outputs.TABLES["evaluations"]))


def served(folder, is_judged):
    """The tiny shop with one model version in registry and outputs."""
    settings = publish_tiny(folder / "data")
    registry = Registry(settings.paths.registry / model_card.NAME)
    version = registry.save(lambda at: (at / "model.json").write_text("{}"), CARD, as_of=AS_OF)
    registry.promote(version, by="test", at=datetime(2024, 4, 11, tzinfo=UTC), reason="first version")
    row = dict.fromkeys(outputs.TABLES["model_versions"]) | {
        "model": "value", "version": version, "created_at": pd.Timestamp("2024-04-11 06:00"), "status": "champion",
        "is_champion": True, "as_of": AS_OF, "horizon_days": 30, "n_rows": 40, "n_features": 2, "seed": 7,
    }  # fmt: skip
    outputs.write(settings.paths.outputs, "model_versions", pd.DataFrame([row]))
    if is_judged:
        outputs.write(settings.paths.outputs, "evaluations", evaluations(version))
    build(settings, as_of=AS_OF)
    return create_app(settings), version


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A shop whose model was judged on two windows."""
    app, version = served(tmp_path_factory.mktemp("judged"), is_judged=True)
    yield app, version
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def page(judged):
    """The page as it opens."""
    return Client(judged[0]).page("/model")


@pytest.fixture
def door(judged):
    """A door to the judged shop."""
    with judged[0].server.test_request_context("/"):
        yield data.door("")


def test_the_verdict_says_which_version_on_which_window(page, judged, words_of):
    words = words_of(page)

    assert f"Version {judged[1]}, the champion, ranks customers better than the purchase model alone" in words
    assert "0.800 (0.760 – 0.840) against 0.700 (0.660 – 0.740)" in words
    assert "Its total was 20.0% too high, which is more than chance." in words
    assert "12 Mar 2024 – 10 Apr 2024" in words


def test_only_the_latest_window_of_the_horizon_counts(door):
    row = door.ask("model/verdict", horizon_days=30).row

    assert (row.as_of.date() if hasattr(row.as_of, "date") else row.as_of) == CUT_OFF
    assert row.gini == pytest.approx(0.8)


def test_the_best_contender_leads_the_board(door):
    frame = door.ask("model/leaderboard", horizon_days=30).frame

    assert frame["model"].tolist() == ["value", "btyd"]
    assert frame["gini"].tolist() == pytest.approx([0.8, 0.7])


def test_the_largest_error_comes_first(door):
    rows = door.ask("model/segments", horizon_days=30).rows

    assert [(row.segment, row.total_error) for row in rows] == [
        ("Loyal", pytest.approx(16)),
        ("New", pytest.approx(-8)),
    ]


def test_every_window_is_listed(door):
    assert len(door.ask("model/origins").rows) == 2


def test_every_card_and_number_shows_its_sql(page, walk):
    panels = [node for node in walk(page) if "panel" in str(node["props"].get("className", "")).split()]

    assert len(panels) >= 13
    for panel in panels:
        assert any("sql-button" in str(node["props"].get("className")) for node in walk(panel))


def test_the_card_says_whether_history_is_enough(page, words_of):
    words = words_of(page)

    assert "180 days: history is shorter than the horizon" in words
    assert "180 days: the total can be off by 40 %" in words


def test_a_horizon_that_was_not_judged_falls_back(judged, words_of):
    assert "Judged on 12 customers" in words_of(Client(judged[0]).page("/model", "?horizon=365"))


def test_a_model_that_was_not_judged_shows_its_card(tmp_path, words_of):
    app, version = served(tmp_path, is_judged=False)

    words = words_of(Client(app).page("/model"))
    app.server.extensions["retain"].warehouse.close()

    assert "Not judged yet." in words
    assert version in words
    assert "180 days: history is shorter than the horizon" in words


def test_without_a_model_the_page_says_how_to_get_one(client, words_of):
    assert "Not trained yet" in words_of(client.page("/model"))


def test_a_version_that_was_removed_has_no_card(settings):
    assert model_card.card_of(settings, "20240411-00000000") is None


def test_points_without_a_place_on_a_logarithmic_scale_are_left_out(door):
    frame = door.ask("model/deciles", horizon_days=30).frame
    frame = frame.assign(mean_actual=frame["mean_actual"].where(frame["decile"] > 1, 0.0))

    figure = charts.predicted_against_actual(frame, door.words)

    assert [len(trace.x) for trace in figure.data] == [2, 1, 1]
