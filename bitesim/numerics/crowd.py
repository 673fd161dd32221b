"""What the integrator of many cases is told and what it fills: cases, clocks, limits, harvest, and its own lanes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import typeof, types
from numpy.typing import NDArray

from bitesim.numerics.integrate_one import SYSTEM_TYPE, named_tuple, work_type
from bitesim.numerics.lanes import block
from bitesim.numerics.pieces import Matrix, System, Vector
from bitesim.numerics.rosenbrock import Work, work_for
from bitesim.numerics.step_control import SHARE_OF_A_STEP

Integers = NDArray[np.int64]


class Timetables(NamedTuple):
    """Several clocks, one behind the other: timetable k has the pieces first[k] to first[k + 1] - 1.

    Parameters
    ----------
    first : ndarray of int, shape (timetables + 1,)
    start, stop : ndarray, shape (pieces,)
        The half-open window of each piece; the last of a timetable may be infinite.
    input_rate, jump : ndarray, shape (pieces, states)
    reset : ndarray of int, shape (pieces,)
        1 where the state returns to the case's own start, before the jump.
    """

    first: Integers
    start: Vector
    stop: Vector
    input_rate: Matrix
    jump: Matrix
    reset: Integers


class Cases(NamedTuple):
    """What is run.

    Parameters
    ----------
    parameters : ndarray, shape (cases, parameters)
    timetable : ndarray of int, shape (cases,)
    """

    parameters: Matrix
    timetable: Integers


class Entries(NamedTuple):
    """Entry points for lanes: the system, its whole stage (`whole_stage_entry`), and functions fill_constants(constants),
    initial_state(constants, state), readouts(state, constants, outputs)."""

    system: System
    whole_stage: Any
    fill_constants: Any
    initial_state: Any
    readouts: Any


class Limits(NamedTuple):
    """Relative tolerance, and the steps after which a case gives up."""

    relative_tolerance: float
    max_steps: int


class Harvest(NamedTuple):
    """What is kept of each case.

    Parameters
    ----------
    times : ndarray, shape (times + 1,)
        Strictly increasing; the last is infinite.
    columns : ndarray of int, shape (columns,)
        Which outputs are kept: readouts first, then states.
    wanted : ndarray of int
        States that these outputs are computed from; the others are not interpolated.
    any_readout : int
        1 where a readout is kept; otherwise none is computed.
    values : ndarray, shape (cases, times, columns)
        Filled by the caller with what an output that was never reached should hold.
    outcome : ndarray of int, shape (cases,)
    progress : ndarray, shape (cases, 2)
        Time reached and last step size.
    steps : ndarray of int, shape (cases, 3)
        Accepted and rejected steps, restarts.
    """

    times: Vector
    columns: Integers
    wanted: Integers
    any_readout: int
    values: NDArray[np.float64]
    outcome: Integers
    progress: Matrix
    steps: Integers


#: Rows of `Blocks.clock`, one number a lane: window of the piece and time since its start; step that comes next and that
#: was taken; marks (1 or 0) of a lane with a case, of a step that ends its piece, was rejected, was accepted; whether
#: something must be done for the lane alone; steps so far; the time of the next output, infinite after the last; and 1
#: over the step that the accepted one before could have been, 0 in the first of a piece.
CLOCK_ROWS: Final = (
    "start", "stop", "length", "elapsed", "step", "taken", "reached", "busy", "last", "rejected", "accepted", "alone",
    "accepted_steps", "rejected_steps", "next_time", "permitted",
)  # fmt: skip
(
    START, STOP, LENGTH, ELAPSED, STEP, TAKEN, REACHED, BUSY, LAST, REJECTED, ACCEPTED, ALONE,
    ACCEPTED_STEPS, REJECTED_STEPS, NEXT_TIME, PERMITTED,
) = range(len(CLOCK_ROWS))  # fmt: skip

#: What else belongs to one lane: case (-1 for none), piece and the one behind its last, next output, whether the piece is
#: still to be entered, was just entered, or is under way, and pieces so far.
LANE_RECORD: Final = np.dtype(
    (np.record, [(name, "i8") for name in ("case", "piece", "behind", "next_output", "fresh", "restarts")])
)


class Blocks(NamedTuple):
    """What eight cases hold side by side: constants, state, the state each began with, outputs, and their clocks.

    `outputs` are the readouts and behind them the states, which are also `visible` alone.
    """

    constants: Matrix
    state: Matrix
    start: Matrix
    outputs: Matrix
    visible: Matrix
    clock: Matrix


def lane_blocks(n_constants: int, n_states: int, n_readouts: int) -> Blocks:
    """Return the blocks of eight idle lanes."""
    outputs, clock = block(n_readouts + n_states), block(len(CLOCK_ROWS))
    return Blocks(block(n_constants), block(n_states), block(n_states), outputs, outputs[n_readouts:], clock)


def lane_work(scale: Vector, relative_tolerance: float, n_factors: int, input_rate: Matrix) -> Work:
    """Return the blocks of a step of eight cases that have some of these inputs."""
    n = len(scale)
    work = work_for(n, n_factors, np.flatnonzero(input_rate.any(axis=0)))
    work.allowed[:n] = scale[:, np.newaxis]
    work.allowed[n] = SHARE_OF_A_STEP * relative_tolerance
    return work


_BLOCK: Final = types.Array(types.float64, 2, "C")
_CUBE: Final = types.Array(types.float64, 3, "C")
_VECTOR: Final = types.Array(types.float64, 1, "C")
_INTEGERS: Final = types.Array(types.int64, 1, "C")
_INTEGER_MATRIX: Final = types.Array(types.int64, 2, "C")

MANY_SIGNATURE: Final = types.void(
    named_tuple(Entries, SYSTEM_TYPE, *[types.int64] * 4),
    named_tuple(Cases, _BLOCK, _INTEGERS),
    named_tuple(Timetables, _INTEGERS, _VECTOR, _VECTOR, _BLOCK, _BLOCK, _INTEGERS),
    named_tuple(Limits, types.float64, types.int64),
    named_tuple(Harvest, _VECTOR, _INTEGERS, _INTEGERS, types.int64, _CUBE, _INTEGERS, _BLOCK, _INTEGER_MATRIX),
    typeof(np.zeros(1, LANE_RECORD)),
    named_tuple(Blocks, *[_BLOCK] * len(Blocks._fields)),
    work_type(),
)
