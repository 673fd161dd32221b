"""Generated code of one equation at a time equals the equation run as Python, in values and derivatives."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import bitesim
from bitesim.derivation.store import generated_source, load_module
from bitesim.mechanisms.kinks import at_least, positive_part, positive_power, saturation
from tests.derivation.examples import constants_of, dense
from tests.derivation.small_models import model_of

STEP = 1e-30
PARAMETERS = np.array([1.3, 0.6])
ANYWHERE = [(1.7, 0.4), (-1.7, 0.4), (0.3, -2.2)]
POSITIVE = [(1.7, 0.4), (0.3, 2.2), (1.0, 1.0)]


EQUATIONS = {}


def at(states):
    """Note an equation, and the states at which it is compared."""

    def noted(equation):
        EQUATIONS[equation.__name__] = (equation, states)
        return equation

    return noted


@at(ANYWHERE)
def polynomial(s, p):
    return s.x**3 - 2.0 * s.x * s.y + p.a


@at(ANYWHERE)
def square(s, p):
    return np.square(s.x) * s.y


@at(ANYWHERE)
def tenth_power(s, p):
    return s.x**10


@at(ANYWHERE)
def ninth_power(s, p):
    return s.x**9


@at(ANYWHERE)
def minus_ninth_power(s, p):
    return s.x**-9


@at(ANYWHERE)
def whole_powers_as_floats(s, p):
    return s.x**2.0 / s.y**-3.0


@at(ANYWHERE)
def quotient(s, p):
    return s.x / (s.y / (p.a - s.x))


@at(ANYWHERE)
def exponential(s, p):
    return np.exp(-s.x * p.a) - np.exp(s.y)


@at(ANYWHERE)
def small_exponential(s, p):
    return np.expm1(s.x) + np.log1p(s.y * s.y)


@at(POSITIVE)
def logarithm(s, p):
    return np.log(s.x * p.a) * np.log(2.0)


@at(POSITIVE)
def root(s, p):
    return np.sqrt(s.x) + s.y**0.5 + s.x**-1.5


@at(POSITIVE)
def root_of_a_square(s, p):
    return np.sqrt(s.x * s.x * p.a)


@at(POSITIVE)
def power_of_a_square(s, p):
    return (s.x**2) ** p.b


@at(POSITIVE)
def variable_powers(s, p):
    return s.x**p.b + s.x**s.y


@at(POSITIVE)
def power_of_a_product(s, p):
    return s.x ** (2.0 * p.a * s.y)


@at(POSITIVE)
def power_of_itself(s, p):
    return s.x**s.x


@at(ANYWHERE)
def power_of_a_number(s, p):
    return 2.0**s.x


@at(ANYWHERE)
def hill_curve(s, p):
    return saturation(s.x, p.a, p.b)


@at(ANYWHERE)
def hill_curve_of_literals(s, p):
    return saturation(s.x, 1.5, 1.0)


@at(ANYWHERE)
def kinks_of_literals(s, p):
    return s.x * positive_part(3.0) * at_least(0.5, 1.0) * positive_power(2.0, 1.5)


@at(ANYWHERE)
def nested_kinks(s, p):
    return positive_part(s.x - positive_part(s.y)) * at_least(s.x * s.y, 0.1)


@at(ANYWHERE)
def power_of_a_kink(s, p):
    return positive_power(s.x, 0.7) / at_least(s.y, 0.5) ** 2


@at(ANYWHERE)
def another_state(s, p):
    return s.y


@at(ANYWHERE)
def one_parameter(s, p):
    return p.a


@at(ANYWHERE)
def parameters_alone(s, p):
    return p.a**p.b + math.sqrt(2.0)


@at(ANYWHERE)
def a_number(s, p):
    return 2.5


@at(ANYWHERE)
def nothing(s, p):
    return 0.0 * s.x


@at(ANYWHERE)
def a_difference_that_vanishes(s, p):
    return s.x * (p.a - p.a) + (s.y - s.y)


#: What the branch not taken holds is not read.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def derived_of(model, folder):
    path = folder / "small_derived.py"
    path.write_text(generated_source(model, "the tests"))
    return load_module(path).DERIVED


@pytest.mark.parametrize("name", EQUATIONS)
def test_values_and_derivatives(name, tmp_path):
    equation, states = EQUATIONS[name]

    def fluxes(s, p, f):
        f.change_x = equation(s, p)

    def value(state, parameters):
        return equation(SimpleNamespace(x=state[0], y=state[1]), SimpleNamespace(a=parameters[0], b=parameters[1]))

    def slopes(state, parameters):
        """Return the derivatives by state and parameters, by complex steps."""
        point = [*state, *parameters]
        moved = [[each + STEP * 1j if n == k else each for n, each in enumerate(point)] for k in range(4)]
        return np.array([complex(value(each[:2], each[2:])).imag / STEP for each in moved])

    derived = derived_of(model_of(fluxes), tmp_path)
    constants, rate, values = constants_of(derived, PARAMETERS), np.empty(2), np.empty(len(derived.pattern))
    state_dot, constants_dot, moved = np.zeros((2, 8)), np.zeros((derived.n_constants, 8)), np.empty((2, 8))
    state_dot[:, :2], constants_dot[:2, 2:4] = np.eye(2), np.eye(2)
    derived.tangents.constants(constants, constants_dot)
    for state in states:
        expected = slopes(state, PARAMETERS)
        derived.rate_of_change(np.array(state), constants, rate)
        assert rate == pytest.approx([value(state, PARAMETERS), 0.0], rel=1e-13)
        derived.jacobian(np.array(state), constants, values)
        assert dense(derived, values, 2)[0] == pytest.approx(expected[:2], rel=1e-12, abs=1e-14)
        derived.tangents.rate(np.array(state), constants, state_dot, constants_dot, moved)
        assert moved[0, :4] == pytest.approx(expected, rel=1e-12, abs=1e-14)
        assert not moved[1].any()
        assert not moved[:, 4:].any()


def remainder(x):
    return x % 0.7


def whole_quotient(x):
    return x // 0.7


@pytest.mark.parametrize("function", [abs, np.abs, remainder, whole_quotient])
def test_what_has_no_straight_line_code_is_named_or_right(function, tmp_path):
    def fluxes(s, p, f):
        f.change_x = function(s.x)

    try:
        derived = derived_of(model_of(fluxes), tmp_path)
    except bitesim.ParameterError as problem:
        assert "fluxes" in str(problem)  # noqa: PT017
        return
    rate = np.empty(2)
    for x in (1.7, -1.7):
        derived.rate_of_change(np.array([x, 0.0]), constants_of(derived, PARAMETERS), rate)
        assert rate[0] == pytest.approx(function(x), rel=1e-14)


NAMES = ("t0", "t1", "c0", "c1", "w0_0", "w1_1", "x0", "x1", "exp", "power", "choose_", "state_", "constants", "largest")


@pytest.mark.parametrize("first", range(0, len(NAMES), 2))
def test_names_of_the_generated_code_may_be_names_of_the_model(first, tmp_path):
    # Some as states with the rest as parameters, each in turn: nothing is read for another.
    states = NAMES[first : first + 2]
    parameters = tuple(name for name in NAMES if name not in states)

    def fluxes(s, p, f):
        first_state, second_state = (getattr(s, name) for name in states)
        total = sum(number * getattr(p, name) for number, name in enumerate(parameters, start=1))
        setattr(f, f"change_{states[0]}", np.exp(-total * first_state) + second_state**total)
        setattr(f, f"change_{states[1]}", saturation(first_state, second_state, total))

    derived = derived_of(model_of(fluxes, states=states, parameters=parameters), tmp_path)
    values = np.linspace(0.01, 0.02, len(parameters))
    state, rate, matrix = np.array([0.3, 0.8]), np.empty(2), np.empty(len(derived.pattern))
    constants, total = constants_of(derived, values), np.arange(1, len(parameters) + 1) @ values
    derived.rate_of_change(state, constants, rate)
    expected = [np.exp(-total * 0.3) + 0.8**total, 0.3**total / (0.8**total + 0.3**total)]
    assert rate == pytest.approx(expected, rel=1e-12)
    derived.jacobian(state, constants, matrix)
    hill = expected[1] * (1.0 - expected[1]) * total
    slopes = [[-total * np.exp(-total * 0.3), total * 0.8 ** (total - 1.0)], [hill / 0.3, -hill / 0.8]]
    assert dense(derived, matrix, 2) == pytest.approx(np.array(slopes), rel=1e-12)
    factors, solution = np.empty(derived.n_factors), np.array([1.0, 2.0])
    derived.factorise(state, constants, np.array([10.0]), factors)
    derived.solve(factors, solution)
    assert solution == pytest.approx(np.linalg.solve(10.0 * np.eye(2) - slopes, [1.0, 2.0]), rel=1e-12)
