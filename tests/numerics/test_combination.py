"""Weighted sums of stages, against exact fractions and NumPy."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.combination import increment_sum, stage_sum, weighted_sum

TABLE = np.array([
    [0.0, 0.0, 0.0, 0.0],
    [1.0, 0.0, 0.0, 0.0],
    [0.1, -2.5, 0.0, 0.0],
    [0.0, 1e10, 1.0 / 3.0, -0.7],
    [0.0, 0.0, 0.0, 1.0],
])  # fmt: skip
ONTO_BASE = stage_sum(TABLE, onto_base=True)
ALONE = stage_sum(TABLE, onto_base=False)
INCREMENT = increment_sum(TABLE)
WEIGHTED = weighted_sum(4)


@kernel
def onto_base(stage, base, stages, result, first_row, rows):
    ONTO_BASE(stage, base, stages, result, first_row, rows)


@kernel
def alone(stage, base, stages, result, first_row, rows):
    ALONE(stage, base, stages, result, first_row, rows)


@kernel
def complete(stage, stages, inverse_step, first_row, rows):
    INCREMENT(stage, stages, inverse_step, first_row, rows)


@kernel
def weighted(before, stages, weights, wanted, result):
    WEIGHTED(before, stages, weights, wanted, result)


def values(rows):
    generator = np.random.default_rng(rows)
    return generator.standard_normal((rows, 8)), generator.standard_normal((len(TABLE[0]), rows, 8))


def rounded_once_each(start, weights, numbers):
    """Return the sums of the even and the odd terms, each product added exactly and rounded then, and added at the end."""
    sums, used = [start, 0.0], [pair for pair in zip(weights, numbers, strict=True) if pair[0] != 0.0]
    for position, (weight, number) in enumerate(used):
        sums[position % 2] = float(Fraction(weight) * Fraction(number) + Fraction(sums[position % 2]))
    return float(sums[0] + sums[1])


@pytest.mark.parametrize("stage", range(1, len(TABLE)))
@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("sums", [onto_base, alone])
def test_sums_are_fused_term_by_term(sums, rows, stage):
    base, stages = values(rows)
    result = np.full((3, rows, 8), 9.0)
    sums(stage, base, stages, result, rows, rows)
    starts = base.ravel() if sums is onto_base else np.zeros(base.size)
    columns = stages.reshape(len(stages), -1).T
    expected = [rounded_once_each(start, TABLE[stage], column) for start, column in zip(starts, columns, strict=True)]
    assert result[1].ravel().tolist() == expected
    assert set(result[0].ravel()) | set(result[2].ravel()) == {9.0}


@pytest.mark.parametrize("sums", [onto_base, alone])
def test_a_weight_of_zero_does_not_carry_what_is_not_finite(sums):
    base, stages = values(2)
    stages[2:] = np.nan
    result = np.zeros((2, 8))
    sums(2, base, stages, result, 0, 2)
    assert np.isfinite(result).all()


def test_the_base_may_be_written():
    base, stages = values(3)
    expected = base + stages[0]
    onto_base(1, base, stages, base, 0, 3)
    assert np.array_equal(base, expected)


@pytest.mark.parametrize("sums", [onto_base, alone])
def test_a_stage_without_weights_is_left_alone(sums):
    base, stages = values(2)
    result = np.full((2, 8), 9.0)
    sums(0, base, stages, result, 0, 2)
    assert np.array_equal(result, np.full((2, 8), 9.0))


def increment_case(rows):
    """Return stages, of which the last holds a rate, and one inverse step a lane."""
    generator = np.random.default_rng(100 + rows)
    stages = generator.standard_normal((len(TABLE[0]) + 1, rows, 8))
    return stages, generator.uniform(0.5, 2.0, (1, 8))


@pytest.mark.parametrize("stage", range(len(TABLE)))
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_an_increment_is_its_rate_and_what_earlier_stages_carry(rows, stage):
    stages, inverse_step = increment_case(rows)
    expected = stages.copy()
    for row in range(rows):
        for lane in range(8):
            carried = rounded_once_each(0.0, TABLE[stage], stages[:-1, row, lane])
            exact = Fraction(inverse_step[0, lane]) * Fraction(carried) + Fraction(stages[-1, row, lane])
            # The first stage carries nothing, and is left alone.
            expected[-1, row, lane] = float(exact) if np.any(TABLE[stage]) else stages[-1, row, lane]
    complete(stage, stages, inverse_step, len(TABLE[0]) * rows, rows)
    assert np.array_equal(stages, expected)


def results():
    """Return sums of one sign; compiled or interpreted, as this process does it."""
    found = np.zeros((2, len(TABLE), 3, 8))
    base, stages = np.abs(values(3)[0]), np.abs(values(3)[1])
    stages[[1, 3]] *= -1.0
    for number, sums in enumerate((onto_base, alone)):
        for stage in (1, 2, 4):
            sums(stage, base, stages, found[number], 3 * stage, 3)
    stages, inverse_step = (np.abs(each) for each in increment_case(3))
    # Stage 3 has a positive weight here: of the other sign it would nearly cancel the rate.
    stages[1] *= -1.0
    for stage in (1, 2, 4):
        complete(stage, stages, inverse_step, 12, 3)
    interpolated = np.zeros((3, 8))
    weighted(base, np.abs(values(3)[1]), np.abs(weights_of_lanes()), np.array([0, 2]), interpolated)
    return [*found.ravel().tolist(), *stages[-1].ravel().tolist(), *interpolated.ravel().tolist()]


def weights_of_lanes():
    return np.random.default_rng(7).standard_normal((4, 8))


def test_every_lane_has_weights_of_its_own_and_only_wanted_rows_are_written():
    base, stages = values(5)
    weights, result = weights_of_lanes(), np.full((5, 8), 9.0)
    weighted(base, stages, weights, np.array([3, 0]), result)
    for row in (0, 3):
        columns = zip(base[row], weights.T, stages[:, row].T, strict=True)
        assert result[row].tolist() == [rounded_once_each(start, lane, numbers) for start, lane, numbers in columns]
    assert set(result[[1, 2, 4]].ravel()) == {9.0}


def test_interpreted_equals_compiled():
    code = "import json\nfrom tests.numerics.test_combination import results\nprint(json.dumps(results()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours = np.array(results())
    assert np.count_nonzero(ours) == 2 * 3 * 24 + 24 + 16
    theirs = np.array(json.loads(done.stdout))
    np.testing.assert_array_max_ulp(ours[:-24], theirs[:-24], 1)
    # Interpreted, the four terms of an interpolation are added one after the other.
    np.testing.assert_array_max_ulp(ours[-24:], theirs[-24:], 4)
