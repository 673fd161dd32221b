"""Adaptive stiff integration (Rodas5P) of one system through pieces of constant input, with dense output."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import invoke3
from bitesim.numerics.lanes import LANES, added_up, at, block, load, plus, put, rows_for, store
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import (
    ACCEPTED,
    CLOCK_RESOLUTION,
    FACTORISATIONS,
    JACOBIANS,
    REJECTED,
    RESTARTS,
    RIGHT_HAND_SIDES,
    SHORTEST_STEP,
    Control,
    Output,
    Pieces,
    System,
)
from bitesim.numerics.rosenbrock import Room, Work, add_input, attempt_step, complete_row, cut, interpolate, set_step
from bitesim.numerics.step_control import SHARE_OF_A_STEP, first_step, judge, squared_error, step_factor
from bitesim.numerics.tableaus import RODAS5P

_STAGES: Final = RODAS5P.stages
_LAST: Final = RODAS5P.stages - 1


@kernel
def _enter_piece(index: int, state: NDArray, pieces: Any, output: Any, next_output: int) -> int:
    """Apply the reset and jump at a piece's start and take an output at that instant; return the next output."""
    count = pieces.jump.shape[1]
    if pieces.reset[index] == 1:
        for i in range(count):
            put(state, i, pieces.reset_state[i])
    for i in range(count):
        put(state, i, at(state, i) + pieces.jump[index, i])
    if next_output < output.times.shape[0] and output.times[next_output] == pieces.boundary[index]:
        for i in range(count):
            output.states[next_output, i] = at(state, i)
        next_output += 1
    return next_output


@kernel
def _all_finite(numbers: NDArray, count: int) -> bool:
    finite = True
    for i in range(count):
        finite = finite and math.isfinite(at(numbers, i))
    return finite


@kernel
def _judge(work: Any, state: NDArray, step: float, share: float) -> None:
    """Complete the step just attempted, and let `judge` write what it says into `work.control`.

    `share` is 1 over the number of states.
    """
    control, stages, new_state = work.control, work.stages, work.new_state
    store(control, 0, 0.0)
    total = load(control, 0)
    for row in range(state.shape[0]):
        error = complete_row(stages, new_state, row)
        # As in `integrate_many`, where eight sums take turns; those behind the last state are 0.
        total = plus(total, squared_error(error, state, new_state, work.allowed, row))
    store(control, 0, added_up(total))
    store(control, 1, share)
    store(control, 2, step)
    judge(control)


@kernel
def _take_outputs(window: tuple[float, float, float, float], step: float, before: NDArray, work: Any, output: Any) -> None:
    """Interpolate every output of the step `window` = (start and stop of the piece, elapsed before, after the step).

    An output exactly at the piece's end belongs to the next piece, after its jump.
    """
    start, stop, elapsed, reached = window
    next_output, times = int(output.progress[2]), output.times
    interpolated = work.interpolated
    while next_output < times.shape[0] and times[next_output] - start <= reached and times[next_output] < stop:
        store(work.theta, 0, (times[next_output] - start - elapsed) / step)
        interpolate(before, work.stages, work.theta, work.weights, work.all_rows, interpolated)
        for i in range(output.states.shape[1]):
            output.states[next_output, i] = at(interpolated, i)
        next_output += 1
    output.progress[2] = next_output


@kernel
def _record_step(place: int, state: NDArray, stages: NDArray, course: NDArray) -> None:
    """Copy the state before a step and the step's stages."""
    rows = state.shape[0]
    first = place * course.shape[1]
    for row in range(rows):
        store(course, first + row, load(state, row))
    for row in range(stages.shape[0] * rows):
        store(course, first + rows + row, load(stages, row))


@kernel
def _integrate_piece(
    system: Any, constants: NDArray, state: NDArray, window: Any, control: Any, output: Any, work: Any
) -> int:
    """Integrate `state` through the one piece of the `window` (start, stop, whether the run ends with its outputs)."""
    start, stop, endless = window
    counters, progress, record = output.counters, output.progress, output.record
    first_rate, new_state, judged, count = work.rate, work.new_state, work.control, output.states.shape[1]
    # Counted from the piece's start: just after a change, steps may have to be far shorter than a clock at day 42
    # resolves.
    length, elapsed = stop - start, 0.0
    times, n_times = output.times, output.times.shape[0]
    fresh = True
    rejected = False
    step = 0.0
    store(judged, 3, 0.0)
    counters[RESTARTS] += 1
    while elapsed < length and (progress[2] < n_times or not endless):
        if not rejected:
            invoke3(system.rate, state, constants, first_rate, 0)
            add_input(first_rate, 0, work.input_rate, work.input_rows)
            counters[RIGHT_HAND_SIDES] += 1
        if fresh:
            place = (count, 1, 0)
            step = first_step(state, first_rate, work.allowed, place, control.relative_tolerance, length)
            fresh = False
        last = elapsed + 1.0001 * step >= length
        if last:
            step = length - elapsed
        progress[0] = start + elapsed
        progress[1] = step
        # The rest of a piece may be shorter than the clock resolves; only a step the controller shrank is a failure.
        if step < max(CLOCK_RESOLUTION * elapsed, SHORTEST_STEP) and not last:
            finite = _all_finite(first_rate, count) and _all_finite(state, count)
            return Outcome.STEP_TOO_SMALL if finite else Outcome.NOT_FINITE
        if counters[ACCEPTED] + counters[REJECTED] >= control.max_steps:
            return Outcome.TOO_MANY_STEPS
        set_step(step, work)
        for row in range(state.shape[0]):
            store(work.stages, row, load(first_rate, row))
        attempt_step(system, constants, state, work)
        counters[JACOBIANS] += 1
        counters[FACTORISATIONS] += 1
        counters[RIGHT_HAND_SIDES] += _STAGES - 1
        _judge(work, state, step, 1.0 / count)
        square = at(judged, 4 * LANES)
        factor = step_factor(square, at(judged, 5 * LANES), rejected)
        # Written so that a NaN is a rejection.
        if not square <= 1.0:
            if not (_all_finite(first_rate, count) and _all_finite(state, count)):
                return Outcome.NOT_FINITE
            counters[REJECTED] += 1
            rejected = True
            step *= factor
            continue
        if counters[ACCEPTED] < record.shape[0]:
            record[counters[ACCEPTED]] = -step if last else step
            _record_step(counters[ACCEPTED], state, work.stages, output.course)
        counters[ACCEPTED] += 1
        store(judged, 3, load(judged, 6))
        rejected = False
        reached = length if last else elapsed + step
        if progress[2] < n_times and times[int(progress[2])] - start <= reached:
            _take_outputs((start, stop, elapsed, reached), step, state, work, output)
        for row in range(state.shape[0]):
            store(state, row, load(new_state, row))
        elapsed = reached
        step *= factor
    progress[0] = start + elapsed
    return Outcome.OK


@kernel
def _rows_with_input(input_rate: NDArray, places: NDArray) -> int:
    """Write the places of the rows of a state that something is infused into in some piece; return their number."""
    found = 0
    for row in range(places.shape[0]):
        infused = False
        for i in range(row * LANES, min(row * LANES + LANES, input_rate.shape[1])):
            for index in range(input_rate.shape[0]):
                infused = infused or input_rate[index, i] != 0.0
        if infused:
            places[found] = row
            found += 1
    return found


@kernel
def _allow(allowed: NDArray, control: Any) -> None:
    """Write what each state may err: scales, and behind them the share of the tolerance."""
    last = allowed.shape[0] - 1
    for row in range(last):
        # Elements behind the last state stay 0 and are divided by something.
        store(allowed, row, 1.0)
    for i in range(control.scale.shape[0]):
        put(allowed, i, control.scale[i])
    store(allowed, last, SHARE_OF_A_STEP * control.relative_tolerance)


@kernel
def integrate(system: Any, constants: NDArray, state: NDArray, pieces: Any, control: Any, output: Any, room: Any) -> int:
    """Integrate `state` in place through all pieces and fill `output`; return an `Outcome`.

    A run whose last boundary is infinite ends with its last output. Steps end at boundaries only: output times are
    interpolated, so asking for more of them changes no trajectory.

    Parameters
    ----------
    system : System
    constants : block
        As the system wants them.
    state : block of ``rows_for(states)`` rows
        Start in, end out (at the last boundary, before what would happen there).
    pieces : Pieces
    control : Control
    output : Output
    room : Room
        For a state of so many rows; a run reads only what it has written there.
    """
    infused = _rows_with_input(pieces.input_rate, room.input_rows)
    work = cut(room.arena, room.ends, room.all_rows, room.input_rows[:infused])
    _allow(work.allowed, control)
    endless = math.isinf(pieces.boundary[pieces.input_rate.shape[0]])
    for index in range(pieces.input_rate.shape[0]):
        if endless and index > 0 and output.progress[2] >= output.times.shape[0]:
            break
        output.progress[2] = _enter_piece(index, state, pieces, output, int(output.progress[2]))
        for i in range(pieces.input_rate.shape[1]):
            put(work.input_rate, i, pieces.input_rate[index, i])
        window = (pieces.boundary[index], pieces.boundary[index + 1], endless)
        outcome = _integrate_piece(system, constants, state, window, control, output, work)
        if outcome != Outcome.OK:
            return outcome
    return Outcome.OK


_BLOCK: Final = types.Array(types.float64, 2, "C")
_STACK: Final = types.Array(types.float64, 3, "C")
_VECTOR: Final = types.Array(types.float64, 1, "C")
_INTEGERS: Final = types.Array(types.int64, 1, "C")


def work_type() -> types.NamedTuple:
    """Return numba's type of `Work`."""
    special = {"stages": _STACK, "all_rows": _INTEGERS, "input_rows": _INTEGERS}
    return types.NamedTuple([special.get(name, _BLOCK) for name in Work._fields], Work)


def named_tuple(kind: type, *members: types.Type) -> types.NamedTuple:
    """Return numba's type of a named tuple; one whose members are all alike has a type of its own."""
    if len(set(members)) == 1:
        return types.NamedUniTuple(members[0], len(members), kind)
    return types.NamedTuple(members, kind)


PIECES_TYPE: Final = named_tuple(Pieces, _VECTOR, _BLOCK, _BLOCK, _INTEGERS, _VECTOR)
OUTPUT_TYPE: Final = named_tuple(Output, _VECTOR, _BLOCK, _INTEGERS, _VECTOR, _VECTOR, _STACK)
SYSTEM_TYPE: Final = named_tuple(System, *[types.int64] * 3)
INTEGRATE_SIGNATURE: Final = types.int64(
    SYSTEM_TYPE,
    _BLOCK,
    _BLOCK,
    PIECES_TYPE,
    named_tuple(Control, types.float64, _VECTOR, types.int64),
    OUTPUT_TYPE,
    named_tuple(Room, _BLOCK, *[_INTEGERS] * 3),
)


def start_block(state: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a flat state as the block that the integrator takes."""
    result = block(rows_for(len(state)))
    result.reshape(-1)[: len(state)] = state
    return result
