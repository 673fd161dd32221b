"""Generated tangents against differences of the original equations in 60 digits, along states and parameters."""

import numpy as np
import pytest

from tests.derivation.examples import (
    MODELS,
    Original,
    along,
    cases,
    columns_along,
    constants_of,
    dense,
    generated,
    in_digits,
)

#: Enough to be on both sides of every kink, see test_source.py.
CASES = 60
DIRECTIONS = 8
#: Relative to the larger of the two directions that are compared: small ones are differences of large ones.
ROUNDING = 1e-12
#: What the branch not taken holds is not read.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(scope="module", params=MODELS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def derived(name, tmp_path_factory):
    return generated(name, tmp_path_factory.mktemp("generated"))


def directions(model, state, parameters, rng):
    """Return eight directions of state and parameters: random ones, state alone, and each exponent alone."""
    state_dot = (np.abs(state) + model.species.scales())[:, np.newaxis] * rng.standard_normal((len(state), DIRECTIONS))
    parameters_dot = parameters[:, np.newaxis] * rng.standard_normal((len(parameters), DIRECTIONS))
    parameters_dot[:, 0] = 0.0
    exponents = [place for place, each in enumerate(model.catalogue) if each.endswith(("hill", "exponent"))]
    for column, place in enumerate(exponents, start=1):
        state_dot[:, column] = parameters_dot[:, column] = 0.0
        parameters_dot[place, column] = 1.0
    return state_dot, parameters_dot


def tangent_cases(name, derived, count=CASES):
    """Yield (state, parameters, constants, directions of each, which to compare); of the constants by generated code."""
    model, rng = MODELS[name], np.random.default_rng(2)
    for number, (state, parameters) in enumerate(cases(name, count)):
        constants, compared = constants_of(derived, parameters), (number + np.array([0, 5])) % DIRECTIONS
        state_dot, parameters_dot = directions(model, state, parameters, rng)
        constants_dot = np.zeros((derived.n_constants, DIRECTIONS))
        constants_dot[: derived.n_parameters] = parameters_dot
        derived.tangents.constants(constants, constants_dot)
        yield state, parameters, constants, state_dot, parameters_dot, constants_dot, compared


def assert_close(found, expected, size=0.0):
    """Compare relative to the largest of a row, or to `size` where a row is a small difference of larger numbers."""
    allowed = ROUNDING * (np.max(np.abs(expected), axis=-1, keepdims=True) + size) + 1e-30
    wrong = ~(np.abs(found - expected) <= allowed)
    assert not wrong.any(), np.argwhere(wrong)


def test_exponents_are_among_the_directions():
    for name, count in (("hosseini2020", 3), ("hosseini2020_nhl", 3), ("clements2020", 1)):
        model = MODELS[name]
        state, parameters = next(cases(name, 1))
        state_dot, parameters_dot = directions(model, state, parameters, np.random.default_rng(0))
        alone = [np.count_nonzero(state_dot[:, n]) == 0 for n in range(DIRECTIONS)]
        assert sum(alone) == count
        assert np.array_equal(np.count_nonzero(parameters_dot[:, alone], axis=0), [1] * count)


def test_tangents_of_the_constants(name, derived):
    fill = in_digits(derived.fill_constants)

    def all_constants(parameters):
        constants = [*parameters, *[None] * (derived.n_constants - derived.n_parameters)]
        fill(constants)
        return constants

    for _, parameters, _, _, parameters_dot, constants_dot, compared in tangent_cases(name, derived):
        expected = [along(all_constants, (parameters, direction)) for direction in parameters_dot.T[compared]]
        assert_close(constants_dot[:, compared], np.transpose(expected))


def test_tangents_of_the_rate(name, derived):
    original, found = Original(MODELS[name]), np.empty((len(MODELS[name].species), DIRECTIONS))
    for state, parameters, constants, state_dot, parameters_dot, constants_dot, compared in tangent_cases(name, derived):
        derived.tangents.rate(state, constants, state_dot, constants_dot, found)
        pairs = zip(state_dot.T[compared], parameters_dot.T[compared], strict=True)
        expected = [along(original.rates, (state, move), (parameters, change)) for move, change in pairs]
        # The rate of a transit stage of neutrophils is the difference of what enters and what leaves.
        size = 0.1 * np.max(np.abs(state_dot[:, compared]), axis=1, keepdims=True) if name == "leukaemia" else 0.0
        assert_close(found[:, compared], np.transpose(expected), size)


def test_tangents_of_the_readouts(name, derived):
    original, found = Original(MODELS[name]), np.empty((len(MODELS[name].readouts), DIRECTIONS))
    values = np.empty((len(found), 1))
    for state, parameters, constants, state_dot, parameters_dot, constants_dot, compared in tangent_cases(name, derived):
        derived.readouts(state, constants, values[:, 0])
        derived.tangents.readouts(state, constants, state_dot, constants_dot, found)
        pairs = zip(state_dot.T[compared], parameters_dot.T[compared], strict=True)
        expected = [along(original.readouts, (state, move), (parameters, change)) for move, change in pairs]
        # A fraction near 1 hardly changes: numerator and denominator change alike.
        assert_close(found[:, compared], np.transpose(expected), np.abs(values))


def test_tangents_of_the_initial_state(name, derived):
    original, found = Original(MODELS[name]), np.empty((len(MODELS[name].species), DIRECTIONS))
    for _, parameters, constants, _, parameters_dot, constants_dot, compared in tangent_cases(name, derived):
        derived.tangents.initial_state(constants, constants_dot, found)
        expected = [along(original.initial_state, (parameters, change)) for change in parameters_dot.T[compared]]
        assert_close(found[:, compared], np.transpose(expected))


def test_tangents_of_the_jacobian(name, derived):
    model, original = MODELS[name], Original(MODELS[name])
    found = np.empty((len(derived.pattern), DIRECTIONS))
    for number, case in enumerate(tangent_cases(name, derived, DIRECTIONS)):
        state, parameters, constants, state_dot, parameters_dot, constants_dot, _ = case
        derived.tangents.jacobian(state, constants, state_dot, constants_dot, found)
        # Each case another direction: one takes hundreds of evaluations.
        pairs = (state, state_dot[:, number]), (parameters, parameters_dot[:, number])
        expected = columns_along(original.rates, state, *pairs)
        size = np.abs(state) + model.species.scales()
        assert_close(dense(derived, found[:, number], len(state)) * size, expected * size)


def test_without_drug_everything_is_finite(name, derived):
    # Exactly at many kinks at once: the branch not taken holds log(0) and 0 / 0.
    model, parameters = MODELS[name], MODELS[name].parameters.vector()
    constants, state = constants_of(derived, parameters), np.empty(len(model.species))
    derived.initial_state(constants, state)
    state_dot, parameters_dot = directions(model, state, parameters, np.random.default_rng(3))
    constants_dot = np.vstack([parameters_dot, np.full((derived.n_constants - len(parameters), DIRECTIONS), np.nan)])
    derived.tangents.constants(constants, constants_dot)
    rates, slopes = np.full((len(state), DIRECTIONS), np.nan), np.full((len(derived.pattern), DIRECTIONS), np.nan)
    derived.tangents.rate(state, constants, state_dot, constants_dot, rates)
    derived.tangents.jacobian(state, constants, state_dot, constants_dot, slopes)
    assert all(np.all(np.isfinite(each)) for each in (constants_dot, rates, slopes))
