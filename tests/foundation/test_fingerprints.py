"""Fingerprints follow everything that numba freezes into a kernel."""

import types

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
