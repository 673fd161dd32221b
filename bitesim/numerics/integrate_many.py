"""Adaptive stiff integration (Rodas5P) of many cases of one system, eight side by side on vector lanes.

Each lane has its own time, step, pieces and outputs, and takes the next case from the queue when it has finished one,
so that no lane waits for another. A case goes through the same operations in the same order as in `integrate_one`: its
bytes depend neither on the lane, nor on its neighbours, nor on how many cases there are.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import invoke1, invoke2, invoke3
from bitesim.numerics.lanes import LANES, at, load, pick, plus, put, store
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import CLOCK_RESOLUTION, SHORTEST_STEP, Matrix, Vector
from bitesim.numerics.rosenbrock import attempt_step, interpolate, prepare_interpolation, set_diagonal
from bitesim.numerics.step_control import first_step, norm_and_factor, squared_errors, step_factor
from bitesim.numerics.straight_line import straight_line

_norm_and_factor: Final = straight_line(norm_and_factor, (True, True))


@kernel
def _keep(lane: Any, k: int, states: Matrix, readouts: Matrix, harvest: Any) -> None:
    """Store the next output of lane number k: its readouts, which were computed, and its column of `states`."""
    n_readouts = readouts.shape[0]
    for place in range(harvest.columns.shape[0]):
        column = harvest.columns[place]
        if column < n_readouts:
            harvest.values[lane.case, lane.next_output, place] = at(readouts, column * LANES + k)
        else:
            harvest.values[lane.case, lane.next_output, place] = at(states, (column - n_readouts) * LANES + k)
    lane.next_output += 1


@kernel
def _finish(lane: Any, outcome: int, harvest: Any) -> None:
    """Report how the case of a lane ended, and free the lane."""
    harvest.outcome[lane.case] = outcome
    harvest.progress[lane.case, 0] = lane.start + lane.elapsed
    harvest.progress[lane.case, 1] = lane.taken
    harvest.steps[lane.case, 0] = lane.accepted_steps
    harvest.steps[lane.case, 1] = lane.rejected_steps
    harvest.steps[lane.case, 2] = lane.restarts
    lane.case = -1


@kernel
def _lane_is_finite(k: int, blocks: Matrix) -> bool:
    finite = True
    for row in range(blocks.shape[0]):
        finite = finite and math.isfinite(at(blocks, row * LANES + k))
    return finite


@kernel
def _choose_step(lane: Any, max_steps: int) -> int:
    """Set the step that a lane will try; return an outcome other than OK where there is none."""
    lane.last = 1 if lane.elapsed + 1.0001 * lane.step >= lane.length else 0
    if lane.last == 1:
        lane.step = lane.length - lane.elapsed
    lane.taken = lane.step
    if lane.last == 0 and lane.step < max(CLOCK_RESOLUTION * lane.elapsed, SHORTEST_STEP):
        return Outcome.STEP_TOO_SMALL
    if lane.accepted_steps + lane.rejected_steps >= max_steps:
        return Outcome.TOO_MANY_STEPS
    return Outcome.OK


@kernel
def _judge_step(lane: Any, norm: float, proposed: float) -> None:
    """Accept or reject the step that a lane has tried, and set the next one."""
    factor = step_factor(norm, proposed, lane.rejected == 1)
    # Written so that a NaN norm is a rejection.
    if not norm <= 1.0:
        lane.rejected_steps += 1
        lane.rejected = 1
        lane.accepted = 0
    else:
        lane.accepted_steps += 1
        lane.rejected = 0
        lane.accepted = 1
        lane.reached = lane.length if lane.last == 1 else lane.elapsed + lane.taken
    lane.step *= factor


@kernel
def _has_output(lane: Any, times: Vector) -> bool:
    """Return whether an output lies in the step just accepted; one at the piece's end belongs to the next piece."""
    if lane.case < 0 or lane.accepted == 0 or lane.next_output >= times.shape[0]:
        return False
    time: float = times[lane.next_output]
    return bool(time - lane.start <= lane.reached and time < lane.stop)


@kernel
def _row_of_errors(state: Matrix, work: Any) -> None:
    """Write the error norm of every lane and the factor to its next step."""
    squares, control = work.squares, work.control
    squared_errors(work.stages, state, work.new_state, work.allowed, squares)
    rows = state.shape[0]
    store(control, 0, 0.0)
    total = load(control, 0)
    for row in range(rows):
        total = plus(total, load(squares, row))
    store(control, 0, total)
    store(control, 1, float(rows))
    _norm_and_factor(control, control, 2 * LANES)


@kernel
def _load_case(lane: Any, k: int, case: int, cases: Any, timetables: Any, constants: Matrix) -> None:
    """Give a lane its case: parameters and clock; what follows from the parameters is computed by the caller."""
    for i in range(cases.parameters.shape[1]):
        put(constants, i * LANES + k, cases.parameters[case, i])
    lane.case = case
    lane.piece = timetables.first[cases.timetable[case]]
    lane.behind = timetables.first[cases.timetable[case] + 1]
    lane.next_output = 0
    lane.accepted_steps = 0
    lane.rejected_steps = 0
    lane.restarts = 0


@kernel
def _start_piece(lane: Any, k: int, blocks: Any, timetables: Any, input_rate: Matrix) -> None:
    """Apply the reset and jump at the start of a lane's piece, and set its clock and input."""
    piece, state = lane.piece, blocks.state
    for i in range(timetables.jump.shape[1]):
        position = i * LANES + k
        if timetables.reset[piece] == 1:
            put(state, position, at(blocks.start, position))
        put(state, position, at(state, position) + timetables.jump[piece, i])
        put(input_rate, position, timetables.input_rate[piece, i])
    lane.start = timetables.start[piece]
    lane.stop = timetables.stop[piece]
    lane.length = lane.stop - lane.start
    lane.elapsed = 0.0
    lane.fresh = 1
    lane.rejected = 0
    lane.restarts += 1


@kernel
def _enter_piece(entries: Any, lane: Any, k: int, blocks: Any, timetables: Any, harvest: Any, input_rate: Matrix) -> None:
    """Start a lane's piece, take an output at that instant, and finish a case that has them all."""
    _start_piece(lane, k, blocks, timetables, input_rate)
    times = harvest.times
    if lane.next_output < times.shape[0] and times[lane.next_output] == lane.start:
        invoke3(entries.readouts, blocks.state, blocks.constants, blocks.readouts, 0)
        _keep(lane, k, blocks.state, blocks.readouts, harvest)
    if lane.next_output >= times.shape[0]:
        _finish(lane, Outcome.OK, harvest)


@kernel
def _begin_cases(entries: Any, next_case: int, cases: Any, timetables: Any, lanes: Any, blocks: Any, begun: Matrix) -> int:
    """Give every idle lane the next case of the queue, at its start; return the next of the queue."""
    fresh, marks = 0, blocks.marks
    for k in range(LANES):
        put(marks, k, 0.0)
        if lanes[k].case < 0 and next_case < cases.parameters.shape[0]:
            _load_case(lanes[k], k, next_case, cases, timetables, blocks.constants)
            put(marks, k, 1.0)
            next_case += 1
            fresh += 1
    if fresh > 0:
        # Every lane is computed again, to the same values; only the new ones take over the start.
        invoke1(entries.fill_constants, blocks.constants, 0)
        invoke2(entries.initial_state, blocks.constants, begun, 0)
        for row in range(blocks.state.shape[0]):
            new = load(begun, row)
            store(blocks.start, row, pick(load(marks, 0), new, load(blocks.start, row)))
            store(blocks.state, row, pick(load(marks, 0), new, load(blocks.state, row)))
    return next_case


@kernel
def _refill(
    entries: Any, next_case: int, cases: Any, timetables: Any, harvest: Any, lanes: Any, blocks: Any, work: Any
) -> int:
    """Fill idle lanes until none is idle or the queue is empty; return the next case of the queue."""
    idle = True
    while idle and next_case < cases.parameters.shape[0]:
        first = next_case
        next_case = _begin_cases(entries, first, cases, timetables, lanes, blocks, work.interpolated)
        idle = False
        for k in range(LANES):
            if lanes[k].case >= first:
                _enter_piece(entries, lanes[k], k, blocks, timetables, harvest, work.input_rate)
            if lanes[k].case < 0:
                idle = True
    return next_case


@kernel
def _take_outputs(entries: Any, lanes: Any, harvest: Any, blocks: Any, work: Any) -> None:
    """Take every output that lies in the steps just accepted: one of each lane at a time."""
    prepare_interpolation(work)
    times, pending = harvest.times, True
    while pending:
        for k in range(LANES):
            lane, fraction = lanes[k], 0.0
            if _has_output(lane, times):
                fraction = (times[lane.next_output] - lane.start - lane.elapsed) / lane.taken
            put(work.theta, k, fraction)
        interpolate(blocks.state, work)
        invoke3(entries.readouts, work.interpolated, blocks.constants, blocks.readouts, 0)
        pending = False
        for k in range(LANES):
            if _has_output(lanes[k], times):
                _keep(lanes[k], k, work.interpolated, blocks.readouts, harvest)
                pending = pending or _has_output(lanes[k], times)


@kernel
def _end_step(entries: Any, lane: Any, k: int, blocks: Any, timetables: Any, harvest: Any, input_rate: Matrix) -> None:
    """Go on to the next piece, or finish."""
    lane.piece += 1
    if lane.next_output >= harvest.times.shape[0] or lane.piece >= lane.behind:
        _finish(lane, Outcome.OK, harvest)
    else:
        _enter_piece(entries, lane, k, blocks, timetables, harvest, input_rate)


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
    state, constants, marks, times = blocks.state, blocks.constants, blocks.marks, harvest.times
    first_rate, input_rate, control = work.rate, work.input_rate, work.control
    inverse_step, new_state = work.inverse_step, work.new_state
    for k in range(LANES):
        lanes[k].case = -1
    # A literal 0 would be a type of its own, for which everything below would be compiled once more.
    next_case: Any = np.int64(0)
    idle = True
    while True:
        if idle:
            next_case = _refill(entries, next_case, cases, timetables, harvest, lanes, blocks, work)
        busy = 0
        invoke3(entries.system.rate, state, constants, first_rate, 0)
        for row in range(state.shape[0]):
            store(first_rate, row, plus(load(first_rate, row), load(input_rate, row)))
        for k in range(LANES):
            lane = lanes[k]
            if lane.case >= 0:
                if lane.fresh == 1:
                    place, tolerance = (state.shape[0], LANES, k), limits.relative_tolerance
                    lane.step = first_step(state, first_rate, work.allowed, place, tolerance, lane.length)
                    lane.fresh = 0
                outcome = _choose_step(lane, limits.max_steps)
                put(inverse_step, k, 1.0 / lane.taken)
                if outcome == Outcome.STEP_TOO_SMALL and not (_lane_is_finite(k, first_rate) and _lane_is_finite(k, state)):
                    outcome = Outcome.NOT_FINITE
                if outcome != Outcome.OK:
                    _finish(lane, outcome, harvest)
                else:
                    busy += 1
        if busy == 0 and next_case >= cases.parameters.shape[0]:
            return
        set_diagonal(work)
        attempt_step(entries.system, constants, state, work)
        _row_of_errors(state, work)
        pending, idle = False, False
        for k in range(LANES):
            lane = lanes[k]
            put(marks, k, 0.0)
            if lane.case >= 0:
                norm = at(control, 2 * LANES + k)
                if not math.isfinite(norm) and not (_lane_is_finite(k, first_rate) and _lane_is_finite(k, state)):
                    _finish(lane, Outcome.NOT_FINITE, harvest)
                else:
                    _judge_step(lane, norm, at(control, 3 * LANES + k))
                    put(marks, k, float(lane.accepted))
                    pending = pending or _has_output(lane, times)
        if pending:
            _take_outputs(entries, lanes, harvest, blocks, work)
        for row in range(state.shape[0]):
            store(state, row, pick(load(marks, 0), load(new_state, row), load(state, row)))
        for k in range(LANES):
            lane = lanes[k]
            if lane.case >= 0 and lane.accepted == 1:
                lane.elapsed = lane.reached
                if lane.last == 1 or lane.next_output >= times.shape[0]:
                    _end_step(entries, lane, k, blocks, timetables, harvest, input_rate)
            if lane.case < 0:
                idle = True
