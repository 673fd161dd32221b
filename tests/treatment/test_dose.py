"""Dose rates: what is read, and how a wrong unit is answered."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitesim import BitesimError, ScenarioError
from bitesim.treatment import DoseRate


@pytest.mark.parametrize("text", ["15 ug/m2/day", "15 µg/m²/d", "15.0 mcg / m^2 / day", "15ug/m2/d"])
def test_spellings_of_a_dose_per_m2(text):
    assert DoseRate.parse(text) == DoseRate(15.0, "ug/m2/day")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.028 mg/day", ["mg/day", "micrograms", "28 ug/day"]),
        ("0.5 ug/kg/day", ["ug/kg/day", "not dosed by weight"]),
        ("600 pg/mL", ["serum concentration"]),
        ("1 ug/h", ["per day"]),
        ("28000 ug/day", ["28000", "0.1 to 500", "micrograms"]),
        ("0.01 ug/m2/day", ["0.01", "0.1 to 500"]),
        ("-5 ug/day", ["-5", "0.1 to 500"]),
        ("nan ug/day", ["nan", "0.1 to 500"]),
        ("inf ug/day", ["inf", "0.1 to 500"]),
        ("lots", ["lots", "15 ug/m2/day"]),
    ],
)
def test_wrong_doses_name_value_range_and_intent(text, words):
    with pytest.raises(ScenarioError) as caught:
        DoseRate.parse(text)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("value", [True, "15", None, float("nan")])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ScenarioError, match="dose = "):
        DoseRate(value, "ug/day")


def test_a_dose_per_m2_needs_a_body_surface_area():
    assert DoseRate(15.0, "ug/m2/day").ug_per_day(2.0) == 30.0
    with pytest.raises(ScenarioError, match=r"bsa_m2=, or height_cm="):
        DoseRate(15.0, "ug/m2/day").ug_per_day(None)
    with pytest.raises(ScenarioError, match=r"0\.1 to 500"):
        DoseRate(400.0, "ug/m2/day").ug_per_day(1.9)


@pytest.mark.parametrize(
    ("text", "weight_kg", "meant"),
    [("15 ug/day", 70, "15 ug/m2/day"), ("28 ug/m2/day", 70, "28 ug/day"), ("28 ug/day", 20, "15 ug/m2/day")],
)
def test_suspicious_doses_say_what_was_probably_meant(text, weight_kg, meant):
    assert f"did you mean {meant}" in DoseRate.parse(text).suspicion(weight_kg)


@pytest.mark.parametrize(("text", "weight_kg"), [("28 ug/day", 70), ("15 ug/m2/day", 70), ("15 ug/m2/day", 20)])
def test_usual_doses_raise_no_suspicion(text, weight_kg):
    assert DoseRate.parse(text).suspicion(weight_kg) is None


@given(st.text())
def test_any_text_gives_a_dose_or_the_packages_own_error(text):
    with suppress(BitesimError):
        DoseRate.parse(text)
