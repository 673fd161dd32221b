"""The label's regimens by weight, with caps."""

from types import SimpleNamespace

import pytest

from bitesim import Patient, Regimen, ScenarioError
from bitesim.foundation.errors import UnknownNameError


def text(patient, **options):
    return Regimen.label(patient, **options).to_text()


def test_adults_get_fixed_doses_with_a_step_in_the_first_cycle():
    expected = "9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off; 28 ug/day for 28 d, 14 d off"
    assert text(Patient(weight_kg=45, bsa_m2=1.4)) == expected


def test_children_get_doses_per_m2():
    expected = "5 ug/m2/day for 7 d, 15 ug/m2/day for 21 d, 14 d off"
    assert text(Patient(weight_kg=20, bsa_m2=0.8), cycles=1) == expected


def test_the_caps_hold_below_45_kg():
    assert text(SimpleNamespace(weight_kg=44.9, bsa_m2=1.95), cycles=1) == "9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off"


def test_mrd_has_no_step_and_aall1331_has_cycles_of_35_days():
    adult = Patient(weight_kg=70, bsa_m2=1.88)
    assert text(adult, indication="mrd", cycles=2) == "28 ug/day for 28 d, 14 d off, x2"
    assert text(adult, indication="aall1331", cycles=2) == "15 ug/m2/day for 28 d, 7 d off, x2"


def test_continued_therapy_has_56_days_off():
    assert text(Patient(), cycles=7).endswith("14 d off, x4; 28 ug/day for 28 d, 56 d off, x2")


def test_dexamethasone_is_an_event_and_the_rule_is_noted():
    regimen = Regimen.label(Patient(weight_kg=70, bsa_m2=1.88), cycles=1)
    given = [(event.time_days, event.text) for event in regimen.schedule().events if event.kind == "premedication"]
    assert given == [(0.0, "dexamethasone 20 mg before the cycle"), (7.0, "dexamethasone 20 mg at the dose step")]
    assert ">= 45 kg" in regimen.notes[0]


def test_what_the_label_does_not_have_is_refused():
    with pytest.raises(ScenarioError, match="at most 9"):
        Regimen.label(Patient(), cycles=10)
    with pytest.raises(UnknownNameError, match="Did you mean 'relapsed'"):
        Regimen.label(Patient(), indication="relapse")
    with pytest.raises(ScenarioError, match="bsa_m2"):
        Regimen.label(Patient(weight_kg=20))
