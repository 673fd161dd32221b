"""Choosing tolerances: a lucky loose one does not count, and what is found is refined."""

import math

import numpy as np
import pytest

from benchmarks.contest import Method, Rung, one_by_one, side_by_side, tolerance_for
from benchmarks.ours import ONE_PATIENT
from benchmarks.population import published_population
from benchmarks.solver import SolverFailed


def rung(rtol, error):
    return Rung(rtol, error, error, 1, 0)


def proportional(rtol):
    return rung(rtol, 3.0 * rtol)


def test_the_loosest_tolerance_is_refined_between_rungs():
    found = tolerance_for(1e-4, [proportional(10.0**-k) for k in range(3, 8)], proportional)
    assert 0.5e-4 < found.error <= 1e-4
    assert found.rtol > 1e-5


def test_a_lucky_loose_tolerance_does_not_count():
    ladder = [rung(1e-3, 1e-5), rung(1e-4, 1e-3), rung(1e-5, 1e-5)]
    assert tolerance_for(1e-4, ladder, lambda rtol: rung(rtol, 1.0)).rtol == 1e-5


def test_a_ladder_above_the_error_reaches_nothing_and_one_below_it_its_first_rung():
    assert tolerance_for(1e-4, [rung(1e-3, 1e-3), rung(1e-6, math.nan)], proportional) is None
    assert tolerance_for(1e-4, [rung(1e-3, 1e-5), rung(1e-4, 1e-6)], proportional).rtol == 1e-3


@pytest.fixture(scope="module")
def population():
    return published_population(9)


def test_one_by_one_and_side_by_side_are_the_same_bytes(population):
    both = (side_by_side("lanes", population), one_by_one("one", ONE_PATIENT.make_any(population.problem), population, 9))
    lanes, one = (list(method.run(range(2, 5), 1e-4)) for method in both)
    assert all(np.array_equal(a, b) for a, b in zip(lanes, one, strict=True))


def test_what_is_given_up_is_counted_and_what_is_no_number_is_an_error(population):
    right = np.ones((9, len(population.problem.times_days), len(population.problem.start)))

    def run(rows, rtol):
        for row in rows:
            yield None if row == 1 else right[row] * (np.nan if row == 2 and rtol < 1e-3 else 1.0)

    method = Method("method", run, 3)
    assert method.rung(population, right, 1e-3) == Rung(1e-3, 0.0, 0.0, 3, 1)
    assert method.rung(population, right, 1e-4).error > 1e300

    def failing(patient, rtol):
        raise SolverFailed("no")

    assert one_by_one("failing", failing, population, 2).rung(population, right, 1e-3).given_up == 2
