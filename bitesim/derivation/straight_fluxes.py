"""A model's fluxes as straight-line text: its own Python, run once on names instead of numbers.

Every operation becomes one line, in the order of the source, so that eight replicates side by side compute what one does.
It needs no symbolic algebra, and tells which species each flux reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NoReturn

import numpy as np

from bitesim.derivation.plain_python import PlainPython
from bitesim.foundation.errors import BitesimError
from bitesim.model import Model

#: Arguments of the text, in order.
ARGUMENTS: Final = ("state", "parameters", "flux")
_LARGEST_POWER: Final = 16
_KINKS: Final = "bitesim.mechanisms.kinks"


@dataclass(frozen=True)
class StraightFluxes:
    """Fluxes as text.

    Parameters
    ----------
    text : str
        Source of fluxes(state, parameters, flux), assignments only.
    reads : tuple of frozenset of int
        For each process, positions of the species that its flux is computed from.
    """

    text: str
    reads: tuple[frozenset[int], ...]


@dataclass
class _Lines:
    """What was written so far."""

    lines: list[str] = field(default_factory=list)

    def named(self, expression: str, reads: frozenset[int]) -> Written:
        name = f"t{len(self.lines)}"
        self.lines.append(f"    {name} = {expression}")
        return Written(self, name, reads)


class Written:
    """A value of the text: its name, and the species it is computed from. It knows arithmetic, and no comparison."""

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, lines: _Lines, name: str, reads: frozenset[int]) -> None:
        self.lines, self.name, self.reads = lines, name, reads

    @property
    def real(self) -> Written:
        """The value itself."""
        return self

    def _with(self, symbol: str, other: Any, *, reverse: bool = False) -> Any:
        if not isinstance(other, (Written, int, float, np.integer, np.floating)):
            return NotImplemented
        left, right = (text_of(other), self.name) if reverse else (self.name, text_of(other))
        return self.lines.named(f"{left} {symbol} {right}", self.reads | reads_of(other))

    def __add__(self, other: Any) -> Any:
        return self._with("+", other)

    def __radd__(self, other: Any) -> Any:
        return self._with("+", other, reverse=True)

    def __sub__(self, other: Any) -> Any:
        return self._with("-", other)

    def __rsub__(self, other: Any) -> Any:
        return self._with("-", other, reverse=True)

    def __mul__(self, other: Any) -> Any:
        return self._with("*", other)

    def __rmul__(self, other: Any) -> Any:
        return self._with("*", other, reverse=True)

    def __truediv__(self, other: Any) -> Any:
        return self._with("/", other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("/", other, reverse=True)

    def __neg__(self) -> Written:
        return self.lines.named(f"-{self.name}", self.reads)

    def __pos__(self) -> Written:
        return self

    def __pow__(self, other: Any) -> Any:
        if isinstance(other, (int, np.integer)) and abs(int(other)) <= _LARGEST_POWER:
            return _whole_power(self, int(other))
        return _call("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _call("power", other, self)

    def _compared(self, *_: Any) -> NoReturn:
        raise TypeError("a value of straight-line text cannot be compared")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __float__ = _compared


def text_of(value: Any) -> str:
    """Return a value as it stands in the text."""
    return value.name if isinstance(value, Written) else f"({float(value)!r})"


def reads_of(value: Any) -> frozenset[int]:
    """Return the species that a value is computed from."""
    return value.reads if isinstance(value, Written) else frozenset()


def _whole_power(base: Written, exponent: int) -> Any:
    if exponent == 0:
        return 1.0
    result: Any = None
    square, rest = base, abs(exponent)
    while rest:
        if rest & 1:
            result = square if result is None else result * square
        rest >>= 1
        square = square * square if rest else square
    return result if exponent > 0 else 1.0 / result


def _call(function: str, *values: Any) -> Written:
    written = [value for value in values if isinstance(value, Written)]
    reads = frozenset[int]().union(*(value.reads for value in written))
    return written[0].lines.named(f"{function}({', '.join(map(text_of, values))})", reads)


def _of_values(function: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of values that are written, and of plain numbers."""

    def twin(*values: Any) -> Any:
        return _call(function, *values) if any(isinstance(value, Written) for value in values) else plain(*values)

    return twin


def _positive_part(x: Any) -> Any:
    return _call("choose", x, 0.0, x, 0.0) if isinstance(x, Written) else max(x, 0.0)


def _at_least(x: Any, floor: Any) -> Any:
    is_written = isinstance(x, Written) or isinstance(floor, Written)
    return _call("choose", x, floor, x, floor) if is_written else max(x, floor)


def _positive_power(x: Any, exponent: Any) -> Any:
    if not isinstance(x, Written):
        return x**exponent if x > 0.0 else 0.0
    return _call("choose", x, 0.0, _call("power", x, exponent), 0.0)


@cache
def _substitutes() -> Mapping[tuple[str, str], Callable[..., Any]]:
    table: dict[tuple[str, str], Callable[..., Any]] = {
        (_KINKS, "positive_part"): _positive_part,
        (_KINKS, "at_least"): _at_least,
        (_KINKS, "positive_power"): _positive_power,
        ("numpy", "square"): lambda x: x * x,
        ("numpy", "power"): _of_values("power", np.power),
        ("math", "pow"): _of_values("power", np.power),
    }
    for module in ("math", "numpy"):
        table |= {(module, name): _of_values(name, getattr(np, name)) for name in ("exp", "log", "sqrt")}
    return table


class _Record:
    """Values by name, as a kernel reads them; `lines` is where what is made of them is written."""

    def __init__(self, values: Mapping[str, Written]) -> None:
        self.__dict__["_values"] = values

    def __getattr__(self, name: str) -> Written:
        try:
            value: Written = self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(name) from None
        return value


class _Fluxes:
    """What a kernel writes by name."""

    def __init__(self) -> None:
        object.__setattr__(self, "_values", {})

    def __setattr__(self, name: str, value: Any) -> None:
        self._values[name] = value

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None


def straight_fluxes(model: Model) -> StraightFluxes | None:
    """Return a model's fluxes as straight-line text; None where they branch on values or use other functions."""
    lines, fluxes = _Lines(), _Fluxes()
    species, catalogue = list(model.species), list(model.catalogue)
    s = {name: Written(lines, f"state[{i}]", frozenset((i,))) for i, name in enumerate(species)}
    p = {name: Written(lines, f"parameters[{i}]", frozenset()) for i, name in enumerate(catalogue)}
    try:
        PlainPython(_substitutes()).of(model.fluxes)(_Record(s), _Record(p), fluxes)
    except (TypeError, AttributeError, ValueError, BitesimError):
        # Whatever they do, they can still be computed one replicate after the other.
        return None
    written = [fluxes._values.get(name, 0.0) for name in model.processes]
    if set(fluxes._values) - set(model.processes):
        return None
    results = [f"    flux[{i}] = {text_of(value)}" for i, value in enumerate(written)]
    text = "\n".join([f"def fluxes({', '.join(ARGUMENTS)}):", *lines.lines, *results])
    return StraightFluxes(text, tuple(reads_of(value) for value in written))
