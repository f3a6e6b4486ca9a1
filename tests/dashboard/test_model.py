"""Should the predictions be trusted: what the page says of windows that have passed, and when there are none."""

import json
import re
import shutil
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from clv.registry import Registry
from dashboard import customer_list, data, model_card
from dashboard.app import create_app
from dashboard.charts import explain as charts_explain
from dashboard.charts import model as charts
from dashboard.charts.ticks import Factors
from dashboard.format import Format
from warehouse import outputs
from warehouse.build import build

from ..conftest import AS_OF, settings_at
from .conftest import Client

FORMAT = Format("GBP", "en_GB", "Europe/London")
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
        add(CUT_OFF, "value", "coverage_80", 0.75, kind="segment", label=segment, n=n)
        add(CUT_OFF, "value", "coverage_90", 0.9, kind="segment", label=segment, n=n)
    add(CUT_OFF, "value", "mean_predicted", 5.0, kind="orders", label="1", n=12)
    add(CUT_OFF, "value", "mean_actual", 4.0, kind="orders", label="1", n=12)
    return pd.DataFrame(rows, columns=list(outputs.TABLES["evaluations"]))


#          predicted  came  80 %        tenth
# C01          90       50   60 …  95     10    40 less, outside
# C02          10       10    0 …  20      1    as predicted
# C03          10        0    0 …  20      1    10 less: the step from −10 to −3 does not hold it, −30 to −10 does not
# C04          10       12    0 …  20      1     2 more                         either: steps include their lower end
RESIDUALS = [
    ("C01", 90.0, 50.0, 60.0, 95.0, 10, "Loyal", "4 and more"),
    ("C02", 10.0, 10.0, 0.0, 20.0, 1, "New", "1"),
    ("C03", 10.0, 0.0, 0.0, 20.0, 1, "New", "1"),
    ("C04", 10.0, 12.0, 0.0, 20.0, 1, "New", "1"),
]


def residuals(version):
    """Four customers' own forecast and outcome on the newer window."""
    columns = ["customer_id", "predicted", "actual", "revenue_lo", "revenue_hi", "decile", "segment", "orders"]
    frame = pd.DataFrame(RESIDUALS, columns=columns)
    return frame.assign(
        model_version=version, as_of=CUT_OFF, horizon_days=30, revenue_lo_90=0.0, revenue_hi_90=99.0,
        recency="longer", channel="web", lot=range(len(frame)),
    )  # fmt: skip


def explained():
    """Two facts of three customers: silence moves 30, 10 and 20 (mean 20), orders move 6, 6 and 6."""
    facts = {
        "recency_days": ((100.0, -30.0), (10.0, 10.0), (5.0, 20.0)),
        "n_orders": ((1.0, -6.0), (2.0, 6.0), (np.nan, -6.0)),
        "baseline": ((np.nan, 50.0),) * 3,
    }
    rows = [
        (f"C0{lot + 1}", 180, feature, value, contribution, lot)
        for feature, customers in facts.items()
        for lot, (value, contribution) in enumerate(customers)
    ]
    return pd.DataFrame(rows, columns=list(outputs.TABLES["explanation_sample"]))


def previewed(champion, challenger):
    """C01 100 → 150, C02 50 → 20, C03 50 → 50.4 (within 1 %), of the primary horizon."""
    rows = [("C01", 100.0, 150.0), ("C02", 50.0, 20.0), ("C03", 50.0, 50.4)]
    frame = pd.DataFrame(rows, columns=["customer_id", "expected_now", "expected_then"])
    return frame.assign(horizon_days=180, as_of=AS_OF, champion_version=champion, version=challenger)


def served(settings, is_judged):
    """The tiny shop with one model version in registry and outputs."""
    registry = Registry(settings.paths.registry / model_card.NAME)
    version = registry.save(lambda at: (at / "model.json").write_text("{}"), CARD, as_of=AS_OF)
    registry.promote(version, by="test", at=datetime(2024, 4, 11, tzinfo=UTC), reason="first version")
    row = dict.fromkeys(outputs.TABLES["model_versions"]) | {
        "model": "value", "version": version, "created_at": pd.Timestamp("2024-04-11 06:00"), "status": "champion",
        "is_champion": True, "as_of": AS_OF, "horizon_days": 30, "n_rows": 40, "n_features": 2, "seed": 7,
    }  # fmt: skip
    rows = [row]
    if is_judged:
        other = registry.save(lambda at: (at / "model.json").write_text("{ }"), CARD, as_of=AS_OF)
        registry.remember_verdict(other, "no better")
        verdict = {"version": other, "status": "challenger", "is_champion": False, "verdict": "no better"}
        rows.append(row | verdict | {"created_at": pd.Timestamp("2024-04-10 06:00")})
        outputs.write(settings.paths.outputs, "evaluations", evaluations(version))
        outputs.write(settings.paths.outputs, "residuals", residuals(version))
        outputs.write(settings.paths.outputs, "explanation_sample", explained())
        outputs.write(settings.paths.outputs, "promotion_preview", previewed(version, other))
    outputs.write(settings.paths.outputs, "model_versions", pd.DataFrame(rows))
    build(settings, as_of=AS_OF)
    return create_app(settings), version


@pytest.fixture(scope="module")
def judged(tiny_shop, tmp_path_factory):
    """A shop whose model was judged on two windows."""
    app, version = served(tiny_shop(tmp_path_factory.mktemp("judged") / "data"), is_judged=True)
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
    rows = door.ask("model/slices", horizon_days=30, slice_kind="segment").rows

    assert [(row.slice, row.total_error) for row in rows] == [
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


def test_a_model_that_was_not_judged_shows_its_card(tiny_shop, tmp_path, words_of):
    app, version = served(tiny_shop(tmp_path / "data"), is_judged=False)

    words = words_of(Client(app).page("/model"))
    app.server.extensions["retain"].warehouse.close()

    assert "Not judged yet." in words
    assert version in words
    assert "180 days: history is shorter than the horizon" in words
    assert "One version only: the next training brings a challenger" in words
    assert "Roll back" not in words


def test_without_a_model_the_page_says_how_to_get_one(client, words_of):
    assert "Not trained yet" in words_of(client.page("/model"))


def test_a_version_that_was_removed_has_no_card(settings):
    assert model_card.card_of(settings, "20240411-00000000") is None


def test_slices_say_how_many_of_their_customers_are_kept(door):
    rows = door.ask("model/slices", horizon_days=30, slice_kind="segment").rows

    assert {row.slice: (row.n_customers, row.n_listed) for row in rows} == {"Loyal": (8, 1), "New": (4, 3)}
    assert {row.slice: row.bias for row in rows} == {"Loyal": pytest.approx(30 / 28 - 1), "New": pytest.approx(-1 / 6)}


def test_errors_fall_into_steps_that_hold_everybody_once(door):
    rows = door.ask("model/residuals", horizon_days=30).rows

    # −40 in −100 … −30; −10 in −10 … −3, which holds its lower end; 0 in −1 … 1; 2 in 1 … 3
    held = {(row.error_from, row.error_to): row.n_customers for row in rows if row.n_customers}
    assert held == {(-100, -30): 1, (-10, -3): 1, (-1, 1): 1, (1, 3): 1}
    assert [row.error_from for row in rows[1:]] == [row.error_to for row in rows[:-1]]
    assert sum(row.total for row in rows) == pytest.approx(-48)


@pytest.mark.parametrize(
    ("chosen", "customers"),
    [
        ({}, {"C01", "C02", "C03", "C04"}),
        ({"decile": 1}, {"C02", "C03", "C04"}),
        ({"segment": "Loyal"}, {"C01"}),
        ({"orders": "1", "error_from": -10.0, "error_to": -3.0}, {"C03"}),
        ({"is_inside": False}, {"C01"}),
        ({"channel": "nowhere"}, set()),
    ],
)
def test_the_customers_behind_a_mark_are_those_that_it_counts(door, chosen, customers):
    names = ("decile", "segment", "orders", "recency", "channel", "error_from", "error_to", "is_inside")

    frame = door.ask("model/customers_in", horizon_days=30, **(dict.fromkeys(names) | chosen)).frame

    assert set(frame["customer_id"]) == customers


def test_a_link_of_the_page_lists_exactly_the_customers_of_its_mark(judged, page, walk):
    app = judged[0]
    hrefs = {
        node["props"]["href"]: str(node["props"]["children"])
        for node in walk(page)
        if "model%2Fcustomers_in" in str(node["props"].get("href"))
    }
    client = Client(app)

    assert len(hrefs) >= 6
    for href, said in hrefs.items():
        with app.server.test_request_context("/"):
            asked = customer_list.wanted(href.partition("?")[2])
            n_listed = customer_list.grid_of(data.door("").site.warehouse).count(asked)
        assert str(n_listed) in re.findall(r"\d+", said.rpartition(":")[2]), (said, n_listed)
    assert "Only customers on whom the model was judged" in str(client.page("/customers", "?" + href.partition("?")[2]))


def test_facts_are_ordered_by_the_money_that_they_move(door):
    rows = door.ask("model/importance", horizon_days=180, max_rows=12).rows

    assert [(row.feature, row.mean_effect, row.n_explained) for row in rows] == [
        ("recency_days", pytest.approx(20), 3),
        ("n_orders", pytest.approx(6), 3),
    ]
    assert rows[0].mean_net_effect == pytest.approx(0)
    assert rows[0].effect_share == pytest.approx(60 / 78)
    assert [row.up_share for row in rows] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]


def test_a_swarm_ranks_what_is_known_and_leaves_out_the_terms(door):
    frame = door.ask("model/beeswarm", horizon_days=180, max_facts=12, max_customers=9).frame

    ranks = frame[frame["feature"] == "recency_days"].set_index("customer_id")["value_rank"].to_dict()
    assert ranks == {"C01": 1.0, "C02": 0.5, "C03": 0.0}
    assert set(frame["feature"]) == {"recency_days", "n_orders"}
    assert frame["value_rank"].isna().sum() == 1


def test_a_swarm_puts_each_fact_in_a_row_and_a_customer_right_of_zero_when_it_raises(door):
    frame = door.ask("model/beeswarm", horizon_days=180, max_facts=12, max_customers=9).frame

    figure = charts_explain.beeswarm(frame, door.words)

    unknown, known = figure.data
    assert (len(unknown.x), len(known.x)) == (1, 5)
    raised = frame[frame["value_rank"].notna()]["contribution"].to_numpy() > 0
    assert ((np.asarray(known.x) > 0) == raised).all()
    assert np.round(known.y).tolist() == [1, 1, 1, 0, 0]
    assert figure.layout.yaxis.ticktext[0] == "Days since the last<br>purchase"


def test_points_of_one_place_do_not_hide_each_other():
    rows, bins = np.zeros(5), np.zeros(5)

    offsets = charts_explain._swarm(rows, bins)

    assert len(set(offsets)) == 5
    assert offsets[0] == 0
    assert np.abs(offsets).max() <= charts_explain.SWARM


def test_the_scale_by_factors_is_symmetric_and_keeps_zero():
    scale = Factors.of([-300.0, 300.0, 20.0])

    axis = scale.axis(-300.0, 300.0, "count", FORMAT)

    assert scale.unit == 1.0
    assert axis["ticktext"] == ["−100", "−10", "0", "10", "100"]
    assert axis["tickvals"] == pytest.approx([-x for x in reversed(axis["tickvals"])])
    assert scale.place([0.0])[0] == 0


def test_who_is_outside_their_interval_is_a_mark_of_its_own(door):
    frame = door.ask("model/predicted_actual", horizon_days=30, max_rows=10).frame

    figure = charts.predicted_against_actual(frame, door.words)

    assert [len(trace.x) for trace in figure.data] == [2, 3, 1]
    assert "C01" in figure.data[2].customdata[0] or "outside its interval" in figure.data[2].customdata[0]


def test_a_few_far_customers_do_not_press_all_others_to_the_edge():
    values = [1.0 + place / 100 for place in range(300)] + [45.0]
    frame = pd.DataFrame({"customer_id": "C", "name": None, "value": values, "contribution": 1.0})
    trend = pd.DataFrame({"value": [2.0], "contribution": [1.0], "n_customers": [301]})

    figure = charts_explain.dependence(frame, trend, "items_per_purchase", Format("GBP", "en_GB"))
    placed = figure.data[0].x
    start, end = figure.layout.xaxis.range

    # Three quarters of the customers have up to 3.25 of it: they fill a good part of the chart, from its left edge on.
    assert (placed[0] - start) / (end - start) < 0.05
    assert (placed[225] - start) / (end - start) > 0.25


def test_the_fact_of_the_address_is_drawn(judged, words_of):
    words = words_of(Client(judged[0]).page("/model", "?fact=n_orders"))

    assert "Orders against what it adds to expected revenue" in words


def test_a_preview_says_who_and_what_money_would_move(door):
    total = door.ask("model/preview").row

    assert (total.n_customers, total.total_now, total.total_then) == (3, 200, pytest.approx(220.4))
    assert (total.n_up, total.n_down) == (1, 1)
    movers = door.ask("model/preview_movers", horizon_days=180, max_rows=2).rows
    assert [(row.customer_id, row.change) for row in movers] == [("C01", 50), ("C02", -30)]


@pytest.mark.parametrize(("way", "customers"), [("up", {"C01"}), ("down", {"C02"}), (None, {"C01", "C02", "C03"})])
def test_the_customers_of_a_preview_are_listed(door, way, customers):
    frame = door.ask("model/previewed_customers", horizon_days=180, way=way, segment=None).frame

    assert set(frame["customer_id"]) == customers


def test_segments_of_a_preview_add_up_to_its_total(door):
    rows = door.ask("model/preview_segments", horizon_days=180).rows

    assert sum(row.change for row in rows) == pytest.approx(20.4)
    assert sum(row.n_customers for row in rows) == 3


def test_the_page_shows_the_preview_and_offers_to_promote(judged, page, words_of):
    words = words_of(page)

    challenger = next(name for name in Registry(registry_folder(judged)).versions() if name != judged[1])
    assert f"If {challenger} became champion" in words
    assert "no better" in words
    assert "Promote …" in words


def registry_folder(judged):
    return judged[0].server.extensions["retain"].settings.paths.registry / model_card.NAME


def press(app, kind, **named):
    """Press one of the page's buttons; give what the callback changes."""
    client = Client(app)
    key = next(key for key in app.callback_map if "model-live" in key)
    button = {"type": kind, **named}
    groups = {"model-ask": [], "model-confirm": [], "model-cancel": []}
    groups[kind] = [{"id": button, "property": "n_clicks", "value": 1}]
    body = {
        "output": key,
        "outputs": [
            {"id": part.rpartition(".")[0], "property": part.rpartition(".")[2]} for part in key.strip(".").split("...")
        ],
        "inputs": [{"id": "model-poll", "property": "n_intervals"}, *groups.values()],
        "state": [{"id": "_pages_location", "property": "search", "value": ""}],
        "changedPropIds": [json.dumps(button, sort_keys=True, separators=(",", ":")) + ".n_clicks"],
    }
    response = client.http.post("/_dash-update-component", json=body)
    return response, (response.get_json() or {}).get("response", {}) if response.status_code == 200 else {}


@pytest.fixture
def shop(judged, tmp_path):
    """A copy of the judged shop that may be changed: app, champion, challenger, journal."""
    original = judged[0].server.extensions["retain"].settings.paths.data
    shutil.copytree(original, tmp_path / "data", symlinks=True)
    app, champion = create_app(settings_at(tmp_path / "data")), judged[1]
    site = app.server.extensions["retain"]
    challenger = next(name for name in model_card.registry_of(site.settings).versions() if name != champion)
    yield SimpleNamespace(app=app, champion=champion, challenger=challenger, journal=site.journal, site=site)
    site.warehouse.close()


def test_promoting_asks_once_more_and_says_what_money_would_move(shop, words_of):
    _, changed = press(shop.app, "model-confirm", job="promote", version=shop.challenger, at="versions")

    words = words_of(changed["model-dialog"]["children"])
    assert changed["model-dialog"]["is_open"] is True
    assert f"Make {shop.challenger} the champion?" in words
    assert "from £200 to £220" in words
    assert "1 customer up, 1 down" in words
    assert shop.journal.runs.table().empty


@pytest.mark.parametrize("job", ["preview", "promote", "rollback"])
def test_a_button_is_a_request_in_the_journal_and_a_line_of_the_audit_trail(shop, job, words_of):
    for _ in range(3):
        _, changed = press(shop.app, "model-ask", job=job, version=shop.challenger)

    runs = shop.journal.runs.table()
    assert runs[["job", "status"]].to_numpy().tolist() == [[job, "queued"]]
    assert runs["params"].iloc[0] == {"version": shop.challenger}
    assert shop.journal.audit.table().iloc[0][["who", "action"]].tolist() == [
        "the Model evaluation page",
        f"ask to {job}",
    ]
    assert changed["model-dialog"]["is_open"] is False
    assert changed["model-poll"]["disabled"] is False
    assert "The worker is not running" in words_of(changed["model-live"]["children"])


@pytest.mark.parametrize(("job", "version"), [("promote", "../value"), ("promote", "20240411-00000000"), ("train", "")])
def test_what_is_no_button_of_the_page_is_refused(shop, job, version):
    response, _ = press(shop.app, "model-ask", job=job, version=version)

    assert shop.journal.runs.table().empty
    assert response.status_code in (200, 204, 500)


def test_after_a_promotion_the_page_says_that_the_next_score_obeys_and_offers_it(shop, words_of):
    moment = datetime(2024, 4, 12, tzinfo=UTC)
    model_card.registry_of(shop.site.settings).promote(shop.challenger, by="me", at=moment, reason="by hand")
    words = words_of(Client(shop.app).page("/model"))

    assert f"{shop.challenger} is the champion" in words
    assert "the predictions on the pages are still those of v1" in words
    assert f"Roll back to {shop.champion}" in words
    assert f"If {shop.challenger} became champion" not in words

    press(shop.app, "model-ask", job="score", version="")

    # the oldest request is done first: what is scored is then published
    assert shop.journal.runs.table()["job"].tolist()[::-1] == ["score", "build"]


def test_a_tampered_version_is_marked_and_cannot_be_promoted(shop, walk, words_of):
    (model_card.registry_of(shop.site.settings).folder / shop.challenger / "model.json").write_text("[]")

    page = Client(shop.app).page("/model")

    assert "Tampered with" in words_of(page)
    assert "model.json is not what was stored" in words_of(page)
    ids = [str(node["props"].get("id")) for node in walk(page)]
    assert not [one for one in ids if "model-ask" in one and shop.challenger in one]
    card = words_of(Client(shop.app).page("/model/card", f"?version={shop.challenger}"))
    assert "Not to be used." in card
    assert "not those that were stored" in card


def test_a_refused_job_says_why_on_the_page(shop, words_of):
    run_id = shop.journal.runs.request("promote", "me", {"version": shop.challenger})
    shop.journal.runs.claim()
    shop.journal.runs.finish(run_id, "failed", error="model x: value.json is not what was stored")

    assert "Promote was refused. model x: value.json is not what was stored" in " ".join(
        words_of(Client(shop.app).page("/model")).split()
    )


def test_the_card_says_what_how_how_good_and_when_not_to_trust_it(judged, words_of):
    words = words_of(Client(judged[0]).page("/model/card"))

    for title in ("When not to trust it", "What is predicted", "How good", "From what it was made", "How"):
        assert title in words
    assert judged[1] in words
    assert "30 days:  learnt from 2 earlier periods" in words
    assert "The shop has 12 customers, which is few" in words
    assert "Not judged yet" in words  # the card of the registry has no metrics, whatever a build says


def test_an_unknown_version_has_no_card(judged, words_of):
    assert "There is no version" in words_of(Client(judged[0]).page("/model/card", "?version=20240411-00000000"))


CARD_OF_SMALL_SHOP = {
    "sufficiency": [
        "30 days: learnt from 3 earlier periods; no period is left to verify it on",
        "180 days: history is too short for a full period; the model learns from 30 days and is scaled",
    ],
    "enough": {"30": True, "90": True, "180": False},
    "horizons": [
        {"horizon_days": 30, "note": "too few purchases to learn from: the BTYD baseline stands alone"},
        {"horizon_days": 180, "note": ""},
        {"horizon_days": 90, "note": ""},
    ],
}


@pytest.mark.parametrize(
    ("days", "is_enough", "said"),
    [
        (30, False, "the BTYD baseline stands alone"),  # long enough, but too few buy
        (180, False, "history is too short for a full period"),
    ],
)
def test_too_little_history_or_too_few_buyers_is_not_enough(days, is_enough, said):
    found = model_card.sufficiency(CARD_OF_SMALL_SHOP, days)

    assert found.is_enough is is_enough
    assert said in found.words
    assert not found.words.startswith(str(days))


def test_a_history_that_is_too_short_is_told_once():
    note = "history is too short to train 180 days: scaled from 30 days, totals can be off by 40%"
    other = CARD_OF_SMALL_SHOP["horizons"][0]["note"]
    horizons = [*CARD_OF_SMALL_SHOP["horizons"][:1], {"horizon_days": 180, "basis": "shorter", "note": note}]
    card = CARD_OF_SMALL_SHOP | {"horizons": horizons, "notes": [note, other, note]}

    assert model_card.sufficiency(card, 180).words.count("history is too short") == 1
    assert model_card.notes(card) == [other]


def test_a_card_that_says_nothing_of_a_horizon_says_nothing():
    assert model_card.sufficiency(CARD_OF_SMALL_SHOP, 90) is None
