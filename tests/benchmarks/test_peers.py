"""Peers that take any patient: the second patient is not the first one's."""

import pytest

from benchmarks.ours import cohort
from benchmarks.peers import peers
from benchmarks.population import published_population

ABLE = [solver for solver in peers() if solver.make_any is not None]


@pytest.mark.parametrize("solver", ABLE, ids=lambda solver: solver.name)
def test_any_patient_is_run_with_its_own_parameters(solver):
    if not solver.is_installed():
        pytest.skip(f"{solver.package} is not installed")
    population = published_population(3)
    course = solver.make_any(population.problem)
    right = cohort(population.problem, population.parameters, 1e-10).values
    for patient, states in zip(population.patients, right, strict=True):
        assert population.problem.error(course(patient, 1e-9), states) < 1e-5
