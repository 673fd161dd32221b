"""Two sums of stages at once, and fused rows, against exact fractions and the same functions interpreted."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.lanes import load
from bitesim.numerics.stage_sums import both_sums, fuse_rows, whole_sums
from tests.numerics.test_combination import rounded_once_each

FIRST = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.1, -2.5, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 1.0 / 3.0]])
SECOND = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1e10, 0.0], [0.3, 0.0, 0.0], [-0.7, 2.0, 5.0]])
BOTH = both_sums(FIRST, SECOND)
#: Weights of a state of each stage: the last but one follows the one before it.
STATES = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [3.0, 1.0, 0.0], [-0.7, 2.0, 5.0]])
WHOLE = whole_sums(FIRST[:4], STATES)
TWICE = np.full((1, 8), 2.0)
ROWS = pytest.mark.parametrize("rows", [1, 3, 4, 6])


@kernel
def both(stage, factors, base, stages, first, second, rows):
    BOTH(stage, load(factors, 0), base, stages, first, second, rows)


@kernel
def whole(stage, factors, base, stages, first, second, rows):
    WHOLE(stage, load(factors, 0), base, stages, first, second, rows)


@kernel
def fuse(factor, a, in_a, b, in_b, result, in_result, rows):
    fuse_rows(factor, a, in_a, b, in_b, result, in_result, rows)


@kernel
def fuse_lanes(factors, a, in_a, b, in_b, result, in_result, rows):
    fuse_rows(load(factors, 0), a, in_a, b, in_b, result, in_result, rows)


def values(rows):
    generator = np.random.default_rng(rows)
    return generator.standard_normal((rows, 8)), generator.standard_normal((len(FIRST[0]), rows, 8))


def expected_sums(table, stage, starts, stages):
    """Return what a sum without weights leaves, or the sums."""
    if not np.any(table[stage]):
        return [9.0] * starts.size
    columns = stages.reshape(len(stages), -1).T
    return [rounded_once_each(start, table[stage], column) for start, column in zip(starts.ravel(), columns, strict=True)]


@ROWS
@pytest.mark.parametrize("stage", range(len(FIRST)))
def test_both_sums_are_fused_term_by_term(stage, rows):
    base, stages = values(rows)
    first, second = np.full((2, rows + 1, 8), 9.0)
    both(stage, TWICE, base, stages, first, second, rows)
    # Twice a number is exact.
    alone = expected_sums(FIRST, stage, np.zeros_like(base), stages)
    assert first[:rows].ravel().tolist() == (alone if not FIRST[stage].any() else [2.0 * each for each in alone])
    assert second[:rows].ravel().tolist() == expected_sums(SECOND, stage, base, stages)
    assert set(first[rows]) | set(second[rows]) == {9.0}


@ROWS
def test_whole_sums_are_those_of_both_with_the_last_term_last(rows):
    base, stages = values(rows)
    first, second = np.full((2, rows + 1, 8), 9.0)
    for stage in range(1, len(STATES)):
        before = second[:rows].copy()
        whole(stage, TWICE, base, stages, first, second, rows)
        alone = expected_sums(FIRST, stage, np.zeros_like(base), stages)
        if FIRST[stage].any():
            assert first[:rows].ravel().tolist() == [2.0 * each for each in alone]
        weights = [weight for weight in STATES[stage] if weight]
        begun = before if stage == 2 else base
        terms = np.array(weights[:-1] if stage != 2 else [])[np.newaxis]
        sums = expected_sums(terms, 0, begun, stages[: terms.size]) if terms.size else begun.ravel().tolist()
        last = stages[len(weights) - 1].ravel()
        assert second[:rows].ravel().tolist() == [exact(weights[-1], *each) for each in zip(last, sums, strict=True)]
    assert set(first[rows]) | set(second[rows]) == {9.0}


def test_a_weight_of_zero_does_not_carry_what_is_not_finite():
    base, stages = values(2)
    stages[2] = np.nan
    first, second = np.zeros((2, 2, 8))
    both(2, TWICE, base, stages, first, second, 2)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()


def exact(factor, number, added):
    return float(Fraction(factor) * Fraction(number) + Fraction(added))


@ROWS
def test_rows_are_fused_where_they_begin(rows):
    generator = np.random.default_rng(rows)
    a, b = generator.standard_normal((2, 2 * rows, 8))
    factors = generator.standard_normal((1, 8))
    for function, factor, by_lane in ((fuse, 0.1, np.full(8, 0.1)), (fuse_lanes, factors, factors[0])):
        result = np.full((3 * rows, 8), 9.0)
        function(factor, a, rows, b, 0, result, rows, rows)
        for row in range(rows):
            operands = zip(by_lane, a[rows + row], b[row], strict=True)
            assert result[rows + row].tolist() == [exact(*each) for each in operands]
        assert set(result[:rows].ravel()) | set(result[2 * rows :].ravel()) == {9.0}


def test_what_is_added_to_may_be_written():
    _, stages = values(3)
    expected = 2.0 * stages[0] + stages[2]
    fuse(2.0, stages, 0, stages, 6, stages, 6, 3)
    # Twice a number is exact.
    assert np.array_equal(stages[2], expected)


def results():
    """Return sums of one sign; compiled or interpreted, as this process does it."""
    base, stages = np.abs(values(3)[0]), np.abs(values(3)[1])
    found, sums = np.zeros((2, len(FIRST), 3, 8)), np.zeros((2, 3, 3, 8))
    for stage in (1, 2, 3):
        sums[1, stage - 1] = sums[1, max(stage - 2, 0)]
        whole(stage, TWICE, base, np.abs(stages), sums[0, stage - 1], sums[1, stage - 1], 3)
    stages[1] *= -1.0
    both(2, TWICE, base, stages, found[0, 2], found[1, 2], 3)
    stages[1] *= -1.0
    both(1, TWICE, base, stages, found[0, 1], found[1, 1], 3)
    both(3, TWICE, base, stages, found[0, 3], found[1, 3], 3)
    fuse(0.3, stages, 3, base, 0, found[0, 4], 0, 3)
    fuse_lanes(base, stages, 0, stages, 6, found[1, 4], 0, 3)
    return [*found.ravel().tolist(), *sums[1].ravel().tolist()]


def test_interpreted_equals_compiled():
    code = "import json\nfrom tests.numerics.test_stage_sums import results\nprint(json.dumps(results()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert np.count_nonzero(found) > 100
    ours, first = results(), 2 * FIRST.shape[0] * 24
    np.testing.assert_array_max_ulp(np.array(ours[:first]), np.array(found[:first]), 1)
    # Up to four terms, of both signs.
    np.testing.assert_array_max_ulp(np.array(ours[first:]), np.array(found[first:]), 2)
