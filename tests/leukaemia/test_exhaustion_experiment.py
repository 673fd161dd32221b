"""Lysis after continuous exposure and after a break, against Philipp et al. 2022 and a closed form."""

import numpy as np
import pytest

import bitesim
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia.exhaustion_experiment import competence, exhaustion_experiment


def lysis(parameters=None):
    return {(row.exposed_days, row.free_days): row.lysis for row in exhaustion_experiment(parameters)}


def test_lysis_falls_under_continuous_exposure_and_a_break_restores_it():
    found = lysis()
    assert found[7.0, 0.0] == pytest.approx(0.884)
    assert found[14.0, 0.0] == pytest.approx(0.349, abs=0.15)
    assert found[28.0, 0.0] == pytest.approx(0.086, abs=0.12)
    assert found[7.0, 7.0] == pytest.approx(0.934, abs=0.08)


def test_competence_of_long_exposed_cells_follows_the_two_growth_rates():
    p = {row.name: row.default for row in LEUKAEMIA.catalogue.values()}
    activated = p["t_cell_division_per_day"] - p["exhaustion_per_day"] - p["activated_death_per_day"]
    exhausted = p["exhausted_division_share"] * p["t_cell_division_per_day"] - p["exhausted_death_per_day"]

    def odds(days):
        share = (1.0 - competence([(days, 1.0)])) / (1.0 - p["exhausted_killing_share"])
        return share / (1.0 - share)

    # Exhausted per activated cell: (k / d) (exp(d t) - 1) with d the difference of the rates, once all are activated.
    difference = exhausted - activated
    ratio = (odds(20.0) + p["exhaustion_per_day"] / difference) / (odds(10.0) + p["exhaustion_per_day"] / difference)
    assert ratio == pytest.approx(np.exp(10.0 * difference), rel=0.05)


def test_cells_that_do_not_divide_when_exhausted_would_keep_their_lysis():
    fresh = LEUKAEMIA.parameters.replace(exhausted_division_share=0.0)
    assert lysis(fresh)[28.0, 0.0] > 0.8


def test_input_is_checked_by_name():
    with pytest.raises(bitesim.ParameterError, match="days"):
        competence([(-1.0, 1.0)])
    with pytest.raises(bitesim.ParameterError, match="stimulus"):
        competence([(1.0, 7.0)])
    with pytest.raises(bitesim.ParameterError, match="not the leukaemia model's"):
        competence([(1.0, 1.0)], bitesim.MODELS["hosseini2020"].parameters)
