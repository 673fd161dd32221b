"""Rodas5P: order by regression, closed forms, dense output, events, failures."""

import math

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel, prepare
from bitesim.numerics.outcomes import ADVICE, Outcome
from bitesim.numerics.rosenbrock import (
    COUNTERS,
    INTEGRATE_SIGNATURE,
    JACOBIAN_SIGNATURE,
    RHS_SIGNATURE,
    Control,
    Output,
    Pieces,
    _attempt_step,
    _Work,
    integrate,
)


@kernel
def oscillator(state, parameters, workspace, derivative):
    derivative[0] = state[1]
    derivative[1] = parameters[0] * (1.0 - state[0] * state[0]) * state[1] - state[0]


@kernel
def oscillator_jacobian(state, parameters, workspace, matrix):
    matrix[0, 0], matrix[0, 1] = 0.0, 1.0
    matrix[1, 0] = -2.0 * parameters[0] * state[0] * state[1] - 1.0
    matrix[1, 1] = parameters[0] * (1.0 - state[0] * state[0])


@kernel
def explosion(state, parameters, workspace, derivative):
    derivative[0] = state[0] * state[0]


@kernel
def explosion_jacobian(state, parameters, workspace, matrix):
    matrix[0, 0] = 2.0 * state[0]


@kernel
def decay(state, parameters, workspace, derivative):
    derivative[0] = -parameters[0] * state[0]


@kernel
def decay_jacobian(state, parameters, workspace, matrix):
    matrix[0, 0] = -parameters[0]


def run(system, parameters, start, times, boundary=None, rate=None, jump=None, **options):
    rhs, jacobian = system
    n = len(start)
    boundary = np.array([0.0, math.inf] if boundary is None else boundary)
    count = len(boundary) - 1
    pieces = Pieces(
        boundary,
        np.zeros((count, n)) if rate is None else np.array(rate, float).reshape(count, n),
        np.zeros((count, n)) if jump is None else np.array(jump, float).reshape(count, n),
        np.array(options.get("reset", np.zeros(count)), np.int64),
        np.array(start, float),
    )
    output = Output(np.array(times, float), np.full((len(times), n), np.nan), np.zeros(len(COUNTERS), np.int64), np.zeros(3))
    control = Control(
        options.get("rtol", 1e-8), np.full(n, options.get("scale", 1e-3)), options.get("max_steps", 100_000), 1
    )
    solver = prepare(integrate, INTEGRATE_SIGNATURE)
    outcome = solver(
        prepare(rhs, RHS_SIGNATURE),
        prepare(jacobian, JACOBIAN_SIGNATURE),
        np.array(parameters, float),
        np.array(start, float),
        pieces,
        control,
        output,
    )
    return outcome, output


OSCILLATOR = (oscillator, oscillator_jacobian)
DECAY = (decay, decay_jacobian)


def fixed_steps(count, stop=3.0):
    """Return the oscillator's state after `count` equal steps, without any control."""
    state, parameters, none = np.array([2.0, 0.0]), np.array([2.0]), np.zeros(2)
    work = _Work(
        np.empty(2), np.empty(2), np.empty(2), np.empty(2), np.empty((8, 2)), np.empty((2, 2)), np.empty((2, 2)),
        np.empty(2, np.int64), np.empty(1),
    )  # fmt: skip
    for _ in range(count):
        oscillator(state, parameters, work.user, work.rate)
        oscillator_jacobian(state, parameters, work.user, work.jacobian)
        work.size[:] = 1.0
        assert _attempt_step(oscillator, parameters, state, none, stop / count, work)
        state[:] = work.new_state
    return state


def test_error_falls_with_the_fifth_power_of_the_step():
    exact = run(OSCILLATOR, [2.0], [2.0, 0.0], [3.0], rtol=1e-12)[1].states[0]
    counts = np.array([100, 140, 200, 280])
    errors = [np.max(np.abs(fixed_steps(count) - exact)) for count in counts]
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert abs(order - 5.0) < 0.2


def test_stiff_oscillator_equals_scipy():
    from scipy.integrate import solve_ivp

    times = np.linspace(0.0, 30.0, 31)
    ours = run(OSCILLATOR, [100.0], [2.0, 0.0], times, rtol=1e-9)[1].states
    scipy = solve_ivp(
        lambda _, y: [y[1], 100.0 * (1 - y[0] ** 2) * y[1] - y[0]],
        (0, 30),
        [2.0, 0.0],
        "Radau",
        times,
        rtol=1e-11,
        atol=1e-12,
    ).y.T
    np.testing.assert_allclose(ours, scipy, rtol=1e-6, atol=1e-8)


def test_tighter_tolerance_gives_smaller_errors():
    errors = []
    for rtol in (1e-4, 1e-6, 1e-8, 1e-10):
        states = run(DECAY, [1.0], [1.0], np.linspace(0.1, 5.0, 40), rtol=rtol)[1].states[:, 0]
        errors.append(np.max(np.abs(states / np.exp(-np.linspace(0.1, 5.0, 40)) - 1.0)) / rtol)
    assert max(errors) < 30.0


def test_more_output_times_change_no_value():
    few = run(OSCILLATOR, [5.0], [2.0, 0.0], [1.0, 7.0])[1].states
    many = run(OSCILLATOR, [5.0], [2.0, 0.0], np.linspace(0.0, 9.0, 91))[1].states
    assert np.array_equal(few, many[[10, 70]])


def test_outputs_at_a_boundary_hold_the_values_after_its_jump():
    outcome, output = run(
        DECAY,
        [0.0],
        [1.0],
        [0.0, 1.0, 2.0],
        [0.0, 1.0, 2.0, math.inf],
        jump=[[5.0], [10.0], [100.0]],
        rate=[[0.0], [3.0], [0.0]],
    )
    assert outcome == Outcome.OK
    np.testing.assert_allclose(output.states[:, 0], [6.0, 16.0, 119.0], rtol=1e-12)


def test_a_reset_returns_to_the_start_before_the_jump():
    output = run(DECAY, [1.0], [2.0], [1.0], [0.0, 1.0, math.inf], jump=[[0.0], [0.5]], reset=[0, 1])[1]
    assert output.states[0, 0] == 2.5


def test_infusion_reaches_rate_over_clearance():
    output = run(DECAY, [8.0], [0.0], [0.1, 5.0], rate=[[24.0]])[1]
    np.testing.assert_allclose(output.states[:, 0], 3.0 * -np.expm1(-8.0 * np.array([0.1, 5.0])), rtol=1e-8)


def test_a_blow_up_is_reported_with_its_time():
    outcome, output = run((explosion, explosion_jacobian), [0.0], [1.0], [2.0])
    assert outcome in (Outcome.STEP_TOO_SMALL, Outcome.TOO_MANY_STEPS, Outcome.NOT_FINITE)
    assert output.progress[0] == pytest.approx(1.0, abs=1e-3)


def test_the_step_limit_and_bad_starts_are_reported():
    assert run(OSCILLATOR, [100.0], [2.0, 0.0], [30.0], max_steps=5)[0] == Outcome.TOO_MANY_STEPS
    assert run(DECAY, [math.nan], [1.0], [1.0])[0] == Outcome.NOT_FINITE
    assert set(ADVICE) == set(Outcome)
