"""Tau-leaping: parts of a leap, what is critical, which leaps are allowed; its distributions stand in tests/engines."""

import math

import numpy as np
import pytest
from scipy import stats

from bitesim.engines.stochastic import run_stochastic
from bitesim.engines.stochastic_plan import counted_model
from bitesim.foundation.compiled import kernel
from bitesim.numerics.leaping import allow_changes, leap_room_for, longest_leap, mark_critical, split_events, total_of
from bitesim.numerics.outcomes import Outcome
from tests.numerics.networks import constants, propensities_of_one
from tests.problems.small_networks import BIRTH_DEATH, DIMERISATION


def room_at(model, state):
    counted = counted_model(model)
    room = leap_room_for(*counted.changes.shape)
    room.state[:] = state
    parameters = model.parameters.vector()
    room.flux[:] = propensities_of_one(counted.one.propensities, state, parameters, len(room.flux))
    return counted.one, constants(parameters), room


@kernel
def allowed(network, parameters, epsilon, room):
    critical = mark_critical(network, room)
    allow_changes(network, parameters, epsilon, room)
    return critical


def test_a_pair_is_of_second_order_and_a_cell_of_first():
    network, parameters, room = room_at(DIMERISATION, [1000, 4000])
    assert allowed(network, parameters, 0.03, room) == 0.0
    # Adding one cell to x (x - 1) / 2 pairs adds x of them.
    assert room.allowed[0] == pytest.approx(0.03 * 1000 / (2.0 * 1000 / 999))
    assert room.allowed[1] == pytest.approx(0.03 * 4000)


def test_the_leap_is_that_of_mean_and_variance():
    network, parameters, room = room_at(BIRTH_DEATH, [1e6])
    allowed(network, parameters, 0.03, room)
    mean, variance = (0.1 - 0.11) * 1e6, (0.1 + 0.11) * 1e6
    assert longest_leap(network, room) == pytest.approx(min(3e4 / abs(mean), 3e4**2 / variance))


def test_what_few_events_would_stop_is_critical():
    network, parameters, room = room_at(DIMERISATION, [19, 10])
    assert allowed(network, parameters, 0.03, room) == pytest.approx(room.flux[0])
    assert room.critical.tolist() == [1.0, 0.0]
    network, parameters, room = room_at(DIMERISATION, [20, 9])
    allowed(network, parameters, 0.03, room)
    assert room.critical.tolist() == [0.0, 1.0]


def test_parts_of_a_leap_are_binomial_and_grow():
    shares = (0.1, 0.5, 0.77)
    parts = np.array([[split_events(40.0, share, np.uint64(key), 0) for share in shares] for key in range(20_000)])
    assert (np.diff(parts, axis=1) >= 0.0).all()
    for column, share in enumerate(shares):
        expected = stats.binom.pmf(np.arange(41), 40, share) * len(parts)
        seen = np.bincount(parts[:, column].astype(int), minlength=41)
        few = expected < 10.0
        observed = [*seen[~few], seen[few].sum()]
        # False-alarm rate 1e-4.
        assert stats.chisquare(observed, [*expected[~few], expected[few].sum()]).pvalue > 1e-4
    # Events before 0.1 and between 0.1 and 0.5 of a leap are multinomial: covariance -n p q.
    covariance = np.cov(parts[:, 0], parts[:, 1] - parts[:, 0])[0, 1]
    assert covariance == pytest.approx(-40 * 0.1 * 0.4, abs=0.15)


def test_totals_tell_what_is_wrong():
    assert total_of(np.array([1.0, 2.0])) == (3.0, Outcome.OK)
    assert total_of(np.array([3.0, -1e-9]))[1] == Outcome.NEGATIVE_RATE
    assert total_of(np.array([3.0, math.nan]))[1] == Outcome.NOT_FINITE
    assert total_of(np.array([3.0, math.inf]))[1] == Outcome.NOT_FINITE


def test_outputs_change_no_course():
    few = run_stochastic(BIRTH_DEATH, {"start": 1e5}, None, [10, 20, 40], 20, 3, "tau")
    many = run_stochastic(BIRTH_DEATH, {"start": 1e5}, None, np.arange(0.0, 40.5, 0.5), 20, 3, "tau")
    assert np.array_equal(few["total"], many["total"][:, [20, 40, 80]])
    assert np.array_equal(few.counts, many.counts)


def test_few_cells_are_run_event_by_event_and_many_by_leaps():
    small = run_stochastic(BIRTH_DEATH, {"start": 20.0}, None, [50.0], 20, 3, "tau")
    large = run_stochastic(BIRTH_DEATH, {"start": 1e9}, None, [50.0], 20, 3, "tau")
    assert small.counted("leaps").max() < 3
    assert large.counted("leaps").max() < 100
    assert large.counted("events").min() > 1e9


def test_steps_have_a_limit():
    found = run_stochastic(BIRTH_DEATH, {"start": 1e6}, None, [0.0, 50.0], 3, 3, "tau", max_events=2, errors="ignore")
    assert found.outcome.tolist() == [Outcome.TOO_MANY_STEPS] * 3
    assert np.isnan(found["total"][:, 1]).all()
