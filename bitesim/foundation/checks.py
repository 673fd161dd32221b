"""Checks of what a user hands in: each refusal names the argument, the value, the allowed range and the likely intent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import BitesimError, ParameterError

ErrorClass = type[BitesimError]


def shown(value: object) -> str:
    """Return `value` as an error message shows it: short, on one line, NumPy scalars as plain numbers."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "..."


def plain_magnitude(name: str, value: Any, unit: str, error: ErrorClass = ParameterError) -> Any:
    """Return `value` itself, or its magnitude in `unit` when it is a quantity with units (pint and its like)."""
    if not (hasattr(value, "to") and hasattr(value, "magnitude")):
        return value
    try:
        return value.to(unit).magnitude
    except Exception as problem:
        raise error(f"{name} = {shown(value)} cannot be converted to {unit}: {problem}") from problem


def number(
    name: str,
    value: Any,
    unit: str,
    allowed: tuple[float, float],
    hint: str = "",
    error: ErrorClass = ParameterError,
) -> float:
    """Return `value` as a float in `unit`, or raise `error`.

    Parameters
    ----------
    name : str
        The argument's name as the user wrote it.
    value : number or quantity
        Anything real; objects with ``.to(unit).magnitude`` are converted. Booleans and text are refused.
    unit : str
        Unit in which the value is read.
    allowed : (float, float)
        Closed range of allowed values; an infinite end is open.
    hint : str
        What the user probably meant, appended to a refusal.
    error : type
        Class to raise, a subclass of `BitesimError`.
    """
    in_unit = "" if unit == "-" else f" {unit}"
    expected = f"expected {range_text(allowed)}{in_unit}"
    tail = f" {hint}" if hint else ""
    value = plain_magnitude(name, value, unit, error)
    if isinstance(value, (bool, np.bool_)):
        raise error(f"{name} = {shown(value)} is a truth value, not a number: {expected}.{tail}")
    if isinstance(value, (str, bytes)):
        raise error(f"{name} = {shown(value)} is text, not a number: {expected}; write the number without quotes.{tail}")
    if not isinstance(value, Real):
        raise error(f"{name} = {shown(value)} ({type(value).__name__}) is not a number: {expected}.{tail}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if math.isnan(result):
        raise error(f"{name} = nan is not a number (missing value?): {expected}.{tail}")
    if math.isinf(result) or not allowed[0] <= result <= allowed[1]:
        raise error(f"{name} = {shown(value)}{in_unit} is outside the allowed range: {expected}.{tail}")
    return result


def whole_number(name: str, value: Any, allowed: tuple[int, int], hint: str = "", error: ErrorClass = ParameterError) -> int:
    """Return `value` as an int inside the closed range `allowed`, or raise `error`; 2.0 is not a whole number."""
    tail = f" {hint}" if hint else ""
    expected = f"expected a whole number, {allowed[0]} to {allowed[1]}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise error(f"{name} = {shown(value)} is not a whole number: {expected}.{tail}")
    if not allowed[0] <= int(value) <= allowed[1]:
        raise error(f"{name} = {shown(value)} is outside the allowed range: {expected}.{tail}")
    return int(value)


def range_text(allowed: tuple[float, float]) -> str:
    """Return a closed range in words: '0.1 to 500', 'at least 0', 'a finite number'."""
    lower, upper = allowed
    if math.isinf(lower) and math.isinf(upper):
        return "a finite number"
    if math.isinf(upper):
        return f"at least {lower:g}"
    if math.isinf(lower):
        return f"at most {upper:g}"
    return f"{lower:g} to {upper:g}"


def increasing_times(name: str, values: Sequence[float] | NDArray[np.float64], hint: str = "") -> NDArray[np.float64]:
    """Return `values` as a float64 vector of strictly increasing, finite, non-negative days.

    Raises
    ------
    ParameterError
        For an empty or nested list, text, NaN, negative, repeated or unordered times; it names the position.
    """
    values = plain_magnitude(name, values, "day")
    items = list(values) if np.ndim(values) == 1 else None
    if items is None:
        raise ParameterError(f"{name} must be a flat list of days, e.g. [0, 1, 7, 28]; got {shown(values)}. {hint}".strip())
    if not items:
        raise ParameterError(f"{name} is empty: give at least one time in days, e.g. [0, 1, 7, 28]. {hint}".strip())
    times = np.array([number(f"{name}[{i}]", item, "days", (0.0, 36525.0), hint) for i, item in enumerate(items)])
    for position, step in enumerate(np.diff(times), start=1):
        if step <= 0.0:
            problem = "repeats" if step == 0.0 else "is earlier than"
            raise ParameterError(
                f"{name}[{position}] = {times[position]:g} {problem} the time before it ({times[position - 1]:g}): "
                f"times must increase strictly; sort them and drop repeats. {hint}".strip()
            )
    return times
