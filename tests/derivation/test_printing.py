"""Printed lines: plain assignments that compute what the steps say, without names that nobody needs."""

import ast
import itertools
from collections import Counter

import numpy as np
import pytest
import sympy
from hypothesis import assume, given

from bitesim.derivation.printing import Printer
from bitesim.derivation.program import Program
from tests.derivation.examples import evaluate, run_lines
from tests.derivation.expressions import PARAMETERS, STATES, A, B, X, Y, Z, expressions, points

INPUTS = (*STATES, *PARAMETERS)
SOURCES = {symbol: f"state[{place}]" for place, symbol in enumerate(INPUTS)}
#: What the branch not taken holds is not read.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def printed(*expressions):
    """Return the lines that write expressions to out[0], out[1], ..."""
    program = Program(INPUTS, "t")
    atoms = program.add(dict(enumerate(expressions)))
    return Printer(program, SOURCES, [(f"out[{place}]", atom) for place, atom in atoms.items()]).lines()


def computed(lines, point, count):
    """Return what the lines write for numbers of the inputs."""
    out = np.full(count, np.nan)
    run_lines(lines, {"state": [np.float64(point[symbol]) for symbol in INPUTS], "out": out})
    return out


def names(lines, context):
    nodes = [node for line in lines for node in ast.walk(ast.parse(line))]
    return Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context))


@given(expressions, expressions, points)
def test_lines_compute_the_expressions(first, second, point):
    expected = np.array([evaluate(first, point), evaluate(second, point)])
    assume(np.all(np.abs(expected) < 1e30))
    # Reads before writes are KeyErrors.
    found = computed(printed(first, second), point, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * max(1.0, *np.abs(expected)))


@given(expressions, points)
def test_lines_compute_derivatives(expression, point):
    program = Program(INPUTS, "t")
    atom = program.add({"out": expression})["out"]
    slopes = program.gradients({symbol: {symbol: sympy.Integer(1)} for symbol in INPUTS}, [atom])[atom]
    values = dict(point)
    for symbol, step in program.steps.items():
        values[symbol] = evaluate(step, values)
    expected = np.array([evaluate(slopes.get(symbol, sympy.Integer(0)), values) for symbol in INPUTS], float)
    assume(max(1.0, *(abs(value) for value in values.values() if np.isfinite(value))) < 1e30)
    outputs = [(f"out[{place}]", slopes.get(symbol, sympy.Integer(0))) for place, symbol in enumerate(INPUTS)]
    found = computed(Printer(program, SOURCES, outputs).lines(), point, len(INPUTS))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * max(1.0, *np.abs(expected)))


@given(expressions, expressions)
def test_every_name_is_written_once_and_read(first, second):
    lines = printed(first, second)
    written = names(lines, ast.Store)
    assert set(written.values()) <= {1}
    read = names(lines, ast.Load)
    assert all(read[name] >= 1 for name in written)
    for line in lines:
        target, text = line.split(" = ", 1)
        if target.startswith("t") and read[target] == 1:
            assert len(text) > 60, "a short step that is read once belongs into the line that reads it"


@given(expressions)
def test_each_input_is_loaded_once_and_only_if_needed(expression):
    lines = printed(expression)
    loads = [line for line in lines if "state[" in line]
    assert sorted(loads) == sorted(f"{symbol} = {SOURCES[symbol]}" for symbol in expression.free_symbols)


@pytest.mark.parametrize(
    "expression",
    [
        X - (Y - Z),
        X - (-Y) * Z,
        -(X + Y),
        -X * Y - Z,
        -((X + Y) ** 2),
        (X - Y) ** 3,
        (-X) ** 3,
        X / (Y * Z),
        X / (Y / Z),
        X / Y / Z,
        1 / (X + Y),
        -1 / (X * Y),
        2 * (X + Y) * Z,
        -2.5 * X + 1,
        X * (Y - 3) - 4,
        sympy.Rational(1, 3) * X,
        sympy.pi * X + sympy.log(2),
        sympy.Float("1e-300") * X,
        10**20 * X,
        sympy.exp(-X) * sympy.exp(Y * Z),
        sympy.sqrt(A + B) * X**-2,
        (A + B) ** sympy.Rational(-3, 2),
        (A + B) ** (X - Y),
        sympy.log(A) ** 2 / sympy.log(A + B),
    ],
    ids=str,
)
def test_signs_and_brackets(expression):
    point = {X: -1.3, Y: 0.7, Z: 2.1, A: 1.6, B: 0.4}
    expected = evaluate(expression, point)
    assert computed(printed(expression), point, 1)[0] == pytest.approx(expected, rel=1e-14)


INNER = [X + Y, X - Y, X * Y, -X * Y, X / Y, 1 / X, sympy.exp(X), X**3, sympy.sqrt(A), A**X, -2.5 * X]
OUTER = [
    lambda t: Z - t, lambda t: Z + t, lambda t: t - Z, lambda t: -t - Z, lambda t: Z * t, lambda t: Z / t, lambda t: t / Z,
    lambda t: -t, lambda t: 1 / t, lambda t: -1 / t, lambda t: 2 * t, lambda t: -2.5 * t, lambda t: 1 - 3 * t,
    lambda t: t**2, lambda t: t**-3, lambda t: sympy.exp(-t), lambda t: A**t,
]  # fmt: skip


@pytest.mark.parametrize("outer", range(len(OUTER)))
@pytest.mark.parametrize("inner", INNER, ids=str)
def test_a_step_written_into_a_line_keeps_its_brackets(inner, outer):
    # A symbol stands for the inner step, so SymPy cannot merge the two.
    program = Program(INPUTS, "t")
    step = program.atom(inner)
    atom = program.atom(OUTER[outer](step))
    point = {X: -1.3, Y: 0.7, Z: 2.1, A: 1.6, B: 0.4}
    expected = evaluate(OUTER[outer](step), {**point, step: evaluate(inner, point)})
    lines = Printer(program, SOURCES, [("out[0]", atom)]).lines()
    assert computed(lines, point, 1)[0] == pytest.approx(expected, rel=1e-14)


def test_a_step_that_is_read_once_is_written_where_it_is_read():
    assert printed(sympy.exp(X * Y)) == ["x = state[0]", "y = state[1]", "out[0] = exp(x * y)"]


def test_a_step_that_is_read_twice_has_a_name():
    lines = printed(sympy.exp(X), sympy.exp(X) * Y)
    assert lines == ["x = state[0]", "t0 = exp(x)", "out[0] = t0", "y = state[1]", "out[1] = t0 * y"]


def test_a_power_reads_its_base_for_each_factor():
    # Written into the line, the sum would be computed three times.
    lines = printed((X + Y) ** 3)
    assert lines[-1] == "out[0] = t0 * t0 * t0"
    assert [line for line in lines if line.startswith("t0")] == ["t0 = x + y"]


def test_a_long_step_is_not_written_into_a_line():
    terms = sum(first * second for first, second in itertools.combinations(INPUTS, 2))
    *_, step, output = printed(sympy.exp(terms))
    name, text = step.split(" = ", 1)
    assert output == f"out[0] = exp({name})"
    assert text.count("*") == 10


def test_outputs_that_are_inputs_numbers_or_equal():
    program = Program(INPUTS, "t")
    atom = program.add({"out": X * Y})["out"]
    outputs = [
        ("out[0]", X),
        ("out[1]", sympy.Integer(0)),
        ("out[2]", atom),
        ("out[3]", atom),
        ("out[4]", -sympy.Integer(2)),
    ]
    lines = Printer(program, SOURCES, outputs).lines()
    assert "out[1] = 0.0" in lines
    assert np.array_equal(computed(lines, {X: 3.0, Y: 5.0, Z: 0.0, A: 0.0, B: 0.0}, 5), [3.0, 0.0, 15.0, 15.0, -2.0])


def test_steps_that_no_output_needs_are_left_out():
    program = Program(INPUTS, "t")
    atoms = program.add({"kept": sympy.exp(X), "dropped": sympy.log(Y)})
    lines = Printer(program, SOURCES, [("out[0]", atoms["kept"])]).lines()
    assert lines == ["x = state[0]", "out[0] = exp(x)"]


def test_a_sign_before_a_step_with_a_sign_is_none():
    program = Program(INPUTS, "t")
    negative = program.atom(-X)
    lines = Printer(program, SOURCES, [("out[0]", program.atom(-negative * Y))]).lines()
    assert "--" not in "".join(lines)
    assert computed(lines, dict.fromkeys(INPUTS, 0.0) | {X: 2.0, Y: 3.0}, 1)[0] == 6.0
