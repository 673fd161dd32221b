"""The integrator: closed forms, SciPy, pieces of input, outputs, failures, and every number of states."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from bitesim.numerics.integrate_one import start_block
from bitesim.numerics.lanes import rows_for
from bitesim.numerics.outcomes import ADVICE, Outcome
from bitesim.numerics.pieces import COUNTERS
from bitesim.numerics.rosenbrock import cut, room_for
from bitesim.numerics.step_control import SHARE_OF_A_STEP
from bitesim.numerics.tableaus import RODAS5P
from tests.numerics.systems import DENSE, STRAIGHT, chain_matrix, run, run_chain

both_forms = pytest.mark.parametrize("made", [DENSE, STRAIGHT], ids=["dense", "straight_line"])
TIMES = np.linspace(0.1, 5.0, 40)
#: One state more or less than fills the blocks' rows.
COUNTS = (1, 2, 7, 8, 9, 16, 19)


def circle(times, start, decay=0.0):
    """Return the closed form of mu = burst = 0, turn = 1."""
    z = complex(*start) * np.exp((-1j - decay) * np.asarray(times))
    return np.column_stack([z.real, z.imag])


@both_forms
def test_a_damped_circle_equals_its_closed_form(made):
    result = run(made, [0.0, 1.0, 0.3, 0.0], [2.0, -1.0], TIMES, rtol=1e-10)
    assert result.outcome == Outcome.OK
    np.testing.assert_allclose(result.states, circle(TIMES, [2.0, -1.0], 0.3), rtol=1e-8, atol=1e-10)


@both_forms
def test_the_stiff_oscillator_equals_scipy(made):
    from scipy.integrate import solve_ivp

    times = np.linspace(0.0, 30.0, 31)
    ours = run(made, [100.0, 1.0, 0.0, 0.0], [2.0, 0.0], times, rtol=1e-9).states
    scipy = solve_ivp(
        lambda _, y: [y[1], 100.0 * (1 - y[0] ** 2) * y[1] - y[0]],
        (0, 30),
        [2.0, 0.0],
        "Radau",
        times,
        rtol=1e-11,
        atol=1e-12,
    ).y.T
    np.testing.assert_allclose(ours, scipy, rtol=1e-6, atol=1e-8)


def test_dense_and_straight_line_take_the_same_steps():
    of_dense, of_straight = (run(made, [5.0, 1.0, 0.0, 0.0], [2.0, 0.0], [1.0, 7.0]) for made in (DENSE, STRAIGHT))
    assert np.array_equal(of_dense.output.counters, of_straight.output.counters)
    # Rounding differs in the last place, and the relaxation oscillation carries it to both ends.
    np.testing.assert_allclose(of_dense.states, of_straight.states, rtol=1e-10)
    assert of_dense.output.progress[0] == pytest.approx(of_straight.output.progress[0], rel=1e-5)


@both_forms
def test_tighter_tolerance_gives_smaller_errors(made):
    errors = []
    for rtol in (1e-4, 1e-6, 1e-8, 1e-10):
        states = run(made, [0.0, 0.0, 1.0, 0.0], [1.0, 1.0], TIMES, rtol=rtol).states
        errors.append(np.max(np.abs(states / np.exp(-TIMES)[:, None] - 1.0)))
    assert np.all(np.array(errors) < 30.0 * np.array([1e-4, 1e-6, 1e-8, 1e-10]))
    assert np.all(np.diff(np.log10(errors)) < -1.0)


@both_forms
def test_more_output_times_change_no_value(made):
    few = run(made, [5.0, 1.0, 0.0, 0.0], [2.0, 0.0], [1.0, 7.0])
    many = run(made, [5.0, 1.0, 0.0, 0.0], [2.0, 0.0], np.linspace(0.0, 9.0, 91))
    assert np.array_equal(few.states, many.states[[10, 70]])


@both_forms
def test_outputs_at_a_boundary_hold_the_values_after_its_jump(made):
    result = run(
        made,
        [0.0] * 4,
        [1.0, -1.0],
        [0.0, 1.0, 2.0],
        [0.0, 1.0, 2.0, math.inf],
        jump=[[5.0, 0.0], [10.0, 0.5], [100.0, 0.0]],
        rate=[[0.0, 0.0], [3.0, -2.0], [0.0, 0.0]],
    )
    assert result.outcome == Outcome.OK
    np.testing.assert_allclose(result.states, [[6.0, -1.0], [16.0, -0.5], [119.0, -2.5]], rtol=1e-12)
    assert result.counted("restarts") == 3


@both_forms
def test_a_jump_and_an_input_inside_a_run_equal_the_closed_form(made):
    # Turning about the origin, then, pushed by an input (u, v), about its resting point (v, -u).
    jump, push = np.array([0.5, 0.25]), np.array([1.0, -2.0])
    rest = np.array([push[1], -push[0]])
    times, boundary = np.array([0.5, 1.0, 1.5, 3.0]), [0.0, 1.0, 2.5, math.inf]
    result = run(
        made,
        [0.0, 1.0, 0.0, 0.0],
        [1.0, 0.0],
        times,
        boundary,
        jump=[[0, 0], jump, [0, 0]],
        rate=[[0, 0], push, [0, 0]],
        rtol=1e-10,
    )
    at_one = circle(1.0, [1.0, 0.0])[0] + jump
    at_end = circle(1.5, at_one - rest)[0] + rest
    expected = [
        circle(0.5, [1.0, 0.0])[0],
        at_one,
        circle(0.5, at_one - rest)[0] + rest,
        circle(0.5, at_end)[0],
    ]
    np.testing.assert_allclose(result.states, expected, rtol=1e-8, atol=1e-9)


@both_forms
def test_a_reset_returns_to_the_start_before_the_jump(made):
    result = run(made, [0.0, 0.0, 1.0, 0.0], [2.0, 3.0], [1.0], [0.0, 1.0, math.inf], jump=[[0, 0], [0.5, 0]], reset=[0, 1])
    assert result.states[0].tolist() == [2.5, 3.0]


@both_forms
def test_an_infusion_reaches_rate_over_loss(made):
    times = np.array([0.1, 5.0])
    result = run(made, [0.0, 0.0, 8.0, 0.0], [0.0, 0.0], times, rate=[[24.0, 0.0]])
    np.testing.assert_allclose(result.states[:, 0], 3.0 * -np.expm1(-8.0 * times), rtol=1e-8)
    assert not result.states[:, 1].any()


@both_forms
def test_the_run_ends_at_a_finite_boundary_with_the_state_before_it(made):
    result = run(made, [0.0, 1.0, 0.0, 0.0], [1.0, 0.0], [0.5], [0.0, 1.25], rtol=1e-10)
    assert result.outcome == Outcome.OK
    assert result.output.progress[0] == 1.25
    np.testing.assert_allclose(result.end, circle(1.25, [1.0, 0.0])[0], rtol=1e-8)


def test_without_outputs_left_nothing_is_integrated():
    result = run(STRAIGHT, [0.0, 1.0, 0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0, math.inf])
    assert result.counted("restarts") == 2
    assert result.output.progress[[0, 2]].tolist() == [1.0, 2.0]


@both_forms
def test_a_change_is_resolved_finer_than_the_clock_of_the_day(made):
    # At day 4096 the clock counts in steps of 1e-12 d; what happens just after a change takes a hundredth of that.
    late, parameters, push = 4096.0, [0.0, 0.0, 1e14, 0.0], [[0.0, 0.0], [1e14, 0.0]]
    early = run(made, parameters, [0.0, 1.0], [0.0, 1.0, 1.5], [0.0, 1.0, math.inf], rate=push)
    after = run(made, parameters, [0.0, 1.0], [late, late + 1.0, late + 1.5], [late, late + 1.0, math.inf], rate=push)
    assert early.outcome == after.outcome == Outcome.OK
    assert np.array_equal(early.states, after.states)
    assert np.array_equal(early.output.counters, after.output.counters)
    np.testing.assert_allclose(after.states[2], [1.0, 0.0], atol=1e-7)


@both_forms
def test_a_blow_up_is_reported_with_its_time(made):
    # y' = y^2 from 1 is 1 / (1 - t).
    result = run(made, [0.0, 0.0, 0.0, 1.0], [0.0, 1.0], [0.5, 2.0])
    assert result.outcome in (Outcome.STEP_TOO_SMALL, Outcome.TOO_MANY_STEPS, Outcome.NOT_FINITE)
    assert result.output.progress[0] == pytest.approx(1.0, abs=1e-3)
    assert result.states[0, 1] == pytest.approx(2.0, rel=1e-6)
    assert np.isnan(result.states[1]).all()


@both_forms
def test_the_step_limit_is_reported_and_kept(made):
    result = run(made, [100.0, 1.0, 0.0, 0.0], [2.0, 0.0], [30.0], max_steps=5)
    assert result.outcome == Outcome.TOO_MANY_STEPS
    assert result.counted("accepted_steps") + result.counted("rejected_steps") == 5


@both_forms
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bad_starts_and_rates_are_reported(made, bad):
    assert run(made, [0.0, 0.0, bad, 0.0], [1.0, 1.0], [1.0]).outcome == Outcome.NOT_FINITE
    assert run(made, [0.0, 1.0, 0.0, 0.0], [1.0, bad], [1.0]).outcome == Outcome.NOT_FINITE
    assert run(made, [0.0, 1.0, 0.0, 0.0], [1.0, 1.0], [1.0], rate=[[bad, 0.0]]).outcome == Outcome.NOT_FINITE


def test_every_outcome_has_its_advice():
    assert set(ADVICE) == set(Outcome)


@both_forms
def test_counters_count_what_a_step_costs(made):
    result = run(made, [5.0, 1.0, 0.0, 0.0], [2.0, 0.0], [7.0])
    accepted, rejected, rates, jacobians, factorisations, restarts = (result.counted(name) for name in COUNTERS)
    assert min(accepted, rejected) > 0
    assert jacobians == factorisations == accepted + rejected
    # Seven a step and one more where the step begins; a rejected one begins where it began before.
    assert rates == 7 * (accepted + rejected) + accepted
    assert restarts == 1


@pytest.mark.parametrize("room", [0, 7, 1000])
def test_accepted_steps_are_recorded_as_far_as_there_is_room(room):
    boundary, start, push = [0.0, 0.5, 2.0, math.inf], np.array([2.0, 0.0]), [[0, 0], [1.0, 0.5], [0, 0]]
    result = run(STRAIGHT, [5.0, 1.0, 0.0, 0.0], start, [2.5], boundary, rate=push, record=(room, 9))
    plain = run(STRAIGHT, [5.0, 1.0, 0.0, 0.0], start, [2.5], boundary, rate=push)
    assert np.array_equal(result.states, plain.states)
    assert np.array_equal(result.output.counters, plain.output.counters)
    accepted = min(room, result.counted("accepted_steps"))
    record, course = result.output.record[:accepted], result.output.course[:accepted]
    assert np.all(record != 0.0)
    # Each step's state and stages lead to the state of the next: new = state + weights . stages.
    reached = course[:, 0] + np.einsum("s,ksl->kl", RODAS5P.weights, course[:, 1:])
    assert course[:1, 0, :2].tolist() == [start.tolist()][:accepted]
    np.testing.assert_allclose(course[1:, 0], reached[:-1], rtol=1e-13, atol=1e-13)
    if room == 1000:
        ends = np.flatnonzero(record < 0.0)
        assert len(ends) == 2
        elapsed = np.split(np.abs(record), ends + 1)
        assert [part.sum() for part in elapsed[:2]] == pytest.approx([0.5, 1.5], rel=1e-14)
        assert 2.0 + elapsed[2].sum() == pytest.approx(result.output.progress[0], rel=1e-14)
        assert not result.output.record[accepted:].any()


@pytest.mark.parametrize("count", COUNTS)
def test_chains_of_any_length_equal_the_matrix_exponential(count):
    generator = np.random.default_rng(count)
    losses, inflows = generator.uniform(0.5, 2.0, count), generator.uniform(0.1, 1.0, count)
    start, push = generator.uniform(1.0, 2.0, count), generator.uniform(0.0, 1.0, count)
    matrix = chain_matrix(losses, inflows)
    rest = -np.linalg.solve(matrix, push)
    result = run_chain(losses, inflows, start, [0.3, 2.0], rate=push, rtol=1e-10)
    expected = [rest + expm(matrix * time) @ (start - rest) for time in (0.3, 2.0)]
    assert result.outcome == Outcome.OK
    np.testing.assert_allclose(result.states, expected, rtol=1e-8)


@pytest.mark.parametrize("count", COUNTS)
def test_copies_of_a_state_change_no_step(count):
    # The norm is a mean over states: neither equal ones nor the elements behind the last may dilute it.
    one, many = (run_chain(np.full(n, 2.0), np.zeros(n), np.ones(n), TIMES, rtol=1e-6) for n in (1, count))
    assert np.array_equal(one.output.counters, many.output.counters)
    np.testing.assert_allclose(many.states, np.tile(one.states, count), rtol=1e-10)
    assert one.output.progress[0] == pytest.approx(many.output.progress[0], rel=1e-9)


def test_each_state_has_its_own_scale():
    # The first state is a billion times larger than the second; both start at a tenth of their scale.
    scale, matrix = np.array([1e9, 1.0]), np.array([[-1.0, 0.0], [0.0, -3.0]])
    small, large = (run_chain([1.0, 3.0], [0.0, 0.0], 0.1 * scale, TIMES, rtol=1e-5, scale=of) for of in (scale, scale[0]))
    exact = np.array([expm(matrix * time) @ (0.1 * scale) for time in TIMES])
    assert np.max(np.abs(small.states - exact) / scale) < 1e-5
    # Where only what a billion would notice counts, the second state is integrated carelessly: fewer steps.
    assert large.counted("accepted_steps") < small.counted("accepted_steps")


def test_room_may_be_used_again():
    room = room_for(1, rows_for(STRAIGHT.n_factors))
    first = run(STRAIGHT, [5.0, 1.0, 0.0, 0.0], [2.0, 0.0], [1.0, 7.0], rate=[[0.0, 0.5]], room=room)
    run(STRAIGHT, [0.0, 0.0, 0.0, 1.0], [0.0, 1.0], [2.0], room=room, scale=7.0, rtol=1e-3)
    again = run(STRAIGHT, [5.0, 1.0, 0.0, 0.0], [2.0, 0.0], [1.0, 7.0], rate=[[0.0, 0.5]], room=room)
    assert np.array_equal(first.states, again.states)
    assert np.array_equal(first.output.counters, again.output.counters)


@pytest.mark.parametrize(("infused", "rows"), [([(1, 17), (2, 3)], [0, 2]), ([(0, 8), (0, 9), (2, 15)], [1]), ([], [])])
def test_only_rows_with_input_are_added_to(infused, rows):
    rate, room = np.zeros((3, 20)), room_for(3, 8)
    for place in infused:
        rate[place] = -0.5
    boundary = [0.0, 0.1, 0.2, 0.3]
    run_chain(np.ones(20), np.zeros(20), np.ones(20), [0.25], boundary=boundary, rate=rate, room=room)
    assert room.input_rows[: len(rows)].tolist() == rows
    assert not room.input_rows[len(rows) :].any()


def test_what_is_no_number_counts_as_input():
    room, rate = room_for(3, 8), np.zeros((1, 20))
    rate[0, 12] = math.nan
    result = run_chain(np.ones(20), np.zeros(20), np.ones(20), [0.25], rate=rate, room=room)
    assert result.outcome == Outcome.NOT_FINITE
    assert room.input_rows[0] == 1


@pytest.mark.parametrize("count", COUNTS)
def test_a_run_allows_scales_ones_behind_them_and_half_the_tolerance(count):
    scale = np.arange(1.0, count + 1.0)
    rows, factor_rows = rows_for(count), rows_for(1 + 2 * count)
    room = room_for(rows, factor_rows)
    # What another run has left does not matter.
    run_chain(np.ones(count), np.zeros(count), scale, [0.25], rtol=1e-3, scale=2.0, room=room)
    run_chain(np.ones(count), np.zeros(count), scale, [0.25], rtol=1e-5, scale=scale, room=room)
    *found, last = cut(*room).allowed
    assert np.ravel(found)[:count].tolist() == scale.tolist()
    assert set(np.ravel(found)[count:]) <= {1.0}
    assert last.tolist() == [SHARE_OF_A_STEP * 1e-5] * 8
    state = start_block(scale)
    assert state.shape == (rows, 8)
    assert state.ravel()[:count].tolist() == scale.tolist()
    assert not state.ravel()[count:].any()


INTERPRETED = """
import json
import numpy as np
from tests.numerics.systems import DENSE, STRAIGHT, run, run_chain
runs = [run(made, [5.0, 1.0, 0.0, 0.0], [2.0, 0.0], [0.5, 1.0], rtol=1e-5) for made in (DENSE, STRAIGHT)]
runs += [run_chain(np.linspace(1, 2, n), np.ones(n), np.ones(n), [0.5, 1.0], rtol=1e-5) for n in SIZES]
print(json.dumps([[each.output.counters.tolist(), each.states.tolist()] for each in runs]))
"""


@pytest.mark.parametrize("sizes", [(1, 8), (9, 17)], ids=["one_row", "more_rows"])
def test_interpreted_equals_compiled(sizes):
    found = []
    for disabled in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", INTERPRETED.replace("SIZES", str(sizes))],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    for compiled, interpreted in zip(*found, strict=True):
        assert compiled[0] == interpreted[0]
        np.testing.assert_allclose(compiled[1], interpreted[1], rtol=1e-9)


@both_forms
def test_a_singular_matrix_is_a_rejected_step(made):
    # A state far below its scale begins with a step of 1e-6; growing at 1 / (step gamma) makes its matrix exactly 0.
    growth = 1.0 / 1e-6 * (1.0 / RODAS5P.gamma)
    result = run(made, [0.0, 0.0, -growth, 0.0], [1e-12, 0.0], [2e-6], rtol=1e-6)
    assert result.outcome == Outcome.OK
    assert result.counted("rejected_steps") > 0
    assert result.states[0, 0] == pytest.approx(1e-12 * math.exp(2e-6 * growth), rel=1e-5)
