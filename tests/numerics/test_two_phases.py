"""A clone of two phases against its mean, its extinction and a plain simulation of every event."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from bitesim.mechanisms.extinction import lineage_survival
from bitesim.numerics.two_phases import DIED_OUT, FEW, GREW, draw_clone
from tests.mechanisms.parameters import plain

RATES = np.array([0.21, 0.04, 0.155, 0.04, 0.05, 0.0])
RUNS = 4000


def drawn(start, days, rates=RATES, runs=RUNS, limit=1e9, intervals=10):
    """Return the cells at the end of every run, shape (runs, 2), and how each ended."""
    hazards, lengths = np.tile(rates, (intervals, 1)), np.full(intervals, days / intervals)
    found, ends = np.empty((runs, 2)), []
    for run in range(runs):
        counts = np.zeros((intervals + 1, 2))
        counts[0] = start
        end, row, _ = draw_clone(hazards, lengths, counts, 0, limit, (1, run), 0)
        found[run] = counts[row] if end == GREW else counts[-1]
        ends.append(end)
    return found, np.array(ends)


def matrix(rates):
    birth, lost, paused, quiescent_lost, awakening, _ = rates
    return np.array([[birth - lost - paused, awakening], [paused, -quiescent_lost - awakening]])


def mean_after(start, days, rates):
    along = expm(np.block([[matrix(rates), np.array([[rates[5]], [0.0]])], [np.zeros((1, 3))]]) * days)
    return (along @ np.append(start, 1.0))[:2]


@pytest.mark.parametrize(
    ("start", "days", "rates"),
    [
        ((3, 2), 20.0, RATES),
        ((20, 0), 5.0, RATES + np.array([0.0, 0.5, 0.0, 0.5, 0.0, 0.0])),
        ((0, 0), 30.0, RATES + np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.2])),
        ((1000, 1000), 10.0, RATES),
        ((3000, 1000), 3.0, RATES + np.array([0.0, 1.5, 0.0, 1.5, 0.0, 5.0])),
    ],
)
def test_the_mean_is_that_of_the_linear_equations(start, days, rates):
    found, _ = drawn(start, days, rates)
    expected = mean_after(np.array(start, float), days, rates)
    # Z within 4 for each phase: a false alarm in 16,000.
    error = np.abs(found.mean(axis=0) - expected) / (found.std(axis=0) / np.sqrt(RUNS))
    assert np.all(error < 4.0)


def test_lines_die_out_as_the_closed_form_says():
    cycling, quiescent = plain(lineage_survival)(0.21, 0.04, 0.155, 0.05)
    for start, survives in (((1, 0), cycling), ((0, 1), quiescent), ((2, 1), None)):
        _, ends = drawn(start, 400.0, limit=1e4, intervals=100)
        expected = survives if survives is not None else 1.0 - (1.0 - cycling) ** 2 * (1.0 - quiescent)
        assert abs(np.mean(ends == GREW) - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / RUNS)
        assert np.mean(ends == DIED_OUT) + np.mean(ends == GREW) > 0.999


def test_by_a_time_they_die_out_as_the_backward_equations_say():
    birth, lost, paused, quiescent_lost, awakening, _ = RATES

    def change(_, q):
        cycling = birth * q[0] ** 2 + lost + paused * q[1] - (birth + lost + paused) * q[0]
        return [cycling, quiescent_lost + awakening * q[0] - (quiescent_lost + awakening) * q[1]]

    expected = solve_ivp(change, (0.0, 15.0), [0.0, 0.0], rtol=1e-10).y[0, -1]
    found, _ = drawn((1, 0), 15.0)
    assert abs(np.mean(found.sum(axis=1) == 0.0) - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / RUNS)


def covariance_after(start, days, rates):
    """Return the covariance of both phases, by the equations of the second moments."""
    birth, lost, paused, quiescent_lost, awakening, founders = rates
    change = matrix(rates)

    def slope(_, y):
        mean, spread = y[:2], y[2:].reshape(2, 2)
        switched = paused * mean[0] + awakening * mean[1]
        noise = np.array(
            [
                [(birth + lost) * mean[0] + founders + switched, -switched],
                [-switched, quiescent_lost * mean[1] + switched],
            ]
        )
        moved = change @ mean + np.array([founders, 0.0])
        return np.concatenate([moved, (change @ spread + spread @ change.T + noise).ravel()])

    y = solve_ivp(slope, (0.0, days), [*start, 0.0, 0.0, 0.0, 0.0], rtol=1e-10, atol=1e-10).y[:, -1]
    return y[2:].reshape(2, 2)


@pytest.mark.parametrize(
    ("start", "rates"),
    [
        ((9, 9), RATES),
        ((900, 900), RATES),
        ((900, 300), RATES + np.array([0.0, 1.0, 0.0, 0.3, 0.0, 4.0])),
    ],
)
def test_the_spread_is_that_of_the_second_moments(start, rates):
    assert (sum(start) < FEW) == (start == (9, 9))
    found, _ = drawn(start, 3.0, rates=rates, runs=8000)
    expected, seen = covariance_after(start, 3.0, rates), np.cov(found.T)
    # Variances of 8000 runs have a relative spread of 1.6 %, covariances one of the same size: 4 of them.
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.all(np.abs(seen - expected) / scale < 0.064)


def test_split_steps_grow_as_the_linear_equations_do():
    # Large enough a clone that its luck is small: 60 days from 1e5 cells, in intervals of 1 day.
    found, _ = drawn((5e4, 5e4), 60.0, runs=400, limit=1e12, intervals=60)
    expected = mean_after(np.array([5e4, 5e4]), 60.0, RATES).sum()
    # The split step's own error, by the matrices of half a day, and luck: the mean's standard error is 4e-4.
    rates = RATES
    phases = np.array([[-rates[2], rates[4]], [rates[2], -rates[4]]])
    turnover = np.diag([rates[0] - rates[1], -rates[3]])
    step = expm(0.25 * phases) @ expm(0.5 * turnover) @ expm(0.25 * phases)
    bias = np.log(np.abs(np.linalg.eigvals(step)).max()) / 0.5 - np.linalg.eigvals(matrix(rates)).max()
    assert 2e-5 < bias < 5e-5
    assert np.log(found.sum(axis=1).mean() / expected) == pytest.approx(60.0 * bias, abs=1.5e-3)


def test_a_clone_that_grows_stops_at_the_limit_and_one_of_its_own_luck_repeats():
    found, ends = drawn((500, 500), 100.0, runs=20, limit=2000.0, intervals=200)
    assert np.all(ends == GREW)
    assert np.all((found.sum(axis=1) >= 2000.0) & (found.sum(axis=1) < 2600.0))
    again, _ = drawn((500, 500), 100.0, runs=20, limit=2000.0, intervals=200)
    assert np.array_equal(found, again)
