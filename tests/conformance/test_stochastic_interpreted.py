"""The stochastic kernels against the plain Python functions they were made from: the same events, the same counts."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

CODE = """
import json, numpy as np
from bitesim.numerics.two_phases import draw_clone
from bitesim.population.events.clone_courses import TURNOVER, clone_course
from bitesim.population.events.clone_fates import AfterTreatment, CloneLuck, clone_fates
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
hazards = np.tile([0.21, 0.04, 0.155, 0.04, 0.05, 0.1], (10, 1))
hazards[:3, [1, 3]] = 1.2
counts = np.zeros((11, 2))
counts[0] = (1500.0, 1500.0)
draws = draw_clone(hazards, np.full(10, 2.0), counts, 0, 1e9, (np.uint64(3), 1), 0)
result["clone"] = [counts.ravel().tolist(), [int(each) for each in draws], []]
one = np.ones(4)
model = dict(zip(TURNOVER, (0.105 * one, 0.04 * one, 0.5 * one, 0.05 * one)))
course = clone_course(np.array([0.0, 7.0, 20.0, 30.0]), np.outer(one, [1e6, 3e4, 50.0, 8.0]), model)
transplant = np.array([np.inf, np.inf, 60.0, 60.0])
after = AfterTreatment(
    (30.0, 200.0), *(model[name] for name in TURNOVER), one, 1e9 * one, transplant, 0.01 * one, 0.1 * one, transplant + 50.0
)
days, cells = clone_fates(course, after, CloneLuck(np.uint64(2), np.arange(4, dtype=np.uint64), 0))
result["fates"] = [cells.tolist(), [int(each > 0.0) for each in cells], np.isfinite(days).tolist()]
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


@pytest.mark.parametrize("name", ["exact", "network", "tau", "few", "piecewise", "clone", "fates"])
def test_runs_agree(both, name):
    compiled, interpreted = (each[name] for each in both)
    np.testing.assert_allclose(compiled[0], interpreted[0], rtol=1e-9)
    assert compiled[1:] == interpreted[1:]
    assert sum(compiled[1]) > 0
