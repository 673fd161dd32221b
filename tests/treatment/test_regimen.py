"""Regimens are immutable, print well, and refuse what makes no sense."""

import math
import pickle

import pytest

from bitesim import Regimen, ScenarioError
from bitesim.treatment import BagPlan, Bolus, DoseStep


def test_methods_return_copies():
    regimen = Regimen.parse("28 ug/day for 28 d, 14 d off")
    assert regimen.hold(1.0, days=1.0) != regimen
    assert regimen.holds == ()
    assert pickle.loads(pickle.dumps(regimen)) == regimen


def test_it_prints_with_its_changes():
    regimen = Regimen.parse("28 ug/day for 28 d").hold(3.0, days=2.0, reason="CRS").stop(20.0, "transplant")
    assert str(regimen) == "28 ug/day for 28 d; hold 2 d from day 3 (CRS); stop at day 20 (transplant)"
    assert "28 ug/day for 28 d" in regimen._repr_html_()
    assert Regimen.none().days == 0.0


@pytest.mark.parametrize("amount", [0.0, -1.0, math.nan, math.inf, True, "3"])
def test_boluses_that_cannot_be_given_are_refused(amount):
    with pytest.raises(ScenarioError, match="amount of a bolus"):
        Bolus(1.0, amount)


def test_bags_and_steps_are_checked():
    with pytest.raises(ScenarioError, match="24, 48, 72, 96, 168"):
        BagPlan(36.0)
    with pytest.raises(ScenarioError, match="leaves nothing"):
        BagPlan(24.0, 1440.0)
    with pytest.raises(ScenarioError, match="lasts no time"):
        DoseStep("28 ug/day", 0.0)


def test_bags_are_also_read_as_text():
    regimen = Regimen.parse("28 ug/day for 28 d")
    assert regimen.with_bags("48 h", 4.0) == regimen.with_bags(48.0, 4.0)
    assert regimen.with_bags("7 d") == regimen.with_bags(168.0)
    for text in ("47 h", "48", "two days"):
        with pytest.raises(ScenarioError, match="24, 48, 72, 96"):
            regimen.with_bags(text)


def test_quantities_with_units_are_converted():
    hour = pytest.importorskip("pint").UnitRegistry().hour
    regimen = Regimen.parse("28 ug/day for 28 d")
    assert regimen.hold(240 * hour, days=1.0) == regimen.hold(10.0, days=1.0)
    assert regimen.with_bolus(24 * hour, 3.0) == regimen.with_bolus(1.0, 3.0)
    assert regimen.with_infusion(720 * hour, 1.0, 9.0) == regimen.with_infusion(30.0, 1.0, 9.0)
    assert regimen.stop(240 * hour, "x") == regimen.stop(10.0, "x")
