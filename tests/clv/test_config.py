import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from clv.config import Settings, load_settings
from clv.errors import SettingsError

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_without_a_file_the_defaults_stand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    settings = load_settings(environ={})

    assert settings.model == Settings().model
    assert settings.paths.data == tmp_path / "data"


def test_the_file_that_is_shipped_states_the_defaults(tmp_path):
    shutil.copy(HOUSE / "config.toml", tmp_path)

    settings = load_settings(tmp_path / "config.toml", environ={})

    defaults = Settings()
    assert settings.model_dump(exclude={"root", "paths"}) == defaults.model_dump(exclude={"root", "paths"})


def test_relative_paths_start_at_the_file(write, tmp_path):
    settings = load_settings(write("[paths]\ndata = 'shop'"), environ={})

    assert settings.paths.data == tmp_path / "shop"
    assert settings.journal_url == f"sqlite:///{tmp_path / 'shop' / 'journal.db'}"


def test_a_data_folder_with_a_comma_in_its_path_is_refused_by_name(write):
    with pytest.raises(SettingsError, match=r"data = .*/a,b: .*name a folder without one"):
        load_settings(write('[paths]\ndata = "a,b"'), {})


def test_the_environment_wins_over_the_file(write):
    path = write("[model]\nseed = 1\nmax_snapshots = 3")

    settings = load_settings(path, environ={"CLV_MODEL__SEED": "2"})

    assert (settings.model.seed, settings.model.max_snapshots) == (2, 3)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("CLV_MODEL__HORIZONS_DAYS", "[30, 180]", lambda s: s.model.horizons_days == (30, 180)),
        ("CLV_MODEL__PROMOTION__CONFIDENCE", "0.9", lambda s: s.model.promotion.confidence == 0.9),
        ("CLV_BUSINESS__NAME", "1984", lambda s: s.business.name == "1984"),
        (
            "CLV_SOURCES__TRANSACTIONS__COLUMNS__AMOUNT",
            "price * 2",
            lambda s: s.sources.transactions.columns == {"amount": "price * 2"},
        ),
        ("CLV_SOURCES__TRANSACTIONS__HEADER", "false", lambda s: s.sources.transactions.header is False),
        ("clv_log__level", "DEBUG", lambda s: s.log.level == "DEBUG"),
    ],
    ids=["a list", "a table in a table", "text that looks like a number", "a mapping", "a boolean", "lower case"],
)
def test_a_variable_reaches_every_kind_of_key(write, name, value, read):
    assert read(load_settings(write(""), environ={name: value}))


def test_the_file_can_be_named_by_the_environment(write):
    path = write("[model]\nseed = 11")

    assert load_settings(environ={"CLV_CONFIG": str(path)}).model.seed == 11


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        ("[model]\nsede = 1", {}, r"config\.toml: unknown key model\.sede \(did you mean seed\?\)"),
        ("[modle]\nseed = 1", {}, r"unknown key modle \(did you mean model\?\)"),
        ("[business]\ngross_margin = 1.4", {}, r"business\.gross_margin: .*less than or equal to 1 \(found 1\.4\)"),
        ("[model]\nprimary_horizon_days = 45", {}, r"primary_horizon_days = 45 is not among horizons_days"),
        ("[business]\ntimezone = 'Europe/Atlantis'", {}, r"business\.timezone: .*no time zone 'Europe/Atlantis'"),
        ("model = 3", {}, r"model: "),
        ("[model\nseed", {}, r"not valid TOML"),
        (
            "",
            {"CLV_MODEL__SEDE": "1"},
            r"environment variable CLV_MODEL__SEDE: unknown key model\.sede \(did you mean seed\?\)",
        ),
        ("", {"CLV_MODLE__SEED": "1"}, r"CLV_MODLE__SEED names no setting \(did you mean model\?\)"),
        ("", {"CLV_SEED": "1"}, r"CLV_SEED names no setting"),
        ("", {"CLV_MODEL": '{"seed": 1}'}, r"the form is CLV_SECTION__KEY"),
        ("", {"CLV_ROOT": "/"}, r"CLV_ROOT names no setting"),
        ("", {"CLV_MODEL__SEED": "many"}, r"environment variable CLV_MODEL__SEED: model\.seed: .*\(found 'many'\)"),
        ("[business]\ncurrency = 'Euro'", {}, r"currency: give the ISO 4217 code .* \(found 'Euro'\)$"),
        ("[business]\nlocale = 'xx_YY'", {}, r"business\.locale: there is no locale 'xx_YY'; the form is en_GB"),
        ("[engine]\nmemory_limit = 'lots'", {}, r"memory_limit: give a size with its unit, such as 4GB"),
    ],
    ids=[
        "unknown key",
        "unknown section",
        "out of range",
        "two keys at odds",
        "no such time zone",
        "a value for a section",
        "broken file",
        "variable with an unknown key",
        "variable with an unknown section",
        "left-over variable",
        "variable for a whole section",
        "variable for what is no setting",
        "variable of the wrong kind",
        "no such currency",
        "no such locale",
        "a size without a unit",
    ],
)
def test_what_is_wrong_is_named(write, text, environ, message):
    with pytest.raises(SettingsError, match=message):
        load_settings(write(text), environ=environ)


def test_all_that_is_wrong_is_said_at_once(write):
    with pytest.raises(SettingsError) as caught:
        load_settings(write("[model]\nsede = 1\n[log]\nlevel = 'LOUD'"), environ={})

    assert "model.sede" in str(caught.value)
    assert "log.level" in str(caught.value)


def test_a_rule_over_a_section_does_not_print_the_section(write):
    with pytest.raises(SettingsError) as raised:
        load_settings(write("[model]\nhorizons_days = [30]"), environ={})

    assert str(raised.value).endswith("model: primary_horizon_days = 180 is not among horizons_days [30]")


def test_a_file_that_was_named_must_exist(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.toml does not exist"):
        load_settings(tmp_path / "nowhere.toml", environ={})


def test_settings_cannot_be_changed_once_they_are_loaded(write):
    settings = load_settings(write(""), environ={})

    with pytest.raises(ValidationError):
        settings.model.seed = 3
