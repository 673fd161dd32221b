"""The likelihood of published groups against SciPy's distributions, its slope against differences."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from bitesim.foundation.errors import ParameterError
from bitesim.inference.grouped_evidence import GroupedEvidence, wilson_interval

SHARE = GroupedEvidence("proportion", 0.24, 0.115, 0.434, k=6, n=25)
MEAN = GroupedEvidence("mean", 229.0, 178.2, 279.8)
MEDIAN = GroupedEvidence("median", 1.2, 0.97, 1.75)
ODDS = GroupedEvidence("odds ratio", 3.5, 2.23, 5.48)


@pytest.mark.parametrize("share", [0.01, 0.24, 0.5, 0.9])
def test_a_share_is_binomial(share: float) -> None:
    expected = binom.logpmf(6, 25, share) - binom.logpmf(6, 25, 0.24)
    assert SHARE.log_likelihood(share) == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_a_mean_is_normal_and_a_median_log_normal_with_an_sd_each_side() -> None:
    sd = 50.8 / 1.959963984540054
    assert MEAN.log_likelihood(300.0) == pytest.approx(norm.logpdf(300, 229, sd) - norm.logpdf(229, 229, sd), rel=1e-12)
    above, below = math.log(1.75 / 1.2) / 1.959963984540054, math.log(1.2 / 0.97) / 1.959963984540054
    assert MEDIAN.log_likelihood(2.0) == pytest.approx(-0.5 * (math.log(2.0 / 1.2) / above) ** 2, rel=1e-12)
    assert MEDIAN.log_likelihood(1.0) == pytest.approx(-0.5 * (math.log(1.0 / 1.2) / below) ** 2, rel=1e-12)


@pytest.mark.parametrize("evidence", [SHARE, MEAN, MEDIAN, ODDS])
def test_the_ends_of_an_interval_lose_what_a_95_percent_interval_loses(evidence: GroupedEvidence) -> None:
    # The score interval of a share is not that of the likelihood: a third apart at 25 patients.
    tolerance = 0.35 if evidence.kind == "proportion" else 1e-9
    for end in (evidence.low, evidence.high):
        assert abs(evidence.residual(end)) == pytest.approx(1.96, abs=max(tolerance, 1e-4))


@pytest.mark.parametrize("evidence", [SHARE, MEAN, MEDIAN, ODDS])
@pytest.mark.parametrize("factor", [0.7, 0.95, 1.05, 1.6])
def test_the_slope_is_that_of_the_log_likelihood(evidence: GroupedEvidence, factor: float) -> None:
    value = evidence.published * factor
    step = 1e-5 * value
    difference = (evidence.log_likelihood(value + step) - evidence.log_likelihood(value - step)) / (2.0 * step)
    assert evidence.slope(value) == pytest.approx(difference, rel=1e-6)


def test_a_fact_of_all_patients_is_finite_at_a_share_of_0() -> None:
    everybody = GroupedEvidence("proportion", 1.0, 0.77, 1.0, k=13, n=13)
    assert np.isfinite(everybody.log_likelihood(0.0))
    assert everybody.residual(1.0) == pytest.approx(0.0, abs=0.01)
    assert everybody.residual(0.9) == pytest.approx(-math.sqrt(-2.0 * 13.0 * math.log(0.9)), rel=1e-4)


def test_the_score_interval_covers_as_it_says() -> None:
    """Null: coverage of 27 of 29 drawn shares is 95 % on average over shares; exact, by summing the binomial."""
    cover = []
    for share in np.linspace(0.05, 0.95, 19):
        ends = [wilson_interval(k, 29) for k in range(30)]
        cover.append(sum(binom.pmf(k, 29, share) for k, (low, high) in enumerate(ends) if low <= share <= high))
    assert 0.945 < np.mean(cover) < 0.965
    assert wilson_interval(27, 29) == pytest.approx((0.7804, 0.9809), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("proportion", 24.0, 11.5, 43.4, 6, 25), "in percent"),
        (("proportion", 0.24, 0.115, 0.434, 26, 25), "k of n"),
        (("median", 1.0, 1.2, 1.5), "low <= published"),
        (("odds ratio", 1.0, 0.0, 1.5), "above 0"),
        (("medain", 1.0, 0.5, 1.5), "median"),
    ],
)
def test_evidence_that_cannot_be_is_refused(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        GroupedEvidence(*arguments)  # type: ignore[arg-type]


def test_a_model_that_says_percent_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"78 % is 0\.78"):
        SHARE.residual(24.0)
    with pytest.raises(ParameterError, match="logarithm"):
        ODDS.residual(0.0)
