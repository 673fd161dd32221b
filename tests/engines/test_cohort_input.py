"""What a cohort is asked for is checked: every refusal names the argument, the patient's row, and what is allowed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import bitesim
from bitesim.engines.cohort import run_cohort, stream_cohort
from bitesim.parameters import Catalogue, ParameterSet
from bitesim.treatment import StopTreatment, Threshold
from tests.engines.cohorts import BLOW_UP, CLEMENTS, HOSSEINI
from tests.problems.stiff_binding import STIFF_BINDING

REGIMEN = bitesim.Regimen.parse("28 ug/day for 2 d")
THREE = np.tile(CLEMENTS.parameters.vector(), (3, 1))
_DEFAULTS = {"model": CLEMENTS, "parameters": THREE, "regimen": REGIMEN, "times_days": [1.0]}
_RULE = Threshold("serum_drug_pg_per_ml", "above", 1.0, StopTreatment("enough"))
_STEADY = bitesim.Regimen.from_table(
    [{"TIME": 0, "AMT": 5, "SS": 1, "II": 6}], time_unit="hours", amount_unit="ug"
)  # fmt: skip


def with_value(row, column, value):
    table = THREE.copy()
    table[row, column] = value
    return table


def refused(error, words, **changes):
    """Assert that both doors refuse, in the same words, before anything is run."""
    with pytest.raises(error, match=words):
        run_cohort(**{**_DEFAULTS, **changes})
    with pytest.raises(error, match=words):
        next(stream_cohort(**{**_DEFAULTS, **changes}))


def test_the_defaults_of_these_tests_are_accepted():
    assert len(run_cohort(**_DEFAULTS)) == 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, r"patient 1: volume_l = nan is not a number \(missing value\?\): expected 0.1 to 100 L"),
        (np.inf, r"patient 1: volume_l = inf L is outside the allowed range: expected 0.1 to 100 L"),
        (-np.inf, r"patient 1: volume_l = -inf L is outside the allowed range: expected 0.1 to 100 L"),
        (0.0999, r"patient 1: volume_l = 0.0999 L is outside the allowed range: expected 0.1 to 100 L"),
        (np.nextafter(100.0, 101.0), r"patient 1: volume_l = 100.0000\d+ L is outside the allowed range"),
    ],
)
def test_a_value_is_refused_with_its_row_its_name_and_what_is_allowed(value, words):
    table = with_value(1, 1, value)
    refused(bitesim.ParameterError, words, parameters=table)
    refused(bitesim.ParameterError, words, parameters={"volume_l": list(table[:, 1])})
    refused(bitesim.ParameterError, words, parameters=lambda first, stop: table[first:stop], patients=3)


@pytest.mark.parametrize("bound", [0.1, 100.0])
def test_a_value_at_its_bound_is_allowed(bound):
    assert not run_cohort(**{**_DEFAULTS, "parameters": with_value(1, 1, bound)}).failures


def test_the_row_is_that_of_the_whole_cohort():
    def rows(first, stop):
        return np.where(np.arange(first, stop)[:, np.newaxis] == 7, np.nan, THREE[0])

    refused(bitesim.ParameterError, "patient 7: clearance_l_per_h = nan", parameters=rows, patients=10, chunk=3)
    refused(bitesim.ParameterError, r"patient 7: .* \(5 values of this table are refused\)", parameters=rows(0, 10))


def test_an_infinite_value_is_refused_where_bounds_are_infinite():
    endless = [dataclasses.replace(row, bounds=(-np.inf, np.inf)) for row in BLOW_UP.catalogue.values()]
    model = dataclasses.replace(BLOW_UP, parameters=ParameterSet(Catalogue("blow_up", tuple(endless))))
    with pytest.raises(bitesim.ParameterError):
        model.parameters.replace(y_at_zero=np.inf)
    refused(bitesim.ParameterError, "patient 0: y_at_zero = inf", model=model, parameters={"y_at_zero": [np.inf, 1.0]})


def rows_of(count):
    return lambda first, stop: np.tile(CLEMENTS.parameters.vector(), (count, 1))


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        # Parameters.
        (r"shape \(3, 4\): expected \(3, 5\), one column for each parameter of clements2020", {"parameters": THREE[:, :4]}),
        (r"shape \(5,\): expected \(patients, 5\)", {"parameters": THREE[0]}),
        (r"shape \(2, 3, 5\): expected \(patients, 5\)", {"parameters": np.array([THREE, THREE])}),
        (r"shape \(0, 5\): expected \(patients, 5\)", {"parameters": THREE[:0]}),
        (r"shape \(0, 5\): expected \(patients, 5\)", {"parameters": {"volume_l": []}}),
        (r"patients = 4, but parameters has 3 rows", {"patients": 4}),
        (r"parameters is a function of \(first, stop\): say how many .* patients=", {"parameters": rows_of(3)}),
        (r"shape \(3, 5\): expected \(4, 5\)", {"parameters": rows_of(3), "patients": 4}),
        (r"patients 3 to 3 have shape \(3, 5\)", {"parameters": rows_of(3), "patients": 4, "chunk": 3}),
        (r"volume_l: 2, bsa_m2: 3", {"parameters": {"volume_l": [5.0, 6.0], "bsa_m2": [1.0, 1.1, 1.2]}}),
        (r"how many patients there are \(volume_l: 2\)", {"parameters": {"volume_l": [5.0, 6.0]}, "patients": 3}),
        (r"how many patients there are \(single values only\)", {"parameters": {"volume_l": 5.0}}),
        (r"how many patients there are \(single values only\)", {"parameters": {}}),
        (r"unknown parameter of clements2020 'volum_l'. Did you mean 'volume_l'\?", {"parameters": {"volum_l": [5.0]}}),
        (r"parameters\[1\] = .* does not belong to model clements2020",
         {"parameters": [CLEMENTS.parameters, HOSSEINI.parameters]}),
        (r"parameters\[0\] = 2.0 does not belong to model clements2020", {"parameters": [2.0, 3.0]}),
        # Outputs.
        (r"outputs = 'drug_ug' is one text: write \['drug_ug'\]", {"outputs": "drug_ug"}),
        (r"unknown output or state of clements2020 'drug_mg'. Did you mean 'drug_ug'\?", {"outputs": ["drug_mg"]}),
        (r"outputs is empty", {"outputs": []}),
        # Bodies.
        (r"bsa_m2 has 2 values for 3 patients", {"bsa_m2": [1.8, 1.9]}),
        (r"weight_kg has 4 values for 3 patients", {"weight_kg": np.full(4, 70.0)}),
        (r"bsa_m2\[1\] = nan", {"bsa_m2": [1.8, np.nan, 1.9]}),
        (r"bsa_m2\[2\] = 188.0 m2 is outside the allowed range: expected 0.1 to 3.5", {"bsa_m2": [1.8, 1.9, 188.0]}),
        (r"weight_kg = 0.07 kg is outside", {"weight_kg": 0.07}),
        (r"bsa_m2 = '1.8' is text", {"bsa_m2": "1.8"}),
        # Times, accuracy and how to run.
        (r"times_days\[1\] = 0.5 is earlier than the time before it \(1\)", {"times_days": [1.0, 0.5]}),
        (r"times_days\[1\] = 1 repeats", {"times_days": [1.0, 1.0]}),
        (r"times_days\[0\] = -1.0 days is outside", {"times_days": [-1.0, 1.0]}),
        (r"times_days is empty", {"times_days": []}),
        (r"rtol = 0 is outside .* 1e-12 to 0.01", {"rtol": 0}),
        (r"max_steps = 0 is outside", {"max_steps": 0}),
        (r"threads = 0 is outside the allowed range: expected a whole number, 1 to 1024", {"threads": 0}),
        (r"threads = 1.5 is not a whole number", {"threads": 1.5}),
        (r"chunk = 0 is outside", {"chunk": 0}),
        (r"patients = 0 is outside", {"patients": 0, "parameters": {}}),
        (r"patients = True is not a whole number", {"patients": True, "parameters": {}}),
        (r"lanes = True, but model stiff_binding has no derived code: run bitesim.derive\(model\) first",
         {"model": STIFF_BINDING, "parameters": {}, "patients": 1, "lanes": True}),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(words, changes):
    refused(bitesim.ParameterError, words, **changes)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("decision points or steady-state records", {"regimen": REGIMEN.with_decision(1.0, _RULE)}),
        ("decision points or steady-state records", {"regimen": _STEADY}),
        ("15 ug/m2/day needs the patient's body surface area", {"regimen": "15 ug/m2/day for 2 d"}),
        ("counts drug per m2 and the patient has no body surface area",
         {"model": HOSSEINI, "parameters": {}, "patients": 2}),
        ("infusions overlap", {"regimen": REGIMEN.with_infusion(1.0, 5.0, 3.0, "drug_ug")}),
    ],
)  # fmt: skip
def test_a_regimen_that_cannot_be_given_is_named(words, changes):
    refused(bitesim.ScenarioError, words, **changes)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("28 mg", {"regimen": "28 mg for 2 d"}),
        ("regimen", {"regimen": 3}),
        ("model", {"model": 3}),
        ("parameters", {"parameters": None}),
        ("volume_l", {"parameters": {"volume_l": ["a", "b"]}}),
        ("volume_l", {"parameters": {"volume_l": np.ones((2, 2))}}),
        ("parameters", {"parameters": np.full((3, 5), "a")}),
        ("outputs", {"outputs": 5}),
    ],
)
def test_what_makes_no_sense_is_an_error_of_this_package(words, changes):
    refused(bitesim.BitesimError, words, **changes)


def test_names_and_nothing_are_understood_as_simulate_does():
    named = run_cohort(**{**_DEFAULTS, "model": "clements2020"})
    assert named.digest() == run_cohort(**_DEFAULTS).digest()
    without = run_cohort(**{**_DEFAULTS, "regimen": None})
    assert without.digest() == run_cohort(**{**_DEFAULTS, "regimen": "no drug"}).digest()


def test_children_without_a_size_are_refused_where_clearance_needs_it():
    given = {"times_days": [0.0, 1.0], "weight_kg": 20.0}
    patients = {"baseline_blast_fraction": [1e-3, 1e-2]}
    with pytest.raises(bitesim.ParameterError, match="needs bsa_m2= of patients with weight_kg="):
        bitesim.run_cohort("leukaemia", patients, "9 ug/day for 1 d", **given)
    # Set as a parameter, or handed in with the bodies, it is known.
    by_name = bitesim.run_cohort("leukaemia", {**patients, "bsa_m2": [0.8, 0.8]}, "9 ug/day for 1 d", **given)
    by_body = bitesim.run_cohort("leukaemia", patients, "9 ug/day for 1 d", bsa_m2=0.8, **given)
    assert by_name["mrd"].tobytes() == by_body["mrd"].tobytes()
