"""Drawn clones against the moments and the extinction of the linear birth-death process."""

import math

import numpy as np
import pytest
from scipy.stats import poisson

from bitesim.mechanisms.extinction import survival_of_one
from bitesim.population.events.birth_death import (
    CERTAIN_CELLS,
    grown,
    initial_cells,
    survivors,
)

CASES = [(1, 0.105, 0.04, 20.0), (5, 0.105, 0.04, 60.0), (50, 0.105, 0.3, 20.0), (3, 0.1, 0.1, 30.0), (20, 0.0, 0.05, 10.0)]
DRAWS = 20_000


def variance(cells, birth, death, days):
    net = birth - death
    if net == 0.0:
        return cells * 2.0 * birth * days
    growth = math.exp(net * days)
    return cells * (birth + death) / net * growth * (growth - 1.0)


@pytest.mark.parametrize(("cells", "birth", "death", "days"), CASES)
def test_moments_and_extinction_are_those_of_the_process(cells, birth, death, days):
    rng = np.random.default_rng(11)
    drawn = np.array([grown(cells, birth, death, days, rng) for _ in range(DRAWS)])
    mean, spread = cells * math.exp((birth - death) * days), variance(cells, birth, death, days)
    # Z of the mean within 4 (one false alarm in 16,000), the variance within 10 %: its own spread is below 2 %.
    assert abs(drawn.mean() - mean) < 4.0 * math.sqrt(spread / DRAWS)
    assert drawn.var() == pytest.approx(spread, rel=0.1)
    extinct = (1.0 - float(survival_of_one(birth, death, days))) ** cells
    assert abs(np.mean(drawn == 0.0) - extinct) < 4.0 * math.sqrt(extinct * (1.0 - extinct) / DRAWS) + 1e-9


def test_two_steps_are_one():
    once, twice = np.random.default_rng(1), np.random.default_rng(2)
    single = np.array([grown(4, 0.105, 0.04, 40.0, once) for _ in range(DRAWS)])
    double = np.array([grown(grown(4, 0.105, 0.04, 15.0, twice), 0.105, 0.04, 25.0, twice) for _ in range(DRAWS)])
    expected = 4.0 * math.exp(0.065 * 40.0)
    spread = math.sqrt(2.0 * variance(4, 0.105, 0.04, 40.0) / DRAWS)
    assert abs(single.mean() - double.mean()) < 4.0 * spread
    assert abs(np.mean(single == 0.0) - np.mean(double == 0.0)) < 4.0 * math.sqrt(2.0 * 0.25 / DRAWS)
    assert single.mean() == pytest.approx(expected, rel=0.05)


def test_many_cells_are_as_many_as_expected_and_none_stay_none():
    rng = np.random.default_rng(3)
    assert grown(2.0 * CERTAIN_CELLS, 0.105, 0.04, 10.0, rng) == pytest.approx(2.0 * CERTAIN_CELLS * math.exp(0.65))
    assert grown(0.0, 0.105, 0.04, 10.0, rng) == 0.0
    assert survivors(1e12, 1e-3, rng) == 1e9
    assert initial_cells(np.array([1e9, 0.0]), np.array([0.3, 0.999])).tolist() == [1e9, 0.0]
    # From few to more than integers hold.
    assert grown(10.0, 1.0, 0.0, 60.0, rng) == pytest.approx(10.0 * math.exp(60.0), rel=0.9)


def test_kills_are_binomial_and_starts_poisson():
    rng = np.random.default_rng(4)
    left = np.array([survivors(1e10, 1e-9, rng) for _ in range(DRAWS)])
    assert abs(left.mean() - 10.0) < 4.0 * math.sqrt(10.0 / DRAWS)
    for expected in (0.3, 1e4):
        begun = initial_cells(np.full(DRAWS, expected), rng.random(DRAWS))
        assert abs(begun.mean() - expected) < 4.0 * math.sqrt(expected / DRAWS)
        assert begun.var() == pytest.approx(expected, rel=0.05)
        assert abs(np.mean(begun == 0.0) - math.exp(-expected)) < 4.0 * math.sqrt(0.25 / DRAWS)


def test_starts_are_the_quantiles_of_the_poisson_distribution():
    rng = np.random.default_rng(5)
    for mean in (1e-3, 0.7, 3.0, 250.0, 1e5):
        uniform = rng.random(500)
        assert np.array_equal(initial_cells(np.full(500, mean), uniform), poisson.ppf(uniform, mean)), mean
