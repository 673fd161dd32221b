"""What an assay accepts: arrays, fractions, cell numbers, outcomes and their values."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
import pint
import pytest

from bitesim import ParameterError
from bitesim.assays.inputs import (
    cell_number,
    check_shapes,
    checked_fraction,
    checked_numbers,
    outcome_codes,
    values_of_outcomes,
)


class Light(IntEnum):
    NOT_LIT = 0
    LIT = 1


@pytest.mark.parametrize("values", [3, 3.0, np.float32(3.0), np.array(3), [1, 2], np.ones((2, 3)), np.zeros((0,))])
def test_numbers_keep_their_shape(values: Any) -> None:
    checked = checked_numbers("x", values, "-", (0.0, 5.0))
    assert checked.dtype == np.float64
    assert checked.shape == np.shape(values)
    assert np.array_equal(checked, values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1.0, 2.0], [3.0, 9.0]], ["x[1, 1] = 9.0", "0 to 5"]),
        (np.array([1.0, np.nan]), ["x[1] = nan", "missing value"]),
        (np.array([np.inf, 1.0]), ["x[0] = inf"]),
        ([1.0, None], ["x[1] = None"]),
        (["1", 2], ["x[0] = '1'", "quotes"]),
        (np.array([True, False]), ["x[0] = True", "truth value"]),
        ([[1], [1, 2]], ["rows differ in length"]),
        (1 + 2j, ["x = (1+2j)"]),
    ],
)
def test_a_bad_number_is_named_with_its_place(values: Any, words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        checked_numbers("x", values, "-", (0.0, 5.0))
    for word in words:
        assert word in str(caught.value)


def test_quantities_are_converted() -> None:
    quantity = pint.UnitRegistry().Quantity([0.6, 1.0], "ng/mL")
    assert checked_numbers("level", quantity, "pg/mL", (0.0, 1e6)) == pytest.approx([600.0, 1000.0])


@pytest.mark.parametrize(("value", "meant"), [(5, "5 % is 0.05"), ([0.1, 30], "30 % is 0.3"), (100.0, "100 % is 1.")])
def test_a_percentage_is_answered_with_its_fraction(value: Any, meant: str) -> None:
    with pytest.raises(ParameterError) as caught:
        checked_fraction("mrd_fraction", value)
    for word in ("mrd_fraction", "expected 0 to 1", meant):
        assert word in str(caught.value)


@pytest.mark.parametrize("value", [-1e-3, 400.0, "5", None, True, float("nan")])
def test_what_is_no_percentage_is_not_answered_as_one(value: Any) -> None:
    with pytest.raises(ParameterError, match=r"0\.01 % is 1e-4"):
        checked_fraction("mrd_fraction", value)


def test_shapes_that_do_not_fit_are_named() -> None:
    check_shapes(x=np.zeros((3, 1)), y=np.zeros(4), z=np.zeros(()))
    with pytest.raises(ParameterError, match=r"x \(3,\), y \(4,\)"):
        check_shapes(x=np.zeros(3), y=np.zeros(4))


def test_cell_numbers_are_whole() -> None:
    assert cell_number("cells_analysed", 5e5) == 500_000
    for value, word in (
        (-5, "100 to 1e\\+09"),
        (0.5, "not millions"),
        (1234.5, "whole"),
        (1e12, "1e\\+09"),
        ("many", "text"),
    ):
        with pytest.raises(ParameterError, match=word):
            cell_number("cells_analysed", value)


@pytest.mark.parametrize("given", ["lit", "Lit", Light.LIT, 1, np.int8(1)])
def test_spellings_of_an_outcome(given: Any) -> None:
    assert outcome_codes(Light, given) == Light.LIT
    assert outcome_codes(Light, [given, "not lit"]).tolist() == [1, 0]


@pytest.mark.parametrize("given", ["litt", 7, None, 1.0, True])
def test_an_unknown_outcome_lists_the_known_ones(given: Any) -> None:
    with pytest.raises(ParameterError, match="Known: not_lit, lit"):
        outcome_codes(Light, given)


def test_only_one_outcome_has_a_value() -> None:
    def check(outcome: Any, value: Any) -> list[list[float]]:
        codes, values = values_of_outcomes(outcome_codes(Light, outcome), Light.LIT, value, "lx", (1.0, 9.0), "Look.")
        return [codes.tolist(), values.tolist()]

    assert check(["lit", "lit"], [2.0, 3]) == [[1, 1], [2.0, 3.0]]
    assert str(check(["lit", "not_lit"], [2.0, None])) == "[[1, 0], [2.0, nan]]"
    assert str(check("not_lit", None)) == "[0, nan]"
    for outcome, value, word in (
        ("lit", None, "value = nan for outcome 'lit': expected 1 to 9 lx. Look."),
        ("not_lit", 2.0, "Did you mean outcome 'lit'?"),
        ("lit", 0.5, "value = 0.5 lx is outside"),
        ("lit", "2", "text"),
    ):
        with pytest.raises(ParameterError) as caught:
            check(outcome, value)
        assert word in str(caught.value)
