"""Functions called by address: which one, with what, where it writes, and that it outlives what made it."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.elementary import exp
from bitesim.numerics.entries import (
    as_array,
    invoke1,
    invoke2,
    invoke3,
    invoke4,
    invoke5,
    invoke_along,
    kernel_entry,
    straight_line_entry,
    whole_stage_entry,
)

ROOT = Path(__file__).parents[2]


def one(a):
    a[0] = 2.0 * a[1]


def two(a, b):
    b[1] = exp(a[0])


def three(a, b, c):
    c[0] = a[0] - 2.0 * b[0]


def four(a, b, c, d):
    d[0] = a[0] + 10.0 * b[0]
    d[1] = c[0]


def five(a, b, c, d, e):
    e[0] = a[0] + 10.0 * b[0]
    e[1] = 100.0 * c[0] + 1000.0 * d[0]


def entries_of(wide):
    functions = (one, two, three, four, five)
    return tuple(straight_line_entry(each, (wide,) * count) for count, each in enumerate(functions, 1))


@kernel
def call_all(entries, a, b, c, d, results, distance):
    """Call five entry points, each writing `distance` behind the one before; the last reads from inside of arrays, too."""
    invoke1(entries[0], results, 0)
    invoke2(entries[1], a, results, distance)
    invoke3(entries[2], a, b, results, 2 * distance)
    invoke4(entries[3], a, b, c, results, 3 * distance)
    invoke_along(entries[4], a, b, c, distance // 2, d, distance, results, 4 * distance)


@kernel
def call_two(entry, a, b, start):
    invoke2(entry, a, b, start)


def called(wide):
    """Return what the five write."""
    if wide:
        arrays = np.arange(1.0, 97.0).reshape(4, 3, 8) / 16.0
        results = np.full((5, 2, 8), 0.25)
    else:
        arrays = np.array([[0.5, 1.0, 2.0], [3.0, 4.0, 8.0], [5.0, 16.0, 32.0], [7.0, 64.0, 128.0]])
        results = np.full((5, 2), 0.25)
    call_all(entries_of(wide), *arrays, results, 16 if wide else 2)
    return arrays, results


@pytest.mark.parametrize("wide", [False, True])
def test_each_is_called_with_its_arrays_and_writes_behind_its_start(wide):
    arrays, results = called(wide)
    a, b, c = arrays[:3, 0]
    kept, inside = np.full_like(a, 0.25), 100.0 * arrays[2, 1] + 1000.0 * arrays[3, 2]
    expected = [[2.0 * kept, kept], [kept, np.exp(a)], [a - 2 * b, kept], [a + 10 * b, c], [a + 10 * b, inside]]
    np.testing.assert_allclose(results, expected, rtol=1e-15)


def test_an_entry_of_mixed_widths():
    entry = straight_line_entry(two, (False, True))
    result = np.zeros((2, 8))
    call_two(entry, np.array([1.0]), result, 0)
    np.testing.assert_array_max_ulp(result, np.repeat([[0.0], [np.e]], 8, axis=1), 1)


def doubling(factor):
    """Return a kernel of pointers; every one made has the same name."""

    @kernel
    def doubled(a, b):
        source, target = as_array(a, 3), as_array(b, 3)
        for i in range(len(source)):
            target[i] = factor * source[i]

    return doubled


def test_kernels_of_one_name_have_entries_of_their_own():
    entries = [kernel_entry(doubling(factor), 2) for factor in (2.0, 3.0, 2.0)]
    found = np.zeros((3, 4))
    for entry, row in zip(entries, found, strict=True):
        call_two(entry, np.array([1.0, 2.0, 3.0]), row, 1)
    assert found.tolist() == [[0.0, 2.0, 4.0, 6.0], [0.0, 3.0, 6.0, 9.0], [0.0, 2.0, 4.0, 6.0]]


def test_callers_are_compiled_once_for_all_entries():
    call_two(kernel_entry(doubling(5.0), 2), np.ones(3), np.zeros(4), 0)
    before = len(call_two.signatures)
    call_two(kernel_entry(doubling(7.0), 2), np.ones(3), found := np.zeros(4), 0)
    assert found.tolist() == [7.0, 7.0, 7.0, 0.0]
    assert len(call_two.signatures) == before


def test_an_entry_outlives_the_kernel_it_was_made_of():
    # Only the address is kept: what is behind it must stay although nothing of Python refers to it.
    entries = [kernel_entry(doubling(float(factor)), 2) for factor in range(10, 15)]
    gc.collect()
    others = [kernel_entry(doubling(float(factor)), 2) for factor in range(20, 25)]
    gc.collect()
    for factor, entry in zip([*range(10, 15), *range(20, 25)], entries + others, strict=True):
        call_two(entry, np.array([1.0, 2.0, 3.0]), found := np.zeros(3), 0)
        assert found.tolist() == [factor, 2.0 * factor, 3.0 * factor]


def test_as_array_reads_and_writes_in_place():
    @kernel
    def reverse(a):
        values = as_array(a, 4)
        for i in range(len(values) // 2):
            values[i], values[len(values) - 1 - i] = values[len(values) - 1 - i], values[i]

    @kernel
    def call(entry, values, start):
        invoke1(entry, values, start)

    values = np.arange(6.0)
    call(kernel_entry(reverse, 1), values, 1)
    assert values.tolist() == [0.0, 4.0, 3.0, 2.0, 1.0, 5.0]


def results():
    """Return what both kinds of entries write; compiled or interpreted, as this process does it."""
    found = np.zeros(4)
    call_two(kernel_entry(doubling(3.0), 2), np.array([1.0, 2.0, 3.0]), found, 1)
    return [*called(False)[1].ravel().tolist(), *called(True)[1].ravel().tolist(), *found.tolist()]


def stage_rate(y, known, slope):
    total = y[0] * known[0]
    slope[0] = exp(-total)
    slope[1] = y[1] - total


def stage_solve(matrix, right):
    first = right[0] * matrix[0]
    right[1] = right[1] - matrix[1] * first
    right[0] = first


@kernel
def take_stage(entry, state, constants, carried, factors, vector, start):
    invoke5(entry, state, constants, carried, factors, vector, start)


def test_a_whole_stage_is_rate_and_what_is_carried_solved():
    state, carried, factors = np.random.default_rng(3).uniform(0.5, 2.0, (3, 2, 8))
    constants, vector = np.full((1, 8), 0.25), np.full((4, 8), 9.0)
    take_stage(whole_stage_entry(stage_rate, stage_solve, 2), state, constants, carried, factors, vector, 8)
    total = 0.25 * state[0]
    first = (np.exp(-total) + carried[0]) * factors[0]
    np.testing.assert_array_max_ulp(vector[1], first, 4)
    np.testing.assert_allclose(vector[2], state[1] - total + carried[1] - factors[1] * vector[1], rtol=1e-14, atol=1e-14)
    assert set(vector[[0, 3]].ravel()) == {9.0}


def test_interpreted_equals_compiled():
    done = subprocess.run(
        [sys.executable, "-c", "import json\nfrom tests.numerics.test_entries import results\nprint(json.dumps(results()))"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_max_ulp(np.array(results()), np.array(json.loads(done.stdout)), 1)
