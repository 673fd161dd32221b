"""Programs of steps: their values, derivatives against complex steps and SymPy, constants, sharing, powers."""

import numpy as np
import pytest
import sympy
from hypothesis import assume, given

from bitesim.derivation.program import Program, is_repeated, unrepeated
from bitesim.derivation.symbols import choose_class, positive_power
from tests.derivation.examples import evaluate
from tests.derivation.expressions import PARAMETERS, STATES, A, B, X, Y, Z, expressions, points

STEP = 1e-30
SEEDS = {symbol: {symbol: sympy.Integer(1)} for symbol in STATES}
#: What the branch not taken holds is not read.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def new_program():
    """Return a program that reads states, and the one of its constants."""
    constants = Program(PARAMETERS, "c")
    return Program(STATES, "t", constants), constants


def run(program, point, constants=None):
    """Return the values of all symbols: inputs, constants and steps, each from those before it alone."""
    values = dict(point)
    for part in (constants, program):
        for symbol, expression in part.steps.items() if part is not None else ():
            values[symbol] = evaluate(expression, values)
    return values


def sizes(values):
    return max(1.0, *(abs(value) for value in values.values() if np.isfinite(value)))


@given(expressions, points)
def test_steps_compute_the_expression(expression, point):
    program, constants = new_program()
    atom = program.add({"out": expression})["out"]
    values = run(program, point, constants)
    expected = evaluate(expression, point)
    assume(abs(expected) < 1e60)
    assert evaluate(atom, values) == pytest.approx(expected, rel=1e-12, abs=1e-14 * sizes(values))


@given(expressions, points)
def test_gradients_equal_complex_steps_and_sympy(expression, point):
    program, constants = new_program()
    atom = program.add({"out": expression})["out"]
    gradient = program.gradients(SEEDS, [atom])[atom]
    values = run(program, point, constants)
    size = sizes(values)
    assume(size < 1e60)
    for symbol in STATES:
        found = evaluate(gradient.get(symbol, sympy.Integer(0)), values)
        moved = evaluate(expression, {**point, symbol: point[symbol] + STEP * 1j})
        assert found == pytest.approx(np.imag(moved) / STEP, rel=1e-10, abs=1e-13 * size)
        assert found == pytest.approx(evaluate(expression.diff(symbol), point), rel=1e-10, abs=1e-13 * size)


@given(expressions, points)
def test_second_derivatives_are_derivatives_of_the_first(expression, point):
    program, constants = new_program()
    atom = program.add({"out": expression})["out"]
    first = program.gradients(SEEDS, [atom])[atom].get(X, sympy.Integer(0))
    second = program.gradients(SEEDS, [first])[first].get(Y, sympy.Integer(0))
    values = run(program, point, constants)
    size = sizes(values)
    assume(size < 1e60)
    moved = evaluate(expression.diff(X), {**point, Y: point[Y] + STEP * 1j})
    assert evaluate(second, values) == pytest.approx(np.imag(moved) / STEP, rel=1e-9, abs=1e-12 * size)


def test_a_seed_carries_its_own_factor_and_directions():
    program, _ = new_program()
    atom = program.add({"out": X * Y})["out"]
    dot = sympy.Symbol("dot", real=True)
    gradient = program.gradients({X: {"one": dot, "two": sympy.Integer(3)}, Y: {"two": sympy.Integer(1)}}, [atom])[atom]
    values = run(program, {X: 2.0, Y: 5.0, Z: 0.0, dot: 7.0})
    assert {key: evaluate(each, values) for key, each in gradient.items()} == {"one": 35.0, "two": 17.0}


def test_an_input_and_a_number_have_their_seed_and_no_gradient():
    program, _ = new_program()
    number = sympy.Integer(4)
    found = program.gradients(SEEDS, [X, number])
    assert found == {X: {X: 1}, number: {}}
    assert not program.steps


def test_nothing_is_differentiated_that_nobody_wants():
    program, _ = new_program()
    atoms = program.add({"wanted": X * Y, "other": sympy.log(X * Z + Y)})
    count = len(program.steps)
    assert program.gradients(SEEDS, [atoms["wanted"]])[atoms["wanted"]] == {X: Y, Y: X}
    assert len(program.steps) == count


@given(expressions)
def test_constants_are_cut_off(expression):
    program, constants = new_program()
    atoms = program.add({"out": expression, "constant": sympy.exp(A) + A * B})
    program.gradients(SEEDS, [atoms["out"]])
    own = {*STATES, *program.steps}
    for step in program.steps.values():
        assert step.free_symbols & own
    for step in constants.steps.values():
        assert step.free_symbols <= {*PARAMETERS, *constants.steps}
    assert atoms["constant"] in constants.steps


def test_a_product_of_constants_is_one_constant():
    program, constants = new_program()
    atom = program.add({"out": 2 * A * B * X + sympy.exp(A) / B * X * Y})["out"]
    (step,) = (program.steps[symbol] for symbol in program.needed([atom]) if program.steps[symbol].is_Add)
    factors = [{*term.args} - {X, Y} for term in step.args]
    assert all(len(each) == 1 and each <= set(constants.steps) for each in factors)


def test_equal_expressions_share_their_steps():
    program, _ = new_program()
    shared = sympy.log(X * Y + Z)
    one = program.add({"first": shared, "again": sympy.log(Z + Y * X)})
    count = len(program.steps)
    assert one["first"] == one["again"]
    assert program.add({"later": shared})["later"] == one["first"]
    assert len(program.steps) == count
    program.add({"larger": shared**2 + X})
    assert sum(isinstance(step, sympy.log) for step in program.steps.values()) == 1


def test_constants_are_shared_between_programs():
    constants = Program(PARAMETERS, "c")
    first, second = Program(STATES, "t", constants), Program(STATES, "t", constants)
    rate = sympy.exp(A) * X
    first.add({"out": rate})
    count = len(constants.steps)
    second.add({"out": rate + Y})
    assert len(constants.steps) == count > 0


@pytest.mark.parametrize("power", [2, 3, 5, 8, -1, -2, -7])
@pytest.mark.parametrize("x", [1.7, -1.7])
def test_whole_powers_are_products(power, x):
    program, _ = new_program()
    atom = program.add({"out": X**power})["out"]
    repeated = [step for step in program.steps.values() if is_repeated(step)]
    assert [unrepeated(step).exp for step in repeated] == ([abs(power)] if abs(power) > 1 else [])
    assert all(step.exp == -1 for step in program.steps.values() if step.is_Pow)
    gradient = program.gradients(SEEDS, [atom])[atom]
    values = run(program, {X: x, Y: 0.0, Z: 0.0})
    assert values[atom] == pytest.approx(x**power, rel=1e-14)
    assert values[gradient[X]] == pytest.approx(power * x ** (power - 1), rel=1e-14)


@pytest.mark.parametrize("times", [2, 3, -2])
def test_a_multiple_of_an_exponent_is_a_power_of_the_power(times):
    # Derivatives bring x**(2 n): a product is cheaper than a second power.
    program, _ = new_program()
    atoms = program.add({"power": X**Y, "out": X ** (times * Y)})
    powers = [step for step in program.steps.values() if step.is_Pow and step.exp != -1]
    assert powers == [X**Y]
    values = run(program, {X: 1.7, Y: 0.6, Z: 0.0})
    assert values[atoms["out"]] == pytest.approx(1.7 ** (times * 0.6), rel=1e-14)


@pytest.mark.parametrize("halves", [1, 3, -1, -5])
def test_half_powers_are_roots(halves):
    program, _ = new_program()
    atom = program.add({"out": X ** sympy.Rational(halves, 2)})["out"]
    powers = [step for step in program.steps.values() if step.is_Pow and step.exp != -1]
    assert powers == [sympy.sqrt(X)]
    assert run(program, {X: 1.7, Y: 0.0, Z: 0.0})[atom] == pytest.approx(1.7 ** (halves / 2), rel=1e-14)


@pytest.mark.parametrize("x", [-1.0, 0.0, 1e-3])
def test_the_branch_not_taken_may_be_no_number(x):
    program, _ = new_program()
    # log(x) of a negative number, and 0 * log(0).
    expression = 3 * positive_power(X, Y) + choose_class()(X, 0, sympy.log(X) * X, X)
    atom = program.add({"out": expression})["out"]
    gradient = program.gradients(SEEDS, [atom])[atom]
    values = run(program, {X: np.float64(x), Y: np.float64(0.7), Z: 0.0})
    assert (x > 0.0) == all(np.isfinite(value) for value in values.values())
    below = (1.0, 0.0)
    above = (3 * 0.7 * abs(x) ** -0.3 + np.log(abs(x)) + 1.0, 3 * abs(x) ** 0.7 * np.log(abs(x))) if x else below
    found = tuple(evaluate(gradient[symbol], values) for symbol in (X, Y))
    assert found == pytest.approx(above if x > 0.0 else below, rel=1e-12)


@pytest.mark.parametrize(
    "expression", [X**X, X ** (2 * X * Y), X ** (2 * A * B), (1 + X**2) ** (-3 * X / Y), 2**X, Y ** (-X)]
)
def test_base_and_exponent_may_share_what_they_read(expression):
    program = Program([*STATES, *PARAMETERS], "t")
    atom = program.add({"out": expression})["out"]
    gradient = program.gradients({symbol: {symbol: sympy.Integer(1)} for symbol in (X, Y, A)}, [atom])[atom]
    point = {X: 1.7, Y: 0.6, Z: 0.0, A: 0.3, B: 1.1}
    values = run(program, point)
    for symbol in (X, Y, A):
        moved = evaluate(expression, {**point, symbol: point[symbol] + STEP * 1j})
        assert evaluate(gradient.get(symbol, sympy.Integer(0)), values) == pytest.approx(np.imag(moved) / STEP, rel=1e-12)


@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-31])
def test_where_a_power_no_longer_matters_its_derivatives_are_zero(x):
    # That of x**0.7 grows without limit, and 0**n log(0) is no number.
    program, _ = new_program()
    atom = program.add({"out": X**Y})["out"]
    gradient = program.gradients(SEEDS, [atom])[atom]
    values = run(program, {X: np.float64(x), Y: np.float64(0.7), Z: 0.0})
    assert values[atom] == x**0.7
    assert [values[gradient[symbol]] for symbol in (X, Y)] == [0.0, 0.0]


def test_needed_is_what_an_output_depends_on():
    program, _ = new_program()
    atoms = program.add({"one": sympy.exp(X), "two": sympy.log(sympy.exp(X) + Y)})
    assert program.needed([atoms["one"]]) == {atoms["one"]}
    assert program.needed([atoms["two"]]) == set(program.steps)
    assert program.needed([X, sympy.Integer(1)]) == set()


def test_an_extended_copy_leaves_the_original_alone():
    program, constants = new_program()
    atom = program.add({"out": sympy.exp(A * B) * X**2})["out"]
    before, constant = dict(program.steps), dict(constants.steps)
    dots = {symbol: sympy.Symbol(f"{symbol}_dot", real=True) for symbol in (X, A, B)}
    copy = program.extended([*PARAMETERS, *constants.steps, *dots.values()])
    gradient = copy.gradients({X: {0: dots[X]}}, [atom])[atom]
    assert program.steps == before
    assert constants.steps == constant
    # Nothing is constant for the copy: exp(a b) is read, its products are steps of its own.
    values = run(copy, run(constants, {X: 2.0, Y: 0.0, Z: 0.0, A: 0.5, B: 3.0, dots[X]: 7.0}))
    assert values[gradient[0]] == pytest.approx(np.exp(1.5) * 2.0 * 2.0 * 7.0, rel=1e-14)


def test_an_extended_copy_reads_no_constant_that_it_was_not_given():
    program, constants = new_program()
    atom = program.add({"out": 1 - A * (1 - X)})["out"]
    # A step of the constants' program that no output of the original reads, as the slope of the above does.
    program.gradients({X: {X: sympy.Integer(1)}}, [atom])
    program.atom(-A)
    copy = program.extended([A, B])
    gradient = copy.gradients({X: {0: sympy.Integer(1)}}, [atom])[atom]
    known = {*copy.inputs, *copy.steps}
    assert all(step.free_symbols <= known for step in copy.steps.values())
    assert gradient[0].free_symbols <= known
    assert not copy.atom(-A).free_symbols & set(constants.steps)
