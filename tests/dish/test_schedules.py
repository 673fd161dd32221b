"""Schedules of exposure: what is read, what is refused and why."""

import pytest

import bitesim
from bitesim.dish.schedules import named_schedules, stretches, text_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("28 d on", [(28, 1)]),
        ("7 d on, 7 d off", [(7, 1), (7, 0)]),
        ("7 d on, 7 days off, x2", [(7, 1), (7, 0), (7, 1), (7, 0)]),
        ("1 wk on, 48 h off", [(7, 1), (2, 0)]),
        ("14 d at 0.5", [(14, 0.5)]),
        ("7 d on, 7 d on", [(14, 1)]),
        ("7 d on, 0 d off", [(7, 1)]),
    ],
)
def test_text_is_read(text, found):
    assert stretches(text, text) == tuple(found)
    assert stretches("again", text_of(tuple(found))) == tuple(found)


def test_names_of_schedules():
    assert named_schedules("7 d on") == named_schedules(["7 d on"]) == {"7 d on": ((7.0, 1.0),)}
    assert named_schedules({"mine": [(7, 1), (2, 0)], "other": "3 d on"}) == {"mine": ((7, 1), (2, 0)), "other": ((3, 1),)}
    assert named_schedules(()) == {}


@pytest.mark.parametrize(
    ("schedules", "words"),
    [
        ("28 d", r"phrase '28 d' .* no stretch .*write e\.g\. '7 d on, 7 d off, x2'"),
        ("28 mo on", r"days \(d\), hours \(h\) or weeks \(wk\)"),
        ("7 d on, 7 d off, x0", "phrase 'x0'"),
        ("0 d on", "lasts no time"),
        ("672 d on", "672 h are 28 d"),
        ("300 d on, 300 d off", "days of schedule"),
        ("1 h on, 1 h off, x900", "1800 stretches"),
        ("7 d at 20", "1 is full exposure, 0 a break: no level"),
        ({"mine": [7, 7]}, r"no list of \(days, stimulus\)"),
        ({"mine": [(-7, 1)]}, "days in schedule 'mine'"),
        ([(7, 1), (7, 0)], "are not texts"),
        (7, "are not texts"),
    ],
)
def test_bad_schedules_are_named(schedules, words):
    with pytest.raises(bitesim.ParameterError, match=words):
        named_schedules(schedules)
