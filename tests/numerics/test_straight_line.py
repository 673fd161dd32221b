"""Straight-line code: what it refuses, both widths, fused products, where it writes, and interpreted."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.elementary import choose, exp, log, power, sqrt
from bitesim.numerics.straight_line import NotStraightLine, body_with, straight_line

ROOT = Path(__file__).parents[2]


def called(function, widths, *arrays, start=0, padded=False):
    """Call straight-line code from a kernel; return the last array."""
    code = straight_line(function, widths, padded=padded)
    if len(widths) == 1:

        @kernel
        def caller(a, start):
            code(a, start)

    elif len(widths) == 2:

        @kernel
        def caller(a, b, start):
            code(a, b, start)

    else:

        @kernel
        def caller(a, b, c, start):
            code(a, b, c, start)

    caller(*arrays, start)
    return arrays[-1]


def defined(folder, text):
    """Return the function `f` of a file with this text."""
    path = folder / "defined.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(f"defined_{abs(hash(text))}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


# What is refused, and what the message names.

REFUSED = {
    "if": ("if a[0] > 1.0:\n        b[0] = 1.0", "if a[0] > 1.0:"),
    "for": ("for i in range(2):\n        b[0] = 1.0", "for i in range(2):"),
    "while": ("while True:\n        b[0] = 1.0", "while True:"),
    "pass": ("pass", "pass"),
    "return": ("return a[0]", "return a[0]"),
    "call_alone": ("exp(a[0])", "exp(a[0])"),
    "augmented": ("b[0] += a[0]", "b[0] += a[0]"),
    "annotated": ("x: float = a[0]\n    b[0] = x", "x: float = a[0]"),
    "two_targets": ("b[0] = b[1] = a[0]", "b[0] = b[1] = a[0]"),
    "unpacking": ("x, y = a[0], a[1]", "(a[0], a[1])"),
    "unknown_function": ("b[0] = sin(a[0])", "sin(a[0])"),
    "method": ("b[0] = a.sum()", "a.sum()"),
    "module": ("b[0] = math.exp(a[0])", "math.exp(a[0])"),
    "keyword": ("b[0] = power(a[0], exponent=2.0)", "power(a[0], exponent=2.0)"),
    "unknown_name": ("b[0] = zeta", "zeta"),
    "later_name": ("b[0] = x\n    x = a[0]", "x"),
    "array_as_value": ("b[0] = a", "a"),
    "name_as_index": ("i = 1\n    b[0] = a[i]", "a[i]"),
    "negative_index": ("b[0] = a[-1]", "a[-1]"),
    "fractional_index": ("b[0] = a[0.0]", "a[0.0]"),
    "slice": ("b[:] = a[0]", "b[:]"),
    "two_indices": ("b[0] = a[0, 1]", "a[0, 1]"),
    "element_of_nothing": ("b[0] = d[0]", "d[0]"),
    "written_to_nothing": ("d[0] = a[0]", "d[0]"),
    "attribute": ("a.x = 1.0", "a.x"),
    "raised": ("b[0] = a[0] ** 2", "a[0] ** 2"),
    "modulo": ("b[0] = a[0] % 2.0", "a[0] % 2.0"),
    "comparison": ("b[0] = a[0] > 1.0", "a[0] > 1.0"),
    "conditional": ("b[0] = 1.0 if a[0] > 1.0 else 2.0", "1.0 if a[0] > 1.0 else 2.0"),
    "text": ("b[0] = 'one'", "'one'"),
    "complex": ("b[0] = a[0] * 1j", "1j"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_assignment_of_arithmetic_is_refused_by_its_line(name, tmp_path):
    statement, named = REFUSED[name]
    function = defined(tmp_path, f"def f(a, b):\n    x0 = a[0] * 2.0\n    {statement}\n")
    with pytest.raises(NotStraightLine) as refused:
        called(function, (False, False), np.zeros(2), np.zeros(2))
    assert str(refused.value).splitlines()[0].endswith(f": {named}")


def test_a_lambda_is_refused():
    with pytest.raises(NotStraightLine, match="expected a function"):
        called(lambda a, b: None, (False, False), np.zeros(2), np.zeros(2))


def test_eight_numbers_are_not_written_where_one_belongs():
    def narrows(wide, plain):
        x = wide[0] + 1.0
        plain[0] = x

    with pytest.raises(NotStraightLine, match="eight numbers cannot be written where one belongs"):
        called(narrows, (True, False), np.zeros((1, 8)), np.zeros(1))


@pytest.mark.parametrize("widths", [(), (False,), (False, False, True)])
def test_lanes_are_told_for_every_argument(widths):
    def two(a, b):
        b[0] = a[0]

    with pytest.raises(NotStraightLine, match=r"two has the arguments \('a', 'b'\)"):
        straight_line(two, widths)


@pytest.mark.parametrize(
    "call", ["exp(a[0], a[1])", "exp()", "sqrt(a[0], a[1])", "sqrt()", "choose(a[0], 1.0)", "power(a[0])"]
)
def test_a_wrong_number_of_arguments_is_refused_by_its_line(call, tmp_path):
    function = defined(tmp_path, f"def f(a, b):\n    b[0] = {call}\n")
    with pytest.raises(NotStraightLine) as refused:
        called(function, (False, False), np.zeros(2), np.zeros(2))
    assert call in str(refused.value)


# What it computes.


def arithmetic(a, b, c):
    """Everything that is understood, once."""
    x = a[0]
    y = a[1]
    s = x + b[0]
    x = s - y
    c[0] = s
    c[1] = x
    c[2] = -x
    c[3] = (x + y) / (b[1] + 3)
    c[4] = exp(-x / 4.0) + log(y)
    c[5] = sqrt(y) - power(b[1], y)
    c[6] = choose(x, y, b[0], c[0])
    c[7] = 1e-3
    c[8] = c[7] + c[6]
    c[0] = c[0] - (1.0 - (2.0 - s))


def by_hand(x, y, b0, b1):
    """Return what `arithmetic` means, written with NumPy for rows or numbers."""
    s = x + b0
    x = s - y
    chosen = np.where(x > y, b0, s)
    small = np.full_like(s, 1e-3)
    rows = [s - (1.0 - (2.0 - s)), x, -x, (x + y) / (b1 + 3), np.exp(-x / 4.0) + np.log(y), np.sqrt(y) - b1**y]
    return np.array(np.broadcast_arrays(*rows, chosen, small, small + chosen))


ROWS = np.random.default_rng(1).uniform(0.5, 3.0, (2, 8))
PLAIN = np.array([0.75, 1.25])


def test_one_and_eight_compute_the_same_bits():
    wide = called(arithmetic, (True, False, True), ROWS, PLAIN, np.zeros((9, 8)))
    np.testing.assert_allclose(wide, by_hand(*ROWS, *PLAIN), rtol=4e-15)
    for lane in range(8):
        one = called(arithmetic, (False, False, False), ROWS[:, lane].copy(), PLAIN, np.zeros(9))
        assert one.tolist() == wide[:, lane].tolist()


def test_a_plain_number_stands_for_eight_equal_ones():
    eight_equal = np.repeat(PLAIN[:, None], 8, axis=1)
    mixed = called(arithmetic, (True, False, True), ROWS, PLAIN, np.zeros((9, 8)))
    assert np.array_equal(mixed, called(arithmetic, (True, True, True), ROWS, eight_equal, np.zeros((9, 8))))
    turned = called(arithmetic, (False, True, True), PLAIN, ROWS, np.zeros((9, 8)))
    np.testing.assert_allclose(turned, by_hand(*PLAIN, *ROWS), rtol=4e-15)
    all_plain = called(arithmetic, (False, False, True), PLAIN, PLAIN, np.zeros((9, 8)))
    assert np.array_equal(all_plain, np.repeat(all_plain[:, :1], 8, axis=1))
    np.testing.assert_allclose(all_plain, np.repeat(by_hand(*PLAIN, *PLAIN)[:, None], 8, axis=1), rtol=4e-15)


def products(a, b):
    b[0] = a[0] * a[1] + a[2]
    b[1] = a[2] + a[0] * a[1]
    b[2] = a[0] * a[1] - a[2]
    b[3] = a[2] - a[0] * a[1]
    b[4] = a[0] * a[1] + a[2] * a[3]
    b[5] = a[0] * a[1] - a[2] * a[3]
    p = a[0] * a[1]
    b[6] = p + a[2]
    b[7] = -(a[0] * a[1]) + a[2]
    b[8] = a[0] * a[1] * a[3] + a[2]


def exact_products(a, b, c, d):
    """Return the same with exact fractions, rounded where `products` rounds."""

    def rounded(number):
        return float(number) if number else 0.0

    ab, product = Fraction(a) * Fraction(b), Fraction(a * b)
    c_, d_ = Fraction(c), Fraction(d)
    return [
        *(rounded(ab + c_), rounded(c_ + ab), rounded(ab - c_), rounded(c_ - ab)),
        # Of two products the right one is fused, the left one rounded first.
        *(rounded(product + c_ * d_), rounded(product - c_ * d_)),
        # What has a name, or a sign before it, is a number and not a product.
        *(rounded(product + c_), rounded(c_ - product), rounded(product * d_ + c_)),
    ]


@pytest.mark.parametrize("wide", [False, True])
def test_a_product_that_is_added_is_fused(wide):
    generator, differing = np.random.default_rng(3), np.zeros(9, int)
    function = straight_line(products, (wide, wide))

    @kernel
    def caller(a, b):
        function(a, b, 0)

    for _ in range(40):
        a, b, d = generator.uniform(1.0, 2.0, (3, 8))
        c = a * b * generator.choice([-1.0, 1.0, 1.0 + 2.0**-52], 8)
        d = np.where(generator.random(8) < 0.5, 1.0 + 2.0**-52, d)
        values = np.array([a, b, c, d])
        found = np.zeros((9, 8))
        if wide:
            caller(values, found)
        else:
            for lane in range(8):
                caller(values[:, lane].copy(), column := np.zeros(9))
                found[:, lane] = column
        expected = np.array([exact_products(*column) for column in values.T.tolist()]).T
        assert found.tolist() == expected.tolist()
        twice = [a * b + c, c + a * b, a * b - c, c - a * b, a * b + c * d, a * b - c * d]
        differing[:6] += np.count_nonzero(expected[:6] != twice, axis=1)
    assert np.all(differing[:6] > 50)


def constants(a):
    a[0] = 0.1
    a[1] = 5e-324
    a[2] = 1.7976931348623157e308
    a[3] = 1e999
    a[4] = -0.0
    a[5] = 9007199254740993
    a[6] = 2.2250738585072014e-308
    a[7] = -1e-5


def test_constants_keep_every_bit():
    expected = [0.1, 5e-324, 1.7976931348623157e308, math.inf, -0.0, 9007199254740992.0, 2.2250738585072014e-308, -1e-5]
    one, eight = called(constants, (False,), np.zeros(8)), called(constants, (True,), np.zeros((8, 8)))
    assert list(map(str, one.tolist())) == list(map(str, expected))
    assert eight.tolist() == [[each] * 8 for each in expected]


def swaps(v):
    a = v[0]
    b = v[1]
    v[0] = b
    v[1] = a


def test_a_name_holds_what_was_read_before_it_was_overwritten():
    assert called(swaps, (False,), np.array([1.0, 2.0])).tolist() == [2.0, 1.0]
    assert np.array_equal(called(swaps, (True,), ROWS.copy()), ROWS[::-1])


@pytest.mark.parametrize("start", [0, 1, 8, 13])
def test_the_start_moves_the_last_array_alone(start):
    def writes(a, b):
        b[0] = a[0] + b[2]
        b[1] = a[1]

    plain = called(writes, (False, False), np.array([[5.0], [6.0]]), np.arange(24.0).reshape(3, 8), start=start)
    expected = np.arange(24.0)
    expected[start : start + 2] = [5.0 + start + 2.0, 6.0]
    assert plain.ravel().tolist() == expected.tolist()
    wide = called(writes, (False, True), np.array([5.0, 6.0]), np.arange(48.0).reshape(2, 3, 8), start=start)
    expected = np.arange(48.0)
    expected[start + 8 : start + 16] = 6.0
    expected[start : start + 8] = 5.0 + np.arange(start + 16.0, start + 24.0)
    assert wide.ravel().tolist() == expected.tolist()


def test_arrays_of_any_shape_are_counted_flat():
    def reads(a, b):
        b[5] = a[7]

    result = called(reads, (False, False), np.arange(8.0).reshape(2, 2, 2), np.zeros((3, 2)))
    assert result.ravel().tolist() == [0.0] * 5 + [7.0]


# Rows written at once.


def four_of_eleven(a, b):
    """Write in any order, one of them twice."""
    b[10] = a[0]
    b[3] = a[0] + 1.0
    b[0] = 4.0
    b[3] = a[0] * 16.0
    b[9] = a[0] + 8.0


def reads_what_it_wrote(a, b):
    b[0] = a[0]
    b[2] = b[0] + 1.0


def test_padded_rows_are_those_of_the_numbers_with_zeros_between_and_behind():
    one_by_one = called(four_of_eleven, (False, False), np.array([0.5]), np.zeros(24))
    expected = np.zeros(16)
    expected[[0, 3, 9, 10]] = [4.0, 8.0, 8.5, 0.5]
    assert one_by_one.tolist() == [*expected, *np.zeros(8)]
    result = np.full((2, 3, 8), 77.0)
    padded = called(four_of_eleven, (False, False), np.array([0.5]), result, start=16, padded=True).ravel()
    assert padded[16:32].tolist() == expected.tolist()
    assert set(padded[:16]) | set(padded[32:]) == {77.0}


@pytest.mark.parametrize("padded", [False, True])
def test_what_was_written_is_read(padded):
    result = called(reads_what_it_wrote, (False, False), np.array([5.0]), np.zeros(8), padded=padded)
    assert result[:3].tolist() == [5.0, 0.0, 6.0]


@pytest.mark.parametrize("widths", [(False, True), (True, True)])
def test_a_block_of_eight_is_not_padded(widths):
    def copies(a, b):
        b[0] = a[0]

    with pytest.raises(NotStraightLine):
        called(copies, widths, np.ones((1, 8)), np.ones((1, 8)), padded=True)


# The body under other names.


def test_a_body_is_given_with_its_arrays_renamed_and_nothing_else():
    def scaled(a, b):
        """Names of arrays alone are changed."""
        b_0 = exp(a[1])
        b[0] = b_0 * a[0]

    lines = body_with(scaled, ("state", "vector"))
    assert lines[1:] == ["    b_0 = exp(state[1])", "    vector[0] = b_0 * state[0]"]


# Interpreted.


def results():
    """Return what straight-line code computes in all widths; compiled or interpreted, as this process does it."""
    found = []
    for widths in ((False, False, False), (True, False, True), (True, True, True), (False, True, True)):
        arrays = [ROWS if wide else PLAIN for wide in widths[:2]]
        shape = (10, 8) if widths[2] else (10,)
        found.append(called(arithmetic, widths, *arrays, np.ones(shape), start=8 if widths[2] else 1).tolist())
    return found


def swapped():
    """Return two rows and two numbers that were exchanged."""
    return [called(swaps, (True,), ROWS.copy()).tolist(), called(swaps, (False,), PLAIN.copy()).tolist()]


@pytest.mark.parametrize("computed", [results, swapped])
def test_interpreted_equals_compiled(computed):
    name = computed.__name__
    code = f"import json\nfrom tests.numerics.test_straight_line import {name}\nprint(json.dumps({name}()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for ours, plain in zip(computed(), json.loads(done.stdout), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=4e-15)
