"""Margination: a pull by every increase of the signal, none by what has been adapted to."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.margination import adaptation_rate, adhesion_signal, b_cell_margination_hazard, margination_pull
from tests.mechanisms.parameters import defaults, plain

P = defaults()


def test_no_bridges_or_no_targets_no_signal():
    signal = plain(adhesion_signal)
    assert signal(0.0, 1e9, P) == 0.0
    assert signal(5.0, 0.0, P) == 0.0
    assert signal(1e9, 1e15, P) == pytest.approx(1.0, rel=1e-7)
    assert signal(P.adhesion_half_bridges, P.adhesion_half_targets, P) == pytest.approx(0.25)


def test_the_pull_is_one_at_rest_and_after_adaptation_and_only_pulls_outwards():
    pull = plain(margination_pull)
    assert pull(0.0, 0.0, P) == 1.0
    assert pull(0.7, 0.7, P) == 1.0
    assert pull(0.0, 0.7, P) == 1.0
    assert pull(1.0, 0.0, P) == 1.0 + P.margination_gain


def test_adaptation_to_a_constant_signal_is_exponential_and_a_step_pulls_by_its_size():
    rate = plain(adaptation_rate)
    times = np.linspace(0.0, 5.0, 11)
    course = solve_ivp(lambda t, z: [rate(0.6, z[0], P)], (0.0, 5.0), [0.0], t_eval=times, rtol=1e-10, atol=1e-12).y[0]
    np.testing.assert_allclose(course, 0.6 * (1.0 - np.exp(-P.margination_adaptation_per_day * times)), rtol=1e-7)
    small, large = (plain(margination_pull)(signal, 0.3, P) - 1.0 for signal in (0.4, 0.6))
    assert large == pytest.approx(3.0 * small)


def test_many_b_cells_on_few_t_cells_leave_more_slowly():
    hazard = plain(b_cell_margination_hazard)
    few, many = (hazard(10.0, b_cells, 1e9, P) for b_cells in (1e6, 1e9))
    assert few > 10.0 * many
    assert hazard(10.0, P.b_cells_per_t_cell_half * 1e9, 1e9, P) == pytest.approx(0.5 * hazard(10.0, 0.0, 1e9, P))
    assert hazard(0.0, 1e6, 1e9, P) == 0.0
    assert hazard(1e9, 0.0, 1e9, P) == pytest.approx(P.b_cell_margination_per_day, rel=1e-9)
