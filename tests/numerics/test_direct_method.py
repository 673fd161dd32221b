"""The direct method on lanes: against a plain twin with the same luck, outputs, pieces, and how it refuses."""

import math

import numpy as np
import pytest

from bitesim.engines.stochastic_plan import counted_model
from bitesim.foundation.compiled import prepare
from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.numerics.direct_method import DIRECT_SIGNATURE, EVENTS, PATH_COUNTERS, Replicates, room_for, run_direct
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Pieces
from tests.numerics.networks import constants
from tests.problems.small_networks import DIMERISATION, IMMIGRATION_DEATH

SEED = np.uint64(77)


def pieces(boundary, jump, reset=None):
    count, species = np.shape(jump)
    reset = np.zeros(count, np.int64) if reset is None else np.array(reset)
    return Pieces(np.array(boundary, float), np.zeros((count, species)), np.array(jump, float), reset, np.zeros(species))


def course(model, start, times, clock, first=0, most=10**9):
    start, times = np.array(start, float), np.array(times, float)
    counted, count = counted_model(model), len(start)
    species, processes = counted.changes.shape
    states = np.full((count, len(times), species), np.nan)
    counters = np.zeros((count, len(PATH_COUNTERS)), np.int64)
    found = Replicates(first, start, times, states, np.zeros(count, np.int64), np.zeros(count), counters)
    run = prepare(run_direct, DIRECT_SIGNATURE)
    room = room_for(species, processes)
    with np.errstate(all="ignore"):
        run(counted.in_lanes, constants(model.parameters.vector()), clock, found, SEED, most, room)
    return found


def twin(rates, changes, start, replicate, times, clock):
    """Return the outputs of one replicate, event by event in plain Python."""
    state, time, draw, left, rows, taken = np.array(start, float), 0.0, 0, None, [], 0
    for index, jump in enumerate(clock.jump):
        state = np.array(start, float) if clock.reset[index] else state
        state = state + jump
        until = clock.boundary[index + 1]
        while taken < len(times):
            flux = rates(state)
            total = sum(flux)
            first, second = random_words(SEED, replicate, Purpose.CELL_EVENT, draw)
            left = -math.log(open_unit(np.uint64(first))) if left is None else left
            after = time + left / total if total > 0.0 else math.inf
            while taken < len(times) and times[taken] < min(after, until):
                rows.append(state.copy())
                taken += 1
            if after >= until:
                left -= total * (until - time)
                time = until
                break
            chosen = np.searchsorted(np.cumsum(flux), open_unit(np.uint64(second)) * total, side="right")
            state, time, draw, left = state + changes[:, chosen], after, draw + 1, None
    return np.array(rows)


def pair_rates(state):
    return [0.5 * 0.001 * state[0] * (state[0] - 1.0), 0.01 * state[1]]


PAIR_CHANGES = np.array([[-2.0, 2.0], [1.0, -1.0]])
CLOCK = pieces([0.0, 3.0, 7.5, 20.0, math.inf], [[0, 0], [40, 0], [0, 0], [1, 2]], [0, 0, 0, 1])
TIMES = [0.0, 1.0, 3.0, 7.4, 7.5, 19.0, 20.0, 33.0]


def test_it_is_the_plain_twin():
    starts = [[100, 0], [100, 0], [20, 3], [1, 0], [0, 5], [100, 0], [300, 10], [2, 0], [50, 50], [7, 7], [100, 0]]
    found = course(DIMERISATION, starts, TIMES, CLOCK, first=5)
    for row, start in enumerate(starts):
        expected = twin(pair_rates, PAIR_CHANGES, start, 5 + row, TIMES, CLOCK)
        assert np.array_equal(found.states[row], expected), row
    assert not found.outcome.any()
    assert found.reached.tolist() == [33.0] * len(starts)


def test_a_change_of_the_clock_that_changes_nothing_changes_nothing():
    plain = course(IMMIGRATION_DEATH, [[10]] * 9, [5.0, 20.0], pieces([0, math.inf], [[0]]))
    cut = course(IMMIGRATION_DEATH, [[10]] * 9, [5.0, 20.0], pieces([0, 4.0, 11.0, math.inf], [[0]] * 3))
    assert np.array_equal(plain.states, cut.states)
    assert np.array_equal(plain.counters[:, EVENTS] > 0, cut.counters[:, EVENTS] > 0)


def test_outputs_change_no_course():
    few = course(DIMERISATION, [[100, 0]] * 9, [10.0, 30.0], CLOCK)
    many = course(DIMERISATION, [[100, 0]] * 9, np.arange(0.0, 31.0), CLOCK)
    assert np.array_equal(few.states, many.states[:, [10, 30]])


@pytest.mark.parametrize("count", [1, 7, 8, 9, 30])
def test_neighbours_do_not_matter(count):
    together = course(DIMERISATION, [[60, 0]] * 30, TIMES, CLOCK)
    some = course(DIMERISATION, [[60, 0]] * count, TIMES, CLOCK)
    assert some.states.tobytes() == together.states[:count].tobytes()
    assert np.array_equal(some.counters, together.counters[:count])
    last = course(DIMERISATION, [[60, 0]], TIMES, CLOCK, first=29)
    assert last.states.tobytes() == together.states[29:].tobytes()


def test_nothing_happens_in_an_empty_network():
    found = course(DIMERISATION, [[1, 0]] * 3, [0.0, 5.0, 1e4], pieces([0, math.inf], [[0, 0]]))
    assert np.array_equal(found.states, np.broadcast_to([1.0, 0.0], (3, 3, 2)))
    assert not found.counters.any()


def test_too_many_events_are_an_outcome():
    found = course(IMMIGRATION_DEATH, [[0]] * 3, [0.0, 1e6], pieces([0, math.inf], [[0]]), most=1000)
    assert found.outcome.tolist() == [Outcome.TOO_MANY_STEPS] * 3
    assert found.counters[:, EVENTS].tolist() == [1000] * 3
    assert np.isnan(found.states[:, 1]).all()
    assert not found.states[:, 0].any()
    assert (found.reached > 0.0).all()


def test_negative_and_infinite_rates_are_outcomes_of_their_replicate_alone():
    found = course(DIMERISATION, [[100, 0], [-3, -5], [100, 0], [np.inf, 0], [np.nan, 0]], TIMES, CLOCK)
    wrong = [Outcome.OK, Outcome.NEGATIVE_RATE, Outcome.OK, Outcome.NOT_FINITE, Outcome.NOT_FINITE]
    assert found.outcome.tolist() == wrong
    healthy = course(DIMERISATION, [[100, 0]], TIMES, CLOCK)
    assert found.states[0].tobytes() == healthy.states[0].tobytes()
