"""Outcomes after a transplant: their law against the draws of clinical events, and their limits."""

import numpy as np
import pytest

from bitesim.inference.free_parameters import Values
from bitesim.inference.transplant_outcomes import grafted, relapse_probability, relapse_within, survival_at
from bitesim.population.events.clone_courses import TURNOVER, clone_course
from bitesim.population.events.relapse import Remaining, draw_relapses

DRAWN = 4000


def changed(**events: float) -> Values:
    values = Values()
    return Values(values.parameters, values.spreads, values.events.replace(**events))


@pytest.mark.parametrize("group", ["good", "poor"])
def test_relapse_is_as_often_as_clinical_events_draw_it(group: str) -> None:
    """Null: each of 4000 patients relapses by a day with its own probability; 4 SDs, 1 false alarm in 16,000 a day."""
    patients, ones = grafted(Values(), group, 5, DRAWN), np.ones(DRAWN)
    model = dict(zip(TURNOVER, (patients.births, patients.deaths, ones, 0.0 * ones), strict=True))
    course = clone_course(np.zeros(1), patients.before[:, np.newaxis], model)
    remaining = Remaining(0.0, lambda rows: [("marrow", course.of(rows))], model, ones, {"marrow": patients.limit})
    drawn = draw_relapses(remaining, patients.transplants, 5 * 365.25, patients.luck).days["marrow"]
    days = np.array([180.0, 365.0, 730.0, 1826.0])
    chance = relapse_probability(patients, days)
    for place, day in enumerate(days):
        sd = np.sqrt(np.sum(chance[:, place] * (1.0 - chance[:, place])))
        # A large clone's day is that of its expected growth when drawn: at the edge of a day it may fall to either side.
        assert abs((drawn <= day).sum() - chance[:, place].sum()) < 4.0 * sd + 0.002 * DRAWN


def test_relapse_never_takes_itself_back_and_grows_with_what_was_left() -> None:
    patients = grafted(Values(), "poor", 5)
    chance = relapse_probability(patients, np.linspace(0.0, 1800.0, 30))
    assert np.all(np.diff(chance, axis=1) >= 0.0)
    assert np.all((chance >= 0.0) & (chance <= 1.0))
    shares = [relapse_within(Values(), group, 5) for group in ("good", "intermediate", "poor")]
    assert shares == sorted(shares)
    assert survival_at(Values(), "negative", 5) > survival_at(Values(), "positive", 5)


def test_without_deaths_or_relapse_everybody_lives() -> None:
    cured = changed(
        conditioning_log10_kill=12.0, conditioning_log10_kill_sd=0.0, graft_kill_per_day=2.0, transplant_mortality=0.0
    )
    assert relapse_within(cured, "poor", 5) < 0.002
    assert survival_at(cured, "positive", 5) > 0.998


def test_death_of_the_transplant_is_the_share_that_was_given() -> None:
    only = changed(
        conditioning_log10_kill=12.0, conditioning_log10_kill_sd=0.0, graft_kill_per_day=2.0, transplant_mortality=0.3,
        transplant_mortality_child_factor=0.8,
    )  # fmt: skip
    assert 1.0 - survival_at(only, "negative", 5) == pytest.approx(1.0 - 0.7**0.8, abs=1e-3)


def test_all_relapse_without_any_kill_and_live_on_only_if_rescued() -> None:
    none = changed(
        conditioning_log10_kill=0.0, conditioning_log10_kill_sd=0.0, graft_kill_per_day=0.0, transplant_mortality=0.0,
        rescued_share=0.25, survival_after_relapse_days=30.0,
    )  # fmt: skip
    assert relapse_within(none, "poor", 5) > 0.98
    assert survival_at(none, "positive", 5) == pytest.approx(0.25, abs=0.02)


def test_a_small_change_of_a_parameter_is_a_small_change_of_relapse() -> None:
    """Derivatives by two steps agree: nothing is drawn but who the patients are."""
    shares = [relapse_within(changed(graft_kill_per_day=0.115 * factor), "good", 5) for factor in (1.0, 1.001, 1.01)]
    assert (shares[1] - shares[0]) / 0.001 == pytest.approx((shares[2] - shares[0]) / 0.01, rel=0.05)
