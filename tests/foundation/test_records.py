"""Named views, compiled and interpreted, reading and writing."""

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.foundation.compiled import kernel
from bitesim.foundation.records import record_type

STATE = record_type(("blasts", "drug"))
COMPLEX_STATE = record_type(("blasts", "drug"), "c16")


@kernel
def swap(vector):
    s = vector.view(STATE)[0]
    held = s.blasts
    s.blasts = s.drug
    s.drug = held


@kernel
def product(vector):
    s = vector.view(COMPLEX_STATE)[0]
    return s.blasts * s.drug


@pytest.mark.parametrize("function", [swap, getattr(swap, "py_func", swap)])
def test_names_read_and_write_the_vector(function):
    vector = np.array([1.0, 2.0])
    function(vector)
    assert vector.tolist() == [2.0, 1.0]


def test_complex_records_carry_derivatives():
    assert product(np.array([3.0 + 1e-30j, 4.0 + 0j])).imag / 1e-30 == pytest.approx(4.0)


@pytest.mark.parametrize("names", [("a b",), ("class",), ("copy",), ("x", "x"), (1,), (), "blasts", ("\N{MICRO SIGN}",)])
def test_names_that_cannot_be_fields_are_refused(names):
    with pytest.raises(ParameterError, match="field name"):
        record_type(names)


def test_the_refusal_names_the_position_and_the_name():
    with pytest.raises(ParameterError, match=r"names\[1\] = 'view'"):
        record_type(["blasts", "view"])
