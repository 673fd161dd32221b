"""MathML: what is written means what the expression means, and numbers keep their last bit."""

from __future__ import annotations

import math
from functools import reduce
from xml.etree import ElementTree

import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.interchange import mathml

sympy = pytest.importorskip("sympy")
symbols = pytest.importorskip("bitesim.derivation.symbols")

X, Y, N = sympy.symbols("x y n", real=True)
IDENTIFIERS = {X: "x", Y: "y", N: "n"}
OPERATORS = {
    "plus": lambda *terms: sum(terms),
    "minus": lambda first, *second: first - second[0] if second else -first,
    "times": lambda *factors: math.prod(factors),
    "divide": lambda above, below: above / below,
    "power": lambda base, exponent: base**exponent,
    "root": math.sqrt,
    "exp": math.exp,
    "ln": math.log,
    "gt": lambda left, right: left > right,
    "geq": lambda left, right: left >= right,
}


def value(row: ElementTree.Element, values: dict[str, float]) -> float:
    """Return what an element of MathML means, as a reader would compute it."""
    if row.tag == "cn":
        return float(row.text)
    if row.tag in ("ci", "csymbol"):
        return values[row.text]
    if row.tag == "piecewise":
        (then, condition), otherwise = row[0], row[1][0]
        return value(then if value(condition, values) else otherwise, values)
    return OPERATORS[row[0].tag](*(value(each, values) for each in row[1:]))


def written(expression) -> ElementTree.Element:
    """Return the one element inside ``math``, as it reads back from text."""
    text = ElementTree.tostring(mathml.equation(expression, IDENTIFIERS), encoding="unicode")
    return ElementTree.fromstring(text.replace(f' xmlns="{mathml.NAMESPACE}"', ""))[0]


@pytest.mark.parametrize(
    "expression",
    [
        X + Y - 2 * N,
        -X,
        -X - Y,
        -2 * X * Y / N,
        X / (Y * N),
        1 / X,
        X**-2,
        X**N,
        X**-N,
        sympy.sqrt(X) / sympy.sqrt(Y),
        X ** sympy.Rational(3, 2),
        X / 3 - sympy.Rational(5, 7),
        sympy.exp(-X / Y) + sympy.log(N),
        sympy.pi * sympy.E * X,
        0.6931471805599453 * X - 0.1 * Y,
        symbols.positive_part(X - Y),
        symbols.positive_part(Y - X),
        symbols.at_least(X, 5.0),
        symbols.positive_power(X / symbols.at_least(Y, 1), N) / (1 + symbols.positive_power(X / symbols.at_least(Y, 1), N)),
        symbols.choose_class()(sympy.Integer(2), sympy.Integer(1), X, Y),
    ],
    ids=str,
)
def test_the_written_equation_has_the_value_of_the_expression(expression):
    for point in ({"x": 2.5, "y": 0.3, "n": 1.7}, {"x": 0.3, "y": 7.25, "n": 2.0}):
        plain = expression.replace(
            lambda each: isinstance(each, symbols.choose_class()),
            lambda each: sympy.Piecewise((each.args[2], each.args[0] > each.args[1]), (each.args[3], True)),
        )
        expected = float(plain.subs({symbol: point[name] for symbol, name in IDENTIFIERS.items()}))
        assert value(written(expression), point) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("number", [0.1 + 0.2, 0.6931471805599453, 1e-5 / 3, 1e22 / 7, 5e-324, 1.7976931348623157e308, -0.1])
def test_numbers_keep_their_last_bit(number):
    row = written(sympy.Float(number))
    assert float(row.text) == number
    assert "e" not in row.text


def test_numbers_keep_their_last_bit_in_libsbml():
    libsbml = pytest.importorskip("libsbml")
    for number in (0.1 + 0.2, 1e-5 / 3, 1e22 / 7, 5e-324):
        text = ElementTree.tostring(mathml.equation(number, {}), encoding="unicode")
        assert libsbml.readMathMLFromString(text).getReal() == number


def test_whole_numbers_are_integers_where_every_reader_holds_them():
    assert written(sympy.Integer(1000)).get("type") == "integer"
    assert written(sympy.Float(3.0)).text == "3"
    large = written(sympy.Integer(10**12))
    assert large.get("type") is None
    assert float(large.text) == 1e12


def test_a_time_is_reached_at_its_instant():
    row = mathml.time_reached(28.5)[0]
    assert [value(row, {"time": time}) for time in (28.499, 28.5, 29.0)] == [False, True, True]


def test_one_name_stands_alone():
    assert mathml.reference("x")[0].text == "x"


@pytest.mark.parametrize("expression", [sympy.sin(X), sympy.zoo, sympy.nan, sympy.oo, sympy.I * X])
def test_what_cannot_be_written_is_refused(expression):
    with pytest.raises(ParameterError, match="cannot be written as MathML"):
        mathml.equation(expression, IDENTIFIERS)


def test_deep_sums_and_products_stay_flat():
    names = sympy.symbols("a0:40")
    row = mathml.equation(reduce(lambda left, right: left + right, names), {each: str(each) for each in names})
    assert len(row[0]) == 41
