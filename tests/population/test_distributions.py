"""Distributions between patients, against SciPy's; a Kolmogorov-Smirnov test passes a true one with probability 1 - 1e-4."""

import math

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.population import Constant, LogitNormal, LogNormal, Normal, Quantiles, Uniform

SCORES = np.random.default_rng(20).standard_normal(20_000)
LEAST_P = 1e-4


def cut(distribution, low, high):
    """Return the CDF of a SciPy distribution cut to [low, high]."""
    below, above = distribution.cdf(low), distribution.cdf(high)
    return lambda x: np.clip((distribution.cdf(x) - below) / (above - below), 0.0, 1.0)


class Logit:
    """The CDF of a logit-normal by its definition."""

    @staticmethod
    def cdf(x):
        return stats.norm.cdf((np.log(x / (1 - np.asarray(x))) - math.log(0.25)) / 0.8)


CASES = {
    "normal": (Normal(5.0, 2.0), stats.norm(5.0, 2.0).cdf),
    "normal, cut": (Normal(5.0, 2.0, low=4.0, high=9.0), cut(stats.norm(5.0, 2.0), 4.0, 9.0)),
    "log-normal": (LogNormal(2.2, 0.476), stats.lognorm(0.476, scale=2.2).cdf),
    "log-normal, cut": (LogNormal(2.2, 0.476, high=3.0), cut(stats.lognorm(0.476, scale=2.2), 0.0, 3.0)),
    "log10": (LogNormal.of_log10(-3.0, 1.0), lambda x: stats.norm(-3.0, 1.0).cdf(np.log10(x))),
    "logit-normal": (LogitNormal(0.2, 0.8), Logit.cdf),
    "logit-normal, cut": (LogitNormal(0.2, 0.8, low=0.1, high=0.5), cut(Logit, 0.1, 0.5)),
    "uniform": (Uniform(2.0, 18.0), stats.uniform(2.0, 16.0).cdf),
    "quantiles": (Quantiles({0: 1, 0.25: 6, 0.5: 9, 1: 30}), lambda x: np.interp(x, [1, 6, 9, 30], [0, 0.25, 0.5, 1])),
}


@pytest.mark.parametrize("name", CASES)
def test_values_follow_the_cdf_of_an_independent_implementation(name):
    distribution, cdf = CASES[name]
    values = distribution.at_score(SCORES)
    assert stats.kstest(values, cdf).pvalue > LEAST_P
    np.testing.assert_allclose(distribution.cdf(values), cdf(values), atol=1e-12)
    low, high = distribution.range()
    assert low <= values.min() <= values.max() <= high


@pytest.mark.parametrize("name", CASES)
def test_the_quantile_inverts_the_cdf_and_keeps_the_order(name):
    distribution, _ = CASES[name]
    chances = np.array([1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6])
    np.testing.assert_allclose(distribution.cdf(distribution.quantile(chances)), chances, rtol=1e-8)
    assert (np.diff(distribution.at_score(np.sort(SCORES))) >= 0.0).all()


def test_moments_are_those_asked_for():
    # Of 20,000 draws; 4.4 standard errors are passed by all but 1 in 1e5.
    values = np.log(LogNormal(2.2, 0.476).at_score(SCORES))
    assert values.mean() == pytest.approx(math.log(2.2), abs=4.4 * 0.476 / math.sqrt(20_000))
    assert values.std() == pytest.approx(0.476, rel=4.4 / math.sqrt(40_000))


def test_a_far_tail_is_drawn_inside_its_range():
    far = Normal(0.0, 1.0, low=8.0)
    values = far.at_score(SCORES)
    assert stats.kstest(values, lambda x: 1.0 - stats.norm.sf(x) / stats.norm.sf(8.0)).pvalue > LEAST_P
    mirrored = Normal(0.0, 1.0, high=-8.0)
    np.testing.assert_allclose(mirrored.at_score(-SCORES), -values)


def test_a_value_does_not_depend_on_the_others():
    for distribution, _ in CASES.values():
        together = distribution.at_score(SCORES[:101])
        alone = [distribution.at_score(SCORES[k : k + 1])[0] for k in range(101)]
        assert together.tobytes() == np.array(alone).tobytes()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Normal(0.0, -1.0), "sd = -1.*standard deviation"),
        (lambda: Normal(math.nan, 1.0), "mean = nan"),
        (lambda: LogNormal(0.0, 1.0), "median = 0.*positive"),
        (lambda: LogNormal(1.0, 1.0, low=-1.0), "low = -1"),
        (lambda: LogitNormal(20.0, 1.0), "median = 20.*fraction"),
        (lambda: Uniform(3.0, 2.0), "not below high.*exchanged"),
        (lambda: Uniform(0.0, math.inf), "high = inf"),
        (lambda: Normal(0.0, 1.0, low=50.0), "hold none"),
        (lambda: Quantiles({0: 1, 0.5: 9}), "0 to 1"),
        (lambda: Quantiles({0: 1, 0.5: 9, 1: 9}), "increasing"),
        (lambda: Quantiles([1, 2]), "no mapping"),
        (lambda: Constant("3"), "text"),
    ],
)
def test_impossible_distributions_are_refused_by_name(make, says):
    with pytest.raises(ParameterError, match=says):
        make()
