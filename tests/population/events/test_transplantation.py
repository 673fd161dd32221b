"""Transplants: who has one, when, what it kills and whom."""

import numpy as np
import pytest

from bitesim.parameters import ParameterSet
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.hazards import compete
from bitesim.population.events.luck import Luck
from bitesim.population.events.transplantation import decide, mortality

P = ParameterSet(EVENTS)
COUNT = 20_000
LUCK = Luck(6, np.arange(COUNT))
EVERYBODY, NOBODY = np.ones(COUNT, bool), np.zeros(COUNT, bool)


def share(condition, expected):
    """Tell whether a share is what it should be: 4 standard deviations."""
    return abs(np.mean(condition) - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / COUNT)


def test_the_rule_is_that_of_mrd():
    negative = decide(84.0, np.zeros(COUNT), EVERYBODY, EVERYBODY, LUCK, P)
    positive = decide(84.0, np.full(COUNT, 1e-3), NOBODY, EVERYBODY, LUCK, P)
    assert share(negative.has, P.transplant_after_negative_mrd)
    assert share(positive.has, P.transplant_after_positive_mrd)
    # The same luck: who is transplanted with MRD is without as well.
    assert np.all(negative.has[positive.has])
    assert not decide(84.0, np.full(COUNT, 0.03), NOBODY, EVERYBODY, LUCK, P).has.any()
    assert not decide(84.0, np.zeros(COUNT), EVERYBODY, NOBODY, LUCK, P).has.any()


def test_delays_and_kills_have_their_distributions():
    found = decide(84.0, np.zeros(COUNT), EVERYBODY, EVERYBODY, LUCK, P)
    delays = found.day[found.has] - 84.0
    assert np.median(delays) == pytest.approx(P.transplant_delay_days, rel=0.03)
    assert np.log(delays).std() == pytest.approx(P.transplant_delay_ln_sd, rel=0.03)
    assert np.median(-np.log10(found.kept)) == pytest.approx(P.conditioning_log10_kill, abs=0.06)
    assert found.kept.max() <= 1.0
    assert found.graft_kill_per_day.mean() == pytest.approx(P.graft_kill_per_day, rel=0.03)


@pytest.mark.parametrize(("age", "factor"), [(8.0, 0.8), (20.0, 1.0), (45.0, 2.0)])
def test_mortality_is_that_of_the_age(age, factor):
    found = decide(84.0, np.zeros(COUNT), EVERYBODY, EVERYBODY, LUCK, P)
    died = compete([mortality(found, np.full(COUNT, age), P)], LUCK)
    assert not np.isfinite(died.day[~found.has]).any()
    within = np.isfinite(died.day[found.has])
    expected = 1.0 - (1.0 - P.transplant_mortality) ** factor
    assert abs(within.mean() - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / within.size)
    assert np.all((died.day - found.day)[found.has][within] <= 365.0)
