"""The stochastic kernels against the plain Python functions they were made from: the same events, the same counts."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

CODE = """
import json, numpy as np
from bitesim.engines.stochastic import run_stochastic
from tests.problems.drug_and_cells import DRUG_AND_CELLS
from tests.problems.immune_network import IMMUNE_NETWORK
from tests.problems.small_networks import BIRTH_DEATH, DIMERISATION
cases = {
    "exact": (DIMERISATION, {"start": 20.5}, None, [1.0, 20.0], 11, 1, "exact"),
    "network": (IMMUNE_NETWORK, None, None, [0.0, 0.02], 3, 2, "exact"),
    "tau": (BIRTH_DEATH, {"start": 3e4}, None, [0.5, 3.0, 4.0], 2, 3, "tau"),
    "few": (DIMERISATION, {"start": 30.0}, None, [5.0], 2, 3, "tau"),
    "piecewise": (DRUG_AND_CELLS, {"cells_at_start": 9.0}, "10 ug/day for 1 d", [0.5, 1.0, 2.0], 3, 4, "exact"),
}
result = {}
for name, (model, *given) in cases.items():
    run = run_stochastic(model, *given, outputs=list(model.species), threads=1)
    result[name] = [run.values.ravel().tolist(), run.counts.ravel().tolist(), run.outcome.tolist()]
print(json.dumps(result))
"""


def compute(**extra):
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**os.environ, **extra}, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def both():
    """Return what compiled and what interpreted code computes."""
    return compute(NUMBA_DISABLE_JIT="0"), compute(NUMBA_DISABLE_JIT="1")


@pytest.mark.parametrize("name", ["exact", "network", "tau", "few", "piecewise"])
def test_runs_agree(both, name):
    compiled, interpreted = (each[name] for each in both)
    np.testing.assert_allclose(compiled[0], interpreted[0], rtol=1e-9)
    assert compiled[1:] == interpreted[1:]
    assert sum(compiled[1]) > 0
