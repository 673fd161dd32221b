"""Refusals name the argument, the value and what is allowed."""

import math

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.foundation.checks import increasing_times, number, range_text, whole_number


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "truth value"),
        (np.True_, "truth value"),
        ("1.88", "text, not a number"),
        (None, "NoneType"),
        (1j, "complex"),
        (math.nan, "missing value"),
        (math.inf, "outside the allowed range"),
        (10**400, "outside the allowed range"),
        (-1, "-1 m2 is outside the allowed range: expected 0.1 to 3.5 m2"),
    ],
)
def test_what_is_no_number_in_range_is_refused(value, words):
    with pytest.raises(ParameterError, match="bsa_m2 = ") as caught:
        number("bsa_m2", value, "m2", (0.1, 3.5), hint="Try 1.88.")
    assert words in str(caught.value)
    assert "0.1 to 3.5" in str(caught.value)
    assert "Try 1.88." in str(caught.value)


def test_numpy_numbers_and_quantities_are_read():
    class Quantity:
        def to(self, unit):
            assert unit == "m2"
            return self

        magnitude = 1.9

    assert number("bsa_m2", np.float32(1.5), "m2", (0.1, 3.5)) == 1.5
    assert number("bsa_m2", Quantity(), "m2", (0.1, 3.5)) == 1.9


@pytest.mark.parametrize("value", [1.0, True, "1", 0, 11])
def test_whole_numbers(value):
    with pytest.raises(ParameterError, match=r"cycles = .*1 to 10"):
        whole_number("cycles", value, (1, 10))


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([], "empty"),
        ([[0, 1]], "flat list"),
        (5.0, "flat list"),
        ([0, 1, 1], r"times_days\[2\] = 1 repeats"),
        ([0, 2, 1], r"times_days\[2\] = 1 is earlier"),
        ([0, math.nan], r"times_days\[1\] = nan"),
        ([-1, 0], r"times_days\[0\] = -1"),
        (["a"], r"times_days\[0\] = 'a' is text"),
        ([0, math.inf], r"times_days\[1\] = inf"),
    ],
)
def test_times_must_increase(times, words):
    with pytest.raises(ParameterError, match=words):
        increasing_times("times_days", times)


def test_ranges_in_words():
    assert range_text((-math.inf, math.inf)) == "a finite number"
    assert range_text((0.0, math.inf)) == "at least 0"
    assert range_text((-math.inf, 1.0)) == "at most 1"
