"""From a schedule to pieces: boundaries, rates, jumps and resets land where they belong."""

import math
from dataclasses import replace

import numpy as np
import pytest

import bitesim
from bitesim.engines.timeline import delivered_until, pieces_between, pulse_times

MODEL = bitesim.MODELS["hosseini2020"]
CLEMENTS = bitesim.MODELS["clements2020"]


def pieces(model, regimen, window=(0.0, math.inf), bsa_m2=2.0):
    return pieces_between(model, regimen.schedule(bsa_m2=bsa_m2), window, bsa_m2, np.zeros(len(model.species)))


def test_rates_are_in_the_unit_of_the_drug_state():
    regimen = bitesim.Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d")
    per_m2, absolute = pieces(MODEL, regimen), pieces(CLEMENTS, regimen)
    assert per_m2.boundary.tolist() == absolute.boundary.tolist() == [0.0, 7.0, 28.0, math.inf]
    assert per_m2.input_rate[:, 0].tolist() == [4.5, 14.0, 0.0]
    assert absolute.input_rate[:, 0].tolist() == [9.0, 28.0, 0.0]


def test_a_window_holds_what_happens_at_its_start_and_not_at_its_end():
    regimen = bitesim.Regimen.none().with_bolus(1.0, 5.0).with_bolus(2.0, 7.0)
    first, second = pieces(CLEMENTS, regimen, (0.0, 2.0)), pieces(CLEMENTS, regimen, (2.0, math.inf))
    assert first.jump[:, 0].tolist() == [0.0, 5.0]
    assert second.jump[:, 0].tolist() == [7.0]


def test_a_bolus_counts_as_input_for_the_pulse():
    regimen = bitesim.Regimen.none().with_bolus(0.0, 5.0).with_bolus(0.5, 5.0).with_bolus(1.6, 5.0)
    assert pulse_times(MODEL, regimen.schedule()) == [(0.0, 0), (1.6, 0)]


def test_a_reset_ends_a_running_infusion_and_lands_on_its_piece():
    regimen = replace(bitesim.Regimen.none().with_infusion(0.0, 10.0, 28.0), resets=(4.0,))
    made = pieces(CLEMENTS, regimen)
    assert made.boundary.tolist() == [0.0, 4.0, math.inf]
    assert made.reset.tolist() == [0, 1]
    assert made.input_rate[:, 0].tolist() == [28.0, 0.0]


def test_delivered_grows_with_the_rate():
    schedule = bitesim.Regimen.parse("28 ug/day for 2 d").with_bolus(1.0, 10.0).schedule()
    given = delivered_until(CLEMENTS, schedule, np.array([0.0, 0.5, 1.0, 2.0, 9.0]), None)
    assert given.tolist() == [0.0, 14.0, 38.0, 66.0, 66.0]


def test_a_per_m2_model_needs_a_bsa():
    with pytest.raises(bitesim.ScenarioError, match="bsa_m2="):
        pieces(MODEL, bitesim.Regimen.parse("28 ug/day for 2 d"), bsa_m2=None)
