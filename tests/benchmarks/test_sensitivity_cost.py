"""Errors of derivatives, and differences that know a derivative."""

import numpy as np
import pytest

from benchmarks.ours_sensitivities import by_log_parameters, differences, shifted, state_alone, with_tangents
from benchmarks.problems import stiff
from benchmarks.sensitivity_cost import errors


def test_errors_are_of_elasticities_and_by_curve():
    reference = np.array([[[0.0], [8.0]], [[0.0], [4.0]]])
    found = reference.copy()
    found[1, 1, 0] = 5.0
    states, scale = np.array([[1.0, 4.0], [1.0, 4.0]]), np.array([0.0, 1.0])
    whole, by_curve = errors(found, reference, states, scale)
    assert whole == pytest.approx(1.0 / (4.0 + 4.0 + 1.0))
    assert by_curve == pytest.approx(1.0 / 8.0)


def test_forward_sensitivities_are_the_limit_of_differences():
    problem, names = stiff(), ("clearance_l_per_day", "blast_killing_per_day")
    forward = by_log_parameters(problem, names, 1e-8)
    states = np.ones_like(forward[:, :, 0])
    assert errors(forward, differences(problem, names, 1e-11, 1e-3, (0.75, -0.15, 1.0 / 60.0)), states, states[0])[0] < 1e-6


def test_what_is_timed_runs():
    problem = stiff()
    state_alone(problem, 1e-4)()
    run = with_tangents(problem, ("clearance_l_per_day",), 1e-4)
    run()
    run()


def test_shifted_parameters():
    problem = stiff()
    rows = shifted(problem, ("clearance_l_per_day",), (1.1, 0.9))
    assert rows[:, 0] == pytest.approx(problem.parameters[0] * np.array([1.1, 0.9]))
    assert np.array_equal(rows[:, 1:], np.tile(problem.parameters[1:], (2, 1)))
