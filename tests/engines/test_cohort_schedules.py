"""Schedules in cohorts: each body has its own doses, and boluses, resets, gaps and outputs fall where they do alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import bitesim
from bitesim.engines.cohort import run_cohort
from tests.engines.cohorts import CLEMENTS, FOUR_WEEKS, HOSSEINI, alone, everything, hosseini_patients

PARSE, NONE = bitesim.Regimen.parse, bitesim.Regimen.none()
WEIGHTS = [18.0, 30.0, 45.0, 55.0, 62.5, 70.0, 80.0, 95.0, 110.0, 70.0]
BODIES = [bitesim.Patient(weight_kg=kg, height_cm=cm) for kg, cm in zip(WEIGHTS, [110, 135, *[170] * 8], strict=True)]
TABLE = hosseini_patients(len(BODIES), seed=5)
CASES = {
    "no drug": (NONE, [0.0, 5.0, 50.0]),
    "doses per m2": (FOUR_WEEKS, [0.0, 1.0, 27.9, 30.0, 43.5, 90.0]),
    "flat doses": ("9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off", [0.5, 6.0, 8.0, 29.0]),
    "outputs at every event": (FOUR_WEEKS, [0.0, 28.0, 42.0, 70.0, 84.0]),
    "outputs after the last event": (FOUR_WEEKS, [84.5, 90.0, 120.25]),
    "one output": (FOUR_WEEKS, [10.25]),
    "one output at an event": (FOUR_WEEKS, [42.0]),
    "one output at the start": (FOUR_WEEKS, [0.0]),
    "a late start": ("3 d off; 15 ug/m2/day for 7 d", [1.0, 2.0, 3.0, 4.0]),
    "boluses": (
        NONE.with_bolus(0.0, 5.0).with_bolus(3.0, 10.0).with_bolus(3.0, 1e3, "il6_blood_pg_per_ml").with_bolus(3.2, 1.0),
        [0.0, 2.9, 3.0, 3.1, 3.2, 9.0],
    ),
    "resets": (
        replace(NONE.with_infusion(0.0, 10.0, 28.0).with_bolus(4.0, 3.0).with_bolus(20.0, 3.0), resets=(4.0, 15.0)),
        [3.9, 4.0, 4.1, 14.9, 15.0, 16.0, 21.0],
    ),
    "bags with gaps": (PARSE("15 ug/m2/day for 6 d in 48 h bags with 60 min gaps"), [1.9, 2.0, 2.02, 2.1, 4.03, 7.0]),
    "a hold": (PARSE("15 ug/m2/day for 10 d").hold(5.5, hours=30), [5.5, 6.0, 6.75, 7.0, 12.0]),
    "an infusion into a tissue state": (
        PARSE("15 ug/m2/day for 3 d").with_infusion(1.0, 1.0, 1e5, "b_cells_marrow"),
        [0.9, 1.0, 1.5, 2.0, 4.0],
    ),
    "the pump stopped": (PARSE(FOUR_WEEKS).stop(9.25), [9.0, 9.25, 9.5, 42.0, 50.0]),
}


@pytest.mark.filterwarnings("ignore::bitesim.DoseWarning")
@pytest.mark.parametrize("lanes", [True, False])
@pytest.mark.parametrize("name", list(CASES))
def test_every_patient_has_the_bytes_of_simulate(name, lanes):
    regimen, times = CASES[name]
    sizes = {"bsa_m2": [body.bsa_m2 for body in BODIES], "weight_kg": WEIGHTS}
    result = run_cohort(HOSSEINI, TABLE, regimen, times, everything(HOSSEINI), lanes=lanes, chunk=6, **sizes)
    assert not result.failures
    for row, patient in enumerate(BODIES):
        trajectory = alone(HOSSEINI, TABLE[row], regimen, times, patient=patient)
        for state in everything(HOSSEINI):
            assert result[state][row].tobytes() == trajectory[state].tobytes(), (row, state)


def test_one_body_for_all_is_that_body_for_each():
    def digest(bsa_m2):
        return run_cohort(HOSSEINI, TABLE, "28 ug/day for 28 d", [1.0, 30.0], bsa_m2=bsa_m2).digest()

    assert digest(1.7) == digest(np.full(len(TABLE), 1.7)) == digest([1.7] * len(TABLE))
    assert digest(1.7) != digest(1.8)


def test_a_dose_per_m2_gives_each_body_its_own():
    # Clearance grows with the body surface area to the power 0.62; 20 days are many half-lives.
    sizes = np.linspace(0.6, 2.4, 17)
    regimen, rate = "15 ug/m2/day for 28 d", 24.0 * CLEMENTS.parameters.clearance_l_per_h * (sizes / 1.876) ** 0.62
    drug = run_cohort(CLEMENTS, {}, regimen, [20.0], patients=17, bsa_m2=sizes, rtol=1e-9)["serum_drug_pg_per_ml"]
    np.testing.assert_allclose(drug[:, 0], 1000.0 * 15.0 * sizes / rate, rtol=1e-8)


def decayed(amount, rate, inflow, days):
    """Return the solution of A' = inflow - rate A."""
    return inflow / rate + (amount - inflow / rate) * np.exp(-rate * days)


@pytest.mark.parametrize("lanes", [True, False])
def test_infusion_bolus_and_reset_equal_the_closed_form(lanes):
    clearance, volume = np.linspace(0.5, 9.0, 21), np.linspace(9.0, 3.0, 21)
    regimen = replace(PARSE("9 ug/day for 1 d, 28 ug/day for 1 d").with_bolus(1.5, 7.0).with_bolus(2.5, 3.0), resets=(2.25,))
    times = [0.0, 0.4, 1.0, 1.5, 1.75, 2.0, 2.2, 2.25, 2.4, 2.5, 3.0]
    patients = {"clearance_l_per_h": clearance, "volume_l": volume, "bsa_m2": CLEMENTS.parameters.reference_bsa_m2}
    result = run_cohort(CLEMENTS, patients, regimen, times, ["drug_ug", "drug_eliminated_ug"], rtol=1e-10, lanes=lanes)
    k = 24.0 * clearance / volume
    at_1 = decayed(0.0, k, 9.0, 1.0)
    at_15 = decayed(at_1, k, 28.0, 0.5) + 7.0
    at_2 = decayed(at_15, k, 28.0, 0.5)
    expected = [
        0.0 * k, decayed(0.0, k, 9.0, 0.4), at_1, at_15, decayed(at_15, k, 28.0, 0.25), at_2, decayed(at_2, k, 0.0, 0.2),
        0.0 * k, 0.0 * k, 3.0 + 0.0 * k, decayed(3.0, k, 0.0, 0.5),
    ]  # fmt: skip
    np.testing.assert_allclose(result["drug_ug"], np.transpose(expected), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(result["drug_eliminated_ug"][:, 6], 9.0 + 28.0 + 7.0 - expected[6], rtol=1e-7)
    np.testing.assert_allclose(result["drug_eliminated_ug"][:, -1], 3.0 - expected[-1], rtol=1e-7)


@pytest.mark.parametrize("lanes", [True, False])
def test_what_happens_after_the_last_output_is_not_run(lanes):
    options = {"times_days": [0.0, 3.0, 10.0], "outputs": everything(HOSSEINI), "bsa_m2": 1.88, "lanes": lanes}
    short = run_cohort(HOSSEINI, TABLE, "15 ug/m2/day for 28 d", **options)
    # What would blow up a patient, too, if it were run.
    later = PARSE("15 ug/m2/day for 28 d, 14 d off, x2").with_bolus(90.0, 1e30).with_bolus(95.0, 1.0)
    long = run_cohort(HOSSEINI, TABLE, later, **options)
    assert not long.failures
    assert long.values.tobytes() == short.values.tobytes()
    assert np.array_equal(long.steps, short.steps)
    assert np.all(long.time_reached_days < 28.0)
    assert long.steps[:, 2].tolist() == [1] * len(TABLE)


def test_a_suspicious_dose_warns_as_it_does_for_one_patient():
    with pytest.warns(bitesim.DoseWarning, match="30 kg"):
        run_cohort(HOSSEINI, TABLE[:3], "28 ug/day for 2 d", [1.0], bsa_m2=[1.8, 1.0, 1.9], weight_kg=[70.0, 30.0, 80.0])
