"""Varied patients: a row is a function of seed and row alone, inside the bounds, log-normal."""

import numpy as np
import pytest

import bitesim
from benchmarks.population import published_rows, standard_normal_rows, stiff_population
from tests.problems.stiff_binding import population


@pytest.mark.parametrize("cut", [1, 7, 256])
def test_rows_do_not_depend_on_how_many_are_asked_for(cut):
    whole = published_rows(0, 600)
    assert np.array_equal(np.vstack([published_rows(k, min(k + cut, 600)) for k in range(0, 600, cut)]), whole)
    assert not np.array_equal(published_rows(0, 600, seed=2), whole)


def test_numbers_are_standard_normal_and_independent():
    table = standard_normal_rows(5, 10**12, 10**12 + 20_000, 6)
    assert np.all(np.isfinite(table))
    assert np.abs(table.mean(axis=0)).max() < 0.03
    assert np.abs(table.std(axis=0) - 1.0).max() < 0.02
    assert np.abs(np.corrcoef(table.T) - np.eye(6)).max() < 0.03


def test_patients_are_inside_the_bounds():
    bounds = np.array([row.bounds for row in bitesim.MODELS["hosseini2020"].catalogue.values()])
    rows = published_rows(0, 2000)
    assert np.all((rows >= bounds[:, 0]) & (rows <= bounds[:, 1]))
    log_ratio = np.log(rows[:, 0] / bitesim.MODELS["hosseini2020"].parameters.vector()[0])
    assert np.std(log_ratio) == pytest.approx(0.3, rel=0.05)


def test_the_stiff_patients_are_those_of_the_test_problem():
    found = stiff_population(3)
    assert np.array_equal(found.parameters, population(3, 1))
    problem = found.patients[2]
    assert np.array_equal(problem.parameters, found.parameters[2])
    assert problem.equations.rhs is found.problem.equations.rhs
    assert not np.array_equal(problem.start, found.problem.start)
