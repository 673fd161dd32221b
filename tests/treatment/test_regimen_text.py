"""The regimen's text: what it means, that it round-trips, and that nonsense is answered in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitesim import BitesimError, Regimen, ScenarioError

PLAIN = "15 ug/m2/day for 28 d, 14 d off, x2"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off; 28 ug/day for 28 d, 14 d off, x3",
        "28 ug/day for 28 d in 48 h bags with 4 min gaps",
        "15.5 ug/m2/day for 2.25 d",
        "3 d off; 28 ug/day for 1 d",
        "no drug",
    ],
)
def test_text_round_trips(text):
    regimen = Regimen.parse(text)
    assert Regimen.parse(regimen.to_text()) == regimen


def test_units_of_time_and_cases_are_equal():
    assert Regimen.parse("28 UG/DAY FOR 4 weeks, 2 wk OFF") == Regimen.parse("28 ug/day for 672 h, 14 days off")


def test_repeats_equal_what_is_written_out():
    written = "15 ug/m2/day for 28 d, 14 d off, 15 ug/m2/day for 28 d, 14 d off"
    assert Regimen.parse(PLAIN).schedule(bsa_m2=1.9) == Regimen.parse(written).schedule(bsa_m2=1.9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty", "15 ug/m2/day for 28 d"]),
        ("28 ug/day for 28 d, x0", ["'x0'", "whole cycles"]),
        ("28 ug/day for 28 d, x1.5", ["'x1.5'", "whole cycles"]),
        ("28 ug/day for 28 d, x-2", ["'x-2'"]),
        ("28 ug/day for -3 d", ["'-3 d'", "positive number"]),
        ("28 ug/day for nan d", ["'nan d'"]),
        ("28 ug/day for 28 months", ["'28 months'", "d, h or wk"]),
        ("28 ug/day 28 d", ["'28 ug/day 28 d'", "for <days>"]),
        ("0.028 mg/day for 28 d", ["micrograms"]),
        ("28 ug/day for 0 d", ["lasts no time"]),
        ("28 ug/day for 28 d,, 14 d off", ["empty phrase"]),
        ("28 ug/day for 28 d in 47 h bags", ["47", "24, 48, 72, 96, 168"]),
        ("28 ug/day for 28 d with 4 min gaps", ["gaps without bags"]),
        ("28 ug/day for 28 d, x9999", ["at most 1000"]),
        ("28 ug/day for 99999 d", ["0 to 36525"]),
        (7, ["not text"]),
        (True, ["not text"]),
    ],
)
def test_what_cannot_be_read_is_quoted_with_what_is_allowed(text, words):
    with pytest.raises(ScenarioError) as caught:
        Regimen.parse(text)
    for word in words:
        assert word in str(caught.value)


def only_own_errors(text):
    try:
        regimen = Regimen.parse(text)
        assert Regimen.parse(regimen.to_text()).schedule(bsa_m2=1.0) == regimen.schedule(bsa_m2=1.0)
    except BitesimError:
        pass


@given(st.text(max_size=60))
def test_any_text_meets_only_own_errors(text):
    only_own_errors(text)


@given(
    st.lists(
        st.sampled_from(["15", "ug/m2/day", " for ", "28", " d", ",", " off", "x2", ";", "1e9", "-", " in 48 h bags", "."])
    )
)
def test_shuffled_phrases_meet_only_own_errors(parts):
    only_own_errors("".join(parts))


def test_the_shortest_durations_round_trip():
    text = "28 ug/day for 0.00000000000000000000000000000000000001 d"
    assert Regimen.parse(text).to_text() == text
