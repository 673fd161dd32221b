"""Competing hazards against closed forms, and that taking one away changes no other."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.foundation.errors import ParameterError, UnknownNameError
from bitesim.population.events.hazards import Hazard, compete, cumulative_incidence
from bitesim.population.events.luck import Luck

PATIENTS = 40_000
LUCK = Luck(3, np.arange(PATIENTS))
CONSTANT = [Hazard.constant("relapse", 0.002), Hazard.constant("death", 0.001), Hazard.constant("graft death", 0.0005)]
PIECEWISE = [
    Hazard("relapse", np.array([0.0, 100.0, 300.0, np.inf]), np.array([0.0, 0.004, 0.001])),
    Hazard("death", np.array([50.0, 150.0, 400.0]), np.array([0.006, 0.0005])),
]
DAYS = np.array([0.0, 30.0, 100.0, 365.0, 730.0])


def test_constant_hazards_give_the_closed_form():
    total = 0.0035
    found = cumulative_incidence(CONSTANT, DAYS)
    for hazard, rate in zip(CONSTANT, (0.002, 0.001, 0.0005), strict=True):
        np.testing.assert_allclose(found[hazard.name][0], rate / total * -np.expm1(-total * DAYS), rtol=1e-12)
    np.testing.assert_allclose(found["none"][0], np.exp(-total * DAYS), rtol=1e-12)


def test_piecewise_hazards_follow_their_equations():
    def change(day, y):
        relapse = 0.0 if day < 100.0 else 0.004 if day < 300.0 else 0.001
        death = 0.006 if 50.0 <= day < 150.0 else 0.0005 if 150.0 <= day < 400.0 else 0.0
        return [relapse * y[2], death * y[2], -(relapse + death) * y[2]]

    course = solve_ivp(change, (0.0, 730.0), [0.0, 0.0, 1.0], t_eval=DAYS, rtol=1e-9, atol=1e-12, max_step=1.0).y
    found = cumulative_incidence(PIECEWISE, DAYS)
    for name, expected in zip(("relapse", "death", "none"), course, strict=True):
        np.testing.assert_allclose(found[name][0], expected, atol=1e-5)


@pytest.mark.parametrize("hazards", [CONSTANT, PIECEWISE])
def test_drawn_events_agree_with_the_probabilities_which_add_up(hazards):
    drawn, found = compete(hazards, LUCK), cumulative_incidence(hazards, DAYS)
    np.testing.assert_allclose(sum(found.values()), 1.0, atol=1e-12)
    for place, day in enumerate(DAYS):
        shares = [np.mean(drawn.happened(hazard.name, day)) for hazard in hazards]
        assert sum(shares) + np.mean(drawn.day > day) == pytest.approx(1.0)
        for share, hazard in zip(shares, hazards, strict=True):
            expected = found[hazard.name][0, place]
            # Binomial, 4 standard deviations: a false alarm in 16,000 of each.
            assert abs(share - expected) <= 4.0 * np.sqrt(expected * (1.0 - expected) / PATIENTS) + 1e-12


def test_taking_a_hazard_away_changes_no_other_draw():
    all_three, two = compete(CONSTANT, LUCK), compete(CONSTANT[1:], LUCK)
    for name in ("death", "graft death"):
        assert np.array_equal(all_three.times_days[name], two.times_days[name])
    # Who had another event first keeps its day.
    kept = all_three.cause != 0
    assert np.array_equal(all_three.day[kept], two.day[kept])


def test_hazards_of_each_patient_and_none_at_all():
    rates = np.linspace(0.0, 0.01, PATIENTS)
    own = Hazard.constant("relapse", rates, start_day=10.0, stop_day=20.0)
    times = own.times(LUCK)
    assert np.isinf(times[0])
    happened = np.isfinite(times)
    assert np.all((times[happened] >= 10.0) & (times[happened] <= 20.0))
    expected = -np.expm1(-10.0 * rates)
    assert abs(happened.sum() - expected.sum()) < 4.0 * np.sqrt(np.sum(expected * (1.0 - expected)))
    assert compete([Hazard.constant("never", 0.0)], LUCK).cause.max() == -1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Hazard("x", np.array([0.0, 1.0]), np.array([-0.1])), "hazard x: per_day holds"),
        (lambda: Hazard("x", np.array([1.0, 0.0]), np.array([0.1])), "must not decrease"),
        (lambda: Hazard("x", np.array([0.0, 1.0]), np.array([0.1, 0.2])), "one edge more"),
        (lambda: compete([CONSTANT[0], CONSTANT[0]], LUCK), "a name stands twice"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(ParameterError, match=words):
        make()


def test_an_unknown_cause_is_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'relapse'"):
        compete(CONSTANT, LUCK).happened("relaps", 10.0)
