"""Toxicity: published rates at the exposures of their trials, and limits."""

import numpy as np
import pytest

from bitesim.parameters import ParameterSet
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.luck import Luck
from bitesim.population.events.toxicity import (
    LabelAction,
    cytokine_release_grades,
    infection_hazard,
    label_action,
    neurotoxicity_hazard,
    neutropenia_grades,
    probability_of_severe_release,
)

P = ParameterSet(EVENTS)
COUNT = 20_000
LUCK = Luck(5, np.arange(COUNT))
#: IL-6 differs between patients by a factor of e^1.5.
SPREAD = np.exp(1.5 * LUCK.normal("spread"))


@pytest.mark.parametrize(
    ("typical_peak", "burden", "low", "high"),
    # BLAST 2 of 116 (Wilson 0.5 to 6.1 %) at low burden, TOWER 13 of 267 (2.9 to 8.2 %) with overt disease.
    [(146.0, 0.01, 0.005, 0.061), (42.0, 0.7, 0.029, 0.082)],
)
def test_severe_cytokine_release_is_as_frequent_as_in_trials(typical_peak, burden, low, high):
    grades = cytokine_release_grades(typical_peak * SPREAD, np.full(COUNT, burden), LUCK, 0, P)
    assert low < np.mean(grades >= 3) < high
    assert set(np.unique(grades)) == {0, 1, 3, 4}
    assert np.mean(grades == 4) / np.mean(grades >= 3) == pytest.approx(P.crs_grade_4_share, abs=0.08)


def test_drawn_grades_follow_the_probability():
    peak = np.full(COUNT, 1e4)
    expected = probability_of_severe_release(peak[:1], np.zeros(1), P)[0]
    share = np.mean(cytokine_release_grades(peak, np.zeros(COUNT), LUCK, 2, P) >= 3)
    assert abs(share - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / COUNT)
    assert np.all(cytokine_release_grades(np.zeros(COUNT), np.zeros(COUNT), LUCK, 0, P) == 0)


def test_a_higher_peak_is_never_a_lower_grade():
    low, high = (cytokine_release_grades(np.full(COUNT, peak), np.zeros(COUNT), LUCK, 0, P) for peak in (50.0, 5000.0))
    assert np.all(high >= low)


def test_neurotoxicity_of_a_first_cycle_is_that_of_the_trial_and_fades():
    drug = np.full((1, 2), P.neurotoxicity_reference_pg_per_ml)
    hazard = neurotoxicity_hazard([0.0, 42.0], [28.0, 70.0], drug, P)
    reached = hazard.cumulative()[0]
    by = dict(zip(hazard.days[0], reached, strict=True))
    assert -np.expm1(-by[28.0]) == pytest.approx(15 / 116, rel=0.01)
    assert by[7.0] / by[28.0] == pytest.approx(-np.expm1(-1.0) / -np.expm1(-4.0), rel=1e-6)
    assert by[42.0] == by[28.0]
    assert by[70.0] - by[42.0] == pytest.approx(P.neurotoxicity_later_cycles * by[28.0])


def test_neurotoxicity_follows_the_drug():
    none, twice = (
        neurotoxicity_hazard([0.0], [28.0], np.full((1, 1), factor * P.neurotoxicity_reference_pg_per_ml), P).cumulative()
        for factor in (0.0, 2.0)
    )
    assert none.max() == 0.0
    assert twice[0, -1] == pytest.approx(-2.0 * np.log1p(-15 / 116), rel=0.01)


def test_infections_come_with_few_neutrophils():
    days = np.array([0.0, 10.0, 20.0, 30.0])
    counts = np.array([[4000.0, 4000.0, 4000.0, 4000.0], [4000.0, 300.0, 300.0, 4000.0]])
    calm, low = infection_hazard(days, counts, P).cumulative()[:, -1]
    assert calm == pytest.approx(30.0 * P.infection_per_day)
    assert low == pytest.approx(10.0 * P.infection_per_day + 20.0 * P.infection_per_neutropenic_day)


def test_grades_of_neutropenia():
    assert neutropenia_grades(np.array([100.0, 700.0, 1200.0, 1500.0, 4000.0])).tolist() == [4, 3, 2, 0, 0]


def test_the_label_answers_by_grade():
    assert label_action("cytokine release", 1, P) is None
    assert label_action("cytokine release", 3, P) == LabelAction("hold", P.toxicity_recovery_days)
    assert label_action("neurotoxicity", 3, P) == LabelAction("hold", P.neurotoxicity_recovery_days)
    assert label_action("neurotoxicity", 4, P) == LabelAction("stop")
