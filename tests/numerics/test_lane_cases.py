"""What happens to lanes between steps, step by step; whole runs are in test_integrate_many."""

import math

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.numerics.crowd import ALONE, BUSY, CLOCK_ROWS, LANE_RECORD, LENGTH, NEXT_TIME, START, lane_blocks
from bitesim.numerics.lane_cases import AT_PIECE, IN_PIECE, begin_cases, enter_pieces, finish, take_at_start
from bitesim.numerics.lanes import block, marked
from bitesim.numerics.outcomes import Outcome
from tests.numerics.test_integrate_many import N_CONSTANTS, WIDE, draw_cases, room_for_results, timetables


@kernel
def begin(entries, cases, clocks, lanes, blocks, begun):
    for k in range(8):
        lanes[k].case = -1
    return begin_cases(entries, 0, cases, clocks, lanes, blocks, begun)


@kernel
def enter(entries, clocks, lanes, blocks, input_rate, harvest):
    enter_pieces(lanes, blocks, clocks, input_rate, harvest.times)
    return take_at_start(entries, lanes, marked(blocks.clock, ALONE), blocks, harvest)


@kernel
def end(lanes, k, outcome, blocks, harvest):
    finish(lanes[k], k, outcome, blocks.clock, harvest)


def begun(count, times):
    """Return cases that have been given to lanes, and what they are run with."""
    cases, lanes, blocks = draw_cases(count), np.zeros(8, LANE_RECORD), lane_blocks(N_CONSTANTS, 2, 1)
    following = begin(WIDE, cases, timetables(), lanes, blocks, block(2))
    return cases, lanes, blocks, room_for_results(count, np.array(times), (0, 1, 2)), following


def test_idle_lanes_take_the_next_cases_and_begin_at_their_starts():
    cases, lanes, blocks, _, following = begun(11, [0.0])
    assert following == 8
    assert lanes["case"].tolist() == list(range(8))
    assert set(lanes["fresh"]) == {AT_PIECE}
    assert np.array_equal(blocks.state, 0.5 * cases.parameters[:8, 4:6].T)
    assert np.array_equal(blocks.state, blocks.start)
    assert blocks.clock[BUSY].tolist() == [1.0] * 8


def test_lanes_without_a_case_stay_idle():
    _, lanes, blocks, _, following = begun(3, [0.0])
    assert following == 3
    assert lanes["case"].tolist() == [0, 1, 2, -1, -1, -1, -1, -1]
    assert blocks.clock[BUSY].tolist() == [1.0] * 3 + [0.0] * 5


def test_a_piece_starts_with_its_jump_clock_input_and_output():
    cases, lanes, blocks, harvest, _ = begun(8, [0.0, 0.5])
    input_rate, clocks = block(2), timetables()
    assert not enter(WIDE, clocks, lanes, blocks, input_rate, harvest)
    pieces = clocks.first[cases.timetable]
    expected = 0.5 * cases.parameters[:, 4:6] + clocks.jump[pieces]
    assert np.array_equal(blocks.state, expected.T)
    assert np.array_equal(input_rate, clocks.input_rate[pieces].T)
    assert np.array_equal(blocks.clock[START], clocks.start[pieces])
    assert np.array_equal(blocks.clock[LENGTH], clocks.stop[pieces] - clocks.start[pieces])
    assert set(lanes["fresh"]) == {IN_PIECE}
    # The output at the start has been taken, readout and states; the next one waits.
    assert np.array_equal(harvest.values[:, 0, 1:], expected)
    assert np.array_equal(harvest.values[:, 0, 0], cases.parameters[:, 6] * expected.sum(axis=1))
    assert blocks.clock[NEXT_TIME].tolist() == [0.5] * 8


def test_cases_with_all_their_outputs_end_at_the_start():
    _, lanes, blocks, harvest, _ = begun(8, [0.0])
    assert enter(WIDE, timetables(), lanes, blocks, block(2), harvest)
    assert set(lanes["case"]) == {-1}
    assert harvest.outcome.tolist() == [Outcome.OK] * 8
    assert np.isfinite(harvest.values).all()


def test_what_a_case_has_not_reached_is_missing():
    _, lanes, blocks, harvest, _ = begun(3, [0.0, 0.5, 0.75])
    enter(WIDE, timetables(), lanes, blocks, block(2), harvest)
    harvest.values[:, 1:] = 5.0
    end(lanes, 1, Outcome.STEP_TOO_SMALL, blocks, harvest)
    assert np.isfinite(harvest.values[1, 0]).all()
    assert np.isnan(harvest.values[1, 1:]).all()
    assert (harvest.values[[0, 2], 1:] == 5.0).all()
    assert harvest.outcome.tolist() == [-1, Outcome.STEP_TOO_SMALL, -1]
    assert (lanes["case"][1], blocks.clock[BUSY, 1], blocks.clock[NEXT_TIME, 1]) == (-1, 0.0, math.inf)
    assert blocks.clock.shape == (len(CLOCK_ROWS), 8)
