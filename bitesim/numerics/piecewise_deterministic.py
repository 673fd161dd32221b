"""Events of whole cells in surroundings that change continuously: drug, cytokines, and rates that depend on them.

Between events the continuous species follow their differential equations, and the integral of the total propensity grows
beside them; the next event comes where it reaches an exponential number (Davis 1984, J R Stat Soc B 46:353). Integrated
by Dormand & Prince 1980, J Comput Appl Math 6:19, of order 5: explicit, so that stiff surroundings take many steps. An
output is a step of its own from the step's start, so that asking for more changes nothing.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numba import types

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.numerics.direct_method import CONTINUOUS_STEPS, EVENTS, REPLICATES_TYPE, SOON
from bitesim.numerics.entries import invoke3
from bitesim.numerics.integrate_one import PIECES_TYPE, named_tuple
from bitesim.numerics.network import NETWORK_TYPE
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import CLOCK_RESOLUTION, Matrix, Vector

_STAGES: Final = 7
_LAST: Final = _STAGES - 1
#: Row s: weights of the slopes before stage s; the last row is the solution.
_WEIGHTS: Final = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [1 / 5, 0.0, 0.0, 0.0, 0.0, 0.0],
        [3 / 40, 9 / 40, 0.0, 0.0, 0.0, 0.0],
        [44 / 45, -56 / 15, 32 / 9, 0.0, 0.0, 0.0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0.0, 0.0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0.0],
        [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)
#: Weights of the slopes in the solution less those in the embedded one of order 4.
_ERROR: Final = np.array([71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
_FIRST_STEP: Final = 1e-2
_SMALLEST_FACTOR, _LARGEST_FACTOR, _SAFETY = 0.2, 5.0, 0.9
#: How closely the integral of the propensity meets the exponential number, and tries to find the time.
_CLOSE, _TRIES = 1e-12, 60
#: Behind the last output the course goes on so long, in days or parts of the time, so that the output is within a step.
_BEHIND: Final = 1e-9
_PURPOSE: Final = int(Purpose.CELL_EVENT)
_OK, _TOO_MANY_STEPS, _STEP_TOO_SMALL = int(Outcome.OK), int(Outcome.TOO_MANY_STEPS), int(Outcome.STEP_TOO_SMALL)
_NOT_FINITE, _NEGATIVE_RATE = int(Outcome.NOT_FINITE), int(Outcome.NEGATIVE_RATE)


class PiecewiseRoom(NamedTuple):
    """Where one replicate is carried.

    Parameters
    ----------
    state, point : ndarray, shape (species,)
        The state at a step's start, and behind what was last tried.
    flux, is_event : ndarray, shape (processes,)
        Fluxes; 1 for processes that are events, 0 for continuous ones.
    slopes : ndarray, shape (stages, species + 1)
        Rates of change and, last, the total propensity.
    scale : ndarray, shape (species,)
        Size below which a continuous species no longer matters.
    clock : ndarray, shape (4,)
        Time reached, what is left of the exponential number, next step, integral of the propensity over the last try.
    count : ndarray of int, shape (3,)
        Next draw, outputs taken, replicate.
    """

    state: Vector
    point: Vector
    flux: Vector
    is_event: Vector
    slopes: Matrix
    scale: Vector
    clock: Vector
    count: Any


_VECTOR: Final = types.Array(types.float64, 1, "C")
_MATRIX: Final = types.Array(types.float64, 2, "C")
PIECEWISE_ROOM_TYPE: Final = named_tuple(
    PiecewiseRoom, *[_VECTOR] * 4, _MATRIX, _VECTOR, _VECTOR, types.Array(types.int64, 1, "C")
)
#: run_piecewise(network of one, parameters, pieces, replicates, seed, (rtol, most events and steps), room).
PIECEWISE_SIGNATURE: Final = types.void(
    NETWORK_TYPE,
    _MATRIX,
    PIECES_TYPE,
    REPLICATES_TYPE,
    types.uint64,
    types.Tuple((types.float64, types.int64)),
    PIECEWISE_ROOM_TYPE,
)


def piecewise_room_for(is_event: Any, scale: Vector) -> PiecewiseRoom:
    """Return room for one replicate of a model with these processes and species."""
    species, events = len(scale), np.array(is_event, float)
    state, point, flux = np.zeros(species), np.zeros(species), np.zeros(len(events))
    slopes, counts = np.zeros((_STAGES, species + 1)), np.zeros(3, np.int64)
    return PiecewiseRoom(state, point, flux, events, slopes, np.array(scale), np.zeros(4), counts)


@kernel
def slopes_at_point(network: Any, parameters: Any, inputs: Vector, stage: int, room: Any) -> int:
    """Write the slopes of one stage at `point`; return the outcome."""
    count, slopes = room.state.shape[0], room.slopes
    invoke3(network.propensities, room.point, parameters, room.flux, 0)
    for i in range(count):
        slopes[stage, i] = inputs[i]
    total, magnitude, is_finite = 0.0, 0.0, True
    for j in range(room.flux.shape[0]):
        rate = room.flux[j]
        is_finite = is_finite and math.isfinite(rate)
        if room.is_event[j] == 1.0:
            total += rate
            magnitude += abs(rate)
        else:
            for i in range(network.species.shape[1]):
                slopes[stage, network.species[j, i]] += network.change[j, i] * rate
    slopes[stage, count] = total
    if not is_finite:
        return _NOT_FINITE
    return _OK if magnitude == total else _NEGATIVE_RATE


@kernel
def try_step(network: Any, parameters: Any, inputs: Vector, step: float, rtol: float, room: Any) -> tuple[int, float]:
    """Step from `state` to `point`; return the outcome and the error norm, 1 for the largest that is accepted."""
    count, slopes = room.state.shape[0], room.slopes
    for stage in range(_STAGES):
        for i in range(count):
            change = 0.0
            for earlier in range(stage):
                change += _WEIGHTS[stage, earlier] * slopes[earlier, i]
            room.point[i] = room.state[i] + step * change
        outcome = slopes_at_point(network, parameters, inputs, stage, room)
        if outcome != _OK:
            # A stage may leave what is possible where the step is too long, but not where it begins.
            return (outcome, 0.0) if stage == 0 else (_OK, math.inf)
    integral, worst = 0.0, 0.0
    for stage in range(_LAST):
        integral += _WEIGHTS[_LAST, stage] * slopes[stage, count]
    room.clock[3] = step * integral
    for i in range(count + 1):
        error = 0.0
        for stage in range(_STAGES):
            error += _ERROR[stage] * slopes[stage, i]
        size = room.scale[i] + abs(room.point[i]) if i < count else 1.0
        worst = max(worst, abs(step * error) / (rtol * size))
    return _OK, worst


@kernel
def step_to_event(network: Any, parameters: Any, inputs: Vector, step: float, rtol: float, room: Any) -> float:
    """Return the part of a step after which the integral of the propensity reaches what is left; `point` is then there."""
    left, low, high = room.clock[1], 0.0, step
    part: float = step * min(1.0, left / room.clock[3])
    for _ in range(_TRIES):
        try_step(network, parameters, inputs, part, rtol, room)
        beyond = room.clock[3] - left
        if abs(beyond) <= _CLOSE * left:
            break
        low, high = (low, part) if beyond > 0.0 else (part, high)
        slope = room.slopes[_LAST, room.state.shape[0]]
        part = part - beyond / slope if slope > 0.0 else high
        if not low < part < high:
            part = 0.5 * (low + high)
        if high - low <= 1e-15 * step:
            break
    return part


@kernel
def take_outputs_within(
    network: Any, parameters: Any, inputs: Vector, replicates: Any, row: int, end: tuple[float, float], room: Any
) -> None:
    """Take the outputs before a time, `end` = (it, rtol), each by a step of its own from the state at the start."""
    until, rtol = end
    taken = room.count[1]
    while taken < replicates.times.shape[0] and replicates.times[taken] < until:
        try_step(network, parameters, inputs, replicates.times[taken] - room.clock[0], rtol, room)
        for i in range(room.state.shape[0]):
            replicates.states[row, taken, i] = room.point[i]
        taken += 1
    room.count[1] = taken


@kernel
def carry_out_event(network: Any, seed: int, room: Any) -> None:
    """Choose an event by the propensities at `point`, and let `state` be the state behind it."""
    _, second = random_words(seed, room.count[2], _PURPOSE, room.count[0])
    room.count[0] += 1
    target, event = open_unit(second) * room.slopes[_LAST, room.state.shape[0]], -1
    for j in range(room.flux.shape[0]):
        if room.is_event[j] == 1.0 and room.flux[j] > 0.0 and (event < 0 or target >= 0.0):
            event = j
            target -= room.flux[j]
    for i in range(room.state.shape[0]):
        room.state[i] = room.point[i]
    for i in range(network.species.shape[1]):
        room.state[network.species[event, i]] += network.change[event, i]


@kernel
def go_on(
    network: Any, parameters: Any, inputs: Vector, replicates: Any, row: int, seed: int, end: tuple[float, float], room: Any
) -> int:
    """Carry a replicate to its next event, or by one step, up to `end` = (a time, rtol); return the outcome."""
    until, rtol = end
    clock = room.clock
    if clock[1] <= 0.0:
        first, _ = random_words(seed, room.count[2], _PURPOSE, room.count[0])
        clock[1] = -math.log(open_unit(first))
    step = min(clock[2], until - clock[0])
    outcome, error = try_step(network, parameters, inputs, step, rtol, room)
    replicates.counters[row, CONTINUOUS_STEPS] += 1
    if outcome != _OK:
        return outcome
    factor = _SAFETY * error**-0.2 if error > 0.0 else _LARGEST_FACTOR
    if error > 1.0:
        clock[2] = step * max(_SMALLEST_FACTOR, factor)
        return _STEP_TOO_SMALL if clock[2] <= CLOCK_RESOLUTION * max(1e-6, clock[0]) else _OK
    is_event = clock[3] >= clock[1]
    if is_event:
        step = step_to_event(network, parameters, inputs, step, rtol, room)
    elif step == clock[2]:
        clock[2] = step * min(_LARGEST_FACTOR, factor)
    reached = until if step == until - clock[0] else clock[0] + step
    take_outputs_within(network, parameters, inputs, replicates, row, (reached, rtol), room)
    try_step(network, parameters, inputs, step, rtol, room)
    if is_event:
        carry_out_event(network, seed, room)
        clock[1] = 0.0
        replicates.counters[row, EVENTS] += 1
    else:
        for i in range(room.state.shape[0]):
            room.state[i] = room.point[i]
        clock[1] = max(clock[1] - clock[3], SOON)
    clock[0] = reached
    return _OK


@kernel
def run_piecewise(
    network: Any, parameters: Any, pieces: Any, replicates: Any, seed: int, control: tuple[float, int], room: Any
) -> None:
    """Carry replicates through the pieces of the clock, one after the other; as `direct_method.run_direct`."""
    rtol, most = control
    count, n_times = replicates.start.shape[1], replicates.times.shape[0]
    last = replicates.times[n_times - 1]
    counters = replicates.counters
    for row in range(replicates.start.shape[0]):
        room.clock[0], room.clock[1], room.clock[2], outcome = pieces.boundary[0], 0.0, _FIRST_STEP, _OK
        room.count[0], room.count[1], room.count[2] = 0, 0, replicates.first + row
        for i in range(count):
            room.state[i] = replicates.start[row, i]
        for index in range(pieces.jump.shape[0]):
            for i in range(count):
                if pieces.reset[index] == 1:
                    room.state[i] = replicates.start[row, i]
                room.state[i] += pieces.jump[index, i]
            until, inputs = pieces.boundary[index + 1], pieces.input_rate[index]
            end = until if until <= last else last + max(1.0, last) * _BEHIND
            while room.clock[0] < end and room.count[1] < n_times and outcome == _OK:
                outcome = go_on(network, parameters, inputs, replicates, row, seed, (end, rtol), room)
                done = counters[row, EVENTS] + counters[row, CONTINUOUS_STEPS]
                if done >= most and outcome == _OK and room.count[1] < n_times:
                    outcome = _TOO_MANY_STEPS
            if outcome != _OK or room.count[1] == n_times:
                break
        replicates.outcome[row] = outcome
        replicates.reached[row] = min(room.clock[0], last)
