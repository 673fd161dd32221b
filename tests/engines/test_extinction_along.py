"""Extinction along a course, against the closed form of constant hazards and drawn clones."""

import numpy as np
import pytest

from bitesim.engines.extinction_along import extinction_along
from bitesim.mechanisms.extinction import lineage_survival, survival_of_one
from bitesim.numerics.two_phases import draw_clone
from tests.mechanisms.parameters import plain


def table(*rows):
    return np.array([[birth, loss, pause, lost, wake, 0.0] for birth, loss, pause, lost, wake in rows])


def test_one_phase_is_kendalls_formula():
    lengths = np.full(10, 7.0)
    found = extinction_along(table(*[(0.105, 0.04, 0.0, 0.04, 0.0)] * 10), lengths)
    left = 70.0 - np.arange(11) * 7.0
    np.testing.assert_allclose(1.0 - found[:, 0], survival_of_one(0.105, 0.04, left), rtol=1e-7)
    np.testing.assert_allclose(found[:, 1], -np.expm1(-0.04 * left), atol=1e-8)


def test_for_ever_it_is_the_closed_form_of_two_phases():
    rates = (0.21, 0.04, 0.155, 0.04, 0.05)
    found = extinction_along(table(*[rates] * 100), np.full(100, 10.0))[0]
    cycling, quiescent = plain(lineage_survival)(0.21, 0.04, 0.155, 0.05)
    assert found == pytest.approx([1.0 - cycling, 1.0 - quiescent], abs=1e-8)


def test_changing_hazards_agree_with_drawn_clones():
    hazards = table((0.21, 0.5, 0.155, 0.5, 0.05), (0.21, 0.04, 0.155, 0.04, 0.05), (0.1, 0.3, 0.05, 0.1, 0.2))
    lengths, runs = np.array([4.0, 10.0, 6.0]), 6000
    expected = extinction_along(hazards, lengths)[0]
    died = 0
    for run in range(runs):
        counts = np.zeros((4, 2))
        counts[0] = (2.0, 1.0)
        draw_clone(hazards, lengths, counts, 0, 1e9, (3, run), 0)
        died += int(counts[3].sum() == 0.0)
    share = expected[0] ** 2 * expected[1]
    # Binomial, 4 standard deviations.
    assert abs(died / runs - share) < 4.0 * np.sqrt(share * (1.0 - share) / runs)
