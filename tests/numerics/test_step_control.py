"""The controller's norm, its limits, and the first step."""

import math

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.lanes import load, store
from bitesim.numerics.step_control import (
    LARGEST_GROWTH,
    LARGEST_HOPE,
    SAFETY,
    SMALLEST_SHRINK,
    first_step,
    judge,
    squared_error,
    step_factor,
)

#: What the power's rough digits allow.
ROUGH = 6e-4


def judged(total, count=1, step=1.0, before=0.0):
    """Return (mean square, factor, permitted step) after a step that followed one of the permitted size `before`."""
    control = np.zeros((7, 8))
    # Lanes beside it do not matter.
    control[:4] = np.random.default_rng(1).uniform(0.1, 2.0, (4, 8))
    control[:4, 5] = total, 1.0 / count, step, 1.0 / before if before else 0.0
    with np.errstate(all="ignore"):
        judge(control)
        return control[4, 5], control[5, 5], 1.0 / control[6, 5]


@kernel
def squares_of(stages, before, after, allowed, squares):
    for row in range(squares.shape[0]):
        last = load(stages, (stages.shape[0] - 1) * squares.shape[0] + row)
        store(squares, row, squared_error(last, before, after, allowed, row))


def test_squares_are_the_errors_over_what_each_state_may_err():
    generator = np.random.default_rng(3)
    stages, before, after = (generator.standard_normal(shape) for shape in ((4, 3, 8), (3, 8), (3, 8)))
    scale = generator.uniform(0.1, 10.0, (3, 8))
    tolerance = np.array([1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10])
    squares = np.zeros((3, 8))
    squares_of(stages, before, after, np.array([*scale, tolerance]), squares)
    expected = (stages[-1] / (tolerance * (scale + np.maximum(np.abs(before), np.abs(after))))) ** 2
    np.testing.assert_allclose(squares, expected, rtol=1e-14)


@pytest.mark.parametrize(("error", "after"), [(math.nan, 1.0), (math.inf, 1.0), (0.0, math.nan), (math.inf, math.inf)])
def test_what_is_not_finite_is_no_acceptable_error(error, after):
    stages, new, squares = np.zeros((2, 1, 8)), np.ones((1, 8)), np.zeros((1, 8))
    stages[1, 0, 3], new[0, 3] = error, after
    squares_of(stages, np.ones((1, 8)), new, np.ones((2, 8)), squares)
    assert not squares[0, 3] <= 1.0
    assert not np.delete(squares, 3).any()


def test_the_square_is_the_mean_square():
    weighted = np.array([0.5, -2.0, 1.0])
    assert judged(np.sum(weighted**2), 3)[0] == pytest.approx(np.mean(weighted**2), rel=1e-15)
    assert judged(0.0, 5)[0] == 0.0


def test_the_factor_follows_the_error_order():
    # An error of step**5: half the step has 1/32 of the error, so 32 times the error asks for half the step.
    assert judged(1.0)[1] == SAFETY
    for factor in (0.2, 0.5, 2.0, 5.0):
        error = factor**-5.0
        square, proposed, permitted = judged(error**2 * 7, 7, step=0.3)
        assert square == pytest.approx(error**2, rel=1e-14)
        assert proposed == pytest.approx(SAFETY * factor, rel=ROUGH)
        assert permitted == pytest.approx(0.3 * factor, rel=ROUGH)


def test_steps_that_shrink_are_expected_to_shrink_on_and_those_that_grow_to_grow_half_as_fast():
    # The step 0.3 might have been 0.6.
    square = (0.3 / 0.6) ** 10
    for before, expected in (
        (0.6, 1.0),
        (0.8, 0.75),
        (1.2, 0.5),
        (0.5, 1.1),
        (0.4, 1.25),
        (0.3, LARGEST_HOPE),
        (0.1, LARGEST_HOPE),
    ):
        assert judged(square, step=0.3, before=before)[1] == pytest.approx(SAFETY * 2.0 * expected, rel=2 * ROUGH)


def test_a_rejected_step_is_never_tried_again_as_long():
    for square in (math.nextafter(1.0, 2.0), 1.1, 100.0):
        for before in (0.0, 1e-9, 1.0, 1e9):
            assert judged(square, before=before)[1] <= SAFETY * (1.0 + ROUGH)


def test_the_factor_stays_in_its_limits():
    for tiny in (0.0, 5e-324, 1e-300, 1e-24, 1e-22):
        for before in (0.0, 1e-9, 1.0, 100.0):
            assert judged(tiny, before=before)[1] == LARGEST_GROWTH
    for huge in (1e20, 1e300, math.inf):
        for before in (0.0, 1e-9, 1e9):
            assert judged(huge, before=before)[1] == SMALLEST_SHRINK
    assert judged(0.5, before=1e9)[1] == SMALLEST_SHRINK


def test_after_a_rejection_the_step_does_not_grow():
    assert step_factor(0.01, 3.0, False) == 3.0
    assert step_factor(0.01, 3.0, True) == 1.0
    assert step_factor(2.0, 0.7, False) == step_factor(2.0, 0.7, True) == 0.7


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("after_rejection", [False, True])
def test_an_unknown_error_shrinks_the_step_most(bad, after_rejection):
    assert step_factor(bad, judged(bad)[1], after_rejection) == SMALLEST_SHRINK


def first(state, derivative, scale, tolerance=1e-6, longest=10.0, place=None):
    arrays = (np.atleast_2d(np.array(each, float)) for each in (state, derivative, scale))
    return first_step(*arrays, place or (np.size(state), 1, 0), tolerance, longest)


def test_the_first_step_is_a_hundredth_of_the_time_of_the_fastest_change():
    assert first([1.0], [-1e6], [1e-9]) == pytest.approx(1e-8, rel=1e-8)
    # Of several, by root mean square of what is large against its own scale.
    state, rates, scale = np.array([1.0, 200.0]), np.array([-30.0, 1e4]), np.array([1.0, 200.0])
    weight = scale + np.abs(state)
    expected = 0.01 * np.linalg.norm(state / weight) / np.linalg.norm(rates / weight)
    assert first(state, rates, scale) == pytest.approx(expected, rel=1e-12)


def test_the_first_step_is_bounded_by_tolerance_and_piece():
    assert first([1.0], [1e-3], [1.0], tolerance=1e-5, longest=math.inf) == pytest.approx(0.01)
    assert first([1.0], [1e-3], [1.0], tolerance=1e-5, longest=1e-3) == 1e-3
    assert 0.0 < first([0.0], [0.0], [1.0]) <= 1e-6
    assert 0.0 < first([0.0], [1e6], [1.0]) <= 1e-6


def test_the_first_step_counts_the_states_at_their_place():
    # Eight systems side by side: states are rows, so that those of one system are eight numbers apart.
    generator = np.random.default_rng(5)
    state, rates = generator.uniform(1.0, 2.0, (2, 3, 8))
    scale = generator.uniform(0.1, 1.0, (3, 8))
    rates *= 100.0 * np.arange(1.0, 9.0)
    for lane in range(8):
        alone = first(state[:, lane], rates[:, lane], scale[:, lane])
        assert first_step(state, rates, scale, (3, 8, lane), 1e-6, 10.0) == alone
