"""Adaptive stiff integration (Rodas5P) of any right-hand side through pieces of constant input, with dense output."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.linear_algebra import lu_factor, lu_solve
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.step_control import error_norm, first_step, step_factor
from bitesim.numerics.tableaus import RODAS5P

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_VECTOR: Final = types.Array(types.float64, 1, "C")
_MATRIX: Final = types.Array(types.float64, 2, "C")
_INTEGERS: Final = types.Array(types.int64, 1, "C")

#: rhs(state, parameters, workspace, derivative) and jacobian(state, parameters, workspace, matrix).
RHS_SIGNATURE: Final = types.void(_VECTOR, _VECTOR, _VECTOR, _VECTOR)
JACOBIAN_SIGNATURE: Final = types.void(_VECTOR, _VECTOR, _VECTOR, _MATRIX)


class Pieces(NamedTuple):
    """What the clock does: piece k is the half-open window [boundary[k], boundary[k+1]).

    Parameters
    ----------
    boundary : ndarray, shape (pieces + 1,)
        Strictly increasing; the last may be infinite: integration then ends with the last output.
    input_rate : ndarray, shape (pieces, states)
        Constant input added to the rates of change during the piece.
    jump : ndarray, shape (pieces, states)
        Added to the state at the piece's start, before an output at that instant is taken.
    reset : ndarray of int, shape (pieces,)
        1 where the state returns to `reset_state` at the piece's start, before the jump.
    reset_state : ndarray, shape (states,)
    """

    boundary: Vector
    input_rate: Matrix
    jump: Matrix
    reset: NDArray[np.int64]
    reset_state: Vector


class Control(NamedTuple):
    """How accurately and how long: state i has the absolute tolerance relative_tolerance * scale[i]."""

    relative_tolerance: float
    scale: Vector
    max_steps: int
    workspace_size: int


class Output(NamedTuple):
    """Where results go: states at strictly increasing times, counters, and where a failure happened.

    `counters` holds accepted steps, rejected steps, right-hand sides, Jacobians, factorisations and restarts;
    `progress` the time reached, the last step size and the index of the next output to take.
    """

    times: Vector
    states: Matrix
    counters: NDArray[np.int64]
    progress: Vector


COUNTERS: Final = (
    "accepted_steps", "rejected_steps", "right_hand_sides", "jacobians", "factorisations", "restarts",
)  # fmt: skip
_ACCEPTED, _REJECTED, _RHS, _JACOBIANS, _FACTORISATIONS, _RESTARTS = range(6)

_A: Final = RODAS5P.a
_C: Final = RODAS5P.c
_DENSE: Final = RODAS5P.dense
_GAMMA: Final = RODAS5P.gamma
_STAGES: Final = RODAS5P.stages
_ERROR_ORDER: Final = RODAS5P.embedded_order + 1
#: A step is never shorter than this fraction of the time reached: the clock could not resolve it.
_CLOCK_RESOLUTION: Final = 1e-14


class _Work(NamedTuple):
    """Arrays that one integration reuses for every step."""

    rate: Vector
    size: Vector
    stage_state: Vector
    new_state: Vector
    stages: Matrix
    jacobian: Matrix
    system: Matrix
    pivots: NDArray[np.int64]
    user: Vector


@kernel
def _attempt_step(rhs: Callable, parameters: Vector, state: Vector, input_rate: Vector, step: float, work: Any) -> bool:
    """Take one step with the Jacobian, first rate and sizes in `work`; leave new state and error (last stage) there."""
    n = state.shape[0]
    inverse_step = 1.0 / step
    for i in range(n):
        for j in range(n):
            work.system[i, j] = -work.jacobian[i, j]
        work.system[i, i] += inverse_step / _GAMMA
    if not lu_factor(work.system, work.size, work.pivots):
        return False
    for stage in range(_STAGES):
        increment = work.stages[stage]
        if stage == 0:
            for i in range(n):
                increment[i] = work.rate[i]
        else:
            for i in range(n):
                total = state[i]
                for j in range(stage):
                    total += _A[stage, j] * work.stages[j, i]
                work.stage_state[i] = total
            rhs(work.stage_state, parameters, work.user, increment)
            for i in range(n):
                increment[i] += input_rate[i]
        for i in range(n):
            carried = 0.0
            for j in range(stage):
                carried += _C[stage, j] * work.stages[j, i]
            increment[i] += inverse_step * carried
        lu_solve(work.system, work.pivots, increment)
    for i in range(n):
        work.new_state[i] = work.stage_state[i] + work.stages[_STAGES - 1, i]
    return True


@kernel
def _interpolate(theta: float, before: Vector, work: Any, result: Vector) -> None:
    """Write the state at the fraction `theta` of the step just taken into `result`."""
    rest = 1.0 - theta
    for i in range(before.shape[0]):
        polynomial = 0.0
        power = 1.0
        for row in range(_DENSE.shape[0]):
            term = 0.0
            for stage in range(_STAGES):
                term += _DENSE[row, stage] * work.stages[stage, i]
            polynomial += power * term
            power *= theta
        result[i] = rest * before[i] + theta * (work.new_state[i] + rest * polynomial)


@kernel
def _enter_piece(index: int, state: Vector, pieces: Any, output: Any, next_output: int) -> int:
    """Apply the reset and jump at a piece's start and take an output at that instant; return the next output."""
    if pieces.reset[index] == 1:
        for i in range(state.shape[0]):
            state[i] = pieces.reset_state[i]
    for i in range(state.shape[0]):
        state[i] += pieces.jump[index, i]
    if next_output < output.times.shape[0] and output.times[next_output] == pieces.boundary[index]:
        for i in range(state.shape[0]):
            output.states[next_output, i] = state[i]
        next_output += 1
    return next_output


@kernel
def _all_finite(vector: Vector) -> bool:
    finite = True
    for i in range(vector.shape[0]):
        finite = finite and math.isfinite(vector[i])
    return finite


@kernel
def _integrate_piece(
    rhs: Callable, jacobian: Callable, parameters: Vector, state: Vector, where: Any, control: Any, work: Any
) -> int:
    """Integrate `state` through the one piece that `where` = (start, stop, input_rate, output) describes."""
    start, stop, input_rate, output = where
    times = output.times
    counters = output.counters
    time = start
    fresh = True
    rejected = False
    step = 0.0
    next_output = int(output.progress[2])
    counters[_RESTARTS] += 1
    while time < stop and (next_output < times.shape[0] or stop < math.inf):
        if not rejected:
            rhs(state, parameters, work.user, work.rate)
            for i in range(state.shape[0]):
                work.rate[i] += input_rate[i]
            jacobian(state, parameters, work.user, work.jacobian)
            counters[_RHS] += 1
            counters[_JACOBIANS] += 1
            if not (_all_finite(work.rate) and _all_finite(state)):
                return Outcome.NOT_FINITE
        if fresh:
            step = first_step(state, work.rate, control.relative_tolerance, control.scale, stop - start)
            fresh = False
        last = time + 1.0001 * step >= stop
        if last:
            step = stop - time
        output.progress[0] = time
        output.progress[1] = step
        # A piece may itself be shorter than the clock resolves; only a step the controller shrank is a failure.
        if step < _CLOCK_RESOLUTION * max(1.0, time) and not last:
            return Outcome.STEP_TOO_SMALL
        if counters[_ACCEPTED] + counters[_REJECTED] >= control.max_steps:
            return Outcome.TOO_MANY_STEPS
        for i in range(state.shape[0]):
            work.size[i] = control.scale[i] + abs(state[i])
        norm = math.inf
        counters[_FACTORISATIONS] += 1
        if _attempt_step(rhs, parameters, state, input_rate, step, work):
            counters[_RHS] += _STAGES - 1
            norm = error_norm(work.stages[_STAGES - 1], state, work.new_state, control.relative_tolerance, control.scale)
        factor = step_factor(norm, _ERROR_ORDER, rejected)
        # Written so that a NaN norm is a rejection.
        if not norm <= 1.0:
            counters[_REJECTED] += 1
            rejected = True
            step *= factor
            continue
        counters[_ACCEPTED] += 1
        rejected = False
        reached = stop if last else time + step
        # An output exactly at the piece's end belongs to the next piece, after its jump.
        while next_output < times.shape[0] and (times[next_output] <= reached and times[next_output] < stop):
            _interpolate((times[next_output] - time) / step, state, work, output.states[next_output])
            next_output += 1
        for i in range(state.shape[0]):
            state[i] = work.new_state[i]
        time = reached
        output.progress[2] = next_output
        step *= factor
    output.progress[0] = time
    return Outcome.OK


@kernel
def integrate(
    rhs: Callable, jacobian: Callable, parameters: Vector, state: Vector, pieces: Any, control: Any, output: Any
) -> int:
    """Integrate `state` in place through all `pieces` and fill `output`; return an `Outcome`.

    Steps end at boundaries only: output times are interpolated, so asking for more of them changes no trajectory.

    Parameters
    ----------
    rhs, jacobian : first-class kernels with `RHS_SIGNATURE` and `JACOBIAN_SIGNATURE`
    parameters : ndarray
        Passed through to `rhs` and `jacobian`.
    state : ndarray, shape (states,)
        Start in, end out (at the last boundary, before what would happen there).
    pieces : Pieces
    control : Control
    output : Output
    """
    n = state.shape[0]
    work = _Work(
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty((_STAGES, n)),
        np.empty((n, n)),
        np.empty((n, n)),
        np.empty(n, np.int64),
        np.empty(control.workspace_size),
    )
    for index in range(pieces.input_rate.shape[0]):
        next_output = _enter_piece(index, state, pieces, output, int(output.progress[2]))
        output.progress[2] = next_output
        where = (pieces.boundary[index], pieces.boundary[index + 1], pieces.input_rate[index], output)
        outcome = _integrate_piece(rhs, jacobian, parameters, state, where, control, work)
        if outcome != Outcome.OK:
            return outcome
    return Outcome.OK


def _named_tuple(kind: type, *members: types.Type) -> types.NamedTuple:
    return types.NamedTuple(members, kind)


INTEGRATE_SIGNATURE: Final = types.int64(
    types.FunctionType(RHS_SIGNATURE),
    types.FunctionType(JACOBIAN_SIGNATURE),
    _VECTOR,
    _VECTOR,
    _named_tuple(Pieces, _VECTOR, _MATRIX, _MATRIX, _INTEGERS, _VECTOR),
    _named_tuple(Control, types.float64, _VECTOR, types.int64, types.int64),
    _named_tuple(Output, _VECTOR, _MATRIX, _INTEGERS, _VECTOR),
)
