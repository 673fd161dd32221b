"""Speed of one patient and of cohorts, beside SciPy with the same right-hand side; validated before they are timed."""

import pytest

from benchmarks.ours import bitesim_solvers, cohort
from benchmarks.peers.scipy_methods import SOLVERS as SCIPY
from benchmarks.population import published_population
from benchmarks.problems import published
from benchmarks.references import reference

PROBLEM = published()
PATIENTS = 256


def measure(benchmark, solver, rtol, largest_error, **options):
    """Validate a solver, then time it; a call may run several patients."""
    benchmark.group = f"two cycles, 84 days, rtol {rtol:g}"
    error = PROBLEM.error(solver.solve(PROBLEM, rtol), reference(PROBLEM))
    benchmark.extra_info |= {"error": error, "patients_per_call": solver.patients_per_call}
    assert error < largest_error
    benchmark.pedantic(solver.course(PROBLEM), (rtol,), **options)


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("solver", bitesim_solvers(), ids=lambda solver: solver.name)
def test_bitesim(benchmark, solver, rtol):
    measure(benchmark, solver, rtol, 100.0 * rtol, rounds=20, iterations=3)


@pytest.mark.parametrize("solver", SCIPY, ids=lambda solver: solver.name)
@pytest.mark.parametrize("rtol", [1e-4, 1e-6])
def test_scipy(benchmark, solver, rtol):
    measure(benchmark, solver, rtol, 1e3 * rtol, rounds=3)


@pytest.fixture(scope="module")
def varied():
    population = published_population(PATIENTS)
    return population.parameters, cohort(PROBLEM, population.parameters, 1e-10).values


@pytest.mark.parametrize("rtol", [1e-4, 1e-6])
def test_varied_patients(benchmark, varied, rtol):
    parameters, states = varied
    benchmark.group = f"cohort of {PATIENTS} different patients, 84 days, one thread"
    harvest = cohort(PROBLEM, parameters, rtol)
    assert not harvest.outcome.any()
    errors = [PROBLEM.error(mine, true) for mine, true in zip(harvest.values, states, strict=True)]
    benchmark.extra_info |= {"error": max(errors), "patients_per_call": PATIENTS}
    assert max(errors) < 100.0 * rtol
    benchmark.pedantic(cohort, (PROBLEM, parameters, rtol), rounds=5)
