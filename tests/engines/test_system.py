"""From a model to what integrates it: constants, start, readouts and runs of derived and of dense code."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

import bitesim
from bitesim.engines.system import system_of
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Control, Pieces, output_at
from tests.engines.cohorts import BLOW_UP, CLEMENTS, HOSSEINI, STIFF
from tests.problems.stiff_binding import PMOL_PER_UG, SPECIES, STIFF_BINDING, population, stored_reference

BOTH = pytest.mark.parametrize("model", [STIFF, STIFF_BINDING], ids=["derived", "dense"])
PATIENTS = population(3, seed=9)


def test_derived_code_is_used_where_there_is_some():
    assert "straight-line" in system_of(STIFF).method
    assert "dense" in system_of(STIFF_BINDING).method
    assert "straight-line" in system_of(HOSSEINI).method


def test_outdated_derived_code_is_not_used():
    outdated = replace(BLOW_UP, derived=replace(BLOW_UP.derived, digest="of other equations"))
    with pytest.warns(bitesim.DerivationWarning, match="blow_up were changed"):
        system = system_of(outdated)
    assert "dense" in system.method
    assert system.initial_state(np.array([1.0, 3.0])).tolist() == [3.0]


def test_a_model_is_compiled_once():
    assert system_of(CLEMENTS) is system_of(CLEMENTS)
    assert system_of(replace(CLEMENTS)) is not system_of(CLEMENTS)


@BOTH
def test_a_model_is_forgotten_with_what_was_compiled_for_it(model):
    own = replace(model)
    system_of(own)
    watched = weakref.ref(own)
    del own
    gc.collect()
    assert watched() is None


@BOTH
def test_the_start_is_the_untreated_patient(model):
    system = system_of(model)
    for values in PATIENTS:
        p = dict(zip(model.catalogue, values, strict=True))
        expected = np.zeros(20)
        expected[SPECIES.position("resting_t_blood_per_ul")] = p["initial_t_cells_blood_per_ul"]
        expected[SPECIES.position("resting_t_marrow_per_ul")] = p["initial_t_cells_marrow_per_ul"]
        expected[SPECIES.position("b_cells_per_ul")] = p["initial_b_cells_per_ul"]
        expected[SPECIES.position("ln_blasts_1e9")] = np.log(p["initial_blasts_1e9"])
        expected[SPECIES.position("ln_escaped_blasts_1e9")] = np.log(p["initial_escaped_blasts_1e9"])
        expected[SPECIES.position("il6_pg_per_ml")] = p["il6_baseline_pg_per_ml_per_day"] / p["il6_clearance_per_day"]
        start = system.initial_state(values)
        np.testing.assert_allclose(start, expected, rtol=1e-15)
        assert start.shape == (20,)
        start[:] = -1.0
        assert system.initial_state(values)[0] == 0.0, "a start must not be shared"


@BOTH
def test_readouts_are_computed_row_by_row(model):
    states, values = stored_reference()["states"], PATIENTS[1]
    volume = dict(zip(model.catalogue, values, strict=True))["volume_blood_l"]
    expected = np.column_stack(
        [
            np.exp(states[:, 16]), np.exp(states[:, 17]), states[:, 9:12].sum(axis=1), states[:, 12:15].sum(axis=1),
            states[:, 0] * PMOL_PER_UG / volume,
        ]
    )  # fmt: skip
    system = system_of(model)
    np.testing.assert_allclose(system.readouts(values, states), expected, rtol=1e-13)
    # However the rows lie in memory, and for no row at all.
    np.testing.assert_allclose(system.readouts(values, np.asfortranarray(states)), expected, rtol=1e-13)
    np.testing.assert_allclose(system.readouts(values, states[::7]), expected[::7], rtol=1e-13)
    assert system.readouts(values, states[:0]).shape == (0, 5)


def test_constants_are_the_parameters_and_what_follows_from_them():
    derived, system = STIFF.derivatives, system_of(STIFF)
    assert derived.n_constants > derived.n_parameters == len(STIFF.catalogue)
    block = system.constants(PATIENTS[0])
    expected = np.zeros(block.size)
    expected[: derived.n_parameters] = PATIENTS[0]
    # The function as plain Python.
    derived.fill_constants(expected)
    np.testing.assert_allclose(block.reshape(-1), expected, rtol=1e-14)
    assert np.array_equal(block.reshape(-1)[: derived.n_parameters], PATIENTS[0])
    assert np.all(np.isfinite(block))


def clements_run(model, max_steps=1000, clearance=2.0, volume=6.0):
    """Two days with 9 and 28 ug/day and a bolus of 5 ug between them."""
    parameters = CLEMENTS.parameters.replace(clearance_l_per_h=clearance, volume_l=volume).vector()
    rate, jump = np.array([[9.0, 0.0], [28.0, 0.0]]), np.array([[0.0, 0.0], [5.0, 0.0]])
    pieces = Pieces(np.array([0.0, 1.0, 2.0]), rate, jump, np.zeros(2, np.int64), np.zeros(2))
    output, state = output_at(np.array([0.25, 1.0, 1.5]), 2), np.zeros(2)
    control = Control(1e-10, model.species.scales(), max_steps)
    return system_of(model).integrate(parameters, state, pieces, control, output), state, output


@pytest.mark.parametrize("model", [CLEMENTS, replace(CLEMENTS, derived=None)], ids=["derived", "dense"])
def test_a_run_equals_the_closed_form_and_leaves_the_end(model):
    code, state, output = clements_run(model)
    k = 24.0 * 2.0 / 6.0
    day_1 = 9.0 / k * (1.0 - np.exp(-k)) + 5.0
    later = [28.0 / k + (day_1 - 28.0 / k) * np.exp(-k * days) for days in (0.5, 1.0)]
    assert code == Outcome.OK
    np.testing.assert_allclose(output.states[:, 0], [9.0 / k * (1.0 - np.exp(-k / 4)), day_1, later[0]], rtol=1e-8)
    np.testing.assert_allclose(state, [later[1], 42.0 - later[1]], rtol=1e-8)


def test_a_run_that_cannot_go_on_says_so():
    code, state, output = clements_run(CLEMENTS, max_steps=12)
    assert code == Outcome.TOO_MANY_STEPS
    assert 0.0 < output.progress[0] < 1.0
    # Until there: all that was infused is in the body or was eliminated.
    assert state.sum() == pytest.approx(9.0 * output.progress[0], rel=1e-9)


@pytest.mark.parametrize("model", [STIFF, STIFF_BINDING, replace(HOSSEINI, derived=None)], ids=["derived", "dense", "kinks"])
def test_a_failed_run_leaves_nothing_to_the_next(model):
    system, parameters, count = system_of(model), model.parameters.vector(), len(model.species)
    pieces = Pieces(np.array([0.0, np.inf]), *np.zeros((2, 1, count)), np.zeros(1, np.int64), np.zeros(count))
    control = Control(1e-6, model.species.scales(), 1000)

    def outcome_and_states(values):
        output = output_at(np.array([0.5, 1.0]), count)
        return system.integrate(values, system.initial_state(parameters), pieces, control, output), output.states

    before = outcome_and_states(parameters)
    assert before[0] == Outcome.OK
    assert outcome_and_states(np.full(len(parameters), np.nan))[0] != Outcome.OK
    after = outcome_and_states(parameters)
    assert after[0] == Outcome.OK
    assert after[1].tobytes() == before[1].tobytes()
