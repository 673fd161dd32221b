"""What happens to a lane of `integrate_many` between steps: its cases begin and end, its pieces start."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.crowd import (
    ACCEPTED_STEPS,
    ALONE,
    BUSY,
    ELAPSED,
    LENGTH,
    NEXT_TIME,
    PERMITTED,
    REJECTED,
    REJECTED_STEPS,
    START,
    STOP,
    TAKEN,
)
from bitesim.numerics.entries import invoke1, invoke2, invoke3
from bitesim.numerics.lanes import LANES, at, load, lowest, pick, put, store
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Matrix, Vector

#: What a lane's `fresh` says: it has come to a piece, has entered it and needs a first step, or is on its way.
AT_PIECE: Final = 2
IN_PIECE: Final = 1
STEPPING: Final = 0
Cube = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def keep_output(lane: Any, k: int, clock: Matrix, outputs: Matrix, columns: Integers, times: Vector, values: Cube) -> None:
    """Store the next output of lane number k, which stands in its column of `outputs`."""
    first = (lane.case * values.shape[1] + lane.next_output) * values.shape[2]
    for place in range(columns.shape[0]):
        put(values, first + place, at(outputs, columns[place] * LANES + k))
    lane.next_output += 1
    put(clock, NEXT_TIME * LANES + k, at(times, lane.next_output))


@kernel
def finish(lane: Any, k: int, outcome: int, clock: Matrix, harvest: Any) -> None:
    """Report how the case of a lane ended, mark outputs that it has not reached as missing, and free the lane."""
    values = harvest.values
    size = values.shape[1] * values.shape[2]
    for place in range(lane.case * size + lane.next_output * values.shape[2], (lane.case + 1) * size):
        put(values, place, math.nan)
    harvest.outcome[lane.case] = outcome
    harvest.progress[lane.case, 0] = at(clock, START * LANES + k) + at(clock, ELAPSED * LANES + k)
    harvest.progress[lane.case, 1] = at(clock, TAKEN * LANES + k)
    harvest.steps[lane.case, 0] = int(at(clock, ACCEPTED_STEPS * LANES + k))
    harvest.steps[lane.case, 1] = int(at(clock, REJECTED_STEPS * LANES + k))
    harvest.steps[lane.case, 2] = lane.restarts
    lane.case = -1
    put(clock, BUSY * LANES + k, 0.0)
    put(clock, NEXT_TIME * LANES + k, math.inf)


@kernel
def _load_case(lane: Any, k: int, case: int, cases: Any, timetables: Any, constants: Matrix, clock: Matrix) -> None:
    """Give a lane its case: parameters and clock; what follows from the parameters is computed by the caller."""
    for i in range(cases.parameters.shape[1]):
        put(constants, i * LANES + k, cases.parameters[case, i])
    lane.case = case
    lane.piece = timetables.first[cases.timetable[case]]
    lane.behind = timetables.first[cases.timetable[case] + 1]
    lane.next_output = 0
    lane.restarts = 0
    lane.fresh = AT_PIECE
    put(clock, ACCEPTED_STEPS * LANES + k, 0.0)
    put(clock, REJECTED_STEPS * LANES + k, 0.0)
    put(clock, BUSY * LANES + k, 1.0)


@kernel
def begin_cases(entries: Any, next_case: int, cases: Any, timetables: Any, lanes: Any, blocks: Any, begun: Matrix) -> int:
    """Give every idle lane the next case of the queue, at its start; return the next of the queue."""
    fresh, clock = 0, blocks.clock
    for k in range(LANES):
        put(clock, ALONE * LANES + k, 0.0)
        if lanes[k].case < 0 and next_case < cases.parameters.shape[0]:
            _load_case(lanes[k], k, next_case, cases, timetables, blocks.constants, clock)
            put(clock, ALONE * LANES + k, 1.0)
            next_case += 1
            fresh += 1
    if fresh > 0:
        # Every lane is computed again, to the same values; only the new ones take over the start.
        invoke1(entries.fill_constants, blocks.constants, 0)
        invoke2(entries.initial_state, blocks.constants, begun, 0)
        for row in range(blocks.state.shape[0]):
            new = load(begun, row)
            store(blocks.start, row, pick(load(clock, ALONE), new, load(blocks.start, row)))
            store(blocks.state, row, pick(load(clock, ALONE), new, load(blocks.state, row)))
    return next_case


@kernel
def enter_pieces(lanes: Any, blocks: Any, timetables: Any, input_rate: Matrix, times: Vector) -> None:
    """Start the pieces that lanes have come to: reset, jump, input and clock.

    Lanes with an output at that instant, or with none to come, are marked.
    """
    # In one function: a call that might fail would count every array as a reference, by atomic instructions.
    state, clock = blocks.state, blocks.clock
    for k in range(LANES):
        put(clock, ALONE * LANES + k, 0.0)
        if lanes[k].case >= 0 and lanes[k].fresh == AT_PIECE:
            piece = lanes[k].piece
            for i in range(timetables.jump.shape[1]):
                position = i * LANES + k
                if timetables.reset[piece] == 1:
                    put(state, position, at(blocks.start, position))
                put(state, position, at(state, position) + timetables.jump[piece, i])
                put(input_rate, position, timetables.input_rate[piece, i])
            start, stop, time = timetables.start[piece], timetables.stop[piece], at(times, lanes[k].next_output)
            put(clock, START * LANES + k, start)
            put(clock, STOP * LANES + k, stop)
            put(clock, LENGTH * LANES + k, stop - start)
            put(clock, ELAPSED * LANES + k, 0.0)
            put(clock, REJECTED * LANES + k, 0.0)
            put(clock, PERMITTED * LANES + k, 0.0)
            put(clock, NEXT_TIME * LANES + k, time)
            if time == start or time == math.inf:
                put(clock, ALONE * LANES + k, 1.0)
            lanes[k].fresh = IN_PIECE
            lanes[k].restarts += 1


@kernel
def take_at_start(entries: Any, lanes: Any, marks: int, blocks: Any, harvest: Any) -> bool:
    """Take outputs at the starts of pieces, and finish cases that have them all; return whether a lane is idle."""
    clock, finished = blocks.clock, False
    for row in range(blocks.state.shape[0]):
        store(blocks.visible, row, load(blocks.state, row))
    invoke3(entries.readouts, blocks.visible, blocks.constants, blocks.outputs, 0)
    while marks != 0:
        k = lowest(marks)
        marks &= marks - 1
        if at(clock, NEXT_TIME * LANES + k) == at(clock, START * LANES + k):
            keep_output(lanes[k], k, clock, blocks.outputs, harvest.columns, harvest.times, harvest.values)
        if lanes[k].next_output >= harvest.values.shape[1]:
            finish(lanes[k], k, Outcome.OK, clock, harvest)
            finished = True
    return finished
