"""Extinction of a clone, against the backward equation, a simulation and limits."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import bitesim
from bitesim.mechanisms.extinction import extinction_probability, lineage_survival, survival_of_one
from tests.mechanisms.parameters import plain

BIRTH, DEATH = 0.105, 0.04


@pytest.mark.parametrize(
    ("birth", "death"), [(0.105, 0.04), (0.04, 0.105), (0.1, 0.1), (0.1, 0.1 + 1e-9), (0.0, 0.3), (0.2, 0.0), (0.0, 0.0)]
)
def test_one_cell_follows_the_backward_equation(birth, death):
    # d q / dt = d - (b + d) q + b q^2 for the probability q of extinction (Kolmogorov's backward equation).
    days = np.array([0.0, 0.5, 3.0, 20.0, 100.0])
    rate = lambda _, q: death - (birth + death) * q + birth * q * q  # noqa: E731
    q = solve_ivp(rate, (0.0, 100.0), [0.0], t_eval=days, rtol=1e-11, atol=1e-13).y[0]
    np.testing.assert_allclose(1.0 - survival_of_one(birth, death, days), q, atol=1e-9)


def test_many_cells_and_all_time():
    assert extinction_probability(0.0, BIRTH, DEATH) == 1.0
    for cells in (0.1, 1.0, 30.0):
        assert extinction_probability(cells, BIRTH, DEATH) == pytest.approx(np.exp(-cells * (1.0 - DEATH / BIRTH)))
    assert extinction_probability(1e6, BIRTH, 0.5) == 1.0
    assert extinction_probability(1.0, BIRTH, DEATH, 0.0) == pytest.approx(np.exp(-1.0))
    assert extinction_probability(2.0, 0.0, 0.0) == pytest.approx(np.exp(-2.0))
    assert np.isfinite(extinction_probability([1e12, 1e-12], BIRTH, [0.0, 3.0], 1e6)).all()


def test_a_simulation_of_clones_agrees():
    rng, clones, days = np.random.default_rng(5), 4000, 15.0
    cells = rng.poisson(2.0, clones)
    step = 0.01
    for _ in range(int(days / step)):
        cells = cells + rng.binomial(cells, BIRTH * step) - rng.binomial(cells, DEATH * step)
        cells = np.maximum(cells, 0)
    expected = extinction_probability(2.0, BIRTH, DEATH, days)
    # False-alarm rate of 1e-3 at this seed's first use; the step's bias is below a tenth of the interval.
    assert abs(np.mean(cells == 0) - expected) < 3.3 * np.sqrt(expected * (1.0 - expected) / clones)


@pytest.mark.parametrize(
    ("name", "value"), [("cells", -1.0), ("birth_per_day", -0.1), ("death_per_day", np.nan), ("days", -2.0)]
)
def test_bad_input_is_named(name, value):
    arguments = {"cells": 1.0, "birth_per_day": BIRTH, "death_per_day": DEATH, "days": 1.0, name: value}
    with pytest.raises(bitesim.ParameterError, match=name):
        extinction_probability(**arguments)


@pytest.mark.parametrize("rates", [(0.21, 0.04, 0.155, 0.05), (0.05, 0.04, 0.1, 0.01), (0.3, 0.29, 0.0, 1.0)])
def test_lines_of_two_phases_follow_the_backward_equations(rates):
    birth, death, quiescence, awakening = rates

    def change(_, q):
        cycling, quiescent = q
        return [
            birth * cycling**2 + death + quiescence * quiescent - (birth + death + quiescence) * cycling,
            death + awakening * cycling - (death + awakening) * quiescent,
        ]

    extinct = solve_ivp(change, (0.0, 1e5), [0.0, 0.0], method="LSODA", rtol=1e-10, atol=1e-13).y[:, -1]
    # At a clone that only just dies out the last per mille takes very long.
    np.testing.assert_allclose(1.0 - np.array(plain(lineage_survival)(*rates)), extinct, atol=1e-4)


def test_without_quiescence_it_is_the_one_phase():
    cycling, _ = plain(lineage_survival)(BIRTH, DEATH, 0.0, 1.0)
    assert cycling == pytest.approx(survival_of_one(BIRTH, DEATH))
    assert plain(lineage_survival)(DEATH, BIRTH, 0.0, 1.0) == (0.0, 0.0)
