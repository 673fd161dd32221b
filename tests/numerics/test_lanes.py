"""Eight numbers side by side, against NumPy, exact fractions and the same functions interpreted."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.lanes import (
    LANES,
    added_up,
    at,
    block,
    fetch_ahead,
    fused,
    has_fused_multiply_add,
    larger,
    load,
    lowest,
    marked,
    over,
    pick,
    plus,
    put,
    rows_for,
    size_of,
    smaller,
    store,
    times,
)

#: What `operations` leaves in each row.
ROWS = ("fused", "plus", "times", "over", "size_of", "larger", "pick", "copied", "splat", "smaller")
SPECIAL = np.array([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 5e-324])


@kernel
def operations(a, b, c, results):
    """Write every operation of row 0 of three blocks; `results` is a block."""
    x, y, z = load(a, 0), load(b, 0), load(c, 0)
    store(results, 0, fused(x, y, z))
    store(results, 1, plus(x, y))
    store(results, 2, times(x, y))
    store(results, 3, over(x, y))
    store(results, 4, size_of(x))
    store(results, 5, larger(x, y))
    store(results, 6, pick(x, y, z))
    store(results, 7, x)
    store(results, 8, 0.1)
    store(results, 9, smaller(x, y))


@kernel
def with_floats(a, number, results):
    """Write every operation of lanes with a float in each place."""
    x = load(a, 0)
    store(results, 0, fused(x, number, 3.0))
    store(results, 1, fused(number, x, x))
    store(results, 2, plus(x, number))
    store(results, 3, plus(number, x))
    store(results, 4, times(number, x))
    store(results, 5, over(number, x))
    store(results, 6, over(x, number))
    store(results, 7, larger(x, number))
    store(results, 8, larger(number, x))
    store(results, 9, pick(number, x, 2.0))
    store(results, 10, pick(x, number, x))
    store(results, 11, fused(number, number, number))
    store(results, 12, size_of(number))


@kernel
def twice_rounded(a, b, c, results):
    store(results, 0, plus(times(load(a, 0), load(b, 0)), load(c, 0)))


@kernel
def running_sum(values, total):
    """Sum the rows of a stack of blocks in a variable that lives through a loop; the rows are counted flat."""
    sum_ = load(values, 0)
    for row in range(1, values.shape[0] * values.shape[1]):
        sum_ = plus(sum_, load(values, row))
        store(values, row, sum_)
    store(total, 0, sum_)


@kernel
def total_of(values):
    return added_up(load(values, 0))


@kernel
def reverse_flat(values, results):
    size = values.size
    for i in range(size):
        put(results, size - 1 - i, at(values, i))


def applied(function, *arguments, rows=10):
    """Return the block of results of a function of blocks."""
    results = block(rows)
    with np.errstate(all="ignore"):
        function(*(np.reshape(each, (1, LANES)) if np.ndim(each) else each for each in arguments), results)
    return results


def expected_operations(x, y, z):
    """Return what NumPy says, without the fused multiply-add."""
    with np.errstate(all="ignore"):
        larger_ones, chosen, smaller_ones = np.where(x > y, x, y), np.where(x > 0.0, y, z), np.where(x < y, x, y)
        return [x + y, x * y, x / y, np.abs(x), larger_ones, chosen, x, np.full(LANES, 0.1), smaller_ones]


def bits(numbers):
    return np.asarray(numbers, float).view(np.int64).tolist()


def same_bits(found, expected):
    """Return whether all bits agree; one NaN is as good as another."""
    return bits(np.where(np.isnan(found), np.nan, found)) == bits(np.where(np.isnan(expected), np.nan, expected))


def test_operations_equal_numpy_bit_by_bit():
    generator = np.random.default_rng(1)
    for _ in range(200):
        x, y, z = generator.standard_normal((3, LANES)) * np.exp2(generator.integers(-40, 40, (3, LANES)))
        assert bits(applied(operations, x, y, z)[1:]) == bits(expected_operations(x, y, z))


def test_special_values_equal_numpy():
    for shift in range(LANES):
        x, y, z = SPECIAL, np.roll(SPECIAL, shift), np.full(LANES, 7.0)
        found = applied(operations, x, y, z)
        for name, row, expected in zip(ROWS[1:], found[1:], expected_operations(x, y, z), strict=True):
            assert same_bits(row, expected), (name, shift)


def exact_cases(count):
    """Return numbers whose product is nearly cancelled, so that rounding it first is seen."""
    generator = np.random.default_rng(2)
    a, b = generator.uniform(1.0, 2.0, (2, count, LANES))
    c = -a * b * (1.0 + generator.choice([0.0, 2.0**-52, 2.0**-30, 0.5], (count, LANES)))
    return zip(a, b, c, strict=True)


def test_fused_is_rounded_once():
    differing = 0
    for a, b, c in exact_cases(100):
        exact = [float(Fraction(x) * Fraction(y) + Fraction(z)) for x, y, z in zip(a, b, c, strict=True)]
        assert applied(operations, a, b, c)[0].tolist() == exact
        differing += np.count_nonzero(exact != a * b + c)
    assert differing > 400


def test_a_product_and_a_sum_are_rounded_twice():
    # The compiler may not fuse what is not written as fused, or results would depend on the processor.
    for a, b, c in exact_cases(100):
        assert bits(applied(twice_rounded, a, b, c, rows=1)[0]) == bits(a * b + c)


@pytest.mark.parametrize("n", [2.0, -0.5, 0.0, 3.0])
def test_a_float_stands_for_eight(n):
    x = np.array([1.0, -2.0, 3.0, -4.0, 0.5, 8.0, 0.0, -1.0])
    # Products of these are exact, so that rounding once or twice is the same.
    with np.errstate(all="ignore"):
        expected = [
            *(x * n + 3.0, n * x + x, x + n, n + x, n * x, n / x, x / n),
            *(np.where(x > n, x, n), np.where(n > x, n, x), x if n > 0.0 else np.full(LANES, 2.0), np.where(x > 0.0, n, x)),
            *(np.full(LANES, n * n + n), np.full(LANES, abs(n))),
        ]
    found = applied(with_floats, x, n, rows=13)
    for row, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        assert same_bits(ours, theirs), row


def test_rows_of_a_stack_are_counted_flat():
    values = np.random.default_rng(4).integers(-50, 50, (3, 5, LANES)).astype(float)
    sums, total = values.copy(), block(1)
    running_sum(sums, total)
    assert np.array_equal(sums.reshape(15, LANES), np.cumsum(values.reshape(15, LANES), axis=0))
    assert np.array_equal(total[0], values.sum(axis=(0, 1)))


def test_eight_numbers_are_added_up_half_by_half():
    values = np.random.default_rng(6).standard_normal((1, LANES))
    a, b, c, d, e, f, g, h = values[0]
    assert total_of(values) == ((a + e) + (c + g)) + ((b + f) + (d + h))


@kernel
def fetch_all(array, count):
    for position in range(count):
        fetch_ahead(array, position)


def test_what_is_fetched_ahead_stays_as_it_is():
    array = np.arange(24.0).reshape(3, 8)
    # Behind the end, too: asking reads nothing.
    fetch_all(array, 40)
    assert np.array_equal(array, np.arange(24.0).reshape(3, 8))


@pytest.mark.parametrize("shape", [(5,), (3, 8), (2, 3, 8)])
def test_at_and_put_count_flat(shape):
    values = np.random.default_rng(5).standard_normal(shape)
    results = np.zeros(shape)
    reverse_flat(values, results)
    assert np.array_equal(results.ravel(), values.ravel()[::-1])


def test_blocks_need_no_alignment():
    raw = np.zeros(4 * LANES + 1)
    for offset in (0, 1):
        a, b, c, d = raw[offset : offset + 4 * LANES].reshape(4, 1, LANES)
        a[0], b[0], c[0] = np.arange(8.0), 2.0, 1.0
        twice_rounded(a, b, c, d)
        assert d.tolist() == [(2.0 * np.arange(8.0) + 1.0).tolist()]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2,), (3,), (7,), (64,), (1000,), (2, 3), (5, 1), (8, 33), (3, 4, 5)])
def test_a_block_is_zero_and_begins_on_a_cache_line(shape):
    kept = [block(*shape) for _ in range(20)]
    for each in kept:
        assert each.shape == (*shape, LANES)
        assert each.dtype == np.float64
        assert each.flags.c_contiguous
        assert each.flags.writeable
        assert each.size == 0 or each.ctypes.data % 64 == 0
        assert not each.any()
    kept[0][...] = 1.0
    assert not kept[1].any()


@kernel
def marks_of(rows, row, found):
    marks, count = marked(rows, row), 0
    while marks != 0:
        found[count] = lowest(marks)
        marks &= marks - 1
        count += 1
    return count


@pytest.mark.parametrize("above", [[], [0], [7], [1, 2, 6], list(range(8))])
def test_lanes_above_zero_are_marked_in_order(above):
    rows, found = np.array([np.ones(8), np.resize([0.0, -1.0, np.nan, -np.inf], 8)]), np.zeros(8, np.int64)
    rows[1, above] = np.resize([5e-324, 1.0, np.inf], len(above))
    assert found[: marks_of(rows, 1, found)].tolist() == above


def test_rows_for_is_the_least_number_of_rows():
    assert rows_for(0) == 0
    for count in range(1, 100):
        assert (rows_for(count) - 1) * LANES < count <= rows_for(count) * LANES


def test_numpy_finds_the_same_multiply_add():
    from numpy._core._multiarray_umath import __cpu_features__ as found

    assert has_fused_multiply_add() == any(found.get(name, False) for name in ("FMA3", "NEON_VFPV4", "VSX"))


def everything():
    """Return the results of all functions for fixed numbers, all of one sign, so that sums do not cancel."""
    x, y, z = np.random.default_rng(6).uniform(0.1, 10.0, (3, LANES))
    stack, total, flat = np.random.default_rng(7).uniform(0.1, 1.0, (2, 3, LANES)), block(1), np.zeros(48)
    running_sum(stack, total)
    reverse_flat(stack, flat)
    parts = (applied(operations, x, y, z), applied(with_floats, x, 0.7, rows=13), stack, total, flat)
    return np.concatenate([each.ravel() for each in parts])


def test_interpreted_equals_compiled_within_one_ulp():
    code = "import json\nfrom tests.numerics.test_lanes import everything\nprint(json.dumps(everything().tolist()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_max_ulp(everything(), np.array(json.loads(done.stdout)), 1)
