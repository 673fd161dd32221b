"""Poisson, binomial and gamma draws against SciPy's distributions, and the pieces that they are made of.

Each chi-square test has a false-alarm rate of 1e-4; seeds are fixed, so a pass stays a pass.
"""

import math

import numpy as np
import pytest
from scipy import stats

from bitesim.foundation.compiled import kernel
from bitesim.numerics.counts import binomial, gamma, poisson, stirling_rest

DRAWS = 200_000
ALARM = 1e-4


@kernel
def many_poisson(mean, count, seed, replicate):
    drawn, draw = np.empty(count), 0
    for i in range(count):
        drawn[i], draw = poisson(mean, seed, replicate, draw)
    return drawn, draw


@kernel
def many_binomial(trials, probability, count, seed, replicate):
    drawn, draw = np.empty(count), 0
    for i in range(count):
        drawn[i], draw = binomial(trials, probability, seed, replicate, draw)
    return drawn, draw


@kernel
def many_gamma(shape, count, seed, replicate):
    drawn, draw = np.empty(count), 0
    for i in range(count):
        drawn[i], draw = gamma(shape, seed, replicate, draw)
    return drawn, draw


def p_value(drawn, distribution):
    """Return the chi-square probability of draws; cells that expect fewer than 20 of them are one."""
    edges = np.unique(distribution.ppf(np.linspace(0.0, 1.0, 61)[1:-1]))
    expected = np.diff([0.0, *distribution.cdf(edges), 1.0]) * len(drawn)
    seen = np.histogram(drawn, [-np.inf, *(edges + 0.5), np.inf])[0]
    rare = expected < 20.0
    assert seen[expected == 0.0].sum() == 0
    observed, wanted = seen[~rare].tolist(), expected[~rare].tolist()
    if expected[rare].sum() > 0.0:
        observed, wanted = [*observed, seen[rare].sum()], [*wanted, expected[rare].sum()]
    return stats.chisquare(observed, np.array(wanted) * (np.sum(observed) / np.sum(wanted))).pvalue


@pytest.mark.parametrize("mean", [0.1, 1.0, 3.7, 9.99, 10.0, 12.5, 50.0, 999.5, 1e5, 3e7, 2e9])
def test_poisson_is_that_of_scipy(mean):
    drawn, used = many_poisson(mean, DRAWS, np.uint64(11), 3)
    assert np.array_equal(drawn, np.floor(drawn))
    assert DRAWS <= used < 1.4 * DRAWS
    # The smallest mean has three cells only, and they say enough.
    assert p_value(drawn, stats.poisson(mean)) > ALARM
    assert abs(drawn.mean() - mean) < 4.0 * math.sqrt(mean / DRAWS)


@pytest.mark.parametrize(
    ("trials", "probability"),
    [
        (1, 0.3), (7, 0.5), (20, 0.04), (40, 0.3), (40, 0.7), (200, 0.5), (1000, 0.02), (10_000, 0.999),
        (1e6, 0.25), (1e12, 3e-10), (1e12, 3e-8), (1e15, 0.5),
    ],
)  # fmt: skip
def test_binomial_is_that_of_scipy(trials, probability):
    drawn, used = many_binomial(float(trials), probability, DRAWS, np.uint64(12), 4)
    assert np.array_equal(drawn, np.floor(drawn))
    assert drawn.min() >= 0.0
    assert drawn.max() <= trials
    assert used < 1.6 * DRAWS
    assert p_value(drawn, stats.binom(int(trials), probability)) > ALARM


def test_certain_numbers_take_no_draw():
    assert poisson(0.0, np.uint64(1), 0, 5) == (0.0, 5)
    assert binomial(0.0, 0.5, np.uint64(1), 0, 5) == (0.0, 5)
    assert binomial(9.0, 0.0, np.uint64(1), 0, 5) == (0.0, 5)
    assert binomial(9.0, 1.0, np.uint64(1), 0, 5) == (9.0, 5)


def test_stirling():
    for k in (*range(25), 100, 1e4):
        formula = (k + 0.5) * math.log(k + 1) - (k + 1) + 0.5 * math.log(2 * math.pi)
        assert math.isclose(stirling_rest(float(k)), math.lgamma(k + 1) - formula, abs_tol=1e-10 if k > 50 else 1e-12)


@pytest.mark.parametrize("shape", [1.0, 2.0, 7.0, 300.0, 1e6])
def test_gamma_is_that_of_scipy(shape):
    drawn, used = many_gamma(shape, DRAWS, np.uint64(17), 5)
    assert 2 * DRAWS <= used < 2.2 * DRAWS
    assert stats.kstest(drawn, stats.gamma(shape).cdf).pvalue > ALARM
