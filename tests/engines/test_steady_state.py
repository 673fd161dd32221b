"""Steady state before a record, against closed forms and against doses written out."""

import numpy as np
import pytest

import bitesim
from bitesim import Regimen

UNITS = {"time_unit": "hours", "amount_unit": "ug"}
PATIENT = bitesim.Patient(weight_kg=70, bsa_m2=1.876)
RATE = 24.0 * 2.22 / 5.98


def drug(rows, times, **options):
    return bitesim.simulate(PATIENT, Regimen.from_table(rows, **UNITS), "clements2020", times, rtol=1e-10, **options)[
        "drug_ug"
    ]


def test_constant_infusion_is_rate_over_clearance_and_ends():
    amounts = drug([{"TIME": 0, "AMT": 0, "RATE": 2, "SS": 1}], [0.0, 0.1])
    np.testing.assert_allclose(amounts, 48.0 / RATE * np.exp(-RATE * np.array([0.0, 0.1])), rtol=1e-8)


def test_repeated_boluses_equal_the_geometric_series():
    amounts = drug([{"TIME": 24, "AMT": 10, "SS": 1, "II": 6, "ADDL": 1}], [1.0, 1.25])
    peak = 10.0 / (1.0 - np.exp(-RATE * 0.25))
    np.testing.assert_allclose(amounts, [peak, peak], rtol=1e-8)


def test_repeated_infusions_equal_the_closed_form():
    amounts = drug([{"TIME": 0, "AMT": 7, "DUR": 6, "SS": 1, "II": 12}], [0.0, 0.25])
    top = 28.0 / RATE * (1.0 - np.exp(-RATE * 0.25)) / (1.0 - np.exp(-RATE * 0.5))
    np.testing.assert_allclose(amounts, [top * np.exp(-RATE * 0.25), top], rtol=1e-8)


def test_a_slow_model_equals_the_doses_written_out():
    steady = bitesim.simulate(
        PATIENT,
        Regimen.from_table([{"TIME": 0, "AMT": 28, "RATE": 28 / 24, "SS": 1, "II": 24}], **UNITS),
        "hosseini2020",
        [0.0],
        rtol=1e-8,
    )
    written = bitesim.simulate(PATIENT, "28 ug/day for 4000 d", "hosseini2020", [4000.0], rtol=1e-8)
    for name in ("Rp", "Ap", "Pp", "Rs", "Bp", "Bm", "Nm"):
        assert steady[name][0] == pytest.approx(written[name][0], rel=1e-6), name


def test_what_grows_has_no_steady_state():
    rows = [{"TIME": 0, "AMT": 1e-3, "RATE": 1e-3, "SS": 1, "II": 24, "CMT": "il6_blood_pg_per_ml"}]
    with pytest.raises(bitesim.SolverError, match=r"no steady state of model hosseini2020_nhl .* grow"):
        bitesim.simulate(PATIENT, Regimen.from_table(rows, **UNITS), "hosseini2020_nhl", [0.0], rtol=1e-4)


def test_records_are_checked_and_read_back():
    regimen = Regimen.from_table([{"TIME": 24, "AMT": 7, "DUR": 6, "SS": 1, "II": 12}], **UNITS)
    assert Regimen.from_table(regimen.to_table(time_unit="hours"), **UNITS).schedule() == regimen.schedule()
    constant = Regimen.from_table([{"TIME": 24, "RATE": 2, "SS": 1, "EVID": 1}], **UNITS)
    assert Regimen.from_table(constant.to_table(time_unit="hours"), **UNITS).schedule() == constant.schedule()
    for row, words in (
        ({"SS": 2, "II": 6}, "column SS: 2"),
        ({"SS": 1}, "column II: 0 with SS 1"),
        ({"SS": 1, "II": 1, "DUR": 2}, "overlaps"),
    ):
        with pytest.raises(bitesim.ScenarioError, match=words):
            Regimen.from_table([{"TIME": 0, "AMT": 5, **row}], **UNITS)
