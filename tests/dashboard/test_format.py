import datetime as dt

import pandas as pd
import pytest

from dashboard.format import Format, called

POUNDS, RUPEES, EUROS, YEN = (
    Format("GBP", "en_GB"),
    Format("INR", "en_IN"),
    Format("EUR", "de_DE"),
    Format("JPY", "ja_JP"),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "£0"),
        (12.5, "£12.50"),
        (943, "£943"),
        (4551, "£4.55K"),
        (943_123, "£943K"),
        (999_999, "£1M"),
        (5_960_000, "£5.96M"),
        (19_234_000, "£19.2M"),
        (-4551, "−£4.55K"),
        (None, "–"),
        (float("nan"), "–"),
    ],
    ids=str,
)
def test_money_has_three_figures(value, text):
    assert POUNDS.money(value) == text


def test_money_is_worded_as_the_locale_does():
    assert RUPEES.money(5_960_000) == "₹59.6L"
    assert RUPEES.money_whole(1_234_567) == "₹12,34,567"
    assert EUROS.money(943_123) == "943.000\xa0€"
    assert EUROS.money_exact(1234.5) == "1.234,50\xa0€"
    assert YEN.money_exact(1234) == "￥1,234"


@pytest.mark.parametrize("word", ["money", "money_exact", "money_whole", "money_change", "count", "count_compact"])
def test_a_number_without_end_is_said_by_its_size(word):
    assert getattr(POUNDS, word)(-1.234e300).removeprefix("−").removeprefix("£") == "1.23E300"
    assert POUNDS.ticks([1e300], "money") == ["£1E300"]


@pytest.mark.parametrize("name", [None, float("nan"), "", pd.NA], ids=["none", "nan", "empty", "NA"])
def test_who_has_no_name_is_called_by_their_id(name):
    assert called("007", name) == "007"
    assert called("007", "James") == "James"


def test_a_moment_of_the_data_is_not_moved_to_another_zone():
    auckland = Format("NZD", "en_NZ", "Pacific/Auckland")

    assert auckland.stamp(pd.Timestamp("2025-08-03 06:12")) == "03 Aug 2025, 06:12"
    assert [auckland.stamp(value) for value in (pd.Timestamp("2025-08-03"), pd.NaT)] == ["03 Aug 2025", "–"]


def test_a_difference_in_money_has_its_sign():
    assert [POUNDS.money_exact(value) for value in (-0.001, -0.0, -0.006)] == ["£0.00", "£0.00", "−£0.01"]
    assert [POUNDS.money_change(value) for value in (1200, -1200, 0)] == ["+£1.2K", "−£1.2K", "£0"]


def test_small_shares_keep_a_digit():
    assert [POUNDS.share(value) for value in (0.31, 0.097, 0.004, 0, 1)] == ["31%", "9.7%", "0.4%", "0%", "100%"]


def test_counts_are_written_out_until_they_are_long():
    assert [POUNDS.count_compact(value) for value in (9_999, 247_123)] == ["9,999", "247K"]


def test_one_thing_is_counted_in_the_singular():
    assert [POUNDS.counted(n, "order") for n in (0, 1, 1234, None)] == [
        "0 orders",
        "1 order",
        "1,234 orders",
        "– orders",
    ]


def test_days_know_singular_and_plural():
    assert [POUNDS.days(value) for value in (1, 412.4)] == ["1 day", "412 days"]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NaT, pd.NA], ids=["none", "nan", "nat", "na"])
def test_what_is_missing_is_a_dash_in_every_wording(missing):
    assert {
        POUNDS.money(missing),
        POUNDS.count(missing),
        POUNDS.share(missing),
        POUNDS.date(missing),
        POUNDS.moment(missing),
        POUNDS.days(missing),
        POUNDS.duration(missing),
    } == {"–"}


def test_a_period_names_its_last_day_not_the_first_after_it():
    assert POUNDS.period(dt.date(2025, 8, 3), dt.date(2025, 11, 1)) == "03 Aug 2025 – 31 Oct 2025"


def test_moments_are_told_in_the_shops_time_zone():
    moment = dt.datetime(2026, 7, 1, 22, 30)  # noqa: DTZ001 - UTC without zone, as the journal keeps it

    assert Format("GBP", "en_GB", "Asia/Kolkata").moment(moment) == "02 Jul 2026, 04:00"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (12, "12 s"), (300, "5 min"), (10_800, "3 h"), (432_000, "5 days")], ids=str
)
def test_a_duration_has_one_unit(seconds, text):
    assert POUNDS.duration(seconds) == text


def test_axis_ticks_are_short():
    assert POUNDS.ticks([0, 2_500, 50_000, 1_500_000], "money") == ["£0", "£2.5K", "£50K", "£1.5M"]


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ([0, 2.5, 5, 10], "money", ["£0", "£2.50", "£5", "£10"]),
        ([-0.25, 0, 0.25], "money", ["−£0.25", "£0", "£0.25"]),
        ([0, 0.1, 1, 10], "count", ["0", "0.1", "1", "10"]),
        ([-0.05, 0, 0.05, 0.1], "share", ["−5%", "0%", "5%", "10%"]),
        ([0, 0.025, 0.05], "share", ["0.0%", "2.5%", "5.0%"]),
    ],
)
def test_axis_ticks_say_the_number_that_they_stand_at(values, kind, said):
    assert POUNDS.ticks(values, kind) == said


def test_ticks_of_a_currency_behind_its_sign_keep_the_locales_point():
    assert Format("EUR", "de_DE").ticks([2.5], "money") == ["2,50\xa0€"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("bargain_hunter", "Bargain hunter"), ("web", "Web"), ("ärger_x", "Ärger x"), ("_", "_"), ("", "–"), (None, "–")],
)
def test_a_name_out_of_the_data_is_said_in_words(text, said):
    assert Format().label(text) == said
