"""Adaptive tau-leaping: many events of every process at once, where their propensities hardly change.

The leap is as long as the mean and the variance of the changes of propensities allow; processes that are about to use up
a species fire one at a time; where leaps would be short, events are carried out one by one; a leap into negative numbers
is halved (Cao, Gillespie & Petzold 2006, J Chem Phys 124:044109). The leap itself has two halves, of which the second
corrects the first, so that means and variances are right to the second order in its length (the trapezoidal method of
Anderson & Mattingly 2011, Commun Math Sci 9:301, with theta = 1/2). How strongly a propensity depends on a species, there
the order of the reaction, is here measured by adding one to that species, so that any hazard has one. An output within a
leap splits its events at random as equal independent times would, by halves of halves, so that asking for more outputs
changes nothing.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numba import types

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.numerics.counts import binomial, poisson
from bitesim.numerics.direct_method import EVENTS, LEAPS, REJECTED_LEAPS, REPLICATES_TYPE
from bitesim.numerics.entries import invoke3
from bitesim.numerics.integrate_one import PIECES_TYPE, named_tuple
from bitesim.numerics.network import NETWORK_TYPE
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Vector

#: A process that so few events would stop fires one at a time.
_CRITICAL_EVENTS: Final = 10.0
#: A leap shorter than so many mean waiting times is not worth it; so many events are then carried out one by one.
_WORTH_WAITS: Final = 10.0
_SINGLE_EVENTS: Final = 100
#: Halvings of a leap that place an output: beyond, a time and its neighbour are the same.
_HALVINGS: Final = 30
#: A leap that reaches the last output ends so much behind it, in days or parts of the time.
_BEHIND: Final = 1e-9
#: Draws of the outputs begin here: a course's own draws never get so far.
_OUTPUT_DRAWS: Final = 1 << 62
_PURPOSE: Final = int(Purpose.CELL_EVENT)
_OK, _NOT_FINITE, _NEGATIVE_RATE, _TOO_MANY_STEPS = (
    int(each) for each in (Outcome.OK, Outcome.NOT_FINITE, Outcome.NEGATIVE_RATE, Outcome.TOO_MANY_STEPS)
)


class LeapRoom(NamedTuple):
    """Where one replicate is carried.

    Parameters
    ----------
    state, trial, before : ndarray, shape (species,)
        The state, the one a leap would lead to, and that before the leap.
    allowed : ndarray, shape (species,)
        Change that a leap may bring.
    flux, shifted, earlier, later, critical : ndarray, shape (processes,)
        Propensities, those of another state, events of a leap's two halves, 1 for those that fire one at a time.
    clock : ndarray, shape (2,)
        Time reached, and the length of the last leap.
    count : ndarray of int, shape (3,)
        Next draw, outputs taken, replicate.
    """

    state: Vector
    trial: Vector
    before: Vector
    allowed: Vector
    flux: Vector
    shifted: Vector
    earlier: Vector
    later: Vector
    critical: Vector
    clock: Vector
    count: Any


_VECTOR: Final = types.Array(types.float64, 1, "C")
_MATRIX: Final = types.Array(types.float64, 2, "C")
LEAP_ROOM_TYPE: Final = named_tuple(LeapRoom, *[_VECTOR] * 10, types.Array(types.int64, 1, "C"))
#: run_leaps(network of one, parameters, pieces, replicates, seed, (epsilon, most steps), room).
LEAPS_SIGNATURE: Final = types.void(
    NETWORK_TYPE,
    _MATRIX,
    PIECES_TYPE,
    REPLICATES_TYPE,
    types.uint64,
    types.Tuple((types.float64, types.int64)),
    LEAP_ROOM_TYPE,
)


def leap_room_for(species: int, processes: int) -> LeapRoom:
    """Return room for one replicate."""
    sizes = [species] * 4 + [processes] * 5 + [2]
    return LeapRoom._make([*map(np.zeros, sizes), np.zeros(3, np.int64)])


@kernel
def total_of(flux: Vector) -> tuple[float, int]:
    """Return the sum of propensities, and the outcome that they mean."""
    total, magnitude = 0.0, 0.0
    for j in range(flux.shape[0]):
        total += flux[j]
        magnitude += abs(flux[j])
    if not magnitude < math.inf:
        return total, _NOT_FINITE
    return total, _OK if magnitude == total else _NEGATIVE_RATE


@kernel
def mark_critical(network: Any, room: Any) -> float:
    """Mark the processes that few events would stop; return the sum of their propensities."""
    total = 0.0
    for j in range(room.flux.shape[0]):
        room.critical[j] = 0.0
        for i in range(network.species.shape[1]):
            change = network.change[j, i]
            is_close = change < 0.0 and room.state[network.species[j, i]] < -_CRITICAL_EVENTS * change
            if is_close and room.flux[j] > 0.0:
                room.critical[j] = 1.0
        total += room.critical[j] * room.flux[j]
    return total


@kernel
def allow_changes(network: Any, parameters: Any, epsilon: float, room: Any) -> None:
    """Find how much each species may change in a leap, so that no propensity changes by more than a share of itself."""
    for i in range(room.state.shape[0]):
        count = room.state[i]
        room.state[i] = count + 1.0
        invoke3(network.propensities, room.state, parameters, room.shifted, 0)
        room.state[i] = count
        order = 0.0
        for j in range(room.flux.shape[0]):
            change = abs(room.shifted[j] - room.flux[j])
            if change > 0.0 and room.critical[j] == 0.0:
                order = max(order, 1.0, count * change / room.flux[j] if room.flux[j] > 0.0 else math.inf)
        # Counts change by one at least.
        room.allowed[i] = max(epsilon * count / order, 1.0) if order > 0.0 else math.inf


@kernel
def longest_leap(network: Any, room: Any) -> float:
    """Return the leap in which mean and standard deviation of the changes stay allowed; `trial` and `before` are room."""
    mean, variance = room.trial, room.before
    for i in range(mean.shape[0]):
        mean[i], variance[i] = 0.0, 0.0
    for j in range(room.flux.shape[0]):
        rate = room.flux[j] * (1.0 - room.critical[j])
        for i in range(network.species.shape[1]):
            place, change = network.species[j, i], network.change[j, i]
            mean[place] += change * rate
            variance[place] += change * change * rate
    leap = math.inf
    for i in range(mean.shape[0]):
        allowed = room.allowed[i]
        if allowed < math.inf and variance[i] > 0.0:
            leap = min(leap, allowed * allowed / variance[i])
            leap = min(leap, allowed / abs(mean[i])) if mean[i] != 0.0 else leap
    return leap


@kernel
def pick_event(room: Any, total: float, uniform: float, only_critical: bool) -> int:
    """Return a process, each with a probability proportional to its propensity."""
    target, last = uniform * total, 0
    for j in range(room.flux.shape[0]):
        rate = room.flux[j] * room.critical[j] if only_critical else room.flux[j]
        if rate > 0.0:
            last = j
            target -= rate
            if target < 0.0:
                return j
    return last


@kernel
def split_events(events: float, share: float, seed: int, key: int) -> float:
    """Return how many of the events of a leap come in its first part, each at a uniform time of its own."""
    earlier, left, low, width, node = 0.0, events, 0.0, 1.0, 1
    for _ in range(_HALVINGS):
        if left == 0.0:
            break
        width *= 0.5
        half, _ = binomial(left, 0.5, seed, node, key)
        if share < low + width:
            left, node = half, 2 * node
        else:
            earlier, left, low, node = earlier + half, left - half, low + width, 2 * node + 1
    return earlier


@kernel
def take_leap_outputs(network: Any, replicates: Any, row: int, seed: int, window: tuple[int, float], room: Any) -> None:
    """Take the outputs within a leap, `window` = (its number, its end): the state before it, and events that had come."""
    time, leap = room.clock[0], room.clock[1]
    leap_number, reached = window
    taken, state, count = room.count[1], room.trial, room.flux.shape[0]
    while taken < replicates.times.shape[0] and replicates.times[taken] < reached:
        share = 2.0 * (replicates.times[taken] - time) / leap
        half = 0 if share < 1.0 else 1
        for i in range(state.shape[0]):
            state[i] = room.before[i]
        if half == 1:
            fire(network, room.earlier, state)
        for j in range(count):
            events = room.earlier[j] if half == 0 else room.later[j]
            word, _ = random_words(seed, room.count[2], _PURPOSE, _OUTPUT_DRAWS + (2 * leap_number + half) * count + j)
            room.shifted[j] = split_events(events, share - half, word, 0)
        fire(network, room.shifted, state)
        for i in range(state.shape[0]):
            # Births and deaths of a leap may come in an order that no course has.
            replicates.states[row, taken, i] = max(state[i], 0.0)
        taken += 1
    room.count[1] = taken


@kernel
def take_outputs_before(replicates: Any, row: int, until: float, room: Any) -> None:
    """Give the outputs before a time the present state."""
    taken = room.count[1]
    while taken < replicates.times.shape[0] and replicates.times[taken] < until:
        for i in range(room.state.shape[0]):
            replicates.states[row, taken, i] = room.state[i]
        taken += 1
    room.count[1] = taken


@kernel
def single_events(network: Any, parameters: Any, replicates: Any, row: int, seed: int, until: float, room: Any) -> int:
    """Carry out some events one by one, until a time at most; return the outcome."""
    for _ in range(_SINGLE_EVENTS):
        invoke3(network.propensities, room.state, parameters, room.flux, 0)
        total, outcome = total_of(room.flux)
        if outcome != _OK:
            return outcome
        first, second = random_words(seed, room.count[2], _PURPOSE, room.count[0])
        room.count[0] += 1
        after = room.clock[0] - math.log(open_unit(first)) / total if total > 0.0 else math.inf
        take_outputs_before(replicates, row, min(after, until), room)
        # An exponential time has no memory: what is left of it at the end is drawn anew.
        if after >= until or room.count[1] == replicates.times.shape[0]:
            room.clock[0] = min(after, until)
            return _OK
        event = pick_event(room, total, open_unit(second), False)
        for i in range(network.species.shape[1]):
            room.state[network.species[event, i]] += network.change[event, i]
        room.clock[0] = after
        replicates.counters[row, EVENTS] += 1
    return _OK


@kernel
def fire(network: Any, events: Vector, state: Vector) -> bool:
    """Add events to a state; return whether no count is negative."""
    for j in range(events.shape[0]):
        for i in range(network.species.shape[1]):
            state[network.species[j, i]] += network.change[j, i] * events[j]
    is_possible = True
    for i in range(state.shape[0]):
        is_possible = is_possible and state[i] >= 0.0
    return is_possible


@kernel
def try_leap(network: Any, parameters: Any, seed: int, leap: float, critical_event: int, room: Any) -> bool:
    """Draw the events of both halves of a leap, and the state behind it into `trial`; return whether that is possible.

    The second half has the propensities of the state between, twice, less those of the state before.
    """
    trial, replicate, draw = room.trial, room.count[2], room.count[0]
    for i in range(trial.shape[0]):
        trial[i] = room.state[i]
    for j in range(room.flux.shape[0]):
        rate = room.flux[j] * (1.0 - room.critical[j])
        room.earlier[j], draw = poisson(rate * 0.5 * leap, seed, replicate, draw)
    room.count[0] = draw
    if not fire(network, room.earlier, trial):
        return False
    invoke3(network.propensities, trial, parameters, room.shifted, 0)
    for j in range(room.flux.shape[0]):
        rate = (2.0 * room.shifted[j] - room.flux[j]) * (1.0 - room.critical[j])
        room.later[j], draw = poisson(rate * 0.5 * leap, seed, replicate, draw)
        # At the end of the leap.
        room.later[j] += 1.0 if j == critical_event else 0.0
    room.count[0] = draw
    return fire(network, room.later, trial)


@kernel
def leap_on(
    network: Any, parameters: Any, replicates: Any, row: int, seed: int, window: tuple[float, float], room: Any
) -> int:
    """Leap once, within a window of (share of change, until); return the outcome, -1 where a leap is not worth it."""
    epsilon, until = window
    invoke3(network.propensities, room.state, parameters, room.flux, 0)
    total, outcome = total_of(room.flux)
    if outcome != _OK:
        return outcome
    critical = mark_critical(network, room)
    allow_changes(network, parameters, epsilon, room)
    longest = longest_leap(network, room)
    counters, last = replicates.counters, replicates.times[replicates.times.shape[0] - 1]
    # Behind the last output nothing is wanted, however long a leap may be.
    stop = until if until <= last else last + max(1.0, last) * _BEHIND
    while True:
        if total > 0.0 and longest < _WORTH_WAITS / total:
            return -1
        leap, event = min(longest, stop - room.clock[0]), -1
        if critical > 0.0:
            first, second = random_words(seed, room.count[2], _PURPOSE, room.count[0])
            room.count[0] += 1
            wait = -math.log(open_unit(first)) / critical
            if wait <= leap:
                leap, event = wait, pick_event(room, critical, open_unit(second), True)
        if try_leap(network, parameters, seed, leap, event, room):
            break
        counters[row, REJECTED_LEAPS] += 1
        longest = 0.5 * leap
    for i in range(room.state.shape[0]):
        room.before[i], room.state[i] = room.state[i], room.trial[i]
    room.clock[1] = leap
    # To the end without rounding.
    reached = stop if leap == stop - room.clock[0] else room.clock[0] + leap
    take_leap_outputs(network, replicates, row, seed, (counters[row, LEAPS], reached), room)
    for j in range(room.flux.shape[0]):
        counters[row, EVENTS] += int(room.earlier[j] + room.later[j])
    counters[row, LEAPS] += 1
    room.clock[0] = reached
    return _OK


@kernel
def run_leaps(
    network: Any, parameters: Any, pieces: Any, replicates: Any, seed: int, control: tuple[float, int], room: Any
) -> None:
    """Carry replicates through the pieces of the clock, one after the other; as `direct_method.run_direct`.

    `control` is (share of itself by which a propensity may change in a leap, most leaps and single events).
    """
    epsilon, most = control
    count, n_times = replicates.start.shape[1], replicates.times.shape[0]
    for row in range(replicates.start.shape[0]):
        room.clock[0], outcome, steps = pieces.boundary[0], _OK, 0
        room.count[0], room.count[1], room.count[2] = 0, 0, replicates.first + row
        for i in range(count):
            room.state[i] = replicates.start[row, i]
        for index in range(pieces.jump.shape[0]):
            for i in range(count):
                if pieces.reset[index] == 1:
                    room.state[i] = replicates.start[row, i]
                room.state[i] += pieces.jump[index, i]
            until = pieces.boundary[index + 1]
            while room.clock[0] < until and room.count[1] < n_times and outcome == _OK:
                before = replicates.counters[row, EVENTS]
                outcome = leap_on(network, parameters, replicates, row, seed, (epsilon, until), room)
                steps += 1
                if outcome == -1:
                    outcome = single_events(network, parameters, replicates, row, seed, until, room)
                    steps += replicates.counters[row, EVENTS] - before
                if steps >= most and outcome == _OK and room.count[1] < n_times:
                    outcome = _TOO_MANY_STEPS
            if outcome != _OK or room.count[1] == n_times:
                break
        replicates.outcome[row] = outcome
        replicates.reached[row] = min(room.clock[0], replicates.times[n_times - 1])
