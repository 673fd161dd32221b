"""Twins of kernels run on numbers that no kernel takes, whatever way a callee is found, and change no original."""

import cmath
import math
from fractions import Fraction
from math import exp as exponential

import numpy as np
import numpy as numerics
import pytest
from numba.core.dispatcher import Dispatcher
from numba.core.errors import TypingError
from numpy import log as logarithm

from bitesim.derivation.plain_python import PlainPython
from bitesim.foundation.compiled import kernel
from bitesim.mechanisms import kinks
from bitesim.mechanisms.kinks import positive_part
from bitesim.mechanisms.kinks import saturation as hill

THIRD = Fraction(1, 3)
RATE = 3


@kernel
def tripled(x):
    return RATE * x


@kernel
def by_name(x):
    return tripled(x) + tripled(x)


@kernel
def by_module(x):
    return kinks.at_least(x, 0) + kinks.positive_part(x)


@kernel
def by_two_floors(x):
    return by_name(by_module(x))


@kernel
def with_default(x, factor=2):
    return factor * tripled(x)


@kernel
def with_keyword_default(x, *, factor=2):
    return factor * tripled(x)


@kernel
def power_of(x, n):
    if n == 0:
        return 1
    return x * power_of(x, n - 1)


@kernel
def is_even(n):
    return True if n == 0 else is_odd(n - 1)


@kernel
def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def with_inner_functions(x):
    def inner(y):
        return tripled(y)

    return inner(x) + sum(tripled(each) for each in (x, x)) + (lambda y: tripled(y))(x)


def made_by_a_factory(callee, factor):
    @kernel
    def enclosing(x):
        return factor * callee(x)

    return enclosing


def twin_of(function, substitutes=None):
    return PlainPython(substitutes or {}).of(function)


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (tripled, (THIRD,), 1),
        (by_name, (THIRD,), 2),
        (by_module, (THIRD,), 2 * THIRD),
        (by_two_floors, (THIRD,), 4),
        (with_default, (THIRD,), 2),
        (with_default, (THIRD, 5), 5),
        (with_inner_functions, (THIRD,), 4),
        (power_of, (THIRD, 3), Fraction(1, 27)),
        (made_by_a_factory(tripled, 7), (THIRD,), 7),
        (made_by_a_factory(made_by_a_factory(by_name, 2), 2), (THIRD,), 8),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_callee_is_followed(function, arguments, expected):
    # A compiled callee would refuse a fraction, so all of them ran as plain Python, and exactly.
    result = twin_of(function)(*arguments)
    assert type(result) in (int, Fraction)
    assert result == expected


def test_keyword_defaults_are_kept():
    assert twin_of(with_keyword_default)(THIRD) == 2
    assert twin_of(with_keyword_default)(THIRD, factor=3) == 3


def test_functions_that_call_each_other_end():
    twin = twin_of(is_even)
    assert [twin(n) for n in range(4)] == [True, False, True, False]
    assert twin.__globals__["is_odd"].__globals__["is_even"] is twin


def test_one_twin_per_function():
    plain = PlainPython({})
    assert plain.of(tripled) is plain.of(tripled) is plain.of(by_name).__globals__["tripled"]


def test_originals_stay_as_they_were():
    functions = [by_two_floors, by_module, power_of, made_by_a_factory(tripled, 2)]
    before = [(f.py_func.__globals__, f.py_func.__closure__, f.py_func.__code__, f.py_func.__defaults__) for f in functions]
    content = dict(globals())
    for function in functions:
        twin = twin_of(function)
        assert twin is not function.py_func
        assert twin.__globals__ is not function.py_func.__globals__
    after = [(f.py_func.__globals__, f.py_func.__closure__, f.py_func.__code__, f.py_func.__defaults__) for f in functions]
    assert all(x is y for first, second in zip(before, after, strict=True) for x, y in zip(first, second, strict=True))
    assert {name: value for name, value in globals().items() if value is not content.get(name)} == {}
    assert isinstance(kinks.positive_part, Dispatcher)
    assert functions[-1].py_func.__closure__[0].cell_contents is tripled
    # The kernels are still compiled ones, which refuse fractions.
    assert by_two_floors(3.0) == 36.0
    with pytest.raises(TypingError):
        by_two_floors(THIRD)


def test_what_a_twin_reads_is_what_its_original_read():
    twin = twin_of(by_name).__globals__["tripled"]
    assert twin.__globals__["RATE"] == RATE
    assert set(twin.__globals__) <= {"RATE", "__builtins__"}


@kernel
def by_math(x):
    return math.exp(x) + exponential(x)


@kernel
def by_numpy(x):
    return np.exp(x) + numerics.exp(x) + logarithm(x)


@kernel
def by_complex_math(x):
    return cmath.sqrt(x)


@kernel
def by_kinks(x):
    return kinks.positive_part(x) + positive_part(x) + hill(x, 2, 1)


@pytest.mark.parametrize(
    ("function", "table", "expected"),
    [
        (by_math, {("math", "exp"): lambda x: 10 * x}, 20 * THIRD),
        (by_numpy, {("numpy", "exp"): lambda x: 10 * x, ("numpy", "log"): lambda x: 100 * x}, 120 * THIRD),
        (by_complex_math, {("cmath", "sqrt"): lambda x: 10 * x}, 10 * THIRD),
        (
            by_kinks,
            {
                ("bitesim.mechanisms.kinks", "positive_part"): lambda x: 10 * x,
                ("bitesim.mechanisms.kinks", "positive_power"): lambda x, exponent: x,
            },
            20 * THIRD + THIRD / (2 + THIRD),
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_substitutes_are_found_by_any_name(function, table, expected):
    assert twin_of(function, table)(THIRD) == expected


def test_a_substitute_is_for_its_module_alone():
    # math's and NumPy's functions have the same names.
    with pytest.raises(TypeError):
        twin_of(by_numpy, {("math", "exp"): lambda x: x, ("math", "log"): lambda x: x})(None)


def test_without_a_substitute_a_library_function_stays_itself():
    plain = PlainPython({})
    assert plain.of(math.gamma) is math.gamma
    assert plain.of(np.tanh) is np.tanh
    assert twin_of(by_math)(1.0) == 2.0 * math.e


@pytest.mark.parametrize("value", [1.5, "text", None, (1, 2), Fraction, float, np.float64, THIRD])
def test_values_and_classes_are_returned_as_they_are(value):
    assert PlainPython({}).of(value) is value


def test_members_of_a_module_are_twins_too():
    members = PlainPython({}).of(kinks)
    assert members.at_least(THIRD, 0) == THIRD
    with pytest.raises(AttributeError):
        members.at_leest  # noqa: B018
