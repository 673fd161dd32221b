"""Speed of one patient, beside SciPy with the same compiled right-hand side; answers are validated before they are timed."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import bitesim
from bitesim.engines.deterministic import initial_state
from bitesim.foundation.compiled import prepare
from bitesim.model.rate_of_change import JACOBIAN_SIGNATURE, RHS_SIGNATURE

MODEL = bitesim.MODELS["hosseini2020"]
REGIMEN = bitesim.Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2")
TIMES = np.arange(0.0, 85.0)
SCALE = MODEL.species.scales()


def ours(rtol):
    run = bitesim.simulate(None, REGIMEN, times_days=TIMES, rtol=rtol)
    return np.array([run[name] for name in MODEL.species]).T


def scipy_course(method, rtol):
    """Integrate from change to change, as bitesim does."""
    rhs, jacobian = prepare(MODEL.rhs, RHS_SIGNATURE), prepare(MODEL.jacobian, JACOBIAN_SIGNATURE)
    values, work, n = MODEL.parameters.vector(), np.zeros(MODEL.workspace_size), len(MODEL.species)
    state, rows = initial_state(MODEL, MODEL.parameters), []
    for start, stop, dose in ((0, 28, 15.0), (28, 42, 0.0), (42, 70, 15.0), (70, 84, 0.0)):
        if dose:
            state[[1, 2]] += 1.0

        def slope(_, y, dose=dose):
            derivative = np.empty(n)
            rhs(y, values, work, derivative)
            derivative[0] += dose
            return derivative

        def slopes(_, y):
            matrix = np.empty((n, n))
            jacobian(y, values, work, matrix)
            return matrix

        times = TIMES[(start <= TIMES) & (stop >= TIMES)]
        solved = solve_ivp(slope, (start, stop), state, method, times, jac=slopes, rtol=rtol, atol=rtol * SCALE)
        rows.append(solved.y.T[:-1])
        state = solved.y[:, -1].copy()
    return np.vstack([*rows, state])


@pytest.fixture(scope="module")
def reference():
    return scipy_course("Radau", 1e-11)


def error(course, reference):
    # At a change the output holds the values after it, so those rows are left out of the comparison.
    rows = np.isin(TIMES, (0.0, 42.0), invert=True)
    # Below its scale a state does not matter, e.g. a stress signal that has halved twenty times.
    allowed = np.abs(reference) + SCALE
    return float(np.max((np.abs(course - reference) / allowed)[rows]))


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_bitesim(benchmark, reference, rtol):
    benchmark.group = f"two cycles, 84 days, rtol {rtol:g}"
    benchmark.extra_info["error"] = found = error(ours(rtol), reference)
    assert found < 100.0 * rtol
    benchmark(ours, rtol)


@pytest.mark.parametrize("method", ["LSODA", "BDF", "Radau"])
@pytest.mark.parametrize("rtol", [1e-4, 1e-6])
def test_scipy(benchmark, reference, method, rtol):
    benchmark.group = f"two cycles, 84 days, rtol {rtol:g}"
    benchmark.extra_info["error"] = found = error(scipy_course(method, rtol), reference)
    assert found < 1e3 * rtol
    benchmark.pedantic(scipy_course, (method, rtol), rounds=3)
