"""Scores against scipy.stats: the density with its Jacobian, cuts, far tails, and the way there and back."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import log_ndtr

from bitesim.foundation.errors import ParameterError
from bitesim.inference.transforms import Score, log_share_between
from bitesim.population.distributions import Constant, LogitNormal, LogNormal, Normal, Quantiles, Uniform

KINDS = [
    Normal(3.0, 2.0),
    Normal(3.0, 2.0, -1.0, 4.0),
    LogNormal(2.0, 0.5),
    LogNormal(2.0, 0.5, 0.5, 3.0),
    LogNormal(2.0, 0.5, 4.0, 30.0),
    LogNormal(2.0, 0.5, 0.01, 0.6),
    LogitNormal(0.1, 1.5),
    LogitNormal(0.1, 1.5, 0.02, 0.9),
    Uniform(-2.0, 5.0),
]


@pytest.mark.parametrize("given", KINDS)
def test_scores_are_those_of_the_distribution(given):
    way, scores = Score(given), np.linspace(-4.0, 4.0, 41)
    values = np.array([way.value(score) for score in scores])
    np.testing.assert_allclose(values, given.at_score(scores), rtol=1e-9)
    np.testing.assert_allclose(given.cdf(values), stats.norm.cdf(scores), rtol=1e-8)
    np.testing.assert_allclose([way.score(value) for value in values], scores, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("given", KINDS)
def test_slope_is_the_derivative_of_the_value(given):
    way, step = Score(given), 1e-3
    for score in (-5.0, -1.0, -0.1, 0.0, 0.7, 2.0, 5.0):
        near, far = (way.value(score + k * step) - way.value(score - k * step) for k in (1, 2))
        assert way.slope(score) == pytest.approx((8 * near - far) / (12 * step), rel=1e-6)


@pytest.mark.parametrize("given", KINDS)
def test_density_holds_its_jacobian(given):
    way = Score(given)
    low, high = given.at_score(np.array([-8.0, 8.0]))
    total, _ = quad(lambda value: math.exp(way.log_density(value)), low, high, points=given.at_score(np.arange(-5.0, 6.0)))
    assert total == pytest.approx(1.0, abs=1e-6)


def test_density_equals_scipy():
    way = Score(LogNormal(2.0, 0.5))
    for value in (0.1, 1.0, 7.0):
        assert way.log_density(value) == pytest.approx(stats.lognorm(0.5, scale=2.0).logpdf(value), abs=1e-12)
    cut = Score(Normal(3.0, 2.0, -1.0, 4.0))
    assert cut.log_density(0.3) == pytest.approx(stats.truncnorm(-2.0, 0.5, 3.0, 2.0).logpdf(0.3), abs=1e-12)
    assert Score(Uniform(0.0, 4.0)).log_density(0.3) == pytest.approx(math.log(0.25), abs=1e-12)


def test_wide_cuts_change_nothing_even_far_out():
    way = Score(LogNormal(2.22, 0.476, 1e-5, 1e5))
    for score in (-12.0, -8.0, 8.0, 12.0):
        assert way.value(score) == pytest.approx(2.22 * math.exp(0.476 * score), rel=1e-9)
        assert way.slope(score) == pytest.approx(0.476 * way.value(score), rel=1e-9)


def test_no_score_leaves_the_cuts():
    way = Score(LogNormal(2.0, 0.5, 0.5, 3.0))
    assert 0.5 <= way.value(-29.0) < 0.51
    assert 2.99 < way.value(29.0) <= 3.0


@pytest.mark.parametrize("given", [Constant(1.0), Quantiles({0: 1, 0.5: 2, 1: 4})])
def test_what_cannot_be_searched_is_refused(given):
    with pytest.raises(ParameterError, match="no prior to search with"):
        Score(given)


def test_values_outside_have_no_score():
    with pytest.raises(ParameterError, match="reaches from 0 to 1"):
        Score(Uniform(0.0, 1.0)).score(1.5)


def test_share_between_scores_is_exact_in_the_middle_and_finite_in_the_tails():
    low, high = np.array([-1.0, -np.inf, 2.0, -3.0, -0.1]), np.array([1.0, 0.3, np.inf, 2.0, 5.0])
    np.testing.assert_allclose(log_share_between(low, high), np.log(stats.norm.cdf(high) - stats.norm.cdf(low)), rtol=1e-12)
    # Between 38 and 39 standard deviations nearly all lies beyond the nearer end.
    assert log_share_between(np.array([38.0]), np.array([39.0]))[0] == pytest.approx(log_ndtr(-38.0), rel=1e-12)
    assert log_share_between(np.array([-39.0]), np.array([-38.0]))[0] == pytest.approx(log_ndtr(-38.0), rel=1e-12)
    assert np.isfinite(log_share_between(np.array([1e3]), np.array([1e3 + 1.0])))[0]
