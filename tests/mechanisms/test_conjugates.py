"""Conjugates at balance, against the kinetic equations of search and handling."""

import numpy as np
import pytest

from bitesim.mechanisms.conjugates import conjugates_per_target, handling_time_days
from tests.mechanisms.parameters import defaults, plain

#: One effector a target, so that the balance has the exact solution below.
P = defaults(target_loss_per_day=defaults().kills_per_day)
SITE = 1e10
SEARCH = P.killing_search_share * SITE


def exact(effectors, targets):
    """Return C of (E - C)(T - C) = s N C, the lower root, written without cancellation."""
    total = effectors + targets + SEARCH
    return 2.0 * effectors * targets / (total + np.sqrt(total * total - 4.0 * effectors * targets))


def balance(effectors, targets):
    return plain(conjugates_per_target)(effectors, targets, SITE, P) * targets


@pytest.mark.parametrize(("effectors", "targets"), [(1e6, 1e3), (1e3, 1e9), (1e10, 1e7), (1e11, 1e9), (1e5, 1e5)])
def test_it_is_within_one_per_cent_where_one_kind_is_rare(effectors, targets):
    assert balance(effectors, targets) == pytest.approx(exact(effectors, targets), rel=0.011)


def test_it_is_at_most_a_third_too_low_where_both_crowd_a_site():
    errors = [
        balance(effectors, targets) / exact(effectors, targets) - 1.0
        for effectors in np.geomspace(1e4, 2e9, 41)
        for targets in np.geomspace(1e4, SITE, 41)
    ]
    assert min(errors) > -0.33
    assert max(errors) < 1e-9


def test_the_handling_time_is_that_of_one_kill():
    assert plain(handling_time_days)(P) * P.kills_per_day == 1.0
