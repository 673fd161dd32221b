"""Patients: defaults, formulas, and bodies that do not exist."""

import math

import pytest

import bitesim
from bitesim import ParameterError, Patient
from bitesim.population import body_surface_area


def test_documented_defaults():
    assert (Patient().weight_kg, Patient().bsa_m2, Patient().age_years) == (70.0, 1.88, 40.0)
    assert Patient(weight_kg=20).bsa_m2 is None


def test_height_gives_the_body_surface_area_by_the_named_formula():
    assert Patient(weight_kg=70, height_cm=180).bsa_m2 == pytest.approx(math.sqrt(180 * 70 / 3600))
    assert Patient(weight_kg=70, height_cm=180, bsa_formula="dubois").bsa_m2 == pytest.approx(1.886, abs=2e-3)
    assert body_surface_area(110, 18, "haycock") == pytest.approx(0.740, abs=5e-3)
    assert Patient(weight_kg=70, height_cm=180).replace(weight_kg=80).bsa_m2 == pytest.approx(2.0)


@pytest.mark.parametrize(
    "body", [{"weight_kg": 20, "bsa_m2": 1.88}, {"weight_kg": 70, "bsa_m2": 0.7}, {"weight_kg": 5, "height_cm": 180}]
)
def test_a_weight_and_a_size_that_do_not_fit_are_refused(body):
    with pytest.raises(ParameterError, match="do not fit"):
        Patient(**body)


@pytest.mark.parametrize(
    "name", ["weight_kg", "bsa_m2", "height_cm", "age_years", "blood_b_cells_per_ul", "blood_cd8_t_cells_per_ul"]
)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "70", True])
def test_bad_values_are_refused_by_name(name, value):
    with pytest.raises(ParameterError, match=f"{name} = .*expected"):
        Patient(**{name: value})


@pytest.mark.parametrize("name", ["blood_b_cells_per_ul", "blood_cd8_t_cells_per_ul"])
def test_zero_baseline_counts_are_refused_with_the_likely_intent(name):
    with pytest.raises(ParameterError, match=f"{name} = 0 .*below detection is not 0"):
        Patient(**{name: 0})


def test_changes_are_copies_and_names_are_checked():
    patient = Patient(name="p017")
    assert patient.replace(age_years=9).name == "p017"
    with pytest.raises(ParameterError, match="Did you mean 'weight_kg'"):
        patient.replace(weigth_kg=60)
    assert "p017" in patient._repr_html_()


def test_a_dose_per_m2_without_bsa_is_refused():
    with pytest.raises(bitesim.ScenarioError, match="bsa_m2=, or height_cm="):
        bitesim.simulate(Patient(weight_kg=70), "15 ug/m2/day for 28 d", "hosseini2020", [0, 1])
    with pytest.raises(bitesim.ParameterError, match="model leukaemia needs bsa_m2= of a patient with weight_kg = 70"):
        bitesim.simulate(Patient(weight_kg=70), "28 ug/day for 28 d", times_days=[0, 1])


@pytest.mark.parametrize("name", ["mrd", "marrow_blast_fraction"])
def test_blasts_are_known_by_either_name(name):
    patient = Patient(**{name: 2e-3})
    assert patient.covariates()["marrow_blast_fraction"] == 2e-3
    run = bitesim.simulate(patient, None, "leukaemia", [0.0, 1.0])
    assert run["mrd"][0] == run["marrow_blast_fraction"][0] == pytest.approx(2e-3)
    assert run["blasts"][0] == pytest.approx(2e-3 * 70 * 1.04e10)


def test_blasts_by_both_names_are_refused():
    with pytest.raises(bitesim.ParameterError, match=r"mrd = 0.001 and marrow_blast_fraction = 0.2 are the same quantity"):
        Patient(mrd=1e-3, marrow_blast_fraction=0.2)


@pytest.mark.parametrize("value", [5, 1.5, 0.0, -1e-4, float("nan")])
def test_blasts_in_percent_or_none_are_refused(value):
    with pytest.raises(bitesim.ParameterError, match=r"mrd.*(5 % is 0.05)"):
        Patient(mrd=value)


def test_a_child_without_a_size_is_refused_where_clearance_needs_it():
    with pytest.raises(bitesim.ParameterError, match=r"needs bsa_m2= of a patient with weight_kg = 20"):
        bitesim.simulate(Patient(weight_kg=20), "9 ug/day for 28 d", "leukaemia", [0, 1])
