"""bitesim's own entries: the cohort of copies is the patient, and any patient is the one that `simulate` runs."""

import numpy as np
import pytest

import bitesim
from benchmarks.ours import ONE_PATIENT, bitesim_solvers, cohort
from benchmarks.population import published_rows
from benchmarks.problems import published, stiff
from benchmarks.solver import CannotTake
from tests.problems.stiff_binding import STIFF_BINDING


@pytest.mark.parametrize("make", [published, stiff])
def test_every_entry_has_the_same_bytes(make):
    problem = make()
    front_door, kernel, lanes = (solver.solve(problem, 1e-4) for solver in bitesim_solvers())
    assert np.array_equal(front_door, kernel)
    assert np.array_equal(lanes, kernel)


def test_another_patient_is_run_with_its_own_parameters():
    problem, row = published(), published_rows(3, 4)[0]
    values = problem.model.parameters.replace(**dict(zip(problem.model.catalogue, map(float, row), strict=True)))
    run = bitesim.simulate(None, problem.regimen, problem.model, problem.times_days, parameters=values, rtol=1e-4)
    mine = ONE_PATIENT.make_any(problem)(problem.of(row), 1e-4)
    assert np.array_equal(mine, np.array([run[name] for name in problem.model.species]).T)


def test_a_model_without_derived_code_has_no_cohort():
    problem = stiff()
    plain = problem.__class__(**{**vars(problem), "model": STIFF_BINDING})
    with pytest.raises(CannotTake, match="derived code"):
        cohort(plain, problem.parameters[np.newaxis], 1e-4)
