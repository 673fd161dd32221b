"""Killing: search-limited where targets are rare, effector-limited where they abound, bounded for each target."""

import numpy as np
import pytest

from bitesim.mechanisms.killing import effectors, encounter_hazard
from tests.mechanisms.parameters import defaults, plain

P = defaults()
SITE = 1e11


def hazard(effective, targets, p=P):
    return plain(encounter_hazard)(effective, targets, SITE, p)


def test_rare_targets_die_at_the_same_hazard_however_few():
    assert hazard(1e8, 1.0) == pytest.approx(hazard(1e8, 1e4), rel=1e-5)
    expected = P.kills_per_day * 1e6 / (P.killing_search_share * SITE)
    assert hazard(1e6, 1.0) == pytest.approx(expected, rel=1e-3)


def test_abundant_targets_are_killed_as_fast_as_effectors_can():
    targets = 1e4 * SITE
    assert hazard(1e8, targets) * targets == pytest.approx(P.kills_per_day * 1e8, rel=1e-4)


def test_no_target_dies_faster_than_its_bound_and_no_effector_kills_faster_than_its_own():
    for effective in np.geomspace(1.0, 1e15, 16):
        for targets in np.geomspace(1.0, 1e15, 16):
            found = hazard(effective, targets)
            assert 0.0 < found < P.target_loss_per_day
            assert found * targets <= P.kills_per_day * effective


def test_no_effectors_no_killing():
    assert hazard(0.0, 1e6) == 0.0
    assert plain(effectors)(0.0, 0.0, 0.0, 2.0, P) == 0.0


def test_effectors_are_counted_by_what_they_can_kill():
    assert plain(effectors)(1e9, 0.0, 0.0, 1.0, P) == P.resting_killing_share * 1e9
    assert plain(effectors)(0.0, 1e9, 0.0, 1.5, P) == 1.5e9
    assert plain(effectors)(0.0, 0.0, 1e9, 1.0, P) == P.exhausted_killing_share * 1e9
