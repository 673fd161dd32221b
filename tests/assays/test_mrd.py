"""MRD measurements: limits, three outcomes, and a likelihood that belongs to the sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.assays import DrawKey, MrdAssay, MrdOutcome, MrdSample

EXACT = MrdAssay("counting", 500_000, 3, 10, sd_log10=0.0)
NOISY = MrdAssay("flow", 500_000, 3, 10)
SMALL = MrdAssay("small", 1000, 3, 10)
FRACTIONS = np.append(np.logspace(-8, -0.5, 31), [0.9, 1.0])
#: Samples for all that must hold whatever the sample.
SAMPLES = [
    MrdSample(NOISY),
    MrdSample(NOISY, 61_234, haemodilution=0.7),
    MrdSample(MrdAssay("haematogones", 500_000, 3, 10, background_per_cell=4e-6), haemodilution=0.2),
    MrdSample(EXACT),
    MrdSample(MrdAssay("one threshold", 500_000, 5, 5)),
]


def test_a_poor_sample_has_worse_limits() -> None:
    poor = MrdSample(NOISY, 50_000)
    assert poor.limit_of_detection == 10.0 * MrdSample(NOISY).limit_of_detection
    assert np.all(poor.probabilities(FRACTIONS[:20]).detected < MrdSample(NOISY).probabilities(FRACTIONS[:20]).detected)


def test_detection_at_the_limit_is_the_poisson_tail() -> None:
    sample = MrdSample(EXACT)
    # The binomial is within cells * fraction**2 of Poisson (Le Cam).
    detected = sample.probabilities(sample.limit_of_detection).detected
    assert detected == pytest.approx(1.0 - stats.poisson.cdf(2, 3.0), abs=500_000 * sample.limit_of_detection**2)
    quantified = sample.probabilities(sample.limit_of_quantification).quantified
    assert quantified == pytest.approx(1.0 - stats.poisson.cdf(9, 10.0), abs=500_000 * sample.limit_of_quantification**2)


def test_detection_with_error_is_the_poisson_tail_averaged_over_it() -> None:
    z = np.linspace(-9.0, 9.0, 4001)
    weights = stats.norm.pdf(z) * (z[1] - z[0])
    for fraction in (1e-6, 6e-6, 3e-5):
        mean = 500_000 * fraction * 10.0 ** (0.3 * z)
        expected = np.sum(weights * stats.poisson.sf(2, mean)), np.sum(weights * stats.poisson.sf(9, mean))
        got = MrdSample(NOISY).probabilities(fraction)
        assert (float(got.detected), float(got.quantified)) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.assay.name)
def test_outcomes_are_probabilities_that_move_with_the_disease(sample: MrdSample) -> None:
    got = sample.probabilities(FRACTIONS)
    total = got.not_detected + got.positive_not_quantifiable + got.quantified
    assert total == pytest.approx(np.ones_like(FRACTIONS), abs=1e-12)
    assert np.all(np.diff(got.not_detected) <= 1e-14)
    assert np.all(np.diff(got.quantified) >= -1e-11)


@pytest.mark.parametrize("fraction", [1e-6, 1e-3, 0.05, 0.6, 1.0])
def test_the_quantified_part_is_the_sum_over_its_values(fraction: float) -> None:
    sample = MrdSample(SMALL, haemodilution=0.1)
    values = np.arange(10, 1001) / 1000
    quantified = np.sum(np.exp(sample.log_likelihood("quantified", values, fraction)))
    got = sample.probabilities(fraction)
    assert got.not_detected + got.positive_not_quantifiable + quantified == pytest.approx(1.0, abs=1e-12)
    assert got.quantified == pytest.approx(quantified, abs=1e-12)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.assay.name)
@pytest.mark.parametrize("fraction", [1e-6, 1e-5, 1e-4])
def test_samples_follow_the_probabilities(sample: MrdSample, fraction: float) -> None:
    number = 40_000
    outcomes = sample.sample(fraction, DrawKey(11, np.arange(number))).outcomes
    got = sample.probabilities(fraction)
    expected = number * np.array([got.not_detected, got.positive_not_quantifiable, got.quantified])
    observed = np.bincount(outcomes, minlength=3)
    common = expected > 5.0
    assert np.all(np.abs(observed - expected)[~common] < 30.0)
    if common.sum() > 1:
        # Chi-squared; the seed is fixed: each of 15 cases fails for one seed in 10,000 of a correct sampler.
        statistic = np.sum((observed - expected)[common] ** 2 / expected[common])
        assert stats.chi2.sf(statistic, common.sum() - 1) > 1e-4


def test_values_follow_the_likelihood() -> None:
    sample, number = MrdSample(SMALL), 50_000
    results = sample.sample(0.02, DrawKey(5, np.arange(number)))
    quantified = results.outcomes == MrdOutcome.QUANTIFIED
    assert np.array_equal(np.isnan(results.values), ~quantified)
    counts = np.rint(results.values[quantified] * 1000)
    edges = np.array([10, 12, 15, 20, 27, 36, 50, 1001])
    pmf = np.exp(sample.log_likelihood("quantified", np.arange(10, 1001) / 1000, 0.02))
    expected = number * np.add.reduceat(pmf, edges[:-1] - 10)
    observed = np.histogram(counts, edges)[0]
    # Seven bins of an incomplete multinomial: a correct sampler fails for one seed in 1000.
    statistic = np.sum((observed - expected) ** 2 / expected) + (observed.sum() - expected.sum()) ** 2 / (
        number - expected.sum()
    )
    assert stats.chi2.sf(statistic, 7) > 1e-3


def test_likelihood_of_the_outcomes_is_their_probability() -> None:
    sample = SAMPLES[2]
    outcomes = np.array([[MrdOutcome.NOT_DETECTED], [MrdOutcome.POSITIVE_NOT_QUANTIFIABLE]])
    logs = sample.log_likelihood(outcomes, None, FRACTIONS)
    got = sample.probabilities(FRACTIONS)
    assert logs.shape == (2, FRACTIONS.size)
    assert np.exp(logs) == pytest.approx(np.array([got.not_detected, got.positive_not_quantifiable]), abs=1e-14)


REPORTS: list[tuple[str, float | None]] = [
    ("not_detected", None),
    ("positive_not_quantifiable", None),
    ("quantified", 3.1e-4),
]


@pytest.mark.parametrize("sample", SAMPLES[:4], ids=lambda sample: sample.assay.name)
@pytest.mark.parametrize(("outcome", "value"), REPORTS)
def test_the_slope_is_the_derivative_in_ln_fraction(sample: MrdSample, outcome: str, value: float | None) -> None:
    fractions, step = np.array([1e-8, 1e-6, 1e-5, 1e-4, 1e-2, 0.3]), 1e-3
    moved = fractions * np.exp(step * np.array([-2.0, -1.0, 1.0, 2.0]))[:, None]
    logs = sample.log_likelihood(outcome, value, moved, 1e-6)
    # Five points: error step**4 times the fifth derivative.
    derivative = (logs[0] - 8.0 * logs[1] + 8.0 * logs[2] - logs[3]) / (12.0 * step)
    slope = sample.log_likelihood_slope(outcome, value, fractions, 1e-6)
    noise = 2e-13 * np.max(np.abs(logs), axis=0) / step
    assert np.all(np.abs(slope - derivative) < 1e-7 * np.abs(derivative) + 1e-9 + noise)


@pytest.mark.parametrize("sample", SAMPLES[:4], ids=lambda sample: sample.assay.name)
@pytest.mark.parametrize(("outcome", "value"), REPORTS)
def test_every_fraction_above_zero_has_a_finite_likelihood(sample: MrdSample, outcome: str, value: float | None) -> None:
    fractions = np.array([1e-300, 1e-100, 1e-30, 1e-10, 0.5, 0.99, 1.0])
    for result in (sample.log_likelihood, sample.log_likelihood_slope):
        assert np.all(np.isfinite(result(outcome, value, fractions)))


def test_no_disease_is_certainly_not_detected_without_background() -> None:
    clean, background = MrdSample(NOISY), SAMPLES[2]
    assert [clean.log_likelihood(outcome, value, 0.0) for outcome, value in REPORTS] == [0.0, -np.inf, -np.inf]
    assert [clean.log_likelihood_slope(outcome, value, 0.0) for outcome, value in REPORTS] == [0.0, 3.0, 155.0]
    for outcome, value in REPORTS:
        assert np.isfinite(background.log_likelihood(outcome, value, 0.0))
        assert background.log_likelihood_slope(outcome, value, 0.0) == 0.0
    # The slope at 0 is the limit from above.
    assert clean.log_likelihood_slope(*REPORTS[1], 1e-300) == pytest.approx(3.0)
    assert clean.log_likelihood_slope(*REPORTS[2], 1e-300) == pytest.approx(155.0)


def test_background_is_counted_like_disease() -> None:
    sample = MrdSample(MrdAssay("haematogones", 500_000, 3, 10, background_per_cell=1e-5))
    plain = MrdSample(NOISY)
    assert sample.counted_fraction(0.0) == 1e-5
    assert sample.probabilities(0.0).detected == pytest.approx(plain.probabilities(1e-5).detected, rel=1e-12)


def test_haemodilution_hides_marrow_disease_and_shows_blood() -> None:
    diluted, pure = MrdSample(NOISY, haemodilution=0.9), MrdSample(NOISY)
    assert diluted.counted_fraction(1e-3) == pytest.approx(1e-4)
    assert diluted.counted_fraction(1e-3, 1e-2) == pytest.approx(1e-4 + 9e-3)
    assert diluted.log_likelihood("not_detected", None, 1e-4) == pytest.approx(
        pure.log_likelihood("not_detected", None, 1e-5)
    )
    only_blood = MrdSample(NOISY, haemodilution=1.0)
    assert only_blood.probabilities(1.0).not_detected == 1.0
    assert only_blood.log_likelihood_slope("not_detected", None, 1e-3, 1e-5) == 0.0


def test_a_value_is_read_as_the_nearest_count() -> None:
    sample = MrdSample(NOISY)
    assert sample.log_likelihood("quantified", 3.1001e-4, 1e-4) == sample.log_likelihood("quantified", 3.1e-4, 1e-4)
    everything = sample.sample(np.full(500, 5e-5), DrawKey(3, np.arange(500)))
    logs = sample.log_likelihood(everything.outcomes, everything.values, 5e-5)
    assert np.all(np.isfinite(logs))


def test_luck_belongs_to_the_patient() -> None:
    sample, fractions = MrdSample(NOISY), np.full(50, 2e-5)
    all_of_them = sample.sample(fractions, DrawKey(1, np.arange(50)))
    some = sample.sample(fractions[:5], DrawKey(1, np.arange(5)))
    assert np.array_equal(all_of_them.values[:5], some.values, equal_nan=True)
    other = MrdSample(MrdAssay("other", 500_000, 3, 10)).sample(fractions, DrawKey(1, np.arange(50)))
    assert not np.array_equal(all_of_them.outcomes, other.outcomes)
    # The median of a binomial count with the mean 10 is 10.
    assert sample.sample(2e-5, [0.5, 0.5]).texts == ["2.0e-5"]
    assert sample.sample(2e-5, [0.1, 0.5]).texts == ["positive, not quantifiable (< 2.0e-5)"]
    assert sample.sample(2e-5, [0.01, 0.1]).texts == ["not detected (< 6.0e-6)"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MrdSample(NOISY).probabilities(5), ["mrd_fraction = 5", "0 to 1", "5 % is 0.05"]),
        (lambda: MrdSample(NOISY).probabilities(0.1, 20), ["blood_blast_fraction = 20", "20 % is 0.2"]),
        (lambda: MrdSample(NOISY, haemodilution=30), ["haemodilution = 30", "30 % is 0.3"]),
        (lambda: MrdSample(NOISY, -100), ["cells_analysed = -100", "100 to 1e+09"]),
        (lambda: MrdSample(MrdAssay("x", 5e5, 3, 500), 400), ["cells_analysed = 400", "500 target cells"]),
        (lambda: MrdSample("NGS"), ["'NGS'", "MrdAssay"]),  # type: ignore[arg-type]
        (lambda: MrdSample(NOISY).log_likelihood("quantifed", 1e-3, 1e-3), ["Did you mean 'quantified'"]),
        (lambda: MrdSample(NOISY).log_likelihood("quantified", 1e-6, 1e-3), ["value = 1e-06", "below 2.0e-5 has no value"]),
        (lambda: MrdSample(NOISY).log_likelihood("quantified", None, 1e-3), ["value = nan", "quantified"]),
        (lambda: MrdSample(NOISY).log_likelihood("not_detected", 1e-3, 1e-3), ["value = 0.001", "None or nan"]),
        (lambda: MrdSample(NOISY, haemodilution=[0.1, 0.2]), ["haemodilution", "(2,)", "one number"]),  # type: ignore[arg-type]
        (lambda: MrdSample(NOISY).sample([1e-3, 1e-4], DrawKey(1, [0, 1, 2])), ["mrd_fraction (2,)", "luck (3,)"]),
        (lambda: MrdSample(NOISY).log_likelihood(["not_detected"] * 3, None, [1e-3, 1e-4]), ["outcome (3,)", "(2,)"]),
        (lambda: MrdSample(NOISY).sample(1e-3, 42), ["DrawKey(seed=42"]),
    ],
)
def test_refusals_name_value_range_and_intent(call: Any, words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
