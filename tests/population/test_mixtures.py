"""Mixtures are drawn by one score, from the mixture's own CDF."""

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.population import Constant, LogNormal, Mixture, Normal, Uniform

SCORES = np.random.default_rng(21).standard_normal(20_000)
#: Residual disease after reinduction: those who responded and those who did not.
MRD = Mixture([0.6, 0.4], [LogNormal.of_log10(-2.3, 0.7, -4, -1.3), LogNormal.of_log10(-5.0, 1.0)])


def mrd_cdf(x):
    upper = stats.norm(-2.3, 0.7)
    below, above = upper.cdf(-4), upper.cdf(-1.3)
    return 0.6 * np.clip((upper.cdf(np.log10(x)) - below) / (above - below), 0, 1) + 0.4 * stats.norm(-5, 1).cdf(np.log10(x))


def test_values_follow_the_mixed_cdf():
    values = MRD.at_score(SCORES)
    # A true distribution passes with probability 1 - 1e-4.
    assert stats.kstest(values, mrd_cdf).pvalue > 1e-4
    np.testing.assert_allclose(MRD.cdf(values), stats.norm.cdf(SCORES), atol=1e-12)


def test_the_score_decides_the_rank():
    assert (np.diff(MRD.at_score(np.sort(SCORES))) >= 0.0).all()


def test_components_apart_leave_a_gap():
    apart = Mixture([1, 1], [Uniform(0, 1), Uniform(5, 6)])
    values = apart.at_score(SCORES)
    assert ((values <= 1.0) | (values >= 5.0)).all()
    # Half of 20,000, within 4.4 standard errors: passed by all but 1 in 1e5.
    assert abs((values > 2.0).mean() - 0.5) < 4.4 * 0.5 / np.sqrt(20_000)
    assert apart.range() == (0.0, 6.0)


def test_a_component_without_weight_is_not_drawn():
    alone = Mixture([0, 2], [Uniform(0, 1), Uniform(5, 6)])
    np.testing.assert_allclose(alone.at_score(SCORES), Uniform(5, 6).at_score(SCORES))
    assert alone.range() == (5.0, 6.0)


def test_a_value_does_not_depend_on_the_others():
    together = MRD.at_score(SCORES[:101])
    assert together.tobytes() == np.array([MRD.at_score(SCORES[k : k + 1])[0] for k in range(101)]).tobytes()


@pytest.mark.parametrize(
    ("weights", "components", "says"),
    [
        ([0.5, -0.5], [Normal(0, 1), Normal(1, 1)], r"weights\[1\] = -0.5"),
        ([np.nan, 1], [Normal(0, 1), Normal(1, 1)], r"weights\[0\] = nan"),
        ([1.0], [Normal(0, 1), Normal(1, 1)], "1.*2 components"),
        ([0, 0], [Normal(0, 1), Normal(1, 1)], "above 0"),
        ([], [], "one weight for each"),
        ([1, 1], [Normal(0, 1), Constant(1)], "constant"),
        ([1], ["normal"], "components"),
    ],
)
def test_bad_weights_and_components_are_refused(weights, components, says):
    with pytest.raises(ParameterError, match=says):
        Mixture(weights, components)
