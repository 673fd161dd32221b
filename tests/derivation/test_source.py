"""Generated modules: up to date, the same everywhere, and equal to the equations they were made from."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy

import bitesim
from bitesim.derivation.source import generate
from bitesim.derivation.symbols import choose_class, trace
from tests.derivation.examples import MODELS, Original, cases, constants_of, dense, generated

ROOT = Path(__file__).parents[2]
CASES = 60
#: Relative to the sum of the sizes of all that a number is the sum of.
ROUNDING = 1e-12
#: What the branch not taken holds is not read.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(scope="module", params=MODELS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def derived(name, tmp_path_factory):
    return generated(name, tmp_path_factory.mktemp("generated"))


def rates_and_size(model, state, parameters):
    """Return the compiled original rate of change, and what each is the sum of."""
    work, rate = np.zeros(model.workspace_size), np.empty(len(state))
    model.rhs(state, parameters, work, rate)
    return rate, np.abs(model.processes.matrix(model.species)) @ np.abs(work[: len(model.processes)])


def assert_within_rounding(found, expected, size):
    excess = np.abs(np.asarray(found, float) - expected) - ROUNDING * np.broadcast_to(size, np.shape(expected))
    assert np.all(excess <= 0.0), np.argwhere(~(excess <= 0.0))


def matrix_of(model, state, parameters):
    """Return the dense Jacobian by complex steps through the compiled original."""
    matrix = np.empty((len(state), len(state)))
    model.jacobian(state, parameters, np.zeros(model.workspace_size), matrix)
    return matrix


def checked_in(published):
    """Return the generated file of a published model."""
    return Path(importlib.util.find_spec(bitesim.MODELS[published].derived).origin)


@pytest.mark.parametrize("published", bitesim.MODELS)
def test_checked_in_files_are_up_to_date(published):
    model = bitesim.MODELS[published]
    text = generate(trace(model), f"bitesim derive {published}")
    assert checked_in(published).read_text(encoding="utf-8") == text, f"run: bitesim derive {published}"
    assert model.derivatives.digest == model.equations_digest


def test_the_text_does_not_depend_on_hashes():
    code = (
        "import hashlib, bitesim; from bitesim.derivation.source import generate; "
        "from bitesim.derivation.symbols import trace; "
        "text = generate(trace(bitesim.MODELS['hosseini2020']), 'bitesim derive hosseini2020'); "
        "print(hash('text'), hashlib.sha256(text.encode()).hexdigest())"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    other_hash, other_text = done.stdout.split()
    assert int(other_hash) != hash("text")
    # The test above makes the same file under this process's hashes.
    assert other_text == hashlib.sha256(checked_in("hosseini2020").read_bytes()).hexdigest()


def test_the_states_are_on_both_sides_of_every_kink(name):
    traced = trace(MODELS[name])
    states = set(traced.states.values())
    kinks = {
        kink.args[0] - kink.args[1]
        for expression in [*traced.rates.values(), *traced.readouts.values()]
        for kink in expression.atoms(choose_class())
    }
    kinks = [kink for kink in kinks if kink.free_symbols & states]
    assert bool(kinks) == (name.startswith("hosseini") or name == "leukaemia")
    distance = sympy.lambdify(
        [list(traced.states.values()), list(traced.parameters.values())],
        kinks,
        [{"choose": lambda left, right, then, otherwise: then if left > right else otherwise}, "math"],
    )
    above = np.array([np.array(distance(*case)) > 0.0 for case in cases(name, CASES)])
    assert np.all(above.any(axis=0) & ~above.all(axis=0))


def test_the_rate_of_change(name, derived):
    model, rate = MODELS[name], np.empty(len(MODELS[name].species))
    for state, parameters in cases(name, CASES):
        derived.rate_of_change(state, constants_of(derived, parameters), rate)
        expected, size = rates_and_size(model, state, parameters)
        assert_within_rounding(rate, expected, size)


def test_compiled_equations_and_those_in_60_digits_are_the_same(name):
    # The tangents are compared with the latter.
    model = MODELS[name]
    original = Original(model)
    for state, parameters in cases(name, 3):
        expected, size = rates_and_size(model, state, parameters)
        with mpmath.workdps(60):
            exact = original.rates(*([mpmath.mpf(float(each)) for each in row] for row in (state, parameters)))
        assert_within_rounding(exact, expected, size)


def test_the_jacobian(name, derived):
    model, values = MODELS[name], np.empty(len(derived.pattern))
    for state, parameters in cases(name, CASES):
        derived.jacobian(state, constants_of(derived, parameters), values)
        found, expected = dense(derived, values, len(state)), matrix_of(model, state, parameters)
        # What a state changes, compared with the largest change of that row: small ones are differences of large ones.
        size = np.abs(state) + model.species.scales()
        assert_within_rounding(found * size, expected * size, np.max(np.abs(expected) * size, axis=1, keepdims=True))


def test_every_entry_of_the_pattern_is_used(name, derived):
    model, values = MODELS[name], np.empty(len(derived.pattern))
    ever = np.zeros((len(model.species),) * 2, bool)
    for state, parameters in cases(name, CASES):
        derived.jacobian(state, constants_of(derived, parameters), values)
        ever |= dense(derived, values, len(state)) != 0.0
    assert sorted(zip(*map(list, np.nonzero(ever)), strict=True)) == list(derived.pattern)


@pytest.mark.parametrize("diagonal", [0.3, 30.0, 1e5])
def test_factorising_and_solving(name, derived, diagonal):
    model, factors, rng = MODELS[name], np.empty(derived.n_factors), np.random.default_rng(5)
    for state, parameters in cases(name, CASES):
        constants = constants_of(derived, parameters)
        matrix = diagonal * np.eye(len(state)) - matrix_of(model, state, parameters)
        # In units in which every state is about 1, as the solver measures errors.
        size = np.abs(state) + model.species.scales()
        vector = size * rng.standard_normal(len(state))
        solution = vector.copy()
        derived.factorise(state, constants, np.array([diagonal]), factors)
        derived.solve(factors, solution)
        scaled = matrix * size / size[:, np.newaxis]
        expected = size * np.linalg.solve(scaled, vector / size)
        error = np.max(np.abs(solution - expected) / size) / np.max(np.abs(expected) / size)
        assert error < 10.0 * np.finfo(float).eps * np.linalg.cond(scaled)


def test_readouts(name, derived):
    model, outputs = MODELS[name], np.empty(len(MODELS[name].readouts))
    for state, parameters in cases(name, CASES):
        derived.readouts(state, constants_of(derived, parameters), outputs)
        expected = np.empty((2, len(outputs)))
        model.readout_kernel(np.array([state, np.abs(state)]), parameters, expected)
        assert_within_rounding(outputs, expected[0], np.abs(expected).sum(axis=0))


def test_the_initial_state(name, derived):
    model, start, expected = MODELS[name], *np.zeros((2, len(MODELS[name].species)))
    for _, parameters in cases(name, CASES):
        derived.initial_state(constants_of(derived, parameters), start)
        model.initial_kernel(parameters, expected)
        assert_within_rounding(start, expected, np.abs(expected))


def test_the_counts_and_the_pattern_are_those_of_the_model(name, derived):
    model = MODELS[name]
    assert derived.n_parameters == len(model.catalogue) <= derived.n_constants
    assert list(derived.pattern) == sorted(set(derived.pattern))
    assert derived.n_factors >= len({*derived.pattern, *((i, i) for i in range(len(model.species)))})
    assert derived.digest == model.equations_digest
