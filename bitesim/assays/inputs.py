"""Arrays, cell numbers and outcomes that a user hands to an assay: checked once, refused with the likely intent."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number, plain_magnitude, shown
from bitesim.foundation.errors import ParameterError, unknown_name

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

#: Cells that one measurement can analyse: from a poor aspirate to a deep sequencing run.
ALLOWED_CELLS: Final = (100.0, 1e9)
FRACTION_HINT: Final = "A fraction is a share of all nucleated cells: 0.01 % is 1e-4."


def checked_numbers(name: str, values: Any, unit: str, allowed: tuple[float, float], hint: str = "") -> Floats:
    """Return `values`, a number or an array of any shape, as float64 inside the closed range `allowed`.

    Raises
    ------
    ParameterError
        Naming the argument, the first bad value with its position, the allowed range and `hint`.
    """
    values = plain_magnitude(name, values, unit)
    try:
        array = np.asarray(values)
    except ValueError as problem:
        raise ParameterError(
            f"{name} = {shown(values)} is not an array: its rows differ in length. {hint}".strip()
        ) from problem
    if array.ndim == 0:
        return np.asarray(number(name, values[()] if isinstance(values, np.ndarray) else values, unit, allowed, hint))
    if array.dtype.kind not in "iuf":
        for position, item in enumerate(array.ravel().tolist()):
            number(f"{name}[{position}]", item, unit, allowed, hint)
    result = array.astype(np.float64)
    bad = ~((result >= allowed[0]) & (result <= allowed[1]) & np.isfinite(result))
    if bad.any():
        place = tuple(int(axis) for axis in np.unravel_index(int(np.argmax(bad)), result.shape))
        number(f"{name}[{', '.join(map(str, place))}]", result[place], unit, allowed, hint)
    return result


def checked_fraction(name: str, values: Any) -> Floats:
    """Return a fraction of cells, 0 to 1, as float64; a percentage is answered with its fraction.

    Raises
    ------
    ParameterError
        Outside 0 to 1, e.g. ``mrd_fraction = 5 is outside the allowed range: expected 0 to 1. 5 % is 0.05.``
    """
    try:
        return checked_numbers(name, values, "-", (0.0, 1.0), FRACTION_HINT)
    except ParameterError as problem:
        try:
            too_large = [item for item in np.asarray(values, dtype=np.float64).ravel() if 1.0 < item <= 100.0]
        except (TypeError, ValueError):
            too_large = []
        # Only a value that can be a percentage is answered as one.
        if too_large and not isinstance(values, (bool, str)) and "outside" in str(problem):
            hint = f"Did you mean per cent? {too_large[0]:g} % is {too_large[0] / 100.0:g}."
            return checked_numbers(name, values, "-", (0.0, 1.0), hint)
        raise


def check_shapes(**arrays: Any) -> None:
    """Raise `ParameterError` with the names and shapes of NumPy arrays that do not broadcast."""
    try:
        np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError as problem:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ParameterError(
            f"shapes do not fit: {shapes}: expected equal lengths, or single numbers. For every patient at every visit give "
            "one a last axis of length 1, e.g. patients[:, None]."
        ) from problem


def cell_number(name: str, value: Any) -> int:
    """Return a number of cells as an int; 5e5 is one, 1234.5 is not.

    Raises
    ------
    ParameterError
        Outside 100 to 1e9, or not whole.
    """
    cells = number(name, value, "cells", ALLOWED_CELLS, "Give the number of cells analysed, e.g. 500000, not millions.")
    if cells != round(cells):
        raise ParameterError(f"{name} = {shown(value)} is not a whole number of cells: did you mean {round(cells)}?")
    return int(cells)


def outcome_codes(kind: type[IntEnum], outcome: Any) -> Codes:
    """Return outcomes, given as members of `kind`, as their numbers or as their names, as an int8 array.

    Raises
    ------
    ParameterError
        For anything that is not an outcome of this kind of assay; it names the closest one.
    """
    names = [member.name.lower() for member in kind]
    items = np.asarray(outcome, dtype=object)
    codes = np.empty(items.shape, dtype=np.int8)
    flat = codes.reshape(-1)
    for position, item in enumerate(items.ravel()):
        if isinstance(item, str):
            spelled = item.strip().lower().replace(" ", "_").replace(",", "")
            if spelled not in names:
                raise unknown_name("outcome", item, names)
            flat[position] = kind[spelled.upper()]
        elif isinstance(item, (int, np.integer)) and not isinstance(item, bool) and int(item) in kind._value2member_map_:
            flat[position] = int(item)
        else:
            raise unknown_name("outcome", shown(item), names)
    return codes


def values_of_outcomes(
    codes: Codes, valued: IntEnum, value: Any, unit: str, allowed: tuple[float, float], hint: str
) -> tuple[Codes, Floats]:
    """Return outcomes and their values, broadcast; nan where the outcome has no value.

    Parameters
    ----------
    codes : ndarray of int8
    valued : IntEnum
        The one outcome that has a value.
    value : float, ndarray or None
        None and nan mean that there is none.
    unit, allowed, hint
        As in `checked_numbers`.

    Raises
    ------
    ParameterError
        For a missing value, a value with another outcome, or one outside the allowed range.
    """
    given = np.asarray(value)
    if given.dtype == object:
        given = np.array([np.nan if item is None else item for item in given.ravel()]).reshape(given.shape)
    if given.dtype.kind not in "iuf":
        checked_numbers("value", value, unit, allowed, hint)
    check_shapes(outcome=codes, value=given)
    codes, values = np.broadcast_arrays(codes, given.astype(np.float64))
    has_value, missing = codes == valued, np.isnan(values)
    expected = f"expected {allowed[0]:g} to {allowed[1]:g}{'' if unit == '-' else f' {unit}'}"
    if np.any(has_value & missing):
        raise ParameterError(f"value = nan for outcome {valued.name.lower()!r}: {expected}. {hint}")
    stray = values[~has_value & ~missing]
    if stray.size:
        raise ParameterError(
            f"value = {stray[0]:g} for an outcome without a value: expected None or nan. "
            f"Did you mean outcome {valued.name.lower()!r}?"
        )
    checked_numbers("value", np.where(has_value, values, allowed[0]), unit, allowed, hint)
    return codes, values
