"""Fingerprints follow everything that numba freezes into a kernel."""

import sys
import types
from collections import namedtuple

import numba
import numpy as np
import pytest

from bitesim.foundation.fingerprints import CannotFingerprint, fingerprint

TABLE = np.array([1.0, 2.0])


def reader(x):
    return TABLE[0] * x


def caller(x):
    return reader(x) + 1.0


def rebuilt(function, **names):
    return types.FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


def test_equal_content_has_an_equal_fingerprint():
    assert fingerprint(caller) == fingerprint(rebuilt(caller)) == fingerprint(caller)


def test_a_changed_array_or_callee_changes_it():
    assert fingerprint(reader) != fingerprint(rebuilt(reader, TABLE=np.array([1.0, 2.5])))
    assert fingerprint(reader) != fingerprint(rebuilt(reader, TABLE=TABLE.astype(np.float32)))
    other = rebuilt(reader, TABLE=np.array([3.0]))
    assert fingerprint(caller) != fingerprint(rebuilt(caller, reader=other))


def test_closures_and_defaults_count():
    def make(factor):
        def scaled(x, power=2):
            return factor * x**power

        return scaled

    assert fingerprint(make(2.0)) == fingerprint(make(2.0))
    assert fingerprint(make(2.0)) != fingerprint(make(3.0))
    # 1 and 1.0 compile to different types.
    assert fingerprint(make(1)) != fingerprint(make(1.0))


def test_recursion_ends():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert len(fingerprint(even)) == 64


def test_what_is_not_understood_is_refused():
    class Odd:
        pass

    with pytest.raises(CannotFingerprint, match="Odd"):
        fingerprint(rebuilt(reader, TABLE=Odd()))


def one(x):
    return x + 1.0


def two(x):
    return x + 2.0


def differ(function, first, second):
    return fingerprint(rebuilt(function, reader=first)) != fingerprint(rebuilt(function, reader=second))


def test_flags_of_a_callee_count():
    assert differ(caller, numba.njit(one), numba.njit(error_model="numpy")(one))
    assert not differ(caller, numba.njit(one), numba.njit(one))


def test_ufuncs_and_callbacks_count_by_content():
    def named(function):
        return types.FunctionType(function.__code__, {}, "same")

    for made in (numba.vectorize(["f8(f8)"]), numba.cfunc("f8(f8)")):
        assert differ(caller, made(named(one)), made(named(two)))
        assert not differ(caller, made(one), made(one))


def test_names_of_a_named_tuple_count():
    first, second = namedtuple("Pair", "a b")(1.0, 2.0), namedtuple("Pair", "b a")(1.0, 2.0)
    assert fingerprint(rebuilt(reader, TABLE=first)) != fingerprint(rebuilt(reader, TABLE=second))


def module(name, **members):
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


def test_modules_in_closures_count_by_what_is_used_of_them():
    def make(rates):
        def scaled(x):
            return rates.one(x)

        return scaled

    assert fingerprint(make(module("rates", one=one))) != fingerprint(make(module("rates", one=two)))
    assert fingerprint(make(module("rates", one=one))) == fingerprint(make(module("rates", one=one, unused=two)))


def test_modules_that_import_each_other_end():
    first, second = module("first"), module("second")
    first.second, second.first = second, first

    def reads(x):
        return first.second.first.rate * x

    assert len(fingerprint(reads)) == 64


def test_a_users_file_named_like_the_standard_library_counts(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "statistics", module("statistics", __file__=str(tmp_path / "statistics.py")))
    first, second = (types.FunctionType(function.__code__, {}, "mean") for function in (one, two))
    first.__module__ = second.__module__ = "statistics"
    assert differ(caller, first, second)
