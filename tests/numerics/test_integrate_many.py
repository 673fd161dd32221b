"""Many cases on lanes: the bytes of `integrate_one`, whatever the lane, the neighbours and their number."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from bitesim.foundation.compiled import prepare
from bitesim.numerics.crowd import (
    LANE_RECORD,
    MANY_SIGNATURE,
    Cases,
    Entries,
    Harvest,
    Limits,
    Timetables,
    lane_blocks,
    lane_work,
)
from bitesim.numerics.entries import straight_line_entry, whole_stage_entry
from bitesim.numerics.integrate_many import integrate_many
from bitesim.numerics.outcomes import Outcome
from tests.numerics.systems import (
    SCALE,
    Made,
    oscillator_factorise,
    oscillator_rate,
    oscillator_solve,
    run,
    straight_system,
)

# Parameters of a case: mu, turn, decay, burst of the oscillator, twice the start, and what its readout is multiplied by.
N_PARAMETERS, N_CONSTANTS = 7, 9


def fill_constants(constants):
    constants[7] = 0.5 * constants[4]
    constants[8] = 0.5 * constants[5]


def initial_state(constants, state):
    state[0] = constants[7]
    state[1] = constants[8]


def readouts(state, constants, outputs):
    outputs[0] = constants[6] * (state[0] + state[1])


MADE = Made(straight_system(oscillator_rate, oscillator_factorise, oscillator_solve), N_CONSTANTS, 4)
WIDE = Entries(
    straight_system(oscillator_rate, oscillator_factorise, oscillator_solve, wide=True),
    whole_stage_entry(oscillator_rate, oscillator_solve, 2),
    straight_line_entry(fill_constants, (True,)),
    straight_line_entry(initial_state, (True, True)),
    straight_line_entry(readouts, (True, True, True)),
)
TIMES = np.array([0.0, 0.2, 1.0, 1.5, 1.6, 2.5, 4.0])


class Clock(NamedTuple):
    """One timetable."""

    boundary: list
    rate: list
    jump: list
    reset: list


CLOCKS = (
    Clock([0.0, math.inf], [[0, 0]], [[0, 0]], [0]),
    Clock([0.0, 1.0, 1.5, math.inf], [[0, 0], [0.5, -1], [0, 0]], [[0.25, 0], [0, 1], [0, 0]], [0, 0, 1]),
    Clock([0.0, 0.7, 3.0], [[0.1, 0], [0, 0]], [[0, 0], [0.5, 0.5]], [0, 1]),
    Clock([0.0, 1e-3, 2e-3, 1.0, math.inf], [[9, 0], [0, 0], [9, 0], [0, 0]], [[0, 0]] * 4, [0, 0, 0, 0]),
)


def timetables():
    first = np.cumsum([0, *(len(clock.rate) for clock in CLOCKS)])
    start = np.concatenate([clock.boundary[:-1] for clock in CLOCKS])
    stop = np.concatenate([clock.boundary[1:] for clock in CLOCKS])
    rate, jump, reset = (np.concatenate([np.array(clock[k], float) for clock in CLOCKS]) for k in (1, 2, 3))
    return Timetables(first, start, stop, rate, jump, reset.astype(np.int64))


def draw_cases(count, seed=1):
    """Return parameters and timetable of each case; stiff and slow ones, long and short, are mixed."""
    generator = np.random.default_rng(seed)
    mu, decay = 10.0 ** generator.uniform(-2.0, 2.0, (2, count))
    start = generator.uniform(-4.0, 4.0, (2, count))
    parameters = np.column_stack([mu, np.ones(count), 0.01 * decay, np.zeros(count), *start, generator.uniform(1, 2, count)])
    return Cases(parameters, generator.integers(0, len(CLOCKS), count))


def room_for_results(count, times, columns):
    return Harvest(
        np.append(times, np.inf),
        np.array(columns),
        np.arange(2),
        int(0 in columns),
        np.full((count, len(times), len(columns)), 7.0),
        np.full(count, -1),
        np.full((count, 2), np.nan),
        np.full((count, 3), -1),
    )


def run_many(cases, rtol=1e-6, max_steps=5000, columns=(0, 1, 2), times=TIMES):
    harvest = room_for_results(len(cases.parameters), times, columns)
    lanes, blocks = np.zeros(8, LANE_RECORD), lane_blocks(N_CONSTANTS, 2, 1)
    work = lane_work(np.full(2, SCALE), rtol, 4, timetables().input_rate)
    prepare(integrate_many, MANY_SIGNATURE)(WIDE, cases, timetables(), Limits(rtol, max_steps), harvest, lanes, blocks, work)
    return harvest


def run_alone(parameters, timetable, rtol=1e-6, max_steps=5000, times=TIMES):
    clock = CLOCKS[timetable]
    options = {"rate": clock.rate, "jump": clock.jump, "reset": clock.reset, "rtol": rtol, "max_steps": max_steps}
    return run(MADE, parameters, 0.5 * parameters[4:6], times, clock.boundary, **options)


def assert_equal_one_by_one(cases, harvest, **options):
    for number, (parameters, timetable) in enumerate(zip(*cases, strict=True)):
        alone = run_alone(parameters, timetable, **options)
        assert harvest.outcome[number] == alone.outcome, number
        assert np.array_equal(harvest.values[number, :, 1:], alone.states, equal_nan=True), number
        counted = [alone.counted(name) for name in ("accepted_steps", "rejected_steps", "restarts")]
        assert harvest.steps[number].tolist() == counted, number
        assert harvest.progress[number, 0] == alone.output.progress[0], number


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 40])
def test_every_case_has_the_bytes_it_has_alone(count):
    cases = draw_cases(count)
    harvest = run_many(cases)
    assert_equal_one_by_one(cases, harvest)
    assert np.all(harvest.outcome == Outcome.OK)
    readout = cases.parameters[:, 6, None] * harvest.values[:, :, 1:].sum(axis=2)
    assert np.array_equal(harvest.values[:, :, 0], readout, equal_nan=True)


def decay_solution(clock, rate, start, times):
    """Return the solution of x' = input - rate x at each time, by its closed form from piece to piece."""
    state, found = start, np.full((len(times), 2), np.nan)
    for piece, (begin, stop) in enumerate(zip(clock.boundary[:-1], clock.boundary[1:], strict=True)):
        level = np.array(clock.rate[piece]) / rate
        state = (start if clock.reset[piece] else state) + np.array(clock.jump[piece])
        inside = (times >= begin) & (times < stop)
        found[inside] = level + (state - level) * np.exp(-rate * (times[inside, np.newaxis] - begin))
        state = level + (state - level) * math.exp(-rate * (stop - begin))
    return found


def test_decay_with_infusions_jumps_and_resets_equals_the_closed_form():
    cases = draw_cases(37, seed=8)
    # Without mu, turn and burst both states decay; fast and slow, under all timetables in turn.
    cases.parameters[:, :4] = 0.0
    cases.parameters[:, 2] = 10.0 ** np.linspace(-2.0, 2.0, 37)
    cases.timetable[:] = np.arange(37) % len(CLOCKS)
    harvest = run_many(cases, rtol=1e-9)
    assert np.all(harvest.outcome == Outcome.OK)
    for number, (parameters, timetable) in enumerate(zip(*cases, strict=True)):
        expected = decay_solution(CLOCKS[timetable], parameters[2], 0.5 * parameters[4:6], TIMES)
        assert np.isnan(expected).any() == (timetable == 2)
        np.testing.assert_allclose(harvest.values[number, :, 1:], expected, rtol=3e-8, atol=1e-10, err_msg=str(number))


def test_bytes_do_not_depend_on_neighbours_or_order():
    cases, order = draw_cases(30, seed=2), np.random.default_rng(3).permutation(30)
    together = run_many(cases).values
    shuffled = run_many(Cases(cases.parameters[order].copy(), cases.timetable[order].copy())).values
    assert np.array_equal(together[order], shuffled, equal_nan=True)
    assert len({each.tobytes() for each in together}) == 30


def test_failures_are_reported_and_harm_nobody():
    cases = draw_cases(25, seed=4)
    # One of each kind between others: it blows up, begins or goes on with what is not finite, and takes too many steps.
    cases.parameters[3, :6] = [0.0, 0.0, 0.0, 1.0, 0.0, 2.0]
    cases.parameters[8, 4] = math.nan
    cases.parameters[9, 2] = math.nan
    cases.parameters[17, :4] = [0.0, 5000.0, 0.0, 0.0]
    cases.timetable[[3, 17]] = 0
    harvest = run_many(cases, rtol=1e-8, max_steps=2000)
    assert_equal_one_by_one(cases, harvest, rtol=1e-8, max_steps=2000)
    assert harvest.outcome[[8, 9]].tolist() == [Outcome.NOT_FINITE] * 2
    assert harvest.outcome[17] == Outcome.TOO_MANY_STEPS
    assert harvest.outcome[3] != Outcome.OK
    assert harvest.progress[3, 0] == pytest.approx(1.0, abs=1e-3)
    assert np.count_nonzero(harvest.outcome == Outcome.OK) == 21


@pytest.mark.parametrize("max_steps", [0, 1, 2, 3, 5, 8, 13, 50])
def test_a_lane_forgets_the_case_before(max_steps):
    # Cases that give up anywhere, also after a rejected step, leave nothing behind for the next in their lane.
    cases = draw_cases(60, seed=8)
    cases.parameters[::2, 3] = 3.0
    harvest = run_many(cases, rtol=1e-4, max_steps=max_steps)
    assert_equal_one_by_one(cases, harvest, rtol=1e-4, max_steps=max_steps)
    assert np.count_nonzero(harvest.outcome == Outcome.TOO_MANY_STEPS) > 8
    assert max_steps < 3 or harvest.steps[:, 1].any()


def test_only_failures_come_to_an_end():
    cases = draw_cases(20, seed=5)
    cases.parameters[:, 4] = math.nan
    harvest = run_many(cases)
    assert np.all(harvest.outcome == Outcome.NOT_FINITE)
    assert np.isnan(harvest.values[:, 1:]).all()


@pytest.mark.parametrize("times", [[0.0], [0.0, 1.0], [1.0, 1.5, 2.0]])
def test_outputs_at_boundaries_alone(times):
    # A case ends with its last output; alone it goes on to its last boundary, so that only what was taken is equal.
    cases = draw_cases(20, seed=7)
    harvest = run_many(cases, times=np.array(times))
    assert np.all(harvest.outcome == Outcome.OK)
    for values, parameters, timetable in zip(harvest.values, *cases, strict=True):
        assert np.array_equal(values[:, 1:], run_alone(parameters, timetable, times=times).states)


@pytest.mark.parametrize("columns", [(2, 0), (2, 1, 2), (1,)])
def test_chosen_columns_are_kept_in_their_order(columns):
    # States alone are interpolated lane by lane, and others side by side: to the same bytes.
    cases = draw_cases(10)
    everything, chosen = run_many(cases).values, run_many(cases, columns=columns).values
    assert np.array_equal(chosen, everything[:, :, list(columns)], equal_nan=True)


def test_outputs_behind_the_last_boundary_are_missing():
    cases = Cases(draw_cases(9).parameters, np.full(9, 2))
    values = run_many(cases).values
    reached = TIMES < 3.0
    assert np.isfinite(values[:, reached]).all()
    assert np.isnan(values[:, ~reached]).all()


def results():
    """Return a short run as a list; compiled or interpreted, as this process does it."""
    harvest = run_many(draw_cases(10, seed=6), rtol=1e-3)
    return [np.nan_to_num(harvest.values).tolist(), harvest.steps.tolist(), harvest.outcome.tolist()]


def test_interpreted_equals_compiled():
    code = "import json\nfrom tests.numerics.test_integrate_many import results\nprint(json.dumps(results()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours, plain = results(), json.loads(done.stdout)
    assert ours[1:] == plain[1:]
    np.testing.assert_allclose(ours[0], plain[0], rtol=1e-7, atol=1e-9)
