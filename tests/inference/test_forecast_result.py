"""Intervals, shares and reports of a forecast made by hand."""

import numpy as np
import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.inference import AmountObserved, Forecast


def by_hand(cure=(0.0, 0.2, 0.4, 1.0), relapse=(50.0, 200.0, np.inf, np.inf)):
    values = {"mrd": np.array([[1.0, 1e-3], [2.0, 1e-4], [3.0, -1e-20], [4.0, 1e-5]])}
    seen = (AmountObserved(0.0, "mrd", 2.0, 2.0, 0.3),)
    times = np.array([0.0, 28.0])
    return Forecast(
        "p1", "made up", "no drug", times, values, {"mrd": "-"}, np.array(relapse), np.array(cure), 28.0, 400.0, 2, 7, seen
    )


def test_intervals_are_quantiles_of_the_draws():
    low, middle, high = by_hand().interval("mrd", 0.5)
    assert (low[0], middle[0], high[0]) == (1.75, 2.5, 3.25)


def test_cure_and_relapse_are_means_over_draws():
    found = by_hand()
    assert found.cure == pytest.approx(0.4)
    assert found.relapse_by(100.0).value == 0.25
    assert found.relapse_by(400.0).value == 0.5
    assert found.landmarks() == [365.0]


def test_nothing_but_rounding_is_shown_as_such():
    text = repr(by_hand())
    assert "4 draws from the posterior, 2 more could not be integrated; seed 7" in text
    assert "1e-20" not in text


def test_without_disease_there_is_no_cure():
    found = by_hand(cure=(np.nan,) * 4)
    assert not found.has_disease
    assert "cure" not in found.as_dict()


def test_levels_are_probabilities():
    with pytest.raises(ParameterError, match=r"90 % is 0.9"):
        by_hand().interval("mrd", 90.0)
