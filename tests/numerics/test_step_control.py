"""The controller's norm, its limits, and the first step."""

import math

import numpy as np
import pytest

from bitesim.numerics.step_control import LARGEST_GROWTH, SMALLEST_SHRINK, error_norm, first_step, step_factor


def test_norm_is_the_weighted_root_mean_square():
    norm = error_norm(np.array([1e-3, 0.0]), np.array([1.0, 5.0]), np.array([-2.0, 5.0]), 1e-3, np.array([0.5, 1.0]))
    assert norm == pytest.approx(math.sqrt((1e-3 / (1e-3 * 2.5)) ** 2 / 2.0))


def test_factor_follows_the_error_order_and_stays_in_its_limits():
    assert step_factor(1.0, 5, False) == pytest.approx(0.9)
    assert step_factor(32.0, 5, False) == pytest.approx(0.45)
    assert step_factor(0.0, 5, False) == LARGEST_GROWTH
    assert step_factor(0.0, 5, True) == 1.0
    assert step_factor(math.nan, 5, False) == SMALLEST_SHRINK
    assert step_factor(math.inf, 5, False) == SMALLEST_SHRINK


def test_first_step_is_short_against_the_fastest_change():
    step = first_step(np.array([1.0]), np.array([-1e6]), 1e-6, np.array([1e-9]), 10.0)
    assert 0.0 < step <= 1.01e-8
    assert first_step(np.array([0.0]), np.array([0.0]), 1e-6, np.array([1.0]), 10.0) > 0.0
