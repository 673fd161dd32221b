"""Tracing: expressions equal the compiled equations, kinks take the left side, and what has no derivative is named."""

import math

import numpy as np
import pytest
import sympy

import bitesim
from bitesim.derivation.symbols import RESERVED, at_least, choose_class, positive_part, positive_power, trace
from bitesim.mechanisms import kinks
from bitesim.model import Model, Processes
from tests.derivation.examples import MODELS, cases
from tests.derivation.small_models import model_of

LAMBDIFY = [{"choose": lambda left, right, then, otherwise: then if left > right else otherwise}, "math"]
X, Y = sympy.symbols("x y", real=True)


@pytest.fixture(scope="module", params=MODELS)
def traced(request):
    return trace(MODELS[request.param])


def test_names_and_their_order_are_those_of_the_model(traced):
    model = traced.model
    assert list(traced.states) == list(traced.rates) == list(traced.initial_state) == list(model.species)
    assert list(traced.parameters) == list(model.catalogue)
    assert list(traced.fluxes) == list(model.processes)
    assert list(traced.readouts) == [readout.name for readout in model.readouts]
    assert [str(symbol) for symbol in traced.states.values()] == list(model.species)
    assert [str(symbol) for symbol in traced.parameters.values()] == list(model.catalogue)


def test_rates_are_changes_times_fluxes(traced):
    changes = traced.model.processes.matrix(traced.model.species)
    for row, rate in zip(changes, traced.rates.values(), strict=True):
        expected = sum(int(c) * flux for c, flux in zip(row, traced.fluxes.values(), strict=True) if c)
        assert rate == expected


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_expressions_equal_the_compiled_equations(traced):
    model = traced.model
    vectors = [list(traced.states.values()), list(traced.parameters.values())]
    fluxes = sympy.lambdify(vectors, list(traced.fluxes.values()), LAMBDIFY)
    readouts = sympy.lambdify(vectors, list(traced.readouts.values()), LAMBDIFY)
    start = sympy.lambdify(vectors[1:], list(traced.initial_state.values()), LAMBDIFY)
    changes, work = model.processes.matrix(model.species), np.zeros(model.workspace_size)
    rate, read, first = np.empty(len(model.species)), np.empty((2, len(model.readouts))), np.zeros(len(model.species))
    for state, parameters in cases(model.name, 20, seed=3):
        flux = np.array(fluxes(state, parameters), float)
        model.rhs(state, parameters, work, rate)
        assert np.all(np.abs(changes @ flux - rate) <= 1e-12 * (np.abs(changes) @ np.abs(flux)))
        model.readout_kernel(np.array([state, np.abs(state)]), parameters, read)
        assert np.all(np.abs(readouts(state, parameters) - read[0]) <= 1e-12 * np.abs(read).sum(axis=0))
        model.initial_kernel(parameters, first)
        np.testing.assert_allclose(start(parameters), first, rtol=1e-12)


def test_changes_other_than_one_keep_their_value():
    def fluxes(s, p, f):
        f.split = p.a * s.x

    parts = model_of(fluxes)
    table = Processes({"split": {"x": -1, "y": 2.5}})
    traced = trace(Model(**{**vars(parts), "processes": table}))
    a, x = traced.parameters["a"], traced.states["x"]
    assert traced.rates == {"x": -a * x, "y": 2.5 * a * x}


def test_whole_floats_are_whole():
    def fluxes(s, p, f):
        f.change_x = 1.0 * s.x**2.0 + 0.0 * s.y
        f.change_y = 0.5 * s.x

    traced = trace(model_of(fluxes))
    x = traced.states["x"]
    assert traced.fluxes["change_x"] == x**2
    assert not traced.fluxes["change_x"].atoms(sympy.Float)
    assert traced.fluxes["change_y"] == sympy.Float(0.5) * x


def test_the_initial_state_may_use_what_it_wrote():
    def start(p, s):
        s.x = p.a
        s.y = 3.0 * s.x

    def fluxes(s, p, f):
        f.change_y = f.change_x * p.b

    traced = trace(model_of(fluxes, initial_state=start))
    a = traced.parameters["a"]
    assert traced.initial_state == {"x": a, "y": 3 * a}
    # A flux that was not written yet is 0, as in a run.
    assert traced.fluxes == {"change_x": 0, "change_y": 0}


def branch(s, p, f):
    f.change_x = s.x if s.x > p.a else 0.0


def branch_in_a_callee(s, p, f):
    f.change_x = max(s.x, 0.0)


def loop(s, p, f):
    while s.x < 1.0:
        f.change_x = 1.0


def branch_on_equality(s, p, f):
    f.change_x = p.a if s.x == 0.0 else s.x


def branch_on_a_difference(s, p, f):
    f.change_x = s.x if s.x != p.a else 0.0


def branch_on_a_parameter(s, p, f):
    f.change_x = s.x if p.a else 0.0


def branch_on_the_real_part(s, p, f):
    f.change_x = s.x if s.x.real > 0.0 else 0.0


@pytest.mark.parametrize(
    "fluxes",
    [
        branch,
        branch_in_a_callee,
        loop,
        branch_on_equality,
        branch_on_a_difference,
        branch_on_a_parameter,
        branch_on_the_real_part,
    ],
)
def test_branches_are_named(fluxes):
    words = f"model small: {fluxes.__name__} branches on a state or parameter.*positive_part, at_least or positive_power"
    with pytest.raises(bitesim.ParameterError, match=words):
        trace(model_of(fluxes))


@pytest.mark.parametrize("function", [math.gamma, math.sin, np.tanh, np.log10, math.floor, float])
def test_unknown_functions_are_named(function):
    def fluxes(s, p, f):
        f.change_x = function(s.x)

    with pytest.raises(bitesim.ParameterError, match=r"small: fluxes cannot be traced: .*may use \+ - \* / \*\*, exp, log"):
        trace(model_of(fluxes))


def writes_a_parameter(s, p, f):
    p.a = 1.0


def writes_a_state(s, p, f):
    s.x = 1.0


@pytest.mark.parametrize(
    ("fluxes", "words"), [(writes_a_parameter, "write a, a parameter"), (writes_a_state, "write x, a state")]
)
def test_inputs_cannot_be_written(fluxes, words):
    with pytest.raises(bitesim.ParameterError, match=words):
        trace(model_of(fluxes))


def nothing(s, p, f):
    pass


def unknown_state(s, p, f):
    f.change_x = s.drug_peripherals


def unknown_parameter(s, p, f):
    f.change_x = p.clearence


def unknown_process(s, p, f):
    f.change_drug_periferal = 1.0


def unknown_readout(s, p, r):
    r.sean = s.drug_peripheral


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fluxes": unknown_state}, "unknown state 'drug_peripherals'. Did you mean 'drug_peripheral'"),
        ({"fluxes": unknown_parameter}, "unknown parameter 'clearence'. Did you mean 'clearance'"),
        ({"fluxes": unknown_process}, "unknown process .* Did you mean 'change_drug_peripheral'"),
        ({"read": unknown_readout}, "unknown readout 'sean'. Did you mean 'seen'"),
    ],
)
def test_unknown_names_get_a_suggestion(changes, words):
    parts = {"fluxes": nothing, "states": ("drug_peripheral",), "parameters": ("clearance",), **changes}
    with pytest.raises(bitesim.ParameterError, match=words):
        trace(model_of(**parts))


@pytest.mark.parametrize(
    ("twin", "original", "arguments", "point"),
    [
        (positive_part, kinks.positive_part, (X,), 0.0),
        (at_least, kinks.at_least, (X, 1.5), 1.5),
        (positive_power, kinks.positive_power, (X, 1.4), 0.0),
        (positive_power, kinks.positive_power, (X, 0.7), 0.0),
    ],
)
def test_kinks_and_their_derivatives_equal_complex_steps_on_both_sides(twin, original, arguments, point):
    expression, others = twin(*arguments), arguments[1:]
    value = sympy.lambdify(X, expression, LAMBDIFY)
    slope = sympy.lambdify(X, expression.diff(X), LAMBDIFY)
    for x in (point - 2.0, point - 1e-9, point + 1e-9, point + 2.0):
        assert value(x) == pytest.approx(original(x, *others), rel=1e-14, abs=0.0)
        assert slope(x) == pytest.approx(original(x + 1e-30j, *others).imag / 1e-30, rel=1e-13, abs=0.0)


def value_of(expression, x):
    """Return the branch taken at x and y = 0.7, without looking at the other: at 0 it may not be a number."""
    numbers = {X: x, Y: 0.7}
    while isinstance(expression, choose_class()):
        left, right, then, otherwise = expression.args
        expression = then if left.subs(numbers) > right.subs(numbers) else otherwise
    return float(expression.subs(numbers))


@pytest.mark.parametrize("expression", [positive_part(X), positive_power(X, 1.4), positive_power(X, Y), at_least(X, 0)])
def test_at_the_kink_the_derivative_is_that_of_the_left(expression):
    assert value_of(expression.diff(X), 0.0) == 0.0
    assert value_of(expression.diff(X), 1e-300) > 0.0
    assert value_of(expression.diff(Y), 0.0) == 0.0


def test_choose_differentiates_the_branch_taken_and_nothing_else():
    choose = choose_class()
    expression = choose(X * Y, Y, X**3, Y**2)
    assert expression.diff(X) == choose(X * Y, Y, 3 * X**2, 0)
    assert expression.diff(Y) == choose(X * Y, Y, 0, 2 * Y)
    assert expression.diff(X, 2) == choose(X * Y, Y, 6 * X, 0)
    assert choose(X, 0, 0, 0) == 0
    assert (2 * expression + X).diff(X) == 2 * choose(X * Y, Y, 3 * X**2, 0) + 1


GENERATED = ("t1", "c0", "w0", "w1_2", "x3", "x_dot", "state", "constants", "exp", "sqrt", "rate", "result_dot")


@pytest.mark.parametrize("name", GENERATED)
def test_names_of_generated_code_are_evaded(name):
    def fluxes(s, p, f):
        f.change_y = s.y

    for places in ({"states": (name, "y")}, {"states": ("x", "y"), "parameters": (name, "b")}):
        traced = trace(model_of(fluxes, **places))
        symbols = traced.states | traced.parameters
        assert symbols[name].name != name
        assert symbols[name].name.isidentifier()
        assert symbols[name].name not in RESERVED
        assert len({symbol.name for symbol in symbols.values()}) == len(symbols)


@pytest.mark.parametrize(
    "places",
    [
        {"states": ("t1", "y"), "parameters": ("t1_", "b")},
        {"states": ("exp_", "exp")},
        {"states": ("k", "k_"), "parameters": ("k", "b")},
        {"states": ("k", "y"), "parameters": ("k", "k_")},
    ],
)
def test_an_evading_name_evades_the_others_too(places):
    traced = trace(model_of(nothing, **places))
    symbols = [*traced.states.values(), *traced.parameters.values()]
    assert len({symbol.name for symbol in symbols}) == len(symbols)


def test_a_state_and_a_parameter_of_one_name_are_two():
    def fluxes(s, p, f):
        f.change_x = p.x * s.x

    traced = trace(model_of(fluxes, parameters=("x", "b")))
    x, k = traced.states["x"], traced.parameters["x"]
    assert x != k
    assert traced.fluxes["change_x"].diff(x) == k
    assert traced.fluxes["change_x"].diff(k) == x
