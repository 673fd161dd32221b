"""The compiled kernels against the plain Python functions they were made from."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

CODE = """
import json, numpy as np, bitesim
from bitesim.engines.system import system_of
from bitesim.foundation.compiled import prepare
from bitesim.model.rate_of_change import JACOBIAN_SIGNATURE, RHS_SIGNATURE
result = {"kernels": {}, "derived": {}, "cohorts": {}, "counted": {}}
for name in ("hosseini2020", "hosseini2020_nhl", "clements2020"):
    model = bitesim.MODELS[name]
    assert model.derivatives is not None
    parameters = model.parameters.vector() * np.linspace(0.9, 1.0, len(model.catalogue))
    system = system_of(model)
    start = system.initial_state(parameters)
    state = start * np.linspace(0.5, 1.5, len(start)) + np.linspace(0.1, 2.0, len(start)) * model.species.scales()
    work, n = np.zeros(model.workspace_size), len(state)
    derivative, matrix = np.zeros(n), np.zeros((n, n))
    prepare(model.rhs, RHS_SIGNATURE)(state, parameters, work, derivative)
    prepare(model.jacobian, JACOBIAN_SIGNATURE)(state, parameters, work, matrix)
    result["kernels"][name] = [derivative.tolist(), matrix.ravel().tolist()]
    readouts = system.readouts(parameters, np.array([start, state]))
    constants = system.constants(parameters)
    result["derived"][name] = [constants.ravel().tolist(), start.tolist(), *readouts.T.tolist()]
    course = bitesim.simulate(
        None, "9 ug/day for 0.5 d, 28 ug/day for 0.5 d", name, times_days=[0.1, 0.5, 1.0], rtol=1e-4
    )
    result["derived"][name] += [course[each].tolist() for each in course.values]
for name, changed in (("clements2020", "clearance_l_per_h"), ("hosseini2020", "b_cell_reference_per_ml")):
    model = bitesim.MODELS[name]
    table = {changed: model.parameters[changed] * np.array([0.5, 1.0, 2.0])}
    regimen = bitesim.Regimen.parse("9 ug/day for 0.2 d, 28 ug/day for 0.2 d").with_bolus(0.3, 1.0)
    for lanes in (True, False):
        run = bitesim.run_cohort(
            model, table, regimen, [0.0, 0.1, 0.3, 0.5], list(model.units), rtol=1e-4, bsa_m2=1.88, lanes=lanes
        )
        result["cohorts"][f"{name}, lanes = {lanes}"] = np.moveaxis(run.values, 2, 0).tolist()
        result["counted"][f"{name}, lanes = {lanes}"] = [run.steps.tolist(), run.outcome.tolist()]
print(json.dumps(result))
"""


def compute(**extra):
    environment = {**os.environ, **extra}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def both():
    """Return what compiled and what interpreted code computes."""
    return compute(NUMBA_DISABLE_JIT="0"), compute(NUMBA_DISABLE_JIT="1")


def assert_close(both, part, rtol, atol):
    """Compare number by number; `atol` is relative to the largest number of each row."""
    compiled, interpreted = (each[part] for each in both)
    assert compiled.keys() == interpreted.keys()
    for name in compiled:
        for ours, plain in zip(compiled[name], interpreted[name], strict=True):
            largest = np.abs(plain).max()
            np.testing.assert_allclose(ours, plain, rtol=rtol, atol=atol * largest, err_msg=name)


def test_kernels_agree(both):
    assert len(both[0]["kernels"]) == 3
    assert_close(both, "kernels", rtol=1e-12, atol=1e-13)


def test_derived_constants_starts_readouts_and_courses_agree(both):
    assert len(both[0]["derived"]) == 3
    assert_close(both, "derived", rtol=1e-9, atol=1e-12)


def test_cohorts_agree_on_lanes_and_one_by_one(both):
    assert len(both[0]["cohorts"]) == 4
    assert_close(both, "cohorts", rtol=1e-9, atol=1e-12)
    assert both[0]["counted"] == both[1]["counted"]


def test_lanes_have_the_bytes_of_one_by_one_either_way(both):
    for each in both:
        for name in ("clements2020", "hosseini2020"):
            one, other = (each["cohorts"][f"{name}, lanes = {lanes}"] for lanes in (True, False))
            assert one == other
