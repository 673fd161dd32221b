"""One step of Rodas5P on blocks: orders by regression, exact polynomials, the interpolant, and padded elements."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import invoke3, whole_stage_entry
from bitesim.numerics.integrate_one import start_block
from bitesim.numerics.lanes import load, rows_for, store
from bitesim.numerics.rosenbrock import (
    STAGES,
    StageBlocks,
    add_input,
    attempt_step,
    attempt_step_of_lanes,
    complete_increment,
    complete_row,
    enter_stage,
    interpolate,
    set_diagonal,
    set_step,
    work_for,
)
from bitesim.numerics.tableaus import RODAS5P
from tests.numerics.systems import CHAIN, STRAIGHT, chain_constants, chain_matrix, straight_system

THETAS = np.linspace(0.0, 1.0, 11)


# The clock as a state: t' = 1, y_k' = k t^(k - 1), so that y_k = t^k for k = 1 to 6.


def powers_rate(state, constants, rate):
    t = state[0]
    rate[0] = 1.0
    rate[1] = 1.0
    rate[2] = 2.0 * t
    rate[3] = 3.0 * t * t
    rate[4] = 4.0 * t * t * t
    rate[5] = 5.0 * t * t * t * t
    rate[6] = 6.0 * t * t * t * t * t


def powers_factorise(state, constants, diagonal, factors):
    t = state[0]
    factors[0] = 1.0 / diagonal[0]
    factors[2] = 2.0
    factors[3] = 6.0 * t
    factors[4] = 12.0 * t * t
    factors[5] = 20.0 * t * t * t
    factors[6] = 30.0 * t * t * t * t


def powers_solve(factors, vector):
    t = vector[0] * factors[0]
    vector[0] = t
    vector[1] = vector[1] * factors[0]
    vector[2] = (vector[2] + factors[2] * t) * factors[0]
    vector[3] = (vector[3] + factors[3] * t) * factors[0]
    vector[4] = (vector[4] + factors[4] * t) * factors[0]
    vector[5] = (vector[5] + factors[5] * t) * factors[0]
    vector[6] = (vector[6] + factors[6] * t) * factors[0]


SYSTEMS = {
    "oscillator": STRAIGHT.system,
    "powers": straight_system(powers_rate, powers_factorise, powers_solve),
    "chain": CHAIN,
}


@kernel
def take_steps(system, constants, state, before, work, step, count):
    """Take `count` equal steps without control, and leave the start of the last one in `before`."""
    set_step(step, work)
    for _ in range(count):
        invoke3(system.rate, state, constants, work.rate, 0)
        add_input(work.rate, 0, work.input_rate, work.input_rows)
        for row in range(state.shape[0]):
            store(work.stages, row, load(work.rate, row))
        attempt_step(system, constants, state, work)
        for row in range(state.shape[0]):
            complete_row(work.stages, work.new_state, row)
            store(before, row, load(state, row))
            store(state, row, load(work.new_state, row))


def steps(name, constants, start, step, count=1, input_rate=None):
    """Return the state after `count` steps, the state before the last of them, and the blocks of work."""
    state, before = start_block(np.array(start, float)), start_block(np.array(start, float))
    work = work_for(len(state), rows_for(3 * len(start) + 4))
    if input_rate is not None:
        work.input_rate.reshape(-1)[: len(start)] = input_rate
    take_steps(SYSTEMS[name], start_block(np.array(constants, float)), state, before, work, step, count)
    return state.ravel()[: len(start)], before, work


def between(before, work, thetas, count):
    """Return the interpolated states at fractions of the last step."""
    found = []
    for theta in thetas:
        work.theta[0] = theta
        interpolate(before, work.stages, work.theta, work.weights, work.all_rows, work.interpolated)
        found.append(work.interpolated.ravel()[:count].copy())
    return np.array(found)


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


VAN_DER_POL = [2.0, 1.0, 0.0, 0.0]


def reference(start, times):
    """Return SciPy's solution of the oscillator, by an explicit method of order 8."""

    def rhs(_, y):
        return [y[1], 2.0 * (1.0 - y[0] ** 2) * y[1] - y[0]]

    solution = solve_ivp(rhs, (0.0, times[-1]), start, "DOP853", times, rtol=1e-13, atol=1e-15, max_step=times[-1] / 8)
    return solution.y.T


def test_error_falls_with_the_fifth_power_of_the_step():
    exact = reference([2.0, 0.0], [3.0])[0]
    counts = np.array([100, 140, 200, 280])
    errors = [np.max(np.abs(steps("oscillator", VAN_DER_POL, [2.0, 0.0], 3.0 / n, n)[0] - exact)) for n in counts]
    assert abs(slope(3.0 / counts, errors) - 5.0) < 0.2


def test_one_step_errs_with_the_sixth_power_and_estimates_the_fifth():
    # The embedded solution has order 4, so what it errs in one step, and estimates, falls with the fifth power.
    sizes = np.array([0.02, 0.028, 0.04, 0.056])
    exact = reference([1.0, 1.0], sizes)
    taken = [steps("oscillator", VAN_DER_POL, [1.0, 1.0], size) for size in sizes]
    errors = [np.max(np.abs(each[0] - at)) for each, at in zip(taken, exact, strict=True)]
    estimates = [np.max(np.abs(each[2].stages[-1])) for each in taken]
    assert abs(slope(sizes, errors) - 6.0) < 0.3
    assert abs(slope(sizes, estimates) - 5.0) < 0.2


def test_the_interpolant_errs_with_the_fifth_power_of_the_step():
    # Order 4 means that one step errs with the fifth power; the largest error inside the step is taken.
    sizes, errors, inside = np.array([0.01, 0.014, 0.02, 0.028]), [], THETAS[1:-1]
    for size in sizes:
        exact = reference([1.0, 1.0], inside * size)
        _, before, work = steps("oscillator", VAN_DER_POL, [1.0, 1.0], size)
        errors.append(np.max(np.abs(between(before, work, inside, 2) - exact)))
    assert abs(slope(sizes, errors) - 5.0) < 0.2


def test_powers_of_time_are_exact_to_the_order_and_not_beyond():
    begin, step = 0.75, 0.5
    state, before, work = steps("powers", [0.0], [begin, *(begin**k for k in range(1, 7))], step)
    exact = np.array([1.25, *(1.25**k for k in range(1, 7))])
    np.testing.assert_allclose(state[:6], exact[:6], rtol=1e-13)
    assert abs(state[6] / exact[6] - 1.0) > 1e-6
    times = begin + step * THETAS[1:-1]
    found = between(before, work, THETAS[1:-1], 7)
    np.testing.assert_allclose(found[:, 0], times, rtol=1e-14)
    for k in range(1, 5):
        np.testing.assert_allclose(found[:, k], times**k, rtol=1e-13)
    assert np.min(np.abs(found[:, 5] / times**5 - 1.0)) > 1e-8


def test_the_interpolant_meets_both_ends_of_the_step():
    state, before, work = steps("oscillator", VAN_DER_POL, [2.0, 0.3], 0.1, 3)
    ends = between(before, work, [0.0, 1.0], 2)
    assert np.array_equal(ends[0], before.ravel()[:2])
    # The end is summed from the stages, once more and in another order.
    np.testing.assert_allclose(ends[1], state, rtol=4e-16, atol=4e-16)
    assert not np.array_equal(*ends)


def test_each_lane_is_interpolated_at_its_own_fraction():
    _, before, work = steps("chain", chain_constants(np.full(8, 2.0), np.zeros(8)), np.ones(8), 0.25)
    work.theta[0] = np.linspace(0.0, 1.0, 8)
    interpolate(before, work.stages, work.theta, work.weights, work.all_rows, work.interpolated)
    np.testing.assert_allclose(work.interpolated[0], np.exp(-0.5 * work.theta[0]), rtol=1e-4)


def stability(z):
    """Return R(z), the factor by which one step multiplies a state with rate lambda = z / h, from the tableau."""
    beta = np.linalg.inv(np.eye(RODAS5P.stages) / RODAS5P.gamma - RODAS5P.c)
    matrix = np.eye(RODAS5P.stages) - z * (RODAS5P.a @ beta + beta)
    return 1.0 + z * (RODAS5P.weights @ beta) @ np.linalg.solve(matrix, np.ones(RODAS5P.stages))


def test_a_linear_step_multiplies_by_the_stability_function():
    losses = np.array([1e-3, 0.3, 1.0, 4.0, 20.0, 1e3, 1e6, 1e9, 7.0])
    state, _, _ = steps("chain", chain_constants(losses, np.zeros(9)), np.ones(9), 1.0)
    np.testing.assert_allclose(state, [stability(-loss) for loss in losses], rtol=1e-9, atol=1e-12)
    # Stiffly accurate: what is very fast has vanished after one step.
    assert abs(state[7]) < 1e-7


@pytest.mark.parametrize("count", [1, 8, 9, 19])
def test_a_chain_of_any_length_with_input_equals_its_closed_form(count):
    losses, inflows, push = np.linspace(0.5, 2.0, count), np.linspace(1.0, 0.2, count), np.linspace(-1.0, 1.0, count)
    start, matrix = np.linspace(1.0, 2.0, count), chain_matrix(losses, inflows)
    state, before, work = steps("chain", chain_constants(losses, inflows), start, 0.02, 50, push)
    rest = -np.linalg.solve(matrix, push)
    np.testing.assert_allclose(state, rest + expm(matrix) @ (start - rest), rtol=1e-9)
    times = 0.98 + 0.02 * THETAS
    expected = [rest + expm(matrix * time) @ (start - rest) for time in times]
    np.testing.assert_allclose(between(before, work, THETAS, count), expected, rtol=1e-8)


@pytest.mark.parametrize(("name", "count"), [("powers", 7), ("chain", 1), ("chain", 9), ("chain", 19)])
def test_padded_elements_stay_zero(name, count):
    constants = chain_constants(np.linspace(0.5, 2.0, count), np.ones(count)) if name == "chain" else [0.0]
    state, before, work = steps(name, constants, np.linspace(0.5, 1.0, count), 0.1, 4, np.ones(count))
    between(before, work, [0.3], count)
    assert np.all(state != 0.0)
    for field in ("rate", "new_state", "stages", "interpolated"):
        flat = getattr(work, field).reshape(-1, rows_for(count) * 8)
        assert flat[:, :count].any(axis=1).all(), field
        assert not flat[:, count:].any(), field


def test_only_rows_with_input_are_added_to():
    given, start = np.linspace(1.0, 2.0, 20), np.linspace(0.5, 1.0, 20)
    constants = start_block(chain_constants(np.linspace(0.5, 2.0, 20), np.ones(20)))
    found = {}
    for rows in (None, np.array([1])):
        state, work = start_block(start), work_for(3, 8, rows)
        work.input_rate.reshape(-1)[8:16] = given[8:16]
        take_steps(CHAIN, constants, state, start_block(start), work, 0.1, 3)
        found[rows is None] = state
    assert found[True].tobytes() == found[False].tobytes()
    work = work_for(3, 8, np.array([], np.int64))
    work.input_rate[:] = 1.0
    state = start_block(start)
    take_steps(CHAIN, constants, state, start_block(start), work, 0.1, 3)
    without = steps("chain", constants.ravel(), start, 0.1, 3)[0]
    assert state.ravel()[:20].tolist() == without.tolist()


def test_a_step_leaves_its_start_and_its_input_alone():
    state, work = start_block(np.array([2.0, 0.5])), work_for(1, 1)
    set_step(0.05, work)
    work.stages[0, 0, :2], work.input_rate[0, :2] = [0.5, -5.0], 0.25
    kept = [each.copy() for each in (state, work.input_rate, work.inverse_step)]
    attempt_step(STRAIGHT.system, start_block(np.array(VAN_DER_POL)), state, work)
    for now, then in zip((state, work.input_rate, work.inverse_step), kept, strict=True):
        assert np.array_equal(now, then)
    assert not np.array_equal(work.new_state, state)


def test_a_step_size_sets_its_inverse_and_the_diagonal():
    work = work_for(1, 1)
    set_step(0.05, work)
    assert work.inverse_step.tolist() == [[20.0] * 8]
    np.testing.assert_allclose(work.diagonal, 1.0 / (0.05 * RODAS5P.gamma), rtol=1e-15)
    work.inverse_step[0] = np.arange(1.0, 9.0)
    set_diagonal(work.inverse_step, work.diagonal)
    np.testing.assert_allclose(work.diagonal[0], np.arange(1.0, 9.0) / RODAS5P.gamma, rtol=1e-15)


def test_blocks_of_work_are_separate_and_aligned():
    work = work_for(3, 5)
    blocks = work[:-2]
    assert work.all_rows.tolist() == work.input_rows.tolist() == [0, 1, 2]
    assert work_for(3, 5, np.array([2])).input_rows.tolist() == [2]
    for number, each in enumerate(blocks, 1):
        assert each.ctypes.data % 64 == 0
        assert not each.any()
        each[:] = number
    assert [each.ravel().tolist() for each in blocks] == [[number] * each.size for number, each in enumerate(blocks, 1)]
    assert (work.stages.shape, work.allowed.shape, work.factors.shape) == ((8, 3, 8), (4, 8), (5, 8))
    assert work.weights.shape == (8, 8)


@kernel
def enter_and_complete(stage, state, inverse_step, work):
    enter_stage(stage, state, inverse_step, work)
    complete_increment(stage, work)


@pytest.mark.parametrize("rows", [1, 3, 4, 20])
def test_states_of_stages_and_what_earlier_ones_contribute_are_those_of_the_tableau(rows):
    generator = np.random.default_rng(rows)
    state, stages = generator.standard_normal((rows, 8)), generator.standard_normal((STAGES, rows, 8))
    inverse_step, work = generator.uniform(0.5, 2.0, (1, 8)), work_for(rows, 1)
    work.stages[0] = stages[0]
    for stage in range(1, STAGES):
        work.stages[stage] = stages[stage]
        # What is not known yet must not be read.
        work.stages[stage + 1 :] = np.nan
        enter_and_complete(stage, state, inverse_step, work)
        expected = state + np.tensordot(RODAS5P.a[stage, :stage], stages[:stage], 1)
        np.testing.assert_allclose(work.new_state, expected, rtol=1e-12, atol=1e-13)
        carried = inverse_step * np.tensordot(RODAS5P.c[stage, :stage], stages[:stage], 1)
        np.testing.assert_allclose(work.stages[stage], stages[stage] + carried, rtol=1e-12, atol=1e-11)
        # Now solved for.
        work.stages[stage] = stages[stage]


WHOLE_STAGE = whole_stage_entry(powers_rate, powers_solve, 7)
WIDE_POWERS = straight_system(powers_rate, powers_factorise, powers_solve, wide=True)


@kernel
def attempt_both(system, whole_stage, constants, state, one, many):
    for work in (one, many):
        invoke3(system.rate, state, constants, work.stages, 0)
        add_input(work.stages, 0, work.input_rate, work.input_rows)
    attempt_step(system, constants, state, one)
    blocks = StageBlocks(
        many.diagonal,
        many.inverse_step,
        many.input_rate,
        many.input_rows,
        many.stages,
        many.factors,
        many.new_state,
        many.carried,
    )
    attempt_step_of_lanes(system, whole_stage, constants, state, blocks)


def test_a_step_of_lanes_is_bitwise_that_of_separate_functions():
    generator = np.random.default_rng(2)
    state, one, many = generator.uniform(0.1, 1.0, (7, 8)), work_for(7, 7), work_for(7, 7, np.array([1, 4]))
    for work in (one, many):
        work.input_rate[[1, 4]] = np.arange(16.0).reshape(2, 8)
        work.inverse_step[0] = np.linspace(1.0, 30.0, 8)
        set_diagonal(work.inverse_step, work.diagonal)
    attempt_both(WIDE_POWERS, WHOLE_STAGE, np.zeros((1, 8)), state, one, many)
    assert np.isfinite(one.stages).all()
    assert np.count_nonzero(one.stages) > 400
    assert np.array_equal(one.stages, many.stages)
    assert np.array_equal(one.new_state, many.new_state)
