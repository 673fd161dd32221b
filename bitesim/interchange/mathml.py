"""MathML: a traced equation as the XML that SBML holds, with numbers that read back to the last bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from xml.etree import ElementTree

from bitesim.foundation.errors import ParameterError

Element = ElementTree.Element

NAMESPACE: Final = "http://www.w3.org/1998/Math/MathML"
_TIME: Final = "http://www.sbml.org/sbml/symbols/time"
#: Readers may hold an integer in 32 bits.
_LARGEST_INTEGER: Final = 2**31 - 1


def equation(expression: Any, identifiers: Mapping[Any, str]) -> Element:
    """Return a SymPy expression as a ``math`` element.

    Parameters
    ----------
    expression : SymPy expression or float
    identifiers : mapping
        SymPy symbol -> identifier in the file.

    Raises
    ------
    ParameterError
        For a function that is not among + - * / **, exp, log, sqrt and choose.
    """
    return _math(_written(expression, identifiers))


def reference(identifier: str) -> Element:
    """Return the ``math`` element that holds only what `identifier` names."""
    return _math(_leaf("ci", identifier))


def time_reached(time_days: float) -> Element:
    """Return the ``math`` element that is true from a time [d] on."""
    clock = _leaf("csymbol", "time")
    clock.set("encoding", "text")
    clock.set("definitionURL", _TIME)
    return _math(_apply("geq", clock, _number(time_days)))


def _math(content: Element) -> Element:
    row = ElementTree.Element("math", xmlns=NAMESPACE)
    row.append(content)
    return row


def _leaf(tag: str, text: str) -> Element:
    row = ElementTree.Element(tag)
    row.text = text
    return row


def _apply(operator: str, *arguments: Element) -> Element:
    row = ElementTree.Element("apply")
    ElementTree.SubElement(row, operator)
    row.extend(arguments)
    return row


def _number(value: Any) -> Element:
    """Return a number in decimals: with an exponent, readers may compute mantissa * 10^exponent, which rounds."""
    if float(value).is_integer() and abs(value) <= _LARGEST_INTEGER:
        row = _leaf("cn", str(int(value)))
        row.set("type", "integer")
        return row
    return _leaf("cn", format(Decimal(repr(float(value))), "f"))


def _written(expression: Any, identifiers: Mapping[Any, str]) -> Element:
    # SymPy is slow to import.
    import sympy

    from bitesim.derivation.symbols import choose_class

    expression = sympy.sympify(expression)
    if expression.is_Symbol:
        return _leaf("ci", identifiers[expression])
    if expression.is_Rational and not expression.is_Integer:
        return _apply("divide", _number(expression.p), _number(expression.q))
    if (expression.is_Number or expression.is_NumberSymbol) and expression.is_finite:
        return _number(expression)
    if expression.is_Add:
        return _sum(expression, identifiers)
    if expression.is_Mul and expression.args[0] == -1:
        return _apply("minus", _written(-expression, identifiers))
    if expression.is_Mul or _divides(expression):
        return _product(expression, identifiers)
    if expression.is_Pow and expression.exp == sympy.Rational(1, 2):
        return _apply("root", _written(expression.base, identifiers))
    if expression.is_Pow:
        return _apply("power", _written(expression.base, identifiers), _written(expression.exp, identifiers))
    if isinstance(expression, choose_class()):
        return _choice(expression, identifiers)
    if isinstance(expression, sympy.exp):
        return _apply("exp", _written(expression.args[0], identifiers))
    if isinstance(expression, sympy.log):
        return _apply("ln", _written(expression.args[0], identifiers))
    raise ParameterError(f"{expression} cannot be written as MathML: equations may use + - * / **, exp, log and sqrt")


def _many(operator: str, expressions: Sequence[Any], identifiers: Mapping[Any, str]) -> Element:
    parts = [_written(each, identifiers) for each in expressions]
    return parts[0] if len(parts) == 1 else _apply(operator, *parts)


def _sum(expression: Any, identifiers: Mapping[Any, str]) -> Element:
    negative = [term for term in expression.args if term.as_coeff_Mul()[0].is_negative]
    positive = [term for term in expression.args if term not in negative]
    if not negative:
        return _many("plus", positive, identifiers)
    subtracted = _many("plus", [-term for term in negative], identifiers)
    return _apply("minus", _many("plus", positive, identifiers), subtracted) if positive else _apply("minus", subtracted)


def _product(expression: Any, identifiers: Mapping[Any, str]) -> Element:
    factors = expression.as_ordered_factors()
    above = [factor for factor in factors if not _divides(factor)]
    below = [1 / factor for factor in factors if _divides(factor)]
    numerator = _many("times", above, identifiers) if above else _number(1)
    return _apply("divide", numerator, _many("times", below, identifiers)) if below else numerator


def _divides(factor: Any) -> bool:
    return bool(factor.is_Pow and factor.exp.as_coeff_Mul()[0].is_negative)


def _choice(expression: Any, identifiers: Mapping[Any, str]) -> Element:
    left, right, then, otherwise = (_written(each, identifiers) for each in expression.args)
    row = ElementTree.Element("piecewise")
    ElementTree.SubElement(row, "piece").extend([then, _apply("gt", left, right)])
    ElementTree.SubElement(row, "otherwise").append(otherwise)
    return row
