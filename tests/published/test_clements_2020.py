"""Population pharmacokinetics against closed forms and the typical concentrations of the paper."""

import numpy as np
import pytest

import bitesim


def run(patient, regimen, times, **options):
    return bitesim.simulate(patient, regimen, "clements2020", times, rtol=1e-10, **options)["serum_drug_pg_per_ml"]


def clearance_l_per_day(bsa_m2):
    return 24.0 * 2.22 * (bsa_m2 / 1.876) ** 0.62


@pytest.mark.parametrize(
    ("weight_kg", "bsa_m2", "dose", "typical"),
    [
        (70, 1.876, "9 ug/day", 169),
        (70, 1.876, "28 ug/day", 526),
        (35, 1.2, "5 ug/m2/day", 149),
        (35, 1.2, "15 ug/m2/day", 446),
    ],
)
def test_typical_steady_state(weight_kg, bsa_m2, dose, typical):
    patient = bitesim.Patient(weight_kg=weight_kg, bsa_m2=bsa_m2)
    level = run(patient, f"{dose} for 28 d", [7.0])[0]
    rate = bitesim.Regimen.parse(f"{dose} for 28 d").schedule(bsa_m2=bsa_m2).rate_at(7.0)
    assert level == pytest.approx(1e3 * rate / clearance_l_per_day(bsa_m2), rel=1e-8)
    assert level == pytest.approx(typical, abs=0.6)


def test_infusion_and_washout_equal_the_closed_form():
    patient = bitesim.Patient(weight_kg=70, bsa_m2=1.876)
    times = np.array([0.0, 0.05, 0.2, 1.0, 2.0, 2.05, 2.3, 3.0])
    k = clearance_l_per_day(1.876) / 5.98
    top = 1e3 * 28.0 / clearance_l_per_day(1.876)
    expected = np.where(times <= 2.0, top * -np.expm1(-k * times), top * -np.expm1(-2.0 * k) * np.exp(-k * (times - 2.0)))
    np.testing.assert_allclose(run(patient, "28 ug/day for 2 d", times), expected, rtol=1e-8, atol=1e-8)


def test_a_four_hour_gap_loses_the_closed_form_amount():
    patient = bitesim.Patient(weight_kg=70, bsa_m2=1.88)
    regimen = bitesim.Regimen.parse("28 ug/day for 28 d").hold(10.0, hours=4.0, resume="as_planned")
    before, after = run(patient, regimen, [10.0, 10.0 + 4.0 / 24.0])
    k = clearance_l_per_day(1.88) / 5.98
    assert after / before == pytest.approx(np.exp(-k * 4.0 / 24.0), rel=1e-8)
    assert 0.74 < 1.0 - after / before < 0.79
