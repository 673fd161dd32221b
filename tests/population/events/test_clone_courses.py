"""What a cohort's run says of clones: growth beside founders, means, and the hazards that make the course."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from bitesim.leukaemia import LEUKAEMIA
from bitesim.mechanisms.extinction import lineage_survival
from bitesim.numerics.two_phases import AWAKENING, BIRTH, CYCLING_LOSS, FOUNDERS, QUIESCENT_LOSS, TO_QUIESCENCE
from bitesim.population.events.clone_courses import (
    TURNOVER,
    clone_course,
    extinction_of,
    growth_beside,
    mean_between,
    turnover,
)
from tests.mechanisms.parameters import plain

DAYS = np.array([0.0, 3.0, 10.0, 28.0])
PHASES = (LEUKAEMIA.parameters["cycling_share"], LEUKAEMIA.parameters["awakening_per_day"])
MODEL = {name: np.full(2, LEUKAEMIA.parameters[name]) for name in TURNOVER}


def rates_of(course, row, look):
    rates = np.zeros(6)
    turnover(course.birth[row, look], course.loss[row, look], PHASES, rates)
    rates[FOUNDERS] = course.founders[row, look]
    return rates


def mean_after(rates, cells, days):
    """Return the mean of both phases by the linear equations, from `cells` (cycling, quiescent)."""
    change = np.array(
        [
            [rates[BIRTH] - rates[CYCLING_LOSS] - rates[TO_QUIESCENCE], rates[AWAKENING]],
            [rates[TO_QUIESCENCE], -rates[QUIESCENT_LOSS] - rates[AWAKENING]],
        ]
    )
    came = np.array([rates[FOUNDERS], 0.0])
    return solve_ivp(lambda _, y: change @ y + came, (0.0, days), cells, rtol=1e-10, atol=1e-12).y[:, -1]


def test_hazards_make_the_course_that_they_were_read_from():
    cells = np.array([[1e6, 3e3, 5.0, 14.0], [2.0, 2.0, 1e-3, 1e-9]])
    course = clone_course(DAYS, cells, MODEL, crowded=np.array([[0.5, 0.2, 0.0, 0.0], [0.0] * 4]))
    np.testing.assert_allclose(cells[:, :-1] * course.growth, cells[:, 1:], rtol=1e-12)
    assert course.start.tolist() == [1e6, 2.0]
    for row in range(2):
        for look in range(3):
            share = MODEL["cycling_share"][row]
            before = cells[row, look] * np.array([share, 1.0 - share])
            after = mean_after(rates_of(course, row, look), before, course.lengths[look])
            np.testing.assert_allclose(after.sum(), cells[row, look + 1], rtol=1e-3)
    # Where marrow is full cells divide less often.
    assert course.birth[0, 0] < course.birth[1, 0]


def test_founded_cells_are_not_taken_for_growth():
    cells, founded = np.array([[10.0, 12.0, 5.0, 5.0]] * 2), np.full((2, 3), 2.0)
    course = clone_course(DAYS, cells, MODEL, founded=founded)
    np.testing.assert_allclose(cells[:, :-1] * course.growth + course.arrived, cells[:, 1:], rtol=1e-9)
    share = MODEL["cycling_share"][0]
    for look in range(3):
        rates = rates_of(course, 0, look)
        assert rates[FOUNDERS] * course.lengths[look] == pytest.approx(2.0)
        after = mean_after(rates, cells[0, look] * np.array([share, 1.0 - share]), course.lengths[look])
        # Founders cycle, of whom more divide: the course is met nearly, not to rounding.
        assert after.sum() == pytest.approx(cells[0, look + 1], rel=0.15)


def test_growth_beside_founders_meets_its_equation():
    rng = np.random.default_rng(1)
    cells, founded = 10.0 ** rng.uniform(-6.0, 6.0, (200, 2)), 10.0 ** rng.uniform(-8.0, 6.0, (200, 1))
    # A clone cannot be less than what has just come in.
    cells[:, 1] = np.maximum(cells[:, 1], 0.05 * founded[:, 0])
    u = growth_beside(cells, founded)
    came = np.array([quad(lambda x, e=each: np.exp(e * x), 0.0, 1.0, limit=200)[0] for each in u[:, 0]])
    np.testing.assert_allclose(cells[:, 0] * np.exp(u[:, 0]) + founded[:, 0] * came, cells[:, 1], rtol=1e-7)
    np.testing.assert_allclose(growth_beside(cells, 0.0 * founded), np.diff(np.log(cells), axis=1), rtol=1e-12)


def test_means_between_are_those_of_exponentials():
    values = np.array([[1.0, np.e, np.e, 1e-3]])
    expected = [quad(np.exp, 0.0, 1.0)[0], np.e, (np.e - 1e-3) / np.log(np.e / 1e-3)]
    np.testing.assert_allclose(mean_between(values)[0], expected, rtol=1e-9)


def test_turnover_keeps_the_share_and_grows_as_the_average_cell():
    rates = np.zeros(6)
    turnover(0.105, 0.04, PHASES, rates)
    after = mean_after(rates, np.array([PHASES[0], 1.0 - PHASES[0]]), 20.0)
    assert after.sum() == pytest.approx(np.exp(20.0 * 0.065), rel=1e-6)
    assert after[0] / after.sum() == pytest.approx(PHASES[0], rel=1e-6)


def test_a_course_of_nothing_is_no_growth():
    # What is read of a clone that is gone is rounding: no loss is below 0.
    course = clone_course(DAYS, np.array([[1e6, 0.0, 1e-14, 1e-11]]), {name: each[:1] for name, each in MODEL.items()})
    assert np.all(course.loss >= 0.0)
    assert np.all(np.isfinite(course.growth))


def test_a_course_leaves_nothing_as_often_as_the_closed_form_says():
    cycling, quiescent = plain(lineage_survival)(0.21, 0.04, 0.155, 0.05)
    # Without treatment, from three cells; and from as few as a look at the end of treatment expects.
    free = clone_course(DAYS, 3.0 * np.exp(0.065 * np.array([DAYS, DAYS])), MODEL)
    expected = np.exp(-1.5 * (cycling + quiescent))
    np.testing.assert_allclose(extinction_of(free, MODEL), expected, rtol=1e-5)
    np.testing.assert_allclose(
        extinction_of(clone_course(np.zeros(1), np.full((2, 1), 3.0), MODEL), MODEL), expected, rtol=1e-5
    )
    # Lines that were killed together are fewer than cells are expected.
    killed = clone_course(DAYS, np.array([[1e6, 1e3, 3.0, 3.0]] * 2), MODEL)
    assert np.all(extinction_of(killed, MODEL) > expected)
