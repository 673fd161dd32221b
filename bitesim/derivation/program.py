"""Straight-line programs: expressions cut into named steps, shared where equal, and differentiated step by step.

Differentiation is the chain rule over the steps: SymPy gives the partial derivatives of one small step at a time, so
that derivatives share their factors instead of swelling. What depends on parameters alone is cut off into a program of
its own, which runs once a patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy

from bitesim.derivation.symbols import choose_class

Expression = Any
Symbol = Any
#: Direction -> derivative; a direction that is missing is 0.
Gradient = dict[Any, Expression]

_LARGEST_POWER = 8
#: Below this, the derivatives of a power with a variable exponent are 0: they may be without limit, as that of x**0.7, and
#: then no step could follow them, while the power itself no longer matters.
_SMALLEST_BASE = sympy.Float("1e-30")


class Program:
    """Named steps in the order of their computation.

    Parameters
    ----------
    inputs : iterable of symbols
        What the steps may read.
    prefix : str
        Start of the steps' names.
    constants : Program, optional
        Takes over every step that reads nothing but its inputs and steps.
    """

    def __init__(self, inputs: Iterable[Symbol], prefix: str, constants: Program | None = None) -> None:
        self.inputs = list(inputs)
        self.prefix = prefix
        self.constants = constants
        self.steps: dict[Symbol, Expression] = {}
        self._names: dict[Expression, Symbol] = {}
        self._lowered: dict[Expression, Expression] = {}
        self._own = set(self.inputs)

    def extended(self, inputs: Iterable[Symbol]) -> Program:
        """Return a copy that may read further inputs, and for which nothing is constant any more."""
        copy = Program([*self.inputs, *inputs], self.prefix)
        copy.steps, copy._names = dict(self.steps), dict(self._names)
        copy._own |= set(self.steps)
        # Constants that are not among the inputs are out of reach; what they stood for is cut anew.
        copy._lowered = {whole: atom for whole, atom in self._lowered.items() if atom.free_symbols <= copy._own}
        return copy

    def is_constant(self, expression: Expression) -> bool:
        """Return whether an expression reads nothing of this program, only constants."""
        return self.constants is not None and not (expression.free_symbols & self._own)

    def add(self, expressions: Mapping[Any, Expression]) -> dict[Any, Expression]:
        """Cut expressions into steps; return key -> the number or symbol that holds its value."""
        # Constants first, whole: the same product of parameters is then the same number wherever it stands.
        cut = [self._without_constants(expression) for expression in expressions.values()]
        shared, reduced = sympy.cse(cut, sympy.numbered_symbols("shared_"), order="canonical")
        known: dict[Symbol, Expression] = {}
        for symbol, expression in shared:
            known[symbol] = self.atom(expression.xreplace(known))
        return {key: self.atom(each.xreplace(known)) for key, each in zip(expressions, reduced, strict=True)}

    def _without_constants(self, expression: Expression) -> Expression:
        """Return an expression with each largest part that is constant computed by the constants' program."""
        if not expression.args or expression.is_number:
            return expression
        if self.is_constant(expression):
            return self.atom(expression)
        parts = list(expression.args)
        if expression.is_Add or expression.is_Mul:
            parts = self._grouped(expression, expression.func)
        return expression.func(*[self._without_constants(part) for part in parts])

    def atom(self, expression: Expression) -> Expression:
        """Return the number or symbol that holds the value of an expression, after adding the steps it takes."""
        if expression.is_Symbol or expression.is_number:
            return expression
        if expression not in self._lowered:
            if self.is_constant(expression):
                assert self.constants is not None
                self._lowered[expression] = self.constants.atom(expression)
            else:
                self._lowered[expression] = self._step(self._cut(expression))
        return self._lowered[expression]

    def _step(self, expression: Expression) -> Expression:
        """Return the symbol of a step that is already cut small."""
        if expression.is_Symbol or expression.is_number:
            return expression
        if expression not in self._names:
            if self.is_constant(expression):
                assert self.constants is not None
                return self.constants.atom(expression)
            symbol = sympy.Symbol(f"{self.prefix}{len(self.steps)}", real=True)
            self.steps[symbol] = expression
            self._names[expression] = symbol
            self._own.add(symbol)
        return self._names[expression]

    def _cut(self, expression: Expression) -> Expression:
        """Return an expression with atoms in the place of its parts."""
        if expression.is_Add:
            return sympy.Add(*[self._product(term) for term in self._grouped(expression, sympy.Add)])
        if expression.is_Mul:
            return self._product(expression)
        if expression.is_Pow:
            return self._power(expression)
        return expression.func(*[self.atom(part) for part in expression.args])

    def _grouped(self, expression: Expression, combine: Any) -> list[Expression]:
        """Return the parts of a sum or product, those of constants alone combined into one."""
        constant = [part for part in expression.args if self.is_constant(part) and not part.is_number]
        if len(constant) < 2 and not any(not part.is_Symbol for part in constant):
            return list(expression.args)
        numbers = [part for part in expression.args if part.is_number and combine is sympy.Mul and part != -1]
        rest = [part for part in expression.args if part not in constant and part not in numbers]
        return [self.atom(combine(*constant, *numbers)), *rest]

    def _product(self, expression: Expression) -> Expression:
        """Return one term of a sum: an atom, or a product of atoms."""
        if not expression.is_Mul:
            return self.atom(expression)
        return sympy.Mul(*[self.atom(part) for part in self._grouped(expression, sympy.Mul)])

    def _power(self, expression: Expression) -> Expression:
        base, exponent = self.atom(expression.base), expression.exp
        if exponent.is_Integer and abs(int(exponent)) <= _LARGEST_POWER:
            # A reciprocal is a division, its powers are products.
            base = base if exponent > 0 else self._step(1 / base)
            return self._repeated(base, abs(int(exponent))) if abs(exponent) > 1 else base
        if exponent.is_Rational and exponent.q == 2 and abs(exponent.p) <= _LARGEST_POWER:
            root = self._step(sympy.sqrt(base))
            return self._power(root ** int(exponent.p)) if exponent.p != 1 else root
        # x**(2 n) is (x**n)**2: derivatives bring such powers, and a product is cheaper than a power.
        factor, rest = exponent.as_coeff_Mul()
        if exponent.is_Integer:
            # Whole, so that it has a value for a negative base too.
            half = self._step(self._power(base ** (abs(int(exponent)) // 2)))
            whole = self._repeated(half, 2)
            whole = self._step(whole * base) if int(exponent) % 2 else whole
            return whole if exponent > 0 else 1 / whole
        rest = self.atom(rest)
        if factor.is_Integer and factor != 1 and abs(int(factor)) <= _LARGEST_POWER:
            return self._power(self._step(base**rest) ** int(factor))
        return base ** self.atom(exponent)

    def _repeated(self, base: Expression, count: int) -> Expression:
        """Return base**count as a step of products: powers of symbols are steps named after what they are."""
        key = sympy.Function("repeated")(base, sympy.Integer(count))
        return self._step(key)

    def gradients(self, seeds: Mapping[Symbol, Gradient], wanted: Iterable[Expression]) -> dict[Expression, Gradient]:
        """Return the derivatives of atoms by the chain rule over all steps so far, as further steps.

        Parameters
        ----------
        seeds : mapping
            Input symbol -> its derivatives by direction; inputs that are missing have none.
        wanted : iterable
            Atoms whose derivatives are asked for.
        """
        found: dict[Symbol, Gradient] = {symbol: dict(gradient) for symbol, gradient in seeds.items()}
        needed = self.needed(wanted)
        for symbol, expression in list(self.steps.items()):
            if symbol in needed:
                found[symbol] = self._gradient(expression, found)
        return {atom: found.get(atom, {}) for atom in wanted}

    def _gradient(self, expression: Expression, found: Mapping[Symbol, Gradient]) -> Gradient:
        if isinstance(expression, choose_class()):
            left, right, then, otherwise = expression.args
            branches = found.get(then, {}), found.get(otherwise, {})
            # Selected, not multiplied by 0 or 1: the branch not taken may be NaN.
            return {
                direction: self.atom(
                    choose_class()(left, right, branches[0].get(direction, 0), branches[1].get(direction, 0))
                )
                for direction in _merged(*branches)
            }
        terms: dict[Any, list[Expression]] = {}
        for read in sorted(expression.free_symbols & found.keys(), key=lambda symbol: symbol.name):
            partial = self.atom(self._partial(expression, read))
            for direction, derivative in found[read].items():
                terms.setdefault(direction, []).append(partial * derivative)
        return {direction: self.atom(sympy.Add(*parts)) for direction, parts in terms.items()}

    def _partial(self, expression: Expression, read: Symbol) -> Expression:
        """Return the partial derivative of one step by one symbol that it reads."""
        if expression.is_Pow and expression.exp == -1:
            return -(self._names[expression] ** 2)
        if not (expression.is_Pow and not expression.exp.is_number):
            return unrepeated(expression).diff(read)
        # n x**n / x and x**n log(x) are 0 times infinity where x is too small for its power to be a number.
        base, exponent = expression.args
        slope = exponent / base if read == base else sympy.Integer(0)
        slope += sympy.log(base) if read == exponent else 0
        return choose_class()(base, _SMALLEST_BASE, self._names[expression] * slope, 0)

    def needed(self, atoms: Iterable[Expression]) -> set[Symbol]:
        """Return every step that the given atoms depend on."""
        result: set[Symbol] = set()
        pending = [atom for atom in atoms if atom in self.steps]
        while pending:
            symbol = pending.pop()
            if symbol not in result:
                result.add(symbol)
                pending += [read for read in self.steps[symbol].free_symbols if read in self.steps]
        return result


def _merged(first: Gradient, second: Gradient) -> list[Any]:
    return [*first, *(direction for direction in second if direction not in first)]


def is_repeated(expression: Expression) -> bool:
    """Return whether a step is a whole power, kept as such so that it is printed as products."""
    return bool(getattr(expression.func, "__name__", "") == "repeated")


def unrepeated(expression: Expression) -> Expression:
    """Return a whole-power step as SymPy's power, other steps as they are."""
    if is_repeated(expression):
        base, count = expression.args
        return base**count
    return expression
