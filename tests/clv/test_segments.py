import pytest

from clv.segments import Rule, cells, rules_of, segment_of


def said(*rows):
    return [(problem.message, problem.place, problem.is_error) for problem in rules_of(rows)[1]]


def test_one_rule_for_everybody_has_nothing_wrong():
    assert rules_of([{"segment": "Everybody"}]) == ([Rule("Everybody")], [])


def test_what_is_missing_means_any_and_text_is_read_as_numbers():
    rules, problems = rules_of(
        [
            {"segment": " “Best” <b>&'ü ", "r_min": "4", "f_min": 4.0, "first_order_within_days": "30"},
            {"segment": "Rest", "m_max": "", "first_order_within_days": None, "r_min": float("nan")},
        ]
    )

    assert problems == []
    assert rules == [Rule("“Best” <b>&'ü", r_min=4, f_min=4, first_order_within_days=30), Rule("Rest")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"segment": "  "}, "rule 1 has no name", id="no name"),
        pytest.param({"segment": "x" * 61}, "at most 60 characters", id="long name"),
        pytest.param({"segment": "a\nb"}, "one line of visible characters", id="two lines"),
        pytest.param({"segment": "other"}, "kept for customers without a rule", id="reserved"),
        pytest.param({"segment": "A", "r_min": 0}, "r_min is '0'; scores are whole numbers from 1 to 5", id="zero"),
        pytest.param({"segment": "A", "m_max": "6"}, "m_max is '6'", id="six"),
        pytest.param({"segment": "A", "f_min": "2.5"}, "f_min is '2.5'", id="half"),
        pytest.param({"segment": "A", "f_min": "often"}, "f_min is 'often'", id="word"),
        pytest.param({"segment": "A", "f_min": "inf"}, "f_min is 'inf'", id="infinite"),
        pytest.param({"segment": "A", "r_min": 4, "r_max": 2}, "R goes from 4 to 2; the lower score", id="backwards"),
        pytest.param({"segment": "A", "first_order_within_days": "0"}, "empty, or days from 1", id="no days"),
        pytest.param({"segment": "A", "first_order_within_days": "-3"}, "empty, or days from 1", id="days before"),
        pytest.param({"segment": "A", "description": "x" * 201}, "at most 200 characters", id="long description"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_in_words(row, message):
    (problem, *others) = rules_of([row])[1]

    assert message in problem.message
    assert problem.place == 0
    assert problem.is_error
    assert others == []


def test_a_set_of_no_rules_is_refused():
    assert said() == [("there is no rule; at least one is needed", None, True)]


def test_two_rules_of_one_name_are_refused_whatever_their_case():
    ((message, place, is_error),) = said({"segment": "Loyal"}, {"segment": "LOYAL"})

    assert message == "rule 2: the name “LOYAL” is taken by rule 1; a segment has one rule"
    assert (place, is_error) == (1, True)


def test_a_gap_is_said_with_its_scores():
    """R 1–2 is 2 · 5 · 5 cells; F 3 to 5 of R 3 are 3 · 5."""
    ((message, place, is_error),) = said({"segment": "A", "r_min": 4}, {"segment": "B", "r_min": 3, "f_max": 2})

    assert message.startswith(
        "65 of the 125 combinations of scores have no segment: R 1–2, F 1–5, M 1–5; R 3, F 3–5, M 1–5."
    )
    assert (place, is_error) == (None, True)


def test_a_rule_for_new_customers_leaves_the_older_ones_without_a_segment():
    ((message, _, is_error),) = said({"segment": "New", "first_order_within_days": 60}, {"segment": "B", "r_max": 4})

    assert message.startswith(
        "25 of the 125 combinations of scores have no segment when the first order is longer ago than 60 days: R 5,"
    )
    assert is_error


def test_a_rule_that_nobody_reaches_is_said_and_kept():
    rules, problems = rules_of([{"segment": "All"}, {"segment": "Late", "r_min": 5}])

    assert [rule.segment for rule in rules] == ["All", "Late"]
    assert [(one.place, one.is_error) for one in problems] == [(1, False)]
    assert "“Late”) is never reached" in problems[0].message


def test_a_rule_behind_a_stricter_one_for_new_customers_is_reached():
    assert (
        said(
            {"segment": "Fresh", "first_order_within_days": 7},
            {"segment": "New", "first_order_within_days": 60},
            {"segment": "Rest"},
        )
        == []
    )


def test_a_wider_limit_before_a_stricter_one_shadows_it():
    ((message, place, _),) = said(
        {"segment": "New", "first_order_within_days": 60},
        {"segment": "Fresh", "first_order_within_days": 7},
        {"segment": "Rest"},
    )

    assert (place, "never reached" in message) == (1, True)


def test_there_are_125_combinations_and_the_first_rule_that_fits_wins():
    rules = [Rule("Fresh", first_order_within_days=7), Rule("Best", r_min=5), Rule("Rest")]

    assert len(set(cells())) == 125
    assert segment_of(rules, (5, 1, 1), 7) == "Fresh"
    assert segment_of(rules, (5, 1, 1), 8) == "Best"
    assert segment_of(rules, (4, 5, 5), 8) == "Rest"
    assert segment_of(rules[:2], (4, 5, 5), 8) is None
