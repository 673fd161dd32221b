"""Gillespie's direct method, eight replicates side by side: every event in turn, between the changes of the clock.

The time to the next event is exponential with the total propensity, and the event is each process with a probability
proportional to its own (Gillespie 1976, J Comput Phys 22:403). What is left of an exponential number at a change of the
clock goes on behind it, so that a change which changes nothing changes no course. A replicate that has ended makes room
for the next one; its numbers depend on neither its lane nor its neighbours.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import invoke3
from bitesim.numerics.event_luck import draw_luck
from bitesim.numerics.integrate_one import PIECES_TYPE, named_tuple
from bitesim.numerics.lanes import (
    LANES,
    at,
    at_most,
    block,
    larger,
    load,
    lowest,
    marked,
    over,
    pick,
    plus,
    put,
    size_of,
    store,
    times,
)
from bitesim.numerics.network import NETWORK_TYPE
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Matrix, Vector

#: What a course counts.
PATH_COUNTERS: Final = ("events", "leaps", "rejected_leaps", "continuous_steps")
EVENTS, LEAPS, REJECTED_LEAPS, CONTINUOUS_STEPS = range(4)
#: What is left of an exponential number where rounding has used it up, so that it is not drawn anew.
SOON: Final = 1e-300
_LARGEST: Final = 1.7e308
_OK, _NOT_FINITE, _NEGATIVE_RATE, _TOO_MANY_STEPS = (
    int(each) for each in (Outcome.OK, Outcome.NOT_FINITE, Outcome.NEGATIVE_RATE, Outcome.TOO_MANY_STEPS)
)


class Replicates(NamedTuple):
    """Replicates to run, and what they leave.

    Parameters
    ----------
    first : int
        Number of the first one: its luck.
    start : ndarray, shape (replicates, species)
    times : ndarray, shape (times,)
        Strictly increasing [d].
    states : ndarray, shape (replicates, times, species)
    outcome : ndarray of int, shape (replicates,)
    reached : ndarray, shape (replicates,)
        Time reached [d].
    counters : ndarray of int, shape (replicates, counters)
    """

    first: int
    start: Matrix
    times: Vector
    states: NDArray[np.float64]
    outcome: NDArray[np.int64]
    reached: Vector
    counters: NDArray[np.int64]


_VECTOR: Final = types.Array(types.float64, 1, "C")
_MATRIX: Final = types.Array(types.float64, 2, "C")
_STACK: Final = types.Array(types.float64, 3, "C")
_INTEGERS: Final = types.Array(types.int64, 1, "C")
_INTEGER_MATRIX: Final = types.Array(types.int64, 2, "C")
REPLICATES_TYPE: Final = named_tuple(Replicates, types.int64, _MATRIX, _VECTOR, _STACK, _INTEGERS, _VECTOR, _INTEGER_MATRIX)


class Room(NamedTuple):
    """Where eight replicates are carried.

    Parameters
    ----------
    state, flux, totals : blocks
        Species; propensities; running totals of these.
    rows : block
        What is named below, a row each.
    counted : ndarray of int, shape (5, 8)
        Replicate (its luck) and draw; its row, piece of the clock and outputs taken.
    """

    state: Matrix
    flux: Matrix
    totals: Matrix
    rows: Matrix
    counted: NDArray[np.int64]


ROOM_TYPE: Final = named_tuple(Room, *[_MATRIX] * 4, _INTEGER_MATRIX)
(_TIME, _LEFT, _WAIT, _CHOICE, _AFTER, _TOTAL, _LIMIT, _IS_RUNNING, _EVENTS, _MOST, _FLAGS, _TARGET, _EVENT) = range(13)
_REPLICATE, _DRAW, _ROW, _PIECE, _TAKEN = range(5)
#: run_direct(network, parameters, pieces, replicates, seed, most events, room).
DIRECT_SIGNATURE: Final = types.void(
    NETWORK_TYPE, _MATRIX, PIECES_TYPE, REPLICATES_TYPE, types.uint64, types.int64, ROOM_TYPE
)


def room_for(species: int, processes: int) -> Room:
    """Return room for eight replicates."""
    return Room(block(species), block(processes), block(processes), block(13), np.zeros((5, LANES), np.int64))


@kernel
def next_change(lane: int, pieces: Any, replicates: Any, room: Any) -> None:
    """Note up to when a replicate may go on without looking: the next output or change of the clock."""
    taken = room.counted[_TAKEN, lane]
    output = replicates.times[taken] if taken < replicates.times.shape[0] else math.inf
    room.rows[_LIMIT, lane] = min(output, pieces.boundary[room.counted[_PIECE, lane] + 1])


@kernel
def enter_piece(lane: int, pieces: Any, replicates: Any, room: Any) -> None:
    """Apply the reset and jump at the start of a replicate's piece."""
    index = room.counted[_PIECE, lane]
    for i in range(room.state.shape[0]):
        if pieces.reset[index] == 1:
            room.state[i, lane] = replicates.start[room.counted[_ROW, lane], i]
        room.state[i, lane] += pieces.jump[index, i]
    next_change(lane, pieces, replicates, room)


@kernel
def begin(lane: int, row: int, pieces: Any, replicates: Any, room: Any) -> None:
    """Put replicate `row` into a lane; one behind the last leaves the lane without."""
    rows, counted = room.rows, room.counted
    rows[_TIME, lane], rows[_LEFT, lane], rows[_EVENTS, lane] = pieces.boundary[0], 0.0, 0.0
    counted[_ROW, lane], counted[_REPLICATE, lane] = row, replicates.first + row
    counted[_DRAW, lane], counted[_PIECE, lane], counted[_TAKEN, lane] = 0, 0, 0
    if row < replicates.start.shape[0]:
        rows[_IS_RUNNING, lane] = 1.0
        for i in range(room.state.shape[0]):
            room.state[i, lane] = replicates.start[row, i]
        enter_piece(lane, pieces, replicates, room)
    else:
        rows[_IS_RUNNING, lane] = 0.0


@kernel
def end(lane: int, outcome: int, replicates: Any, room: Any) -> None:
    """Note how a replicate ended."""
    row = room.counted[_ROW, lane]
    replicates.outcome[row] = outcome
    replicates.reached[row] = room.rows[_TIME, lane]
    replicates.counters[row, EVENTS] = int(room.rows[_EVENTS, lane])


@kernel
def look(lane: int, pieces: Any, replicates: Any, room: Any) -> int:
    """Take the outputs and changes of the clock before a replicate's next event; return 1 where it has ended, else 0."""
    rows, counted = room.rows, room.counted
    total, row = rows[_TOTAL, lane], counted[_ROW, lane]
    if not math.isfinite(total):
        end(lane, _NOT_FINITE, replicates, room)
        return 1
    for j in range(room.flux.shape[0]):
        if room.flux[j, lane] < 0.0:
            end(lane, _NEGATIVE_RATE, replicates, room)
            return 1
    after, until = rows[_AFTER, lane], pieces.boundary[counted[_PIECE, lane] + 1]
    reached, taken = min(after, until), counted[_TAKEN, lane]
    # An output at the instant of an event or change is taken behind it.
    while taken < replicates.times.shape[0] and replicates.times[taken] < reached:
        for i in range(room.state.shape[0]):
            replicates.states[row, taken, i] = room.state[i, lane]
        taken += 1
    counted[_TAKEN, lane] = taken
    if taken == replicates.times.shape[0]:
        rows[_TIME, lane] = replicates.times[taken - 1]
        end(lane, _OK, replicates, room)
        return 1
    if after >= until:
        left = rows[_LEFT, lane] if rows[_LEFT, lane] > 0.0 else rows[_WAIT, lane]
        rows[_LEFT, lane] = max(left - total * (until - rows[_TIME, lane]), SOON)
        rows[_TIME, lane] = until
        counted[_PIECE, lane] += 1
        enter_piece(lane, pieces, replicates, room)
    else:
        next_change(lane, pieces, replicates, room)
        if rows[_EVENTS, lane] >= rows[_MOST, lane]:
            end(lane, _TOO_MANY_STEPS, replicates, room)
            return 1
    return 0


@kernel
def time_events(room: Any, seed: int) -> int:
    """Find when each replicate's next event would be; return a bit for each that must be looked at before."""
    flux, totals, rows = room.flux, room.totals, room.rows
    total = load(flux, 0)
    magnitude = size_of(total)
    store(totals, 0, total)
    for j in range(1, flux.shape[0]):
        each = load(flux, j)
        total = plus(total, each)
        magnitude = plus(magnitude, size_of(each))
        store(totals, j, total)
    draw_luck(seed, room.counted, rows, _WAIT)
    left = load(rows, _LEFT)
    after = plus(load(rows, _TIME), over(pick(left, left, load(rows, _WAIT)), total))
    store(rows, _TOTAL, total)
    store(rows, _AFTER, after)
    # Where no propensity is negative, the sum of their magnitudes is their sum, to the last bit.
    is_right = times(at_most(magnitude, total), at_most(total, _LARGEST))
    may_go = times(is_right, at_most(plus(load(rows, _EVENTS), 1.0), load(rows, _MOST)))
    # At the limit itself something is to be done.
    to_look = larger(at_most(load(rows, _LIMIT), after), plus(1.0, times(-1.0, may_go)))
    store(rows, _FLAGS, times(load(rows, _IS_RUNNING), to_look))
    flags: int = marked(rows, _FLAGS)
    return flags


@kernel
def carry_out(network: Any, room: Any) -> None:
    """Carry out each replicate's next event."""
    flux, totals, rows, state = room.flux, room.totals, room.rows, room.state
    species, change, counted = network.species, network.change, room.counted
    target = times(load(rows, _CHOICE), load(rows, _TOTAL))
    # The event is the number of running totals that the target has passed.
    passed = at_most(load(totals, 0), target)
    for j in range(1, flux.shape[0] - 1):
        passed = plus(passed, at_most(load(totals, j), target))
    store(rows, _EVENT, passed)
    store(rows, _TIME, load(rows, _AFTER))
    store(rows, _LEFT, 0.0)
    store(rows, _EVENTS, plus(load(rows, _EVENTS), 1.0))
    for lane in range(LANES):
        event = min(int(at(rows, _EVENT * LANES + lane)), flux.shape[0] - 1)
        # Rounding may end on a process that cannot happen: the nearest one before it that can is meant.
        while event > 0 and not at(flux, event * LANES + lane) > 0.0:
            event -= 1
        for i in range(species.shape[1]):
            place = species[event, i] * LANES + lane
            put(state, place, at(state, place) + change[event, i])
        counted[_DRAW, lane] += 1


@kernel
def run_direct(
    network: Any, parameters: Matrix, pieces: Any, replicates: Any, seed: int, most_events: int, room: Any
) -> None:
    """Carry replicates through the pieces of the clock, from `start` into the arrays of `replicates`."""
    waiting, running = 0, 0
    for lane in range(LANES):
        room.rows[_MOST, lane] = most_events
        begin(lane, waiting, pieces, replicates, room)
        running += int(waiting < replicates.start.shape[0])
        waiting += 1
    while running > 0:
        invoke3(network.propensities, room.state, parameters, room.flux, 0)
        flags = time_events(room, seed)
        if flags == 0:
            carry_out(network, room)
        while flags != 0:
            lane = lowest(flags)
            flags &= flags - 1
            if look(lane, pieces, replicates, room) == 1:
                begin(lane, waiting, pieces, replicates, room)
                running -= int(waiting >= replicates.start.shape[0])
                waiting += 1
