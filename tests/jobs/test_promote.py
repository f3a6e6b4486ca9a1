"""A version is looked at, promoted and rolled back by jobs, as the Model evaluation page asks for it."""

import json
from datetime import date

import pandas as pd
import pytest

from clv.errors import NotFittedError, RequestError, TamperedModelError
from jobs import models, preview
from jobs.catalog import JOBS, job_named
from jobs.cli import main
from jobs.run import execute
from warehouse.ask import Warehouse
from warehouse.journal import Journal


def ask(shop, job, **params):
    return execute(job_named(job), shop.settings, by="the Model evaluation page", params=params)


@pytest.fixture
def shop(two_versions, tmp_path):
    """The shop with two versions, to be changed; which they are as it begins."""
    shop = two_versions.copy(tmp_path / "data")
    registry = models.registry(shop.settings)
    shop.champion = registry.champion()
    (shop.challenger,) = set(registry.versions()) - {shop.champion}
    return shop


def test_a_preview_holds_what_both_expect_and_changes_nothing(shop):
    before = shop.output("predictions")

    did = ask(shop, "preview", version=shop.challenger)

    table = shop.output("promotion_preview")
    now = before.set_index(["customer_id", "horizon_days"])["expected_revenue"]
    held = table.set_index(["customer_id", "horizon_days"])
    # who only ever returned is worth nothing to any version, and is not scored
    assert held["expected_now"].to_dict() == pytest.approx(now.loc[held.index].to_dict())
    assert set(table["version"]) == {shop.challenger}
    assert set(table["champion_version"]) == {shop.champion}
    assert (held["expected_now"] != held["expected_then"]).any()
    pd.testing.assert_frame_equal(shop.output("predictions"), before)
    assert models.registry(shop.settings).champion() == shop.champion
    assert did["build_id"] == Warehouse(shop.settings.paths.data).current().id


def test_a_preview_is_what_scoring_with_that_version_gives(shop):
    ask(shop, "preview", version=shop.challenger)
    promised = shop.output("promotion_preview").set_index(["customer_id", "horizon_days"])["expected_then"]
    ask(shop, "promote", version=shop.challenger)

    shop.run("score")

    scored = shop.output("predictions").set_index(["customer_id", "horizon_days"])["expected_revenue"]
    assert scored.loc[promised.index].to_dict() == pytest.approx(promised.to_dict())


def test_a_promotion_says_who_asked_for_it_and_pages_hear_of_it(shop):
    did = ask(shop, "promote", version=shop.challenger)

    history = models.registry(shop.settings).history()
    trail = Journal(shop.settings.journal_url).audit.table()
    versions = Warehouse(shop.settings.paths.data).query("model/versions").set_index("version")
    assert history[-1].version == shop.challenger
    assert history[-1].by == "the Model evaluation page"
    assert trail.iloc[0][["who", "action", "subject"]].tolist() == [
        "the Model evaluation page",
        "promote",
        shop.challenger,
    ]
    assert versions["is_champion"].to_dict() == {shop.challenger: True, shop.champion: False}
    assert versions.loc[shop.challenger, "promoted_by"] == "the Model evaluation page"
    assert shop.challenger in did["said"]


def test_a_rollback_brings_the_champion_before_back(shop):
    ask(shop, "promote", version=shop.challenger)

    ask(shop, "rollback")

    assert models.registry(shop.settings).champion() == shop.champion
    assert Journal(shop.settings.journal_url).audit.table().iloc[0]["action"] == "rollback"


def test_promoting_the_champion_is_nothing_to_do(shop):
    did = ask(shop, "promote", version=shop.champion)

    assert "champion already" in did["skipped"]
    assert len(models.registry(shop.settings).history()) == 1


@pytest.mark.parametrize("job", ["preview", "promote"])
def test_a_tampered_version_is_refused_with_its_file_named_and_nothing_changes(shop, job):
    path = models.registry(shop.settings).folder / shop.challenger / "value.json"
    path.write_text(path.read_text() + " ")

    with pytest.raises(TamperedModelError, match=r"value\.json"):
        ask(shop, job, version=shop.challenger)

    assert models.registry(shop.settings).champion() == shop.champion
    assert shop.output("promotion_preview").empty
    run = Journal(shop.settings.journal_url).runs.last(job)
    assert run.status == "failed"
    assert "is not what was stored" in run.error


@pytest.mark.parametrize("job", ["preview", "promote"])
def test_a_version_has_to_be_named(trained_shop, job):
    with pytest.raises(RequestError, match="which version"):
        models.version_asked(type("Ctx", (), {"params": {}})())
    assert not JOBS[job].is_offered


def test_the_champion_is_not_compared_with_itself(two_versions):
    champion = models.registry(two_versions.settings).champion()

    with pytest.raises(RequestError, match="champion already"):
        preview.line(two_versions.settings, champion)


def test_without_a_champion_there_is_nothing_to_compare_with(shop):
    (models.registry(shop.settings).folder / "champion.json").unlink()

    with pytest.raises(NotFittedError, match="no champion"):
        preview.line(shop.settings, shop.challenger)


def test_what_would_move_is_said_in_a_line():
    table = pd.DataFrame(
        {
            "horizon_days": 90,
            # 100 → 150 up, 50 → 20 down, 50 → 50.4 within 1 %, 0 → 0 the same
            "expected_now": [100.0, 50.0, 50.0, 0.0],
            "expected_then": [150.0, 20.0, 50.4, 0.0],
        }
    )

    said = preview.in_words(table)

    assert said == ("expected revenue, next 90 days, 200 → 220 (+10.2%); 1 customers up, 1 down, 2 within 1%")


def test_the_gate_is_heard_of_versions_that_were_not_promoted(two_versions):
    table = two_versions.output("model_versions").set_index("version")

    row = table.drop(models.registry(two_versions.settings).champion()).iloc[0]
    assert row["verdict"].startswith("promotion is by hand")
    assert row["gini"] == pytest.approx(json.loads(row["metrics"])["90"]["value"]["gini"][0])
    assert row["gini_lo"] <= row["gini"] <= row["gini_hi"]
    assert row["judged_from"] == date(2025, 8, 3)
    assert pd.isna(row["promoted_at"])


@pytest.fixture
def clv(shop, tmp_path, monkeypatch, capsys):
    """Run `clv models …` on the shop; exit code, output and errors."""
    config = tmp_path / "config.toml"
    config.write_text(
        "[engine]\nbuckets = 2\nmemory_limit = '1GB'\n[model]\nhorizons_days = [30, 90]\nprimary_horizon_days = 90\n"
    )
    monkeypatch.delenv("CLV_CONFIG", raising=False)

    def clv(*words):
        with pytest.raises(SystemExit) as stop:
            main(["models", *words, "--config", str(config)])
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return clv


def test_the_command_says_what_would_move_then_promotes_then_rolls_back(shop, clv):
    champion = models.registry(shop.settings).champion

    code, out, _ = clv("promote", shop.challenger, "--dry-run")
    assert (code, champion()) == (0, shop.champion)
    assert "expected revenue, next 90 days" in out
    assert "customers up" in out

    code, out, _ = clv("promote", shop.challenger)
    assert (code, champion()) == (0, shop.challenger)
    assert "customers up" in out
    assert f"{shop.challenger} is the champion" in out

    code, out, _ = clv("rollback")
    assert (code, champion()) == (0, shop.champion)


def test_the_command_refuses_a_tampered_version_in_one_line(shop, clv):
    path = models.registry(shop.settings).folder / shop.challenger / "value.json"
    path.write_text(path.read_text() + " ")

    code, _, err = clv("promote", shop.challenger)

    assert code == TamperedModelError.exit_code
    assert "value.json is not what was stored" in " ".join(err.split())
    assert models.registry(shop.settings).champion() == shop.champion
