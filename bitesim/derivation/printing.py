"""Steps as lines of Python: one assignment a line, steps that are read once written into the line that reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sympy

from bitesim.derivation.program import Program, is_repeated

Expression = Any

_LONGEST_INLINE = 60
_SUM, _PRODUCT, _ATOM = 1, 2, 3


class Printer:
    """Writes the steps that some outputs need.

    Parameters
    ----------
    program : Program
    sources : mapping
        Input symbol -> how it is read, e.g. ``state[3]``; each that is needed becomes a line of its own.
    outputs : list of (str, expression)
        What is written, e.g. ``("rate[0]", atom)``; names count as reads.
    """

    def __init__(self, program: Program, sources: Mapping[Any, str], outputs: list[tuple[str, Expression]]) -> None:
        self.program = program
        self.outputs = outputs
        needed = program.needed(atom for _, atom in outputs)
        self.steps = {symbol: expression for symbol, expression in program.steps.items() if symbol in needed}
        self.uses = Counter[Any]()
        for expression in [*self.steps.values(), *(atom for _, atom in outputs)]:
            self.uses.update(_reads(expression))
        self.sources = {symbol: text for symbol, text in sources.items() if self.uses[symbol]}
        self.inlined: dict[Any, tuple[str, int]] = {}

    def lines(self) -> list[str]:
        """Return the body of the function: reads where first needed, steps, outputs as soon as they are known."""
        result: list[str] = []
        read: set[Any] = set()

        def read_first(symbols: Iterable[Any]) -> None:
            for symbol in sorted(symbols, key=lambda each: list(self.sources).index(each)):
                read.add(symbol)
                result.append(f"{symbol} = {self.sources[symbol]}")

        waiting: dict[Any, list[str]] = {}
        for target, atom in self.outputs:
            waiting.setdefault(atom, []).append(target)
        for symbol, expression in self.steps.items():
            text, strength = self.text(expression)
            if self.uses[symbol] == 1 and symbol not in waiting and len(text) <= _LONGEST_INLINE:
                self.inlined[symbol] = (text, strength)
                continue
            read_first(self._sources_of(expression) - read)
            if self.uses[symbol] == 1 and symbol in waiting:
                result.append(f"{waiting.pop(symbol)[0]} = {text}")
                continue
            result.append(f"{symbol} = {text}")
            result += [f"{target} = {symbol}" for target in waiting.pop(symbol, [])]
        for atom, targets in waiting.items():
            read_first(self._sources_of(atom) - read)
            result += [f"{target} = {self.text(atom)[0]}" for target in targets]
        return result

    def _sources_of(self, expression: Expression) -> set[Any]:
        """Return the inputs that a line reads, through the steps written into it."""
        found: set[Any] = set()
        for symbol in expression.free_symbols:
            if symbol in self.sources:
                found.add(symbol)
            elif symbol in self.inlined:
                found |= self._sources_of(self.steps[symbol])
        return found

    def text(self, expression: Expression) -> tuple[str, int]:
        """Return an expression as Python, and how strongly it binds."""
        if expression.is_Symbol:
            return self.inlined.get(expression, (expression.name, _ATOM))
        if expression.is_number:
            return _number(expression)
        if expression.is_Add:
            return self._sum(expression), _SUM
        if expression.is_Mul:
            return self._product(expression)
        if is_repeated(expression):
            base, count = expression.args
            return " * ".join([self.wrapped(base, _ATOM)] * int(count)), _PRODUCT
        if expression.is_Pow:
            return self._power(expression)
        arguments = ", ".join(self.text(part)[0] for part in expression.args)
        return f"{expression.func.__name__}({arguments})", _ATOM

    def wrapped(self, expression: Expression, strength: int) -> str:
        text, own = self.text(expression)
        return text if own >= strength else f"({text})"

    def _sum(self, expression: Expression) -> str:
        terms = sorted(expression.args, key=lambda term: term.could_extract_minus_sign())
        text = self.text(terms[0])[0]
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            text += f" - {self.wrapped(-term, _PRODUCT)}" if negative else f" + {self.wrapped(term, _PRODUCT)}"
        return text

    def _product(self, expression: Expression) -> tuple[str, int]:
        coefficient, rest = expression.as_coeff_Mul()
        if coefficient < 0:
            text = self.wrapped(-expression, _PRODUCT)
            if text.startswith("-"):
                return text[1:], _PRODUCT
            # -a * b is (-a) * b to Python, and the sign of a factor costs nothing in a fused operation.
            return f"-{text}", _PRODUCT
        above = [part for part in sympy.Mul.make_args(rest) if not (part.is_Pow and part.exp == -1)]
        below = [part.base for part in sympy.Mul.make_args(rest) if part.is_Pow and part.exp == -1]
        factors = [self.wrapped(part, _PRODUCT if n == 0 else _ATOM) for n, part in enumerate(above)]
        if coefficient != 1 or not factors:
            factors.insert(0, _number(coefficient)[0])
            factors[1:2] = [self.wrapped(above[0], _ATOM)] if above else []
        text = " * ".join(factors)
        for part in below:
            text += f" / {self.wrapped(part, _ATOM)}"
        return text, _PRODUCT

    def _power(self, expression: Expression) -> tuple[str, int]:
        base, exponent = expression.args
        if exponent == -1:
            return f"1.0 / {self.wrapped(base, _ATOM)}", _PRODUCT
        if exponent == sympy.Rational(1, 2):
            return f"sqrt({self.text(base)[0]})", _ATOM
        return f"power({self.text(base)[0]}, {self.text(exponent)[0]})", _ATOM


def _number(value: Expression) -> tuple[str, int]:
    text = repr(float(value))
    return (text, _ATOM) if float(value) >= 0.0 else (text, _SUM)


def _reads(expression: Expression) -> Counter[Any]:
    """Return how often each symbol is read; a whole power reads its base once for each factor."""
    counts = Counter[Any]()
    if expression.is_Symbol:
        counts[expression] = 1
    elif is_repeated(expression):
        counts[expression.args[0]] = int(expression.args[1])
    else:
        for part in expression.args:
            counts.update(_reads(part))
    return counts
