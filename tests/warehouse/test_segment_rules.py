from pathlib import Path

import pytest

from clv.config import Features, Paths, Settings
from clv.errors import RequestError, SettingsError
from clv.segments import Rule, rules_of
from warehouse import segment_rules

ODD = "A \"quoted\" <b>naïve</b>, 'näme'; 名 = +1"
OWN = [Rule("Fresh", first_order_within_days=30), Rule(ODD, r_min=4, description='it\'s, "so"'), Rule("Rest")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(paths=Paths(data=tmp_path / "data"), root=tmp_path)


def test_rules_survive_the_file_whatever_their_names(settings):
    segment_rules.save(settings, OWN)

    assert segment_rules.own_rules(settings) == OWN


def test_without_a_file_the_rules_of_the_house_are_in_force(settings):
    house = segment_rules.rules_in_force(settings)

    assert segment_rules.own_rules(settings) == []
    assert [rule.segment for rule in house][:4] == ["Champions", "Loyal", "Big spenders", "New"]
    assert house[3] == Rule("New", 4, 5, 1, 1, 1, 5, 60, "first order a short while ago")
    assert rules_of([vars(rule) for rule in house])[1] == []


def test_the_house_takes_what_counts_as_new_from_the_settings(tmp_path):
    settings = Settings(paths=Paths(data=tmp_path), features=Features(new_customer_days=14))

    assert segment_rules.house_rules(settings)[3].first_order_within_days == 14


def test_undo_brings_back_what_was_in_force_and_again_what_came_after(settings):
    first, second = [Rule("All")], [Rule("High", r_min=3), Rule("Low")]
    segment_rules.save(settings, first)
    segment_rules.save(settings, second)

    segment_rules.undo(settings)
    assert segment_rules.own_rules(settings) == first
    segment_rules.undo(settings)
    assert segment_rules.own_rules(settings) == second


def test_undo_of_the_first_change_goes_back_to_the_house(settings):
    segment_rules.save(settings, OWN)

    segment_rules.undo(settings)

    assert not settings.segment_rules_path.exists()
    segment_rules.undo(settings)
    assert segment_rules.own_rules(settings) == OWN


def test_there_is_nothing_to_undo_before_the_first_change(settings):
    with pytest.raises(RequestError, match="nothing to go back to"):
        segment_rules.undo(settings)


def test_reset_takes_the_own_rules_away_and_undo_brings_them_back(settings):
    segment_rules.save(settings, OWN)

    segment_rules.reset(settings)
    assert segment_rules.own_rules(settings) == []
    segment_rules.undo(settings)
    assert segment_rules.own_rules(settings) == OWN


def test_a_file_that_the_settings_name_is_used_and_must_be_there(tmp_path):
    settings = Settings(
        paths=Paths(data=tmp_path / "data"), root=tmp_path, features=Features(segment_rules="mine/rules.csv")
    )
    with pytest.raises(SettingsError, match=r"rules\.csv, which does not exist"):
        segment_rules.own_rules(settings)

    segment_rules.save(settings, OWN)
    assert (tmp_path / "mine" / "rules.csv").is_file()
    segment_rules.reset(settings)

    assert segment_rules.own_rules(settings) == segment_rules.house_rules(settings)


def test_who_saves_over_the_work_of_another_is_told(settings):
    seen = segment_rules.mark(settings)
    segment_rules.save(settings, OWN, seen=seen)

    with pytest.raises(RequestError, match="somebody else has changed the rules"):
        segment_rules.save(settings, [Rule("Mine")], seen=seen)
    with pytest.raises(RequestError, match="somebody else has changed the rules"):
        segment_rules.reset(settings, seen=seen)

    assert segment_rules.own_rules(settings) == OWN


def test_rules_with_a_gap_are_neither_saved_nor_read(settings):
    with pytest.raises(SettingsError, match="have no segment"):
        segment_rules.save(settings, [Rule("Some", r_min=2)])
    assert not settings.segment_rules_path.exists()

    settings.segment_rules_path.parent.mkdir(parents=True)
    settings.segment_rules_path.write_text(segment_rules.text_of([Rule("Some", r_min=2)]), encoding="utf-8")

    with pytest.raises(SettingsError, match=r"segment_rules\.csv cannot be used: 25 of the 125"):
        segment_rules.own_rules(settings)


HEAD = "order,segment,r_min,r_max,f_min,f_max,m_min,m_max,first_order_within_days\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "missing columns", id="empty"),
        pytest.param(HEAD, "there is no rule", id="head only"),
        pytest.param(HEAD.replace("m_max", "max_m") + "1,A,,,,,,,", "unknown columns: 'max_m'", id="unknown column"),
        pytest.param("order,segment\n1,A\n", "missing columns: 'r_min'", id="missing column"),
        pytest.param(HEAD.replace("m_max", "m_min") + "1,A,,,,,,,", "missing columns: 'm_max'", id="column twice"),
        pytest.param(HEAD + "1,A\n", "rule 1 has not as many values", id="short line"),
        pytest.param(HEAD + "first,A,,,,,,,\n", "order is 'first'", id="order in words"),
        pytest.param(HEAD + "1,A,,,,,,,\n1,B,,,,,,,\n", "each rule has its own", id="one place for two"),
    ],
)
def test_a_file_that_is_not_a_table_of_rules_says_why(text, message):
    rules, problems = segment_rules.parse(text)

    assert rules == []
    assert message in problems[0].message


def test_rules_are_tried_by_their_order_and_not_by_their_line():
    rules, problems = segment_rules.parse(HEAD + "20,Rest,,,,,,,\n\n3,Best,5,5,,,,,\n")

    assert (rules, problems) == ([Rule("Best", r_min=5), Rule("Rest")], [])


def test_a_spreadsheet_may_write_semicolons_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_bytes(("\ufeff" + HEAD + "1,Älle,,,,,,,\n").replace(",", ";").replace("\n", "\r\n").encode())

    assert segment_rules.read(path) == ([Rule("Älle")], [])


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match="cannot be read as UTF-8"):
        segment_rules.read(path)
