"""Weighted sums of stages, against exact fractions and NumPy."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.numerics.combination import weighted_sum

WEIGHTED = weighted_sum(4)


@kernel
def weighted(before, stages, weights, wanted, result):
    WEIGHTED(before, stages, weights, wanted, result)


def values(rows):
    generator = np.random.default_rng(rows)
    return generator.standard_normal((rows, 8)), generator.standard_normal((4, rows, 8))


def rounded_once_each(start, weights, numbers):
    """Return the sums of the even and the odd terms, each product added exactly and rounded then, and added at the end."""
    sums, used = [start, 0.0], [pair for pair in zip(weights, numbers, strict=True) if pair[0] != 0.0]
    for position, (weight, number) in enumerate(used):
        sums[position % 2] = float(Fraction(weight) * Fraction(number) + Fraction(sums[position % 2]))
    return float(sums[0] + sums[1])


def results():
    """Return sums of one sign; compiled or interpreted, as this process does it."""
    base, stages = values(3)
    interpolated = np.zeros((3, 8))
    weighted(np.abs(base), np.abs(stages), np.abs(weights_of_lanes()), np.array([0, 2]), interpolated)
    return interpolated.ravel().tolist()


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
    assert np.count_nonzero(ours) == 16
    theirs = np.array(json.loads(done.stdout))
    # Interpreted, the four terms of an interpolation are added one after the other.
    np.testing.assert_array_max_ulp(ours, theirs, 4)
