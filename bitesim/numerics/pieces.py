"""What an integrator is told and what it leaves behind: pieces of constant input, accuracy, outputs, counters."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.numerics.lanes import LANES

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


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


class Output(NamedTuple):
    """Where results go: states at strictly increasing times, counters, and where a failure happened.

    `counters` are those of `COUNTERS`; `progress` holds the time reached, the last step size and the index of the next
    output to take. `record` takes the sizes of the accepted steps as far as it reaches; the last of a piece is negative.
    `course` takes, for as many steps, the state before each and behind it the stages, as blocks.
    """

    times: Vector
    states: Matrix
    counters: NDArray[np.int64]
    progress: Vector
    record: Vector
    course: NDArray[np.float64]


def output_at(times: Vector, n_states: int, record: tuple[int, int] = (0, 0)) -> Output:
    """Return what a run at `times` fills, with room to record (steps, rows of a state and its stages)."""
    states = np.empty((len(times), n_states))
    states.fill(np.nan)
    steps, rows = record
    kept = (np.zeros(steps), np.empty((steps, rows, LANES))) if rows else _NOTHING_KEPT
    return Output(times, states, np.zeros(len(COUNTERS), np.int64), np.zeros(3), *kept)


_NOTHING_KEPT: Final = (np.zeros(0), np.empty((0, 0, LANES)))


COUNTERS: Final = (
    "accepted_steps", "rejected_steps", "right_hand_sides", "jacobians", "factorisations", "restarts",
)  # fmt: skip
ACCEPTED, REJECTED, RIGHT_HAND_SIDES, JACOBIANS, FACTORISATIONS, RESTARTS = range(6)
#: A step is never shorter than this fraction of the time since the piece began: the clock could not resolve it.
CLOCK_RESOLUTION: Final = 1e-14
#: Nor shorter than this [d], also at a piece's start.
SHORTEST_STEP: Final = 1e-60


class System(NamedTuple):
    """Entry points (`bitesim.numerics.entries`) of what an integrator calls: straight-line code, or dense kernels.

    Parameters
    ----------
    rate : of function(state, constants, result)
    factorise : of function(state, constants, diagonal, factors)
        Factors of diagonal * identity - Jacobian.
    solve : of function(factors, vector)
        In place.
    """

    rate: Any
    factorise: Any
    solve: Any
