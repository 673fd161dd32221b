"""Derivatives of one system's course along directions: the recorded steps of a run, each with its exact tangent.

What is differentiated is the method itself, step by step with the sizes that the run chose: a stage

    W k = f(u) + sum_j c_j k_j / h        has the tangent        W k' = J(u) u' + f_p p' + J' k + sum_j c_j k'_j / h

with J' the derivative of the Jacobian along the direction, so the factors of W serve the state and all directions. At a
boundary that moves with the direction, the state before and after it continues with its own rate.

Directions lie side by side in blocks of eight; several blocks stand one behind the other (rows = blocks * states).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import invoke2, invoke3, invoke3_within, invoke4, invoke_along
from bitesim.numerics.integrate_one import OUTPUT_TYPE, PIECES_TYPE, SYSTEM_TYPE, named_tuple, work_type
from bitesim.numerics.lanes import LANES, at, fused, load, plus, put, store
from bitesim.numerics.pieces import ACCEPTED, Matrix, Vector
from bitesim.numerics.rosenbrock import (
    STAGES,
    add_input,
    complete_increment,
    complete_row,
    enter_stage,
    interpolate,
    set_step,
)

Integers = NDArray[np.int64]


class TangentEntries(NamedTuple):
    """Entry points with plain state and constants, and directions in lanes.

    Parameters
    ----------
    rate, jacobian, readouts : of function(state, constants, state_dot, constants_dot, result_dot)
        `jacobian` in the order of the pattern, row by row.
    solve : of function(factors, vector)
        `factors` plain, `vector` in lanes.
    values : of function(state, constants, outputs)
        Readouts themselves.
    product : of function(matrix, vector, result)
        A matrix of the Jacobian's pattern in lanes times a plain vector, added to lanes.
    """

    rate: Any
    jacobian: Any
    readouts: Any
    solve: Any
    values: Any
    product: Any


class Directions(NamedTuple):
    """How what is given changes along each direction; rows as in the module's text.

    Parameters
    ----------
    constants : block, rows = blocks * constants
    start : block, rows = blocks * states
        Of the state before the first piece, and of that to which a reset returns.
    boundary : ndarray, shape (pieces, blocks, 8)
        Of the instant at which each piece begins [d].
    input_rate, jump : ndarray, shape (pieces, blocks * states, 8)
    """

    constants: Matrix
    start: Matrix
    boundary: NDArray[np.float64]
    input_rate: NDArray[np.float64]
    jump: NDArray[np.float64]


class TangentOutput(NamedTuple):
    """What is kept: times; states and readouts at them; their derivatives, (times, blocks * states or readouts, 8)."""

    times: Vector
    states: Matrix
    readouts: Matrix
    states_dot: NDArray[np.float64]
    readouts_dot: NDArray[np.float64]


class TangentState(NamedTuple):
    """Blocks that change along the way: derivatives of the state and of the Jacobian, the input's, and two rates."""

    state_dot: Matrix
    jacobian_dot: Matrix
    input_dot: Matrix
    rate_before: Matrix
    rate_after: Matrix


@kernel
def _keep(
    place: int, tangents: Any, constants: Matrix, states: tuple[Matrix, Matrix], constants_dot: Matrix, output: Any
) -> None:
    """Store state and readouts and their derivatives at one output time."""
    state, state_dot = states
    n, n_readouts = output.states.shape[1], output.readouts.shape[1]
    n_blocks = state_dot.shape[0] // n
    n_constants = constants_dot.shape[0] // n_blocks
    for i in range(n):
        output.states[place, i] = at(state, i)
    for row in range(state_dot.shape[0]):
        store(output.states_dot, place * state_dot.shape[0] + row, load(state_dot, row))
    if n_readouts > 0:
        invoke3(tangents.values, state, constants, output.readouts, place * n_readouts)
        for b in range(n_blocks):
            along, constants_along = b * n * LANES, b * n_constants * LANES
            start = (place * n_blocks + b) * n_readouts * LANES
            invoke_along(
                tangents.readouts, state, constants, state_dot, along, constants_dot, constants_along,
                output.readouts_dot, start,
            )  # fmt: skip


@kernel
def _cross_boundary(
    index: int, system: Any, constants: Matrix, state: Matrix, pieces: Any, directions: Any, moving: Any
) -> None:
    """Carry state and derivatives over the start of a piece: reset, jump, and the move of the boundary itself."""
    n, rows = pieces.jump.shape[1], moving.state_dot.shape[0]
    before, after, state_dot = moving.rate_before, moving.rate_after, moving.state_dot
    # Nothing had been given before the run began.
    invoke3(system.rate, state, constants, before, 0)
    for i in range(n):
        if index > 0:
            put(before, i, at(before, i) + pieces.input_rate[index - 1, i])
        if pieces.reset[index] == 1:
            put(state, i, pieces.reset_state[i])
            put(before, i, 0.0)
        put(state, i, at(state, i) + pieces.jump[index, i])
    invoke3(system.rate, state, constants, after, 0)
    for row in range(rows):
        i, b = row % n, row // n
        difference = at(before, i) - at(after, i) - pieces.input_rate[index, i]
        carried = load(directions.start, row) if pieces.reset[index] == 1 else load(state_dot, row)
        carried = plus(carried, load(directions.jump, index * rows + row))
        moved = load(directions.boundary, index * (rows // n) + b)
        store(state_dot, row, fused(moved, difference, carried))
        store(moving.input_dot, row, load(directions.input_rate, index * rows + row))


@kernel
def _tangent_of_step(
    tangents: Any, constants: Matrix, state: Matrix, directions: Any, sizes: Any, moving: Any, work: Any, dots: Any
) -> None:
    """Take the tangent of a step whose stages and factors are in `work`; leave both new states in `work` and `dots`."""
    rows, state_dot = moving.state_dot.shape[0], moving.state_dot
    n, n_entries = sizes
    n_blocks, state_rows, block_size = rows // n, state.shape[0], n * LANES
    constants_dot, jacobian_dot, input_dot = directions.constants, moving.jacobian_dot, moving.input_dot
    constants_size = constants_dot.shape[0] // n_blocks * LANES
    stages, stage_state, factors = work.stages, work.new_state, work.factors
    stages_dot, stage_dot = dots.stages, dots.new_state
    for b in range(n_blocks):
        invoke_along(
            tangents.jacobian, state, constants, state_dot, b * block_size, constants_dot, b * constants_size,
            jacobian_dot, b * n_entries * LANES,
        )  # fmt: skip
    for stage in range(STAGES):
        here = stage * rows
        if stage == 0:
            for row in range(state_rows):
                store(stage_state, row, load(state, row))
            for row in range(rows):
                store(stage_dot, row, load(state_dot, row))
        else:
            enter_stage(stage, state, work.inverse_step, work)
            enter_stage(stage, state_dot, work.inverse_step, dots)
            add_input(dots.carried, 0, input_dot, dots.input_rows)
        for b in range(n_blocks):
            invoke_along(
                tangents.rate, stage_state, constants, stage_dot, b * block_size, constants_dot, b * constants_size,
                stages_dot, (here + b * n) * LANES,
            )  # fmt: skip
            invoke3_within(
                tangents.product, jacobian_dot, b * n_entries * LANES, stages, stage * state_rows * LANES,
                stages_dot, (here + b * n) * LANES,
            )  # fmt: skip
        if stage == 0:
            add_input(stages_dot, here, input_dot, dots.input_rows)
        else:
            complete_increment(stage, dots)
        for b in range(n_blocks):
            invoke2(tangents.solve, factors, stages_dot, (here + b * n) * LANES)
    for row in range(state_rows):
        complete_row(stages, stage_state, row)
    for row in range(rows):
        complete_row(stages_dot, stage_dot, row)


@kernel
def _recall_step(place: int, step: float, system: Any, constants: Matrix, course: Any, state: Matrix, work: Any) -> None:
    """Put back a recorded step: the state before it, its stages, and the factors of its matrix."""
    rows, first, stages = state.shape[0], place * course.shape[1], work.stages
    for row in range(rows):
        store(state, row, load(course, first + row))
    for row in range(STAGES * rows):
        store(stages, row, load(course, first + rows + row))
    set_step(step, work)
    invoke4(system.factorise, state, constants, work.diagonal, work.factors, 0)


@kernel
def follow_tangents(
    system: Any,
    tangents: Any,
    constants: Matrix,
    state: Matrix,
    pieces: Any,
    recorded: Any,
    directions: Any,
    sizes: tuple[int, int],
    moving: Any,
    output: Any,
    work: Any,
    dots: Any,
) -> int:
    """Follow the recorded steps of a run with their tangents; return how many outputs were taken.

    Parameters
    ----------
    system : System
    tangents : TangentEntries
    constants : block
    state : block
        Start in, end out.
    pieces : Pieces
    recorded : Output
        Of the run: its `record` and `course`.
    directions : Directions
    sizes : (int, int)
        Numbers of states, and of entries of the Jacobian that may differ from 0.
    moving : TangentState
        Its `state_dot` is the direction of the start.
    output : TangentOutput
    work, dots : Work
        Of the state, and of all directions.
    """
    # A literal 0 would be a type of its own, for which everything below would be compiled once more.
    taken: Any = np.int64(0)
    at_output: Any = np.int64(0)
    n_times, clock, record = output.times.shape[0], output.times, recorded.record
    n_steps, state_dot = recorded.counters[ACCEPTED], moving.state_dot
    for index in range(pieces.input_rate.shape[0]):
        start, stop, elapsed = pieces.boundary[index], pieces.boundary[index + 1], 0.0
        _cross_boundary(index, system, constants, state, pieces, directions, moving)
        if at_output < n_times and clock[at_output] == start:
            _keep(at_output, tangents, constants, (state, state_dot), directions.constants, output)
            at_output += 1
        last = False
        while taken < n_steps and not last and at_output < n_times:
            last = record[taken] < 0.0
            step = abs(record[taken])
            _recall_step(taken, step, system, constants, recorded.course, state, work)
            taken += 1
            reached = stop - start if last else elapsed + step
            _tangent_of_step(tangents, constants, state, directions, sizes, moving, work, dots)
            while at_output < n_times and clock[at_output] - start <= reached and clock[at_output] < stop:
                theta = (clock[at_output] - start - elapsed) / step
                store(work.theta, 0, theta)
                interpolate(state, work.stages, work.theta, work.weights, work.all_rows, work.interpolated)
                interpolate(state_dot, dots.stages, work.theta, dots.weights, dots.all_rows, dots.interpolated)
                both = (work.interpolated, dots.interpolated)
                _keep(at_output, tangents, constants, both, directions.constants, output)
                at_output += 1
            for row in range(state.shape[0]):
                store(state, row, load(work.new_state, row))
            for row in range(state_dot.shape[0]):
                store(state_dot, row, load(dots.new_state, row))
            elapsed = reached
    return int(at_output)


_BLOCK: Final = types.Array(types.float64, 2, "C")
_CUBE: Final = types.Array(types.float64, 3, "C")
_VECTOR: Final = types.Array(types.float64, 1, "C")
_INTEGERS: Final = types.Array(types.int64, 1, "C")

TANGENT_SIGNATURE: Final = types.int64(
    SYSTEM_TYPE,
    named_tuple(TangentEntries, *[types.int64] * 6),
    _BLOCK,
    _BLOCK,
    PIECES_TYPE,
    OUTPUT_TYPE,
    named_tuple(Directions, _BLOCK, _BLOCK, _CUBE, _CUBE, _CUBE),
    types.UniTuple(types.int64, 2),
    named_tuple(TangentState, *[_BLOCK] * 5),
    named_tuple(TangentOutput, _VECTOR, _BLOCK, _BLOCK, _CUBE, _CUBE),
    work_type(),
    work_type(),
)
