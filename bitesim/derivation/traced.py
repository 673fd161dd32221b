"""What a traced function computes with: an expression that knows arithmetic and refuses to be compared.

SymPy's own symbols answer some comparisons (``x == 0.0`` is False), and a function that branches on them would be traced
along one branch without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import sympy


class Traced:
    """A SymPy expression with + - * / ** and nothing else."""

    #: NumPy's numbers leave arithmetic with it to this class.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expression: Any) -> None:
        self.expression = expression

    @property
    def real(self) -> Traced:
        """The expression itself: states and parameters are real."""
        return self

    def __add__(self, other: Any) -> Traced:
        return Traced(self.expression + plain(other))

    def __radd__(self, other: Any) -> Traced:
        return Traced(plain(other) + self.expression)

    def __sub__(self, other: Any) -> Traced:
        return Traced(self.expression - plain(other))

    def __rsub__(self, other: Any) -> Traced:
        return Traced(plain(other) - self.expression)

    def __mul__(self, other: Any) -> Traced:
        return Traced(self.expression * plain(other))

    def __rmul__(self, other: Any) -> Traced:
        return Traced(plain(other) * self.expression)

    def __truediv__(self, other: Any) -> Traced:
        return Traced(self.expression / plain(other))

    def __rtruediv__(self, other: Any) -> Traced:
        return Traced(plain(other) / self.expression)

    def __pow__(self, other: Any) -> Traced:
        return Traced(self.expression ** plain(other))

    def __rpow__(self, other: Any) -> Traced:
        return Traced(plain(other) ** self.expression)

    def __neg__(self) -> Traced:
        return Traced(-self.expression)

    def __pos__(self) -> Traced:
        return self

    def _compared(self, *_: Any) -> NoReturn:
        raise TypeError("cannot determine truth value of an expression")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _compared


def plain(value: Any) -> Any:
    """Return the SymPy expression of a traced value or a number.

    Raises
    ------
    TypeError
        For anything else: text, None, arrays.
    """
    if isinstance(value, Traced):
        return value.expression
    if isinstance(value, (str, bytes)) or value is None:
        raise TypeError(f"{value!r} is not a number")
    return sympy.sympify(value)


def of_traced(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of SymPy expressions as one of traced values."""

    def wrapped(*arguments: Any) -> Traced:
        return Traced(function(*map(plain, arguments)))

    return wrapped
