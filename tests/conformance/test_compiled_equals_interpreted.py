"""The compiled kernels against the plain Python functions they were made from."""

import json
import os
import subprocess
import sys

import numpy as np

CODE = """
import json, numpy as np, bitesim
from bitesim.engines.deterministic import initial_state, run_ode
from bitesim.foundation.compiled import prepare
from bitesim.model.rate_of_change import JACOBIAN_SIGNATURE, RHS_SIGNATURE
result = {}
for name in ("hosseini2020", "hosseini2020_nhl", "clements2020"):
    model = bitesim.MODELS[name]
    state = initial_state(model, model.parameters)
    state = state * np.linspace(0.5, 1.5, len(state)) + np.linspace(0.1, 2.0, len(state)) * model.species.scales()
    values, work, n = model.parameters.vector(), np.zeros(model.workspace_size), len(state)
    derivative, matrix = np.zeros(n), np.zeros((n, n))
    prepare(model.rhs, RHS_SIGNATURE)(state, values, work, derivative)
    prepare(model.jacobian, JACOBIAN_SIGNATURE)(state, values, work, matrix)
    result[name] = [derivative.tolist(), matrix.ravel().tolist()]
run = bitesim.simulate(None, "9 ug/day for 0.5 d, 28 ug/day for 0.5 d", times_days=[0.1, 0.5, 1.0], rtol=1e-4)
result["course"] = [run[name].tolist() for name in run.values]
print(json.dumps(result))
"""


def compute(**extra):
    environment = {**os.environ, **extra}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_rates_and_courses_agree():
    compiled, interpreted = compute(NUMBA_DISABLE_JIT="0"), compute(NUMBA_DISABLE_JIT="1")
    for name in ("hosseini2020", "hosseini2020_nhl", "clements2020"):
        for ours, plain in zip(compiled[name], interpreted[name], strict=True):
            largest = np.abs(plain).max()
            np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-13 * largest, err_msg=name)
    for ours, plain in zip(compiled["course"], interpreted["course"], strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-9, atol=1e-12 * np.abs(plain).max())
