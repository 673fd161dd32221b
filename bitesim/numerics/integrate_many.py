"""Adaptive stiff integration (Rodas5P) of many cases of one system, eight side by side on vector lanes.

Each lane has its own time, step, pieces and outputs, and takes the next case from the queue when it has finished one,
so that no lane waits for another. A case goes through the same operations in the same order as in `integrate_one`: its
bytes depend neither on the lane, nor on its neighbours, nor on how many cases there are.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.crowd import (
    ACCEPTED,
    ACCEPTED_STEPS,
    ALONE,
    BUSY,
    ELAPSED,
    LAST,
    LENGTH,
    NEXT_TIME,
    PERMITTED,
    REACHED,
    REJECTED,
    REJECTED_STEPS,
    START,
    STEP,
    STOP,
    TAKEN,
)
from bitesim.numerics.entries import invoke3
from bitesim.numerics.lane_cases import (
    AT_PIECE,
    IN_PIECE,
    STEPPING,
    begin_cases,
    enter_pieces,
    finish,
    keep_output,
    take_at_start,
)
from bitesim.numerics.lanes import (
    LANES,
    at,
    at_most,
    fetch_ahead,
    fused,
    larger,
    load,
    lowest,
    marked,
    over,
    pick,
    plus,
    put,
    store,
    times,
)
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import CLOCK_RESOLUTION, SHORTEST_STEP, Matrix
from bitesim.numerics.rosenbrock import (
    StageBlocks,
    add_input,
    attempt_step_of_lanes,
    complete_row,
    interpolate,
    keep_lane,
    set_diagonal,
)
from bitesim.numerics.step_control import SMALLEST_SHRINK, first_step, judge, squared_error

#: The largest finite number.
_LARGEST: Final = 1.7976931348623157e308
Cube = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def _lane_is_finite(k: int, blocks: Any, rows: int) -> bool:
    finite = True
    for row in range(rows):
        finite = finite and math.isfinite(at(blocks, row * LANES + k))
    return finite


@kernel
def _choose_steps(clock: Matrix, inverse_step: Matrix, max_steps: int) -> None:
    """Set the step that each lane will try; mark lanes for which there is none."""
    elapsed, length, step = load(clock, ELAPSED), load(clock, LENGTH), load(clock, STEP)
    last = at_most(length, plus(elapsed, times(step, 1.0001)))
    step = pick(last, plus(length, times(elapsed, -1.0)), step)
    store(clock, LAST, last)
    store(clock, STEP, step)
    store(clock, TAKEN, step)
    store(inverse_step, 0, over(1.0, step))
    shortest = larger(times(elapsed, CLOCK_RESOLUTION), SHORTEST_STEP)
    long_enough = larger(last, at_most(shortest, step))
    steps = plus(load(clock, ACCEPTED_STEPS), load(clock, REJECTED_STEPS))
    too_many = at_most(float(max_steps), steps)
    store(clock, ALONE, times(load(clock, BUSY), larger(too_many, fused(long_enough, -1.0, 1.0))))


@kernel
def _judge_steps(clock: Matrix, control: Matrix) -> None:
    """Accept or reject the step that each lane has tried, and set the next one; mark lanes that are not finite."""
    square, factor, busy = load(control, 4), load(control, 5), load(clock, BUSY)
    # NaN is not at most 1: a rejection.
    accepted = times(busy, at_most(square, 1.0))
    finite = at_most(square, _LARGEST)
    after_rejection = pick(at_most(factor, 1.0), factor, 1.0)
    factor = pick(load(clock, REJECTED), after_rejection, factor)
    factor = pick(finite, factor, SMALLEST_SHRINK)
    taken = load(clock, TAKEN)
    reached = pick(load(clock, LAST), load(clock, LENGTH), plus(load(clock, ELAPSED), taken))
    rejected = plus(busy, times(accepted, -1.0))
    store(clock, ACCEPTED, accepted)
    store(clock, REJECTED, rejected)
    store(clock, REACHED, reached)
    store(clock, STEP, times(taken, factor))
    store(clock, PERMITTED, pick(accepted, load(control, 6), load(clock, PERMITTED)))
    store(clock, ACCEPTED_STEPS, plus(load(clock, ACCEPTED_STEPS), accepted))
    store(clock, REJECTED_STEPS, plus(load(clock, REJECTED_STEPS), rejected))
    store(clock, ALONE, times(busy, fused(finite, -1.0, 1.0)))


@kernel
def _mark_outputs(clock: Matrix) -> int:
    """Mark lanes with an output in the step just accepted, and return the marks; the piece's end is the next piece's."""
    time = load(clock, NEXT_TIME)
    in_step = at_most(plus(time, times(load(clock, START), -1.0)), load(clock, REACHED))
    in_piece = fused(at_most(load(clock, STOP), time), -1.0, 1.0)
    store(clock, ALONE, times(load(clock, ACCEPTED), times(in_step, in_piece)))
    return marked(clock, ALONE)  # type: ignore[no-any-return]


@kernel
def _judge(stages: Cube, state: Matrix, new_state: Matrix, allowed: Matrix, clock: Matrix, control: Matrix) -> None:
    """Complete the step just attempted, and let `judge` write what it says of every lane into `control`."""
    store(control, 0, 0.0)
    # Eight sums take turns, as those of one patient's eight columns; their own sum is the same at every turn.
    a = b = c = d = e = f = g = h = load(control, 0)
    for row in range(state.shape[0]):
        error = complete_row(stages, new_state, row)
        square = squared_error(error, state, new_state, allowed, row)
        a, b, c, d, e, f, g, h = b, c, d, e, f, g, h, plus(a, square)
    store(control, 0, plus(plus(plus(a, e), plus(c, g)), plus(plus(b, f), plus(d, h))))
    store(control, 1, 1.0 / state.shape[0])
    store(control, 2, load(clock, TAKEN))
    store(control, 3, load(clock, PERMITTED))
    judge(control)


@kernel
def _take_states(lanes: Any, marks: int, clock: Matrix, before: Matrix, stages: Cube, shift: int, asked: Any) -> None:
    """Take every output of the marked lanes in the steps just accepted: states alone, numbered from `shift` on.

    `asked` are times, columns and values.
    """
    times, columns, values = asked
    while marks != 0:
        k = lowest(marks)
        marks &= marks - 1
        start, stop, reached = at(clock, START * LANES + k), at(clock, STOP * LANES + k), at(clock, REACHED * LANES + k)
        elapsed, taken = at(clock, ELAPSED * LANES + k), at(clock, TAKEN * LANES + k)
        next_output = lanes[k].next_output
        first = (lanes[k].case * values.shape[1] + next_output) * values.shape[2]
        time = at(times, next_output)
        while time - start <= reached and time < stop:
            keep_lane((time - start - elapsed) / taken, k, before, stages, columns, shift, values, first)
            next_output += 1
            first += values.shape[2]
            time = at(times, next_output)
        for place in range(first, first + values.shape[2] + LANES - 1, LANES):
            fetch_ahead(values, place)
        lanes[k].next_output = next_output
        put(clock, NEXT_TIME * LANES + k, time)


@kernel
def _take_outputs(entries: Any, lanes: Any, harvest: Any, blocks: Any, stages: Cube, rooms: Any) -> None:
    """Take every output that lies in the steps just accepted: one of each marked lane at a time.

    `rooms` are blocks for fractions of the step and weights.
    """
    clock, theta, weights, outputs = blocks.clock, rooms[0], rooms[1], blocks.outputs
    marks = marked(clock, ALONE)
    while marks != 0:
        ahead = plus(plus(load(clock, NEXT_TIME), times(load(clock, START), -1.0)), times(load(clock, ELAPSED), -1.0))
        store(theta, 0, pick(load(clock, ALONE), over(ahead, load(clock, TAKEN)), 0.0))
        interpolate(blocks.state, stages, theta, weights, harvest.wanted, blocks.visible)
        invoke3(entries.readouts, blocks.visible, blocks.constants, outputs, 0)
        while marks != 0:
            k = lowest(marks)
            marks &= marks - 1
            keep_output(lanes[k], k, clock, outputs, harvest.columns, harvest.times, harvest.values)
        marks = _mark_outputs(clock)


@kernel
def _end_pieces(lanes: Any, clock: Matrix, harvest: Any) -> None:
    """Send the marked lanes on to their next piece, or finish them."""
    for k in range(LANES):
        if at(clock, ALONE * LANES + k) > 0.0:
            lanes[k].piece += 1
            lanes[k].fresh = AT_PIECE
            if lanes[k].next_output >= harvest.values.shape[1] or lanes[k].piece >= lanes[k].behind:
                finish(lanes[k], k, Outcome.OK, clock, harvest)


@kernel
def _give_up(lanes: Any, clock: Matrix, rate: Cube, state: Matrix, max_steps: int, harvest: Any) -> None:
    """Finish the marked lanes that cannot try a step, each with its reason."""
    rows = state.shape[0]
    for k in range(LANES):
        if at(clock, ALONE * LANES + k) > 0.0:
            steps = at(clock, ACCEPTED_STEPS * LANES + k) + at(clock, REJECTED_STEPS * LANES + k)
            if not (_lane_is_finite(k, rate, rows) and _lane_is_finite(k, state, rows)):
                finish(lanes[k], k, Outcome.NOT_FINITE, clock, harvest)
            elif at(clock, LAST * LANES + k) == 0.0 and not at(clock, STEP * LANES + k) >= max(
                CLOCK_RESOLUTION * at(clock, ELAPSED * LANES + k), SHORTEST_STEP
            ):
                finish(lanes[k], k, Outcome.STEP_TOO_SMALL, clock, harvest)
            elif steps >= max_steps:
                finish(lanes[k], k, Outcome.TOO_MANY_STEPS, clock, harvest)


@kernel
def _give_up_unless_finite(lanes: Any, clock: Matrix, rate: Matrix, state: Matrix, harvest: Any) -> None:
    """Finish the marked lanes whose state or rate is not finite; for the others the step was too long."""
    rows = state.shape[0]
    for k in range(LANES):
        finite = _lane_is_finite(k, rate, rows) and _lane_is_finite(k, state, rows)
        if at(clock, ALONE * LANES + k) > 0.0 and not finite:
            # It was no step: nothing that a shorter one would mend.
            put(clock, REJECTED_STEPS * LANES + k, at(clock, REJECTED_STEPS * LANES + k) - 1.0)
            finish(lanes[k], k, Outcome.NOT_FINITE, clock, harvest)


@kernel
def _first_steps(lanes: Any, clock: Matrix, state: Matrix, rate: Cube, allowed: Matrix, tolerance: float) -> None:
    """Set the first step of the lanes whose piece has just begun."""
    for k in range(LANES):
        if lanes[k].case >= 0 and lanes[k].fresh == IN_PIECE:
            place, length = (state.shape[0], LANES, k), at(clock, LENGTH * LANES + k)
            put(clock, STEP * LANES + k, first_step(state, rate, allowed, place, tolerance, length))
            lanes[k].fresh = STEPPING


@kernel
def _move(state: Matrix, new_state: Matrix, clock: Matrix) -> None:
    """Move the lanes whose step was accepted; mark those that have ended their piece or have every output."""
    accepted = load(clock, ACCEPTED)
    for row in range(state.shape[0]):
        store(state, row, pick(accepted, load(new_state, row), load(state, row)))
    store(clock, ELAPSED, pick(accepted, load(clock, REACHED), load(clock, ELAPSED)))
    ended = larger(load(clock, LAST), at_most(_LARGEST, load(clock, NEXT_TIME)))
    store(clock, ALONE, times(accepted, ended))


@kernel
def integrate_many(
    entries: Any, cases: Any, timetables: Any, limits: Any, harvest: Any, lanes: Any, blocks: Any, work: Any
) -> None:
    """Integrate every case and fill `harvest`.

    Parameters
    ----------
    entries : Entries
    cases : Cases
    timetables : Timetables
    limits : Limits
    harvest : Harvest
    lanes : ndarray of `LANE_RECORD`, shape (8,)
    blocks : Blocks
        Of `lane_blocks`.
    work : Work
        Of `lane_work`.
    """
    state, constants, clock = blocks.state, blocks.constants, blocks.clock
    # Taken out of their tuples once: in the loop, each time would be counted as a reference by an atomic instruction.
    input_rate, input_rows, new_state, stages = work.input_rate, work.input_rows, work.new_state, work.stages
    allowed, control, inverse_step, diagonal = work.allowed, work.control, work.inverse_step, work.diagonal
    times, begun, any_readout = harvest.times, work.interpolated, harvest.any_readout == 1
    step_blocks = StageBlocks(
        diagonal, inverse_step, input_rate, input_rows, stages, work.factors, new_state, work.carried
    )  # fmt: skip
    # Only what is needed is handed on: compiling what passes many arrays takes long.
    output_rooms, asked = (work.theta, work.weights), (times, harvest.columns, harvest.values)
    n_readouts = blocks.outputs.shape[0] - blocks.visible.shape[0]
    for k in range(LANES):
        lanes[k].case = -1
    # A literal 0 would be a type of its own, for which everything below would be compiled once more.
    next_case: Any = np.int64(0)
    changed = True
    while True:
        if changed:
            again = True
            while again:
                next_case = begin_cases(entries, next_case, cases, timetables, lanes, blocks, begun)
                enter_pieces(lanes, blocks, timetables, input_rate, times)
                marks = marked(clock, ALONE)
                # A case may have every output at once, and leave room for the next one.
                again = marks != 0 and take_at_start(entries, lanes, marks, blocks, harvest)
                again = again and next_case < cases.parameters.shape[0]
            if marked(clock, BUSY) == 0:
                return
        invoke3(entries.system.rate, state, constants, stages, 0)
        add_input(stages, 0, input_rate, input_rows)
        if changed:
            _first_steps(lanes, clock, state, stages, allowed, limits.relative_tolerance)
            changed = False
        _choose_steps(clock, inverse_step, limits.max_steps)
        if marked(clock, ALONE) != 0:
            _give_up(lanes, clock, stages, state, limits.max_steps, harvest)
            changed = True
        set_diagonal(inverse_step, diagonal)
        attempt_step_of_lanes(entries.system, entries.whole_stage, constants, state, step_blocks)
        _judge(stages, state, new_state, allowed, clock, control)
        _judge_steps(clock, control)
        if marked(clock, ALONE) != 0:
            # The first stage no longer holds the rate.
            invoke3(entries.system.rate, state, constants, work.rate, 0)
            _give_up_unless_finite(lanes, clock, work.rate, state, harvest)
            changed = True
        marks = _mark_outputs(clock)
        if marks != 0 and any_readout:
            _take_outputs(entries, lanes, harvest, blocks, stages, output_rooms)
        elif marks != 0:
            _take_states(lanes, marks, clock, state, stages, n_readouts, asked)
        _move(state, new_state, clock)
        if marked(clock, ALONE) != 0:
            _end_pieces(lanes, clock, harvest)
            changed = True
