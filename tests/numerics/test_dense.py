"""The system made of dense kernels, against NumPy."""

import math

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.dense import constants_size, dense_system, factors_size
from bitesim.numerics.entries import invoke2, invoke3, invoke4
from bitesim.numerics.lanes import rows_for

STATES, PARAMETERS, WORKSPACE = 9, 3, 2
MATRIX = np.random.default_rng(7).standard_normal((STATES, STATES))
SCALE = np.linspace(0.1, 2.0, STATES)


@kernel
def rhs(state, parameters, workspace, derivative):
    workspace[1] = parameters[2]
    for i in range(len(state)):
        derivative[i] = workspace[1]
        for j in range(len(state)):
            derivative[i] += parameters[0] * MATRIX[i, j] * state[j] * state[j]


@kernel
def jacobian(state, parameters, workspace, matrix):
    workspace[0] = 2.0
    for i in range(len(state)):
        for j in range(len(state)):
            matrix[i, j] = workspace[0] * parameters[0] * MATRIX[i, j] * state[j]


SYSTEM = dense_system(rhs, jacobian, SCALE, PARAMETERS, WORKSPACE)
VALUES = np.array([0.7, 0.0, -0.3])
STATE = np.linspace(0.5, 1.5, STATES)


@kernel
def call_rate(system, state, constants, result, start):
    invoke3(system.rate, state, constants, result, start)


@kernel
def call_factorise(system, state, constants, diagonal, factors, start):
    invoke4(system.factorise, state, constants, diagonal, factors, start)


@kernel
def call_solve(system, factors, vector, start):
    invoke2(system.solve, factors, vector, start)


def prepared():
    """Return constants and the block of the state, padded with what must not be read."""
    constants = np.full(constants_size(STATES, PARAMETERS, WORKSPACE), 99.0)
    constants[:PARAMETERS] = VALUES
    state = np.full((2, 8), np.nan)
    state.ravel()[:STATES] = STATE
    return constants, state


def factorised(diagonal, state_values=STATE, start=0, before=55.0):
    """Return constants and factors, in a block that held `before`."""
    constants, state = prepared()
    state.ravel()[:STATES] = state_values
    factors = np.full((rows_for(factors_size(STATES) + start), 8), before)
    call_factorise(SYSTEM, state, constants, np.full((1, 8), diagonal), factors, start)
    return constants, factors


def newton_matrix(diagonal):
    return diagonal * np.eye(STATES) - 2.0 * VALUES[0] * MATRIX * STATE


def test_sizes_hold_all_parts():
    assert constants_size(STATES, PARAMETERS, WORKSPACE) == 14
    assert factors_size(STATES) == 90
    assert factors_size(1) == 2


@pytest.mark.parametrize("start", [0, 16, 21])
def test_the_rate_is_written_from_its_start_and_nowhere_else(start):
    constants, state = prepared()
    result = np.full((3, 2, 8), 55.0)
    call_rate(SYSTEM, state, constants, result, start)
    flat = result.ravel()
    np.testing.assert_allclose(flat[start : start + STATES], VALUES[0] * MATRIX @ STATE**2 + VALUES[2], rtol=1e-12)
    assert set(flat[:start]) | set(flat[start + STATES :]) == {55.0}
    assert constants[:PARAMETERS].tolist() == VALUES.tolist()
    assert constants[PARAMETERS + WORKSPACE :].tolist() == [99.0] * STATES


@pytest.mark.parametrize("diagonal", [0.0, 0.3, 1e3])
@pytest.mark.parametrize("start", [0, 16, 21])
def test_factorise_and_solve_equal_numpy(diagonal, start):
    constants, factors = factorised(diagonal)
    assert constants[:PARAMETERS].tolist() == VALUES.tolist()
    assert factors.ravel()[factors_size(STATES) :].tolist() == [55.0] * (factors.size - factors_size(STATES))
    right = np.random.default_rng(start).standard_normal((3, 2, 8))
    solved = right.copy()
    call_solve(SYSTEM, factors, solved, start)
    there = slice(start, start + STATES)
    expected = np.linalg.solve(newton_matrix(diagonal), right.ravel()[there])
    np.testing.assert_allclose(solved.ravel()[there], expected, rtol=1e-9, atol=1e-12)
    solved.ravel()[there] = right.ravel()[there]
    assert np.array_equal(solved, right)


def test_factors_may_begin_anywhere():
    at_zero, behind = factorised(0.3)[1].ravel(), factorised(0.3, start=8)[1].ravel()
    size = factors_size(STATES)
    assert np.array_equal(behind[8 : 8 + size], at_zero[:size])
    assert behind[:8].tolist() == [55.0] * 8


def test_pivots_are_chosen_by_the_size_of_each_state():
    # With the diagonal 0 the pivots are the largest of each column over scale + |state|, found here by NumPy.
    constants, factors = factorised(0.0)
    left, size, chosen = newton_matrix(0.0), SCALE + np.abs(STATE), []
    for k in range(STATES):
        pivot = k + int(np.argmax(np.abs(left[k:, k]) / size[k:]))
        chosen.append(pivot)
        left[[k, pivot]], size[[k, pivot]] = left[[pivot, k]], size[[pivot, k]]
        left[k + 1 :] -= np.outer(left[k + 1 :, k] / left[k, k], left[k])
    assert factors.ravel()[STATES * STATES : factors_size(STATES)].tolist() == chosen
    assert constants[PARAMETERS + WORKSPACE :].tolist() == size.tolist()
    assert chosen != list(range(STATES))


@pytest.mark.parametrize(("diagonal", "last"), [(0.0, 0.0), (0.0, math.nan), (1e305, STATE[-1])])
def test_a_matrix_that_cannot_be_factorised_gives_no_solution(diagonal, last):
    # Its last column is 0 or not a number, or its pivots are beyond what can be told from infinite.
    _, factors = factorised(diagonal, np.append(STATE[:-1], last), before=0.0)
    vector = np.ones((2, 8))
    call_solve(SYSTEM, factors, vector, 0)
    assert np.isnan(vector[0, 0])
